"""`shipper verify`, as its user runs it."""

from __future__ import annotations

import gzip
import json
import subprocess
from typing import TYPE_CHECKING

import pytest

from shipper.cli._findings import EXAMPLES_MAX
from tests.cli.commands import SHIPPER, clean_environment, shipper
from tests.query.lines import alter, captured, delete, index_direct, index_live, line, write

if TYPE_CHECKING:
    from pathlib import Path

    from shipper.config import Config
    from shipper.elastic import Client

NOBODY = "http://127.0.0.1:1"
LINES = [line(number) for number in range(1, 41)]


def flags(config: Config) -> tuple[str, ...]:
    (url,) = config.elasticsearch.urls
    return "--timezone", "UTC", "--elasticsearch", url, "--index-prefix", config.index.prefix


def words(printed: bytes) -> str:
    return " ".join(printed.decode().split())


def test_a_capture_that_is_there_exits_with_0_and_gives_the_counts(
    client: Client, config: Config, tmp_path: Path
) -> None:
    file = write(tmp_path / "capture.log", LINES)
    index_direct(client, captured(config, file))
    done = shipper("verify", file, *flags(config))
    assert (done.returncode, done.stderr) == (0, b"")
    assert words(done.stdout) == "way direct lines 40 found 40 missing 0 altered 0"


def test_what_is_missing_or_altered_is_named_and_exits_with_1(client: Client, config: Config, tmp_path: Path) -> None:
    file = write(tmp_path / "capture.log", LINES)
    expected = captured(config, file)
    index_direct(client, expected)
    delete(client, expected[2].index, expected[2].id)
    alter(client, expected[4].index, expected[4].id, http={"response": {"status_code": 500}})
    done = shipper("verify", file, *flags(config))
    missing, altered, difference, *counts = done.stdout.splitlines()
    assert done.returncode == 1
    assert missing.decode() == f"missing {file}:{expected[2].offset} {line(3).decode()}"
    assert altered.decode() == f"altered {file}:{expected[4].offset} {line(5).decode()}"
    where = f"{expected[4].index}/{expected[4].id}"
    assert words(difference) == f"http.response.status_code: expected 200, found 500 in {where}"
    assert words(b" ".join(counts[-2:])) == "altered 1 altered in http.response.status_code 1"


def test_the_same_for_programs(client: Client, config: Config, tmp_path: Path) -> None:
    file = write(tmp_path / "capture.log", [*LINES[:3], b"what \xff is this"])
    index_live(client, config, [*LINES[:2], LINES[10]])
    alter(client, f"{config.index.prefix}-2026.11.21", "live-1", labels={"a": "b"})
    done = shipper("verify", "--json", "--live", file, *flags(config))
    objects = [json.loads(text) for text in done.stdout.decode().splitlines()]
    assert done.returncode == 1
    assert [each.get("finding") for each in objects] == ["altered", "missing", "missing", None]
    assert objects[0]["fields"] == {"labels.a": {"expected": None, "found": "b"}}
    assert objects[2]["line_base64"] == "d2hhdCD/IGlzIHRoaXM="
    assert objects[3] == {
        "way": "live",
        "lines": 4,
        "found": 1,
        "missing": 2,
        "altered": 1,
        "surplus": 0,
        "altered_fields": {"labels.a": 1},
        "off_by_s": 0,
    }


def test_lines_that_were_read_in_another_zone_are_told_from_such_that_are_lost(
    client: Client, config: Config, tmp_path: Path
) -> None:
    file = write(tmp_path / "capture.log", LINES)
    index_live(client, config, LINES)
    done = shipper("verify", file, *flags(config), "--timezone", "Asia/Kolkata")
    assert done.returncode == 1
    *_, hint = done.stdout.decode().splitlines()
    assert hint == "missing lines are there after all, and all their times differ by +5.5 h: another --timezone?"


def test_the_first_findings_are_shown_and_all_when_that_is_asked(
    client: Client, config: Config, tmp_path: Path
) -> None:
    assert client is not None
    file = write(tmp_path / "capture.log", LINES)
    few, every = shipper("verify", file, *flags(config)), shipper("verify", "--all", file, *flags(config))
    assert few.stdout.count(b"missing /") == EXAMPLES_MAX
    assert f"… and {len(LINES) - EXAMPLES_MAX} more; --all prints them" in few.stdout.decode()
    assert every.stdout.count(b"missing /") == len(LINES)


