"""The web page: files that come with shipper, and JSON answers to a fixed list of questions.

1. Read-only: GET and HEAD. What can be asked is what ``Questions`` can answer; nothing else of Elasticsearch, and
   nothing of the disk but ``static/``, can be reached.
2. Nobody logs in. So it listens on loopback unless told otherwise, answers only to names that it knows (DNS
   rebinding), and gives no other origin anything to read.
3. What comes from a log line leaves as a JSON string, of a type that no browser runs.
4. Answers are kept nowhere: one that is on its way is shared by all who ask the same, and then it is gone.
"""

from shipper.dashboard._app import STATIC, application
from shipper.dashboard._contract import Parameters, Question, Questions, Trouble
from shipper.dashboard._names import allowed_names, is_loopback
from shipper.dashboard._server import listen, serve

__all__ = [
    "STATIC",
    "Parameters",
    "Question",
    "Questions",
    "Trouble",
    "allowed_names",
    "application",
    "is_loopback",
    "listen",
    "serve",
]
