"""`shipper generate` and `shipper anonymise`, as they are run."""

from __future__ import annotations

import gzip
import json
import os
import subprocess
from typing import TYPE_CHECKING

import pytest

from tests.cli.commands import LINE, SHIPPER, shipper

if TYPE_CHECKING:
    from pathlib import Path


def test_what_is_made_up_is_understood_to_the_last_line() -> None:
    made = shipper("generate", "--lines", "500", "--rate", "20", "--timezone", "UTC")
    assert made.returncode == 0
    read = shipper("parse", "--summary", "--json", "--timezone", "UTC", stdin=made.stdout)
    assert read.returncode == 0
    assert made.stdout.count(b"\n") == 500
    assert json.loads(read.stdout)["lines"] == 500


def test_the_same_seed_and_start_give_the_same_file(tmp_path: Path) -> None:
    flags = (
        "--lines",
        "50",
        "--start",
        "2026-11-21T01:02",
        "--seed",
        "9",
        "--header",
        "rfc5424",
        "--format",
        "httpslog",
    )
    assert shipper("generate", *flags, "-o", tmp_path / "one").returncode == 0
    again = shipper("generate", *flags)
    assert (tmp_path / "one").read_bytes() == again.stdout
    assert again.stdout.startswith(b"<134>1 2026-11-21T01:02:00.")


def test_the_seconds_say_how_long_it_goes_on() -> None:
    made = shipper("generate", "--seconds", "10", "--rate", "50", "--start", "2026-11-21T12:00:00Z", "--no-captures")
    assert 200 < made.stdout.count(b"\n") < 1_000
    assert b"{" not in made.stdout


def test_an_unknown_header_is_refused() -> None:
    done = shipper("generate", "--header", "letter")
    assert (done.returncode, b"rfc5424" in done.stderr) == (2, True)


def test_a_capture_is_made_fit_to_be_shared(tmp_path: Path) -> None:
    (tmp_path / "capture.log.gz").write_bytes(gzip.compress(LINE + b"what nobody understands\n" + LINE))
    done = shipper("anonymise", tmp_path / "capture.log.gz", "-o", tmp_path / "shared.log")
    assert (done.returncode, done.stderr) == (0, b"shipper: 1 of 3 lines could not be made safe, and were dropped\n")
    first, second = (tmp_path / "shared.log").read_bytes().splitlines()
    assert first == second
    assert b"192.0.2.44" not in first
    assert b"shop.example" not in first
    assert b" shop/shop-1 2/0/1/37/41 200 1894 " in first


def test_one_key_replaces_alike_and_a_random_one_does_not() -> None:
    keyed = [shipper("anonymise", "--key", "k", stdin=LINE).stdout for _ in range(2)]
    free = [shipper("anonymise", stdin=LINE).stdout for _ in range(2)]
    assert keyed[0] == keyed[1]
    assert free[0] != free[1]


def test_lines_that_nothing_understands_are_kept_on_demand() -> None:
    assert shipper("anonymise", "--keep-unparsed", stdin=b"what nobody\n").stdout == b"what nobody\n"


def test_a_full_disk_is_said() -> None:
    done = shipper("generate", "--lines", "10", "-o", "/dev/full")
    assert (done.returncode, b"/dev/full" in done.stderr) == (1, True)


@pytest.mark.parametrize("name", ["capture.log", "./capture.log", "hard-link.log", "other.log"])
def test_a_file_that_exists_is_left_as_it_is(tmp_path: Path, name: str) -> None:
    (tmp_path / "capture.log").write_bytes(LINE)
    (tmp_path / "hard-link.log").hardlink_to(tmp_path / "capture.log")
    (tmp_path / "other.log").write_bytes(LINE)
    for command in (["anonymise", tmp_path / "capture.log"], ["generate"]):
        done = shipper(*command, "-o", f"{tmp_path}/{name}")
        assert (done.returncode, b"exists, and is left as it is" in done.stderr) == (2, True)
    assert {file.read_bytes() for file in tmp_path.iterdir()} == {LINE}


def test_where_an_input_cannot_be_read_nothing_is_left(tmp_path: Path) -> None:
    (tmp_path / "capture.log").write_bytes(LINE)
    damaged = tmp_path / "damaged.log.gz"
    damaged.write_bytes(gzip.compress(LINE)[:-4])
    for last in (tmp_path / "nosuch.log", damaged):
        for files in ([last], [tmp_path / "capture.log", last]):
            assert shipper("anonymise", *files, "-o", tmp_path / "shared.log").returncode == 1
            assert not (tmp_path / "shared.log").exists()


def test_an_empty_capture_makes_an_empty_one(tmp_path: Path) -> None:
    assert shipper("anonymise", "-o", tmp_path / "shared.log", stdin=b"").returncode == 0
    assert (tmp_path / "shared.log").read_bytes() == b""


def test_standard_output_may_be_named_and_pipes_are_written_to(tmp_path: Path) -> None:
    assert shipper("anonymise", "-o", "/dev/stdout", stdin=LINE).stdout.count(b"\n") == 1
    with (tmp_path / "out.log").open("wb") as out:
        subprocess.run([SHIPPER, "generate", "--lines", "3", "-o", "/dev/stdout"], stdout=out, check=True, timeout=30)
    assert (tmp_path / "out.log").read_bytes().count(b"\n") == 3
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with subprocess.Popen(["cat", pipe], stdout=subprocess.PIPE) as reader:
        assert shipper("generate", "--lines", "3", "-o", pipe).returncode == 0
        assert reader.communicate(timeout=30)[0].count(b"\n") == 3
