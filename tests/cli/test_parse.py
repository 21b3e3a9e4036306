"""`shipper parse`: documents for people and for pipes."""

from __future__ import annotations

import json
import subprocess
from typing import TYPE_CHECKING

import pytest

from shipper.cli._lines import Parsed
from shipper.cli._summary import Summary
from shipper.limits import SUMMARY_REASONS_MAX
from tests.cli.commands import LINE, SHIPPER, clean_environment, shipper

if TYPE_CHECKING:
    from pathlib import Path

UNKNOWN = b"this is no line of a log\n"


def test_a_line_on_stdin_becomes_one_document() -> None:
    done = shipper("parse", "--timezone", "Europe/Berlin", stdin=LINE)
    assert (done.returncode, done.stderr) == (0, b"")
    document = json.loads(done.stdout)
    assert document["@timestamp"] == "2026-11-21T04:02:17.873000Z"
    assert document["haproxy"]["time"]["total_ms"] == 41


def test_files_are_read_in_their_order_and_a_dash_is_stdin(tmp_path: Path) -> None:
    first, last = tmp_path / "first.log", tmp_path / "last.log"
    first.write_bytes(LINE.replace(b"www~", b"first"))
    last.write_bytes(LINE.replace(b"www~", b"last"))
    done = shipper("parse", first, "-", last, stdin=LINE)
    assert done.returncode == 0
    frontends = [json.loads(line)["haproxy"]["frontend_name"] for line in done.stdout.splitlines()]
    assert frontends == ["first", "www", "last"]


def test_a_line_that_is_not_understood_is_printed_counted_and_exit_1() -> None:
    done = shipper("parse", stdin=LINE + UNKNOWN)
    assert done.returncode == 1
    assert b"1 of 2 lines were not understood" in done.stderr
    document = json.loads(done.stdout.splitlines()[1])
    assert document["haproxy"]["line"] == "unparsed"
    assert "column" in document["error"]["message"]
    assert document["event"]["original"] == UNKNOWN.decode().strip()


def test_blank_lines_and_line_ends_of_windows_make_no_difference() -> None:
    plain, odd = shipper("parse", stdin=LINE), shipper("parse", stdin=b"\n\r\n" + LINE.replace(b"\n", b"\r\n"))
    assert plain.returncode == odd.returncode == 0
    assert plain.stdout == odd.stdout


def test_nothing_in_is_nothing_out() -> None:
    done = shipper("parse")
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")


def test_a_file_that_cannot_be_read_is_one_message_and_exit_1(tmp_path: Path) -> None:
    for path, said in ((tmp_path / "missing.log", "No such file"), (tmp_path, "Is a directory")):
        done = shipper("parse", path)
        assert done.returncode == 1
        assert f"shipper: {path}: {said}" in done.stderr.decode()
        assert "Traceback" not in done.stderr.decode()


def test_a_reader_that_has_seen_enough_is_no_error(tmp_path: Path) -> None:
    capture = tmp_path / "haproxy.log"
    capture.write_bytes(LINE * 2_000)
    with subprocess.Popen(
        [SHIPPER, "parse", capture], stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=clean_environment()
    ) as parse:
        assert parse.stdout is not None
        assert parse.stderr is not None
        parse.stdout.readline()
        parse.stdout.close()
        assert parse.stderr.read() == b""
        assert parse.wait() == 0


# -- the summary -----------------------------------------------------------------------------------------------------


def test_the_summary_counts_kinds_and_groups_what_was_not_understood() -> None:
    event = b"<134>Nov 21 05:02:18 haproxy[8474]: backend shop has no server available!\n"
    cut = LINE[:-20] + b"\n"
    done = shipper("parse", "--summary", "--json", "--timezone", "UTC", stdin=LINE * 3 + event + cut + UNKNOWN * 2)
    assert done.returncode == 1
    summary = json.loads(done.stdout)
    assert summary["lines"] == 7
    assert summary["line"] == {"traffic": 4, "unparsed": 2, "event": 1}
    assert summary["log_format"] == {"httplog": 3}
    assert summary["event"] == {"no_server_available": 1}
    assert summary["truncated"] == {"line": 1}
    assert summary["first"] == "2026-11-21T05:02:17.873000Z"
    [reason] = summary["not_understood"]
    assert reason["lines"] == 2
    assert reason["column"] == 1
    assert reason["example"] == UNKNOWN.decode().strip()


