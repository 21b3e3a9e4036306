"""What shipper says of itself."""

from __future__ import annotations

import io
import json
import re
from contextlib import suppress
from typing import TYPE_CHECKING

import pytest
import structlog

from shipper import telemetry

if TYPE_CHECKING:
    from collections.abc import Iterator


class _Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    before = structlog.get_config()
    yield
    structlog.configure(**before)


def test_an_event_is_a_line_of_json_where_there_is_no_terminal() -> None:
    stream = io.StringIO()
    telemetry.configure("info", stream)
    structlog.get_logger().warning("index_held", index="haproxy-2026.11.21")
    (line,) = stream.getvalue().splitlines()
    event = json.loads(line)
    assert (event["event"], event["level"], event["index"]) == ("index_held", "warning", "haproxy-2026.11.21")


def test_a_terminal_gets_a_readable_line() -> None:
    stream = _Terminal()
    telemetry.configure("info", stream)
    structlog.get_logger().info("child_started", pid=1)
    assert "child_started" in stream.getvalue()
    assert "{" not in stream.getvalue()


@pytest.mark.parametrize("time_ns", [1_795_237_323_000_000_000, 1_795_237_323_000_001_999])
def test_a_timestamp_has_six_digits_whatever_the_clock_says(monkeypatch: pytest.MonkeyPatch, time_ns: int) -> None:
    stream = io.StringIO()
    telemetry.configure("info", stream)
    monkeypatch.setattr("shipper.telemetry.time.time_ns", lambda: time_ns)
    structlog.get_logger().info("progress")
    timestamp = json.loads(stream.getvalue())["timestamp"]
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", timestamp)


def test_events_below_the_level_are_not_written() -> None:
    stream = io.StringIO()
    telemetry.configure("warning", stream)
    structlog.get_logger().info("progress")
    assert stream.getvalue() == ""


def test_an_exception_is_told_inside_its_line() -> None:
    stream = io.StringIO()
    telemetry.configure("info", stream)
    with suppress(ZeroDivisionError):
        _crash()
    (line,) = stream.getvalue().splitlines()
    assert "ZeroDivisionError" in json.loads(line)["exception"]


@pytest.mark.parametrize("stream", [io.StringIO(), _Terminal()], ids=["file", "terminal"])
def test_a_traceback_shows_no_values(stream: io.StringIO) -> None:
    telemetry.configure("info", stream)
    with suppress(ZeroDivisionError):
        _crash("to be kept " + "secret")
    assert "ZeroDivisionError" in stream.getvalue()
    assert "to be kept secret" not in stream.getvalue()


def _crash(_credential: str = "") -> None:
    try:
        _ = 1 / 0
    except ZeroDivisionError:
        structlog.get_logger().exception("child_crashed")
        raise
