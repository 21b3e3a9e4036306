"""`[dashboard]`: where the web page listens, and by which names it may be called."""

from __future__ import annotations

import re
from typing import Annotated, Final

from pydantic import AfterValidator

from shipper.closed import Closed
from shipper.config._http_address import HttpAddress, address_of

_NAME: Final = re.compile(r"[A-Za-z0-9]([A-Za-z0-9.-]{0,251}[A-Za-z0-9])?")


def _name(text: str) -> str:
    if not _NAME.fullmatch(text):
        raise ValueError(f"{text!r}: a host's name without a port is expected, like logs.example.org")
    return text


class Dashboard(Closed):
    """The web page of `shipper dashboard`."""

    listen: HttpAddress = "http://127.0.0.1:8899"
    """Where it is served: `http://ADDRESS:PORT`. Nobody logs in, so anything but loopback shows it to everybody."""
    allowed_hosts: tuple[Annotated[str, AfterValidator(_name)], ...] = ()
    """Names by which browsers may call it, beside `localhost` and the address; a proxy in front has one."""

    @property
    def address(self) -> tuple[str, int]:
        """The address to bind, without brackets, and the port; 0 lets the kernel choose."""
        return address_of(self.listen)
