"""Reading haproxy.cfg as HAProxy does, for what it tells of the log: formats, captures, targets.

Pure: text in, values out. `shipper.haproxy_files` finds and reads the files.
"""

from shipper.haproxy.cfg._advice import advice
from shipper.haproxy.cfg._formats import DerivedFormat, formats
from shipper.haproxy.cfg._model import Capture, Frontend, HAProxyConfig, LogTarget, Note, Profile
from shipper.haproxy.cfg._reader import read

__all__ = [
    "Capture",
    "DerivedFormat",
    "Frontend",
    "HAProxyConfig",
    "LogTarget",
    "Note",
    "Profile",
    "advice",
    "formats",
    "read",
]
