"""A moment on the command line: `2026-11-21`, `2026-11-21T05:02`, `2026-11-21T05:02:17.5+01:00`."""

from __future__ import annotations

import re
from typing import Final

from shipper.errors import ConfigError
from shipper.haproxy.timestamps import read_iso, zone_moment

_MOMENT: Final = re.compile(
    r"(?P<day>\d{4}-\d\d-\d\d)"
    r"(?:[T ](?P<minute>\d\d:\d\d)(?P<second>:\d\d(?:[.,]\d{1,9})?)?(?P<offset>Z|[+-]\d\d:?\d\d)?)?",
    re.ASCII,
)


def read_moment(option: str, text: str, zone: str) -> int:
    """Give microseconds since 1970, by the offset or else in ``zone``; what is left out is 0.

    Raises ConfigError, which names ``option``.
    """
    match = _MOMENT.fullmatch(text)
    parts = match.groupdict() if match else {}
    iso = (
        f"{parts['day']}T{parts['minute'] or '00:00'}{parts['second'] or ':00'}{parts['offset'] or ''}" if parts else ""
    )
    found = read_iso(iso.encode())
    if found is None:
        raise ConfigError(f"{option} {text}: a date like 2026-11-21 or 2026-11-21T05:02+01:00 is expected")
    wall_us, offset_us = found
    return wall_us - offset_us if offset_us is not None else zone_moment(zone, wall_us, None)
