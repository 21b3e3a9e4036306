"""What is put into Elasticsearch and Kibana, and whether it is there: the templates of the daily indices, dashboards.

1. `install` writes three templates, named after the index prefix (`haproxy@mappings`, `haproxy@settings`, `haproxy`):
   several prefixes live side by side. It may run any number of times, and says what it changed.
2. `haproxy@custom` is the user's: it is read last, so that it has the last word, and is never written.
3. A template of these names that shipper did not make, or that a newer shipper made, is never overwritten.
4. Nothing here needs a part of Elasticsearch that a small or a restricted server lacks: what may be missing is asked
   for first.
"""

from shipper.setup._check import Problem, check
from shipper.setup._client import Client
from shipper.setup._install import Change, install
from shipper.setup._kibana import import_dashboards, reach_kibana
from shipper.setup._lifecycle import check_policy, install_policy, lifecycle_settings
from shipper.setup._privileges import check_privileges
from shipper.setup._prune import Day, clock_of, day_of, days, overdue, prune
from shipper.setup._ready import ensure_tomorrow, ready
from shipper.setup._templates import INDEX_BYTES_PER_LINE, index_name, shards_for

__all__ = [
    "INDEX_BYTES_PER_LINE",
    "Change",
    "Client",
    "Day",
    "Problem",
    "check",
    "check_policy",
    "check_privileges",
    "clock_of",
    "day_of",
    "days",
    "ensure_tomorrow",
    "import_dashboards",
    "index_name",
    "install",
    "install_policy",
    "lifecycle_settings",
    "overdue",
    "prune",
    "reach_kibana",
    "ready",
    "shards_for",
]
