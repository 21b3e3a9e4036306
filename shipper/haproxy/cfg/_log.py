"""The words of a `log` line, and which lines HAProxy would refuse (manual, 3.1 and 4.2)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from shipper.haproxy.cfg._model import LENGTH_DEFAULT, LogTarget

if TYPE_CHECKING:
    from shipper.haproxy.cfg._lines import Line

LEVELS: Final = ("emerg", "alert", "crit", "err", "warning", "notice", "info", "debug")
"""The most severe first."""
HEADERS: Final = frozenset({"local", "rfc3164", "rfc5424", "priority", "short", "timed", "iso", "raw"})
_FACILITIES: Final = frozenset({
    "kern", "user", "mail", "daemon", "auth", "syslog", "lpr", "news", "uucp", "cron", "auth2", "ftp", "ntp", "audit",
    "alert", "cron2", *(f"local{number}" for number in range(8)),
})  # fmt: skip
_LENGTH_MIN: Final = 80
_LENGTH_MAX: Final = 65_535
_NUMBER: Final = re.compile(r"[0-9]{1,6}")
_SAMPLE: Final = re.compile(r"[0-9]{1,6}(?:-[0-9]{1,6})?(?:,[0-9]{1,6}(?:-[0-9]{1,6})?)*:[0-9]{1,6}")
_OPTIONS: Final = {"len": "length", "format": "format", "sample": "sample", "profile": "profile"}


def target(line: Line) -> LogTarget:
    """Read `log ADDRESS [len N] [format F] [sample S] [profile P] FACILITY [LEVEL [LEVEL]]`. Raises ConfigError."""
    address, *rest = line.words[1:] or ("",)
    values: dict[str, str] = {}
    while rest and rest[0] in _OPTIONS:
        if len(rest) == 1:
            raise line.wrong(f"log: {rest[0]!r} needs a value")
        values[_OPTIONS[rest[0]]] = rest[1]
        rest = rest[2:]
    if not address or not rest:
        raise line.wrong("log: an address and a facility are expected, like `log 127.0.0.1:5140 local0`")
    facility, *levels = rest
    if facility not in _FACILITIES:
        raise line.wrong(f"log: unknown facility {facility!r}")
    if any(level not in LEVELS for level in levels) or len(levels) > 2:  # noqa: PLR2004 -- the least and the most severe
        raise line.wrong(f"log: at most two levels of {', '.join(LEVELS)} are expected, not {' '.join(levels)!r}")
    if "sample" in values and not _SAMPLE.fullmatch(values["sample"]):
        raise line.wrong(f"log: sample {values['sample']!r}: RANGES:SIZE is expected, like 1:10")
    level, level_min = {0: ("debug", "emerg"), 1: (*levels, "emerg"), 2: levels}[len(levels)]
    return LogTarget(
        line.place,
        address,
        facility,
        level,
        level_min,
        length=length(line, values["length"]) if "length" in values else LENGTH_DEFAULT,
        format=header(line, values["format"]) if "format" in values else "",
        sample=values.get("sample"),
        profile=values.get("profile"),
    )


def length(line: Line, text: str) -> int:
    """Read the bound of a message, in bytes. Raises ConfigError."""
    if not _NUMBER.fullmatch(text) or not _LENGTH_MIN <= int(text) <= _LENGTH_MAX:
        raise line.wrong(f"length {text!r}: {_LENGTH_MIN} to {_LENGTH_MAX} is expected")
    return int(text)


def header(line: Line, name: str) -> str:
    """Read the name of a header format. Raises ConfigError."""
    if name not in HEADERS:
        raise line.wrong(f"unknown format {name!r}; known are {', '.join(sorted(HEADERS))}")
    return name
