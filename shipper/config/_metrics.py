"""`[metrics]`: where counters and health are served."""

from __future__ import annotations

from shipper.closed import Closed
from shipper.config._http_address import HttpAddress, address_of


class Metrics(Closed):
    """`/metrics` for Prometheus, `/health/live` and `/health/ready`, of `shipper run`."""

    listen: HttpAddress | None = None
    """Where they are served, like `http://127.0.0.1:9899`; by default nowhere. They name the machines that send."""

    @property
    def address(self) -> tuple[str, int] | None:
        """The address to bind, without brackets, and the port; 0 lets the kernel choose. None: do not listen."""
        return None if self.listen is None else address_of(self.listen)
