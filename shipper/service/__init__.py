"""What a running shipper tells of itself."""

from shipper.service._accounts import Accounts, Clocks
from shipper.service._socket import NoStatusError, StatusServer, fetch
from shipper.service._status import Expected, Sender, Status

__all__ = ["Accounts", "Clocks", "Expected", "NoStatusError", "Sender", "Status", "StatusServer", "fetch"]
