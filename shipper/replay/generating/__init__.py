"""Made-up captures: a site's traffic as HAProxy would have logged it, so that anybody can start without their own.

The same seed gives the same lines. Lines are made one by one: millions of them need no more memory than a few.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Final

from shipper.haproxy.formats import Format
from shipper.haproxy.timestamps import SECOND_US
from shipper.replay.generating._lines import HEADERS, Printer
from shipper.replay.generating._timeline import Timeline

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["HEADERS", "Scenario", "generate"]


HTTPLOG: Final = Format(name="httplog", log_format="httplog")


@dataclass(frozen=True, slots=True)
class Scenario:
    """What to make up."""

    start_us: int
    """When the first request comes, in microseconds since 1970."""
    seed: int = 0
    rate: float = 100.0
    """Requests a second, on average of a day; there are more in the afternoon, and less at night."""
    lines: int | None = None
    """How many lines at most."""
    seconds: float | None = None
    """For how long requests come."""
    log_format: Format = HTTPLOG
    header: str = "local"
    """One of HEADERS."""
    zone: str = "UTC"
    """The IANA zone of the dates."""
    captures: bool = True
    """Whether request and response headers are captured."""


def generate(scenario: Scenario) -> Iterator[bytes]:
    """Give the lines, without line ends, in the order in which HAProxy writes them.

    Raises Permanent for a format with values of which nothing is known.
    """
    printer = Printer(scenario.log_format, scenario.header, scenario.zone, captures=scenario.captures)
    until_us = None if scenario.seconds is None else scenario.start_us + int(scenario.seconds * SECOND_US)
    timeline = Timeline(scenario.seed, scenario.start_us, scenario.rate)
    return map(printer.line, islice(timeline.lines(until_us), scenario.lines))