def test_the_summary_for_people_marks_where_reading_stopped() -> None:
    broken = LINE.replace(b"37/41 ", b"37/41x ")
    done = shipper("parse", "--summary", stdin=LINE + broken)
    assert done.returncode == 1
    lines = done.stdout.decode().splitlines()
    caret = next(number for number, line in enumerate(lines) if line.strip() == "^")
    assert lines[caret - 1][lines[caret].index("^")] == "x"
    assert "1 line not understood" in done.stdout.decode()


def test_the_summary_of_lines_that_were_all_understood_exits_0_and_of_nothing_too() -> None:
    assert shipper("parse", "--summary", stdin=LINE).returncode == 0
    assert shipper("parse", "--summary").returncode == 0


def test_the_summary_keeps_a_bounded_number_of_reasons() -> None:
    summary = Summary()
    for number in range(10 * SUMMARY_REASONS_MAX):
        json_ = json.dumps(
            {
                "@timestamp": "2026-11-21T05:02:17.873000Z",
                "event": {},
                "haproxy": {"line": "unparsed"},
                "error": {"message": f"reason {number} at column {number}"},
            }
        )
        summary.add(Parsed(b"line", json_, known=False, dated=False, live=False))
    assert len(summary.reasons) == SUMMARY_REASONS_MAX + 1
    assert summary.unknown == 10 * SUMMARY_REASONS_MAX


# -- a format of one's own -------------------------------------------------------------------------------------------


def test_a_log_format_string_is_tried_before_all_others() -> None:
    done = shipper(
        "parse", "--format", "%ci [%trl] took=%Ta %ST", stdin=b"10.0.0.1 [21/Nov/2026:05:02:17 +0100] took=7 200\n"
    )
    assert (done.returncode, done.stderr) == (0, b"")
    document = json.loads(done.stdout)
    assert document["@timestamp"] == "2026-11-21T04:02:17.000000Z"
    assert document["haproxy"]["log_format"] == "custom"
    assert document["haproxy"]["time"]["total_ms"] == 7


def test_a_stock_format_that_is_never_guessed_can_be_named() -> None:
    old = shipper("parse", "--format", "httplog-1.6", stdin=LINE)
    assert json.loads(old.stdout)["haproxy"]["log_format"] == "httplog-1.6"


def test_a_format_of_the_configuration_can_be_named(tmp_path: Path) -> None:
    file = tmp_path / "shipper.toml"
    file.write_text('[[formats]]\nname = "a"\nlog_format = "%ST a"\n[[formats]]\nname = "b"\nlog_format = "%ST %s"\n')
    assert json.loads(shipper("parse", "-c", file, stdin=b"200 a\n").stdout)["haproxy"]["log_format"] == "a"
    assert (
        json.loads(shipper("parse", "-c", file, "--format", "b", stdin=b"200 a\n").stdout)["haproxy"]["log_format"]
        == "b"
    )


@pytest.mark.parametrize(
    ("log_format", "said"),
    [("%ci%cp", "column 4"), ("%nothing %ci", "%nothing"), ("tcplg", "tcplog"), ("", "neither")],
)
def test_a_format_that_cannot_be_read_by_is_refused_with_its_place(log_format: str, said: str) -> None:
    done = shipper("parse", "--format", log_format, stdin=LINE)
    assert (done.returncode, done.stdout) == (2, b"")
    assert said in done.stderr.decode()
    assert "Traceback" not in done.stderr.decode()


def test_a_format_whose_lines_may_be_ambiguous_is_used_and_warned_of() -> None:
    done = shipper("parse", "--format", "%[req.hdr(x)] %[req.hdr(y)] %ST", stdin=b"a b 200\n")
    assert done.returncode == 0
    assert b"may hold what follows it" in done.stderr
