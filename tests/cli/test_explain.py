"""`shipper explain`: for a terminal, for a pipe, for programs."""

from __future__ import annotations

import json
import os
import pty
import subprocess
from pathlib import Path

import pytest

from tests.cli.commands import LINE, SHIPPER, clean_environment, shipper

SLOW = (
    b"<134>Nov 21 05:02:47 haproxy[8474]: 192.0.2.44:51822 [21/Nov/2026:05:02:17.873] www shop/shop-1 2/0/1/-1/30003 "
    b'504 198 - - sH-- 12/8/3/1/0 0/0 {shop.example|} {} "GET /cart HTTP/1.1"\n'
)
SURE = "The server did not send response headers in time; it is saturated or stuck."


def test_a_line_on_the_command_line_is_explained() -> None:
    done = shipper("explain", "--timezone", "Europe/Berlin", SLOW.decode().strip())
    assert (done.returncode, done.stderr) == (0, b"")
    text = done.stdout.decode()
    assert "192.0.2.44 port 51822 sent GET /cart to www; shop/shop-1 took it, status 504" in text
    assert "2026-11-21 04:02:17.873 UTC" in text
    assert SURE in text
    assert "[manual 8.5]" in text
    assert "haproxy.time.total_ms" in text
    assert "%Ta" in text


def test_the_waterfall_is_to_scale_and_names_what_was_never_reached() -> None:
    text = shipper("explain", stdin=LINE).stdout.decode()
    bars = {line.split()[0]: line.count("█") for line in text.splitlines() if " %T" in line and "haproxy." not in line}
    assert bars["response"] > 30
    assert bars["queue"] == 0
    denied = shipper("explain", stdin=SLOW.replace(b"2/0/1/-1/30003", b"2/-1/-1/-1/2").replace(b"sH--", b"PR--"))
    assert denied.stdout.decode().count("never reached") == 3


def test_files_stdin_and_lines_may_stand_side_by_side(tmp_path: Path) -> None:
    capture = tmp_path / "haproxy.log"
    capture.write_bytes(LINE + SLOW)
    done = shipper("explain", "--json", capture, SLOW.decode(), "-", stdin=LINE)
    statuses = [json.loads(line)["http"]["response"]["status_code"] for line in done.stdout.splitlines()]
    assert statuses == [200, 504, 504, 200]


def test_programs_get_the_document_with_its_findings() -> None:
    done = shipper("explain", "--json", "--timezone", "UTC", stdin=SLOW)
    parsed = json.loads(shipper("parse", "--timezone", "UTC", stdin=SLOW).stdout)
    explained = json.loads(done.stdout)
    findings = {finding["id"]: finding for finding in explained.pop("explanation")}
    assert explained == parsed
    assert findings["termination.sH"]["text"] == SURE
    assert findings["termination.sH"]["section"] == "8.5"
    assert findings["timers.no_response"]["section"] == "8.4"


def test_a_line_that_is_not_understood_is_shown_with_a_caret_and_exit_1() -> None:
    broken = LINE.replace(b"37/41 ", b"37/41x ")
    done = shipper("explain", stdin=broken)
    assert done.returncode == 1
    lines = done.stdout.decode().splitlines()
    caret = next(number for number, line in enumerate(lines) if line.strip() == "^")
    assert lines[caret - 1][lines[caret].index("^")] == "x"
    assert "expected" in done.stdout.decode()


def test_a_line_without_a_date_is_not_shown_with_that_of_another_as_its_own() -> None:
    for undated in (b"what nobody understands", b"Server shop/a is DOWN, reason: Layer4 timeout."):
        done = shipper("explain", "--timezone", "UTC", stdin=undated + b"\n" + SLOW)
        first, _, second = done.stdout.decode().partition("─")
        assert "no date of its own; the nearest known is 2026-11-21 05:02:17.873 UTC" in first
        assert "@timestamp" not in first
        assert "no date of its own" not in second


def test_without_a_terminal_there_are_no_colours_and_no_escape_sequences_ever() -> None:
    forged = LINE.replace(b"200 1894 - -", b"200 1894 S=\x1b]0;owned\x07\x1b[2J -")
    for stdin in (LINE, forged, b"\x1b[2J\n"):
        out = shipper("explain", stdin=stdin, TERM="xterm-256color", NO_COLOR="").stdout
        assert b"\x1b" not in out
        assert b"\x07" not in out
    assert "\\x1b]0;owned\\x07" in shipper("explain", stdin=forged).stdout.decode()


def test_a_terminal_without_arguments_gets_help() -> None:
    ours, theirs = pty.openpty()
    try:
        done = subprocess.run(
            [SHIPPER, "explain"], stdin=theirs, capture_output=True, env=clean_environment(), timeout=30, check=False
        )
    finally:
        os.close(ours)
        os.close(theirs)
    assert done.returncode == 2
    assert b"Usage: shipper explain" in done.stdout


@pytest.mark.parametrize("argument", ["x " * 5_000, "a\nb", ""])
def test_what_names_no_file_is_a_line_however_odd(argument: str) -> None:
    done = shipper("explain", argument)
    assert done.returncode == int(argument != "")
    assert done.stderr == b""


def test_what_looks_like_a_file_that_is_not_there_is_told_as_such(tmp_path: Path) -> None:
    capture = tmp_path / "haproxy.log"
    capture.write_bytes(LINE)
    done = shipper("explain", capture, "nope.log")
    assert done.returncode == 1
    assert done.stderr == b"shipper: nope.log: no such file, nor a line that is understood; is the path right?\n"
    assert b"shop/shop-1 took it" in done.stdout


def test_an_event_is_explained() -> None:
    event = b"<129>Nov 21 05:02:17 haproxy[1]: Server shop/a is DOWN, reason: Layer4 timeout, check duration: 2001ms.\n"
    done = shipper("explain", stdin=event)
    assert done.returncode == 0
    assert "gets no traffic" in done.stdout.decode()


def test_the_example_of_the_page_is_what_is_printed() -> None:
    page = (Path(__file__).parents[2] / "docs" / "explain.md").read_text(encoding="utf-8")
    line = page.partition("shipper explain '")[2].partition("'\n")[0]
    shown = page.partition("```text\n")[2].partition("```")[0]
    text = shipper("explain", "--timezone", "UTC", line).stdout.decode()
    assert text.split()[: len(shown.split())] == shown.split()
