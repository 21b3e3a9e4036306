"""`shipper parse`: documents for people and for pipes."""

from __future__ import annotations

import json
import subprocess
from typing import TYPE_CHECKING

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
