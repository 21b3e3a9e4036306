"""What a running shipper tells of itself."""

from shipper.service._accounts import Accounts, Clocks
from shipper.service._health import Vitals
from shipper.service._http import open_http, serve_http
from shipper.service._metrics import Metrics
from shipper.service._socket import NoStatusError, StatusServer, fetch
from shipper.service._status import Expected, Sender, Status
from shipper.service._tap import NoTapError, Tapped, TapServer, tap
from shipper.service._timed import Timed

__all__ = [
    "Accounts",
    "Clocks",
    "Expected",
    "Metrics",
    "NoStatusError",
    "NoTapError",
    "Sender",
    "Status",
    "StatusServer",
    "TapServer",
    "Tapped",
    "Timed",
    "Vitals",
    "fetch",
    "open_http",
    "serve_http",
    "tap",
]
