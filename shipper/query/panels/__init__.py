"""The panels of the dashboard: each is a search, made of what a person looks at, and the reading of its answer.

1. A panel is one search. Its body is a function of the view alone, with times rounded to the interval: equal views
   are equal searches, for Elasticsearch's request cache and for whoever shares an answer.
2. Values of a view are only ever values in the body's JSON: never names, paths or scripts.
3. Nothing is asked for that grows with the data: every list has a bound, and says how much is beyond it.
4. ``Panels`` alone asks; everything else here is pure.
"""

from shipper.query.panels._panels import Asked, Panels
from shipper.query.panels._unanswered import Kind, UnansweredError
from shipper.query.panels._view import View

__all__ = ["Asked", "Kind", "Panels", "UnansweredError", "View"]
