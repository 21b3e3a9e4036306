"""What shipper says of itself: events by structlog on standard error, readable on a terminal, JSON otherwise.

1. An event is past tense and tells of a batch or an incident, never of a line.
2. Standard output belongs to the command's result.
3. A log is never a reason to fail: what cannot be written is dropped.
4. A traceback shows no values: among the local variables are credentials.
"""

from __future__ import annotations

import logging
import sys
import time
from typing import TYPE_CHECKING, TextIO

import structlog

from shipper.haproxy.timestamps import format_timestamp

if TYPE_CHECKING:
    from structlog.typing import EventDict, Processor, WrappedLogger


def configure(level: str, stream: TextIO | None = None) -> None:
    """Send events of ``level`` and above to ``stream`` (standard error)."""
    out = stream or sys.stderr
    terminal = out.isatty()
    renderers: list[Processor] = (
        [structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)]
        if terminal
        else [structlog.processors.format_exc_info, structlog.processors.JSONRenderer()]
    )
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper("%H:%M:%S", utc=False) if terminal else _timestamp,
            *renderers,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level.upper()]),
        logger_factory=structlog.WriteLoggerFactory(out),
        cache_logger_on_first_use=False,
    )


def _timestamp(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Stamp an event as documents are stamped: isoformat() would leave out `.000000`."""
    event["timestamp"] = format_timestamp(time.time_ns() // 1_000)
    return event