def test_stdin_and_compressed_files_are_read_twice_as_well(client: Client, config: Config, tmp_path: Path) -> None:
    index_live(client, config, LINES[1:])
    raw = b"\n".join(LINES)
    (tmp_path / "capture").write_bytes(gzip.compress(raw))
    for done in (
        shipper("verify", "-", *flags(config), stdin=raw),
        shipper("verify", tmp_path / "capture", *flags(config)),
    ):
        assert done.returncode == 1
        assert f":0 {line(1).decode()}" in done.stdout.decode()
        assert "lines 40 found 39 missing 1" in words(done.stdout)


def test_a_time_chooses_the_lines(client: Client, config: Config, tmp_path: Path) -> None:
    file = write(tmp_path / "capture.log", LINES)
    index_live(client, config, LINES[10:20])
    span = ("--from", "2026-11-21T05:02:11", "--until", "2026-11-21T06:02:21+01:00")
    done = shipper("verify", *span, file, *flags(config))
    assert words(done.stdout) == "way live lines 10 found 10 missing 0 altered 0 surplus 0"


def test_a_replay_that_changed_its_documents_is_verified_by_its_id(
    client: Client, config: Config, tmp_path: Path
) -> None:
    file, given = write(tmp_path / "capture.log", LINES), (*flags(config), "--state-dir", str(tmp_path / "state"))
    done = shipper("replay", "--shift-to", "2026-11-23", "--loop", "2", "--no-verify", *given, file)
    assert done.returncode == 0, done.stderr
    replay_id = done.stderr.decode().partition("replay ")[2].partition(":")[0]
    found = shipper("verify", "--replay", replay_id, *given)
    assert words(found.stdout) == "way direct lines 80 found 80 missing 0 altered 0", found.stderr
    client.request("DELETE", f"/{config.index.prefix}-2026.11.23")
    lost = shipper("verify", "--replay", replay_id, *given)
    assert lost.returncode == 1
    assert "missing 80" in words(lost.stdout)


def test_another_shippers_field_is_compared_with_the_raw_lines(client: Client, config: Config, tmp_path: Path) -> None:
    file = write(tmp_path / "capture.log", LINES)
    body = {"message": line(3).decode().partition(": ")[2]}
    client.request("PUT", f"/{config.index.prefix}-x/_doc/1?refresh=true", body)
    done = shipper("verify", "--by", "message", "--json", file, *flags(config))
    counts = json.loads(done.stdout.splitlines()[-1])
    assert (counts["way"], counts["found"], counts["missing"], counts["surplus"]) == ("field", 1, 39, 0)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--direct", "--live", "x"), "--direct, --live and --by exclude each other"),
        (("--replay", "r", "x"), "--replay names the files and their lines"),
        ((), "which file?"),
        (("--from", "yesterday", "x"), "--from yesterday: a date like 2026-11-21"),
        (("--until", "2026-13-21", "x"), "--until 2026-13-21: a date like 2026-11-21"),
    ],
)
def test_a_wrong_argument_is_one_message_and_exit_2(arguments: tuple[str, ...], message: str) -> None:
    done = shipper("verify", *arguments)
    assert done.returncode == 2
    assert message in done.stderr.decode()


@pytest.mark.parametrize("way", [(), ("--live",), ("--by", "message")])
def test_who_waits_for_elasticsearch_is_told_so_at_once(tmp_path: Path, way: tuple[str, ...]) -> None:
    file = write(tmp_path / "capture.log", LINES)
    command: list[str | Path] = [SHIPPER, "verify", *way, "--timezone", "UTC", "--elasticsearch", NOBODY, file]
    with subprocess.Popen(command, stderr=subprocess.PIPE, env=clean_environment()) as process:
        assert process.stderr is not None
        said = process.stderr.readline().decode()
        assert process.poll() is None
        process.kill()
    assert said.startswith(f"shipper: no answer from Elasticsearch ({NOBODY}): Connection refused; ")
    assert said.endswith("; waiting for it, half a minute or longer\n")


def test_a_file_that_is_not_there_is_one_message_and_exit_1(tmp_path: Path) -> None:
    done = shipper("verify", tmp_path / "missing")
    assert done.returncode == 1
    assert done.stderr.decode().strip() == f"shipper: {tmp_path / 'missing'}: No such file or directory"
