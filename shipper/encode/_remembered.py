"""What lines have in common, looked up once and remembered within a bound: headers, zones, the days of indices."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from shipper.haproxy.syslog import read_header
from shipper.limits import VALUE_REMEMBERED_BYTES_MAX, VALUES_REMEMBERED_MAX

if TYPE_CHECKING:
    from shipper.haproxy.interpretation import Interpretation
    from shipper.haproxy.syslog import Header
    from shipper.journal.entry import Origin


class Headers(dict[bytes, "Header"]):
    """Headers by their bytes: a busy HAProxy writes the same one for a second."""

    def __missing__(self, raw: bytes) -> Header:
        """Read a header, and remember it within the bound."""
        header = read_header(raw)
        if len(raw) <= VALUE_REMEMBERED_BYTES_MAX:
            if len(self) >= VALUES_REMEMBERED_MAX:
                self.clear()
            self[raw] = header
        return header


class Zones(dict["Origin", str]):
    """The zone of each origin's dates."""

    def __init__(self, interpretation: Interpretation) -> None:
        super().__init__()
        self._interpretation = interpretation

    def __missing__(self, origin: Origin) -> str:
        """Look a zone up, and remember it within the bound."""
        if len(self) >= VALUES_REMEMBERED_MAX:
            self.clear()
        zone = self[origin] = self._interpretation.zone_of(origin.listener, origin.address)
        return zone


class Days(dict[int, str]):
    """Index names by the number of the day since 1970."""

    def __init__(self, interpretation: Interpretation) -> None:
        super().__init__()
        self._index = interpretation.index

    def __missing__(self, number: int) -> str:
        """Write the name of a day's index, and remember it within the bound."""
        if len(self) >= VALUES_REMEMBERED_MAX:
            self.clear()
        day = datetime.fromtimestamp(number * 86_400, UTC)
        name = self[number] = f"{self._index.prefix}-{day.strftime(self._index.date_format)}"
        return name
