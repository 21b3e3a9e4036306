"""`shipper replay`: what is asked for, what is refused, and what is told at the end."""

from __future__ import annotations

import json
import random
import signal
import socket
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from shipper import config, pipeline
from shipper.cli._replay_plan import Asked, Moving, Pacing, Part, new_replay_id
from shipper.elastic import Client
from shipper.errors import ConfigError
from shipper.replay.pace import Evenly, Original, Poisson, Unpaced
from tests.cli.commands import SHIPPER, clean_environment, shipper
from tests.replay.capture_files import START_US, capture, line
from tests.shipper_process import PATIENCE_S, until

if TYPE_CHECKING:
    from collections.abc import Iterator

FILE = (Path("haproxy.log"),)
TO = "udp://127.0.0.1:5140"


# -- what goes together ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        (Asked(), "which file"),
        (Asked(FILE, TO, direct=True), "--direct is for a direct replay"),
        (Asked(FILE, TO, again=True), "--again is for a direct replay"),
        (Asked(to=TO, resume="20261121-050217-00ff"), "--resume is for a direct replay"),
        (Asked(FILE, pacing=Pacing(rate=7_000)), "--rate is for a replay over the network"),
        (Asked(FILE, pacing=Pacing(at_full_speed=True)), "as fast as Elasticsearch takes it"),
        (Asked(FILE, header="local"), "--header is for a replay over the network"),
        (Asked(FILE, framing="octet"), "--framing is for a replay over the network"),
        (Asked(FILE, moving=Moving(shift_to_now=True, shift_to="2026-11-21")), "exclude each other"),
        (Asked(FILE, resume="20261121-050217-00ff"), "name no others"),
        (Asked(resume="20261121-050217-00ff", part=Part(limit=3)), "name no others"),
        (Asked(resume="../../etc"), "the id is expected"),
        (Asked((Path("-"), Path("-"))), "name - once"),
        (Asked((Path("-"),), part=Part(loop=2)), "stdin cannot be"),
        (Asked((Path("-"),), TO, verify=True), "keep the lines in a file"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_options_that_contradict_each_other_are_refused_with_what_to_do(asked: Asked, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        asked.check()


@pytest.mark.parametrize(
    ("pacing", "said"),
    [
        (Pacing(speed=1, rate=5), "--speed and --rate exclude each other"),
        (Pacing(arrivals="poisson"), "give --rate or --ramp"),
        (Pacing(rate=0), "--rate 0: more than 0"),
        (Pacing(speed=float("inf")), "--speed inf: more than 0"),
        (Pacing(ramp="1000"), "like 1000:20000:60s"),
    ],
)
def test_a_pace_that_is_none_is_refused(pacing: Pacing, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        pacing.pace()


def test_paces_are_what_was_asked_for() -> None:
    kinds = [
        (Pacing(), Original, "--speed 1"),
        (Pacing(speed=10), Original, "--speed 10"),
        (Pacing(rate=7_000.0), Evenly, "--rate 7000"),
        (Pacing(ramp="1:9:5s", arrivals="poisson"), Poisson, "--ramp 1:9:5s --arrivals poisson"),
        (Pacing(burst="5000/1s"), Evenly, "--burst 5000/1s"),
        (Pacing(at_full_speed=True), Unpaced, "--max"),
    ]
    for pacing, kind, words in kinds:
        assert isinstance(pacing.pace(), kind)
        assert pacing.words == words


def test_dates_are_of_the_zone_that_is_configured() -> None:
    asked = Asked(FILE, part=Part("2026-11-21T06:02:17", "2026-11-21T05:02:18Z"), moving=Moving(shift_to="2026-11-22"))
    selection = asked.selection("Europe/Berlin", 0)
    assert (selection.from_us, selection.until_us) == (START_US, START_US + 1_000_000)
    assert selection.to_us is not None
    with pytest.raises(ConfigError, match="--from must be before --until"):
        Asked(FILE, part=Part("2026-11-22", "2026-11-21")).selection("UTC", 0)


def test_wildcards_are_looked_up_where_the_shell_did_not(tmp_path: Path) -> None:
    files = [capture(tmp_path / name, []) for name in ("b.log", "a.log")]
    assert Asked((tmp_path / "*.log",)).selection("UTC", 0).files == tuple(sorted(files))
    with pytest.raises(ConfigError, match="nothing has such a name"):
        Asked((tmp_path / "*.gz",)).selection("UTC", 0)


def test_what_makes_other_documents_has_an_id_that_tells_when_it_began() -> None:
    assert not Asked(FILE).changes_documents
    assert all(
        each.changes_documents
        for each in (Asked(FILE, again=True), Asked(FILE, part=Part(loop=2)), Asked(FILE, moving=Moving(stretch=2)))
    )
    assert new_replay_id(START_US, random.Random(1)).startswith("20261121-050217-")


def test_a_direct_replay_is_verified_unless_it_cannot_be() -> None:
    assert Asked(FILE).verifies
    assert not Asked((Path("-"),)).verifies
    assert not Asked(FILE, TO).verifies
    assert Asked(FILE, TO, verify=True).verifies
    assert not Asked(FILE, verify=False).verifies


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--to", TO, "--rate", "5", "--max", "x"], "--rate and --max exclude each other"),
        (["--rate", "5", "x"], "name the receiver"),
        (["--to", "http://127.0.0.1", "x"], "udp://HOST:PORT"),
        (["--to", TO, "--framing", "octet", "x"], "--framing is for streams"),
        (["--header", "rfc3164", "x"], "local"),
    ],
)
def test_the_command_refuses_before_anything_is_read(arguments: list[str], said: str) -> None:
    done = shipper("replay", *arguments)
    assert done.returncode == 2
    assert said in done.stderr.decode()
    assert "Traceback" not in done.stderr.decode()


# -- over the network ------------------------------------------------------------------------------------------------


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as opened:
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 22)
        opened.bind(("127.0.0.1", 0))
        opened.settimeout(PATIENCE_S)
        yield opened


def url_of(listener: socket.socket) -> str:
    return f"udp://127.0.0.1:{listener.getsockname()[1]}"


def test_a_pipe_is_sent_line_by_line(listener: socket.socket, tmp_path: Path) -> None:
    raws = [line(number) for number in range(3)]
    stdin = b"".join(raw + b"\n" for raw in raws)
    done = shipper("replay", "--to", url_of(listener), "--max", "--state-dir", tmp_path, "-", stdin=stdin)
    assert done.returncode == 0, done.stderr
    assert [listener.recv(1_000) for _ in raws] == [raw + b"\n" for raw in raws]


def test_the_report_adds_up_and_tells_what_was_offered_and_reached(listener: socket.socket, tmp_path: Path) -> None:
    file = capture(tmp_path / "capture", [b"", *(line(number, number / 100) for number in range(700))])
    report = tmp_path / "report.json"
    options = ("--rate", "500", "--from", "2026-11-21T05:02:18", "--timezone", "UTC", "--state-dir", tmp_path)
    done = shipper("replay", "--to", url_of(listener), *options, "--report", report, file)
    assert done.returncode == 0, done.stderr
    told = json.loads(report.read_text())
    lines = told["lines"]
    assert (lines["read"], lines["blank"], lines["outside"], lines["offered"]) == (701, 1, 100, 600)
    assert lines["read"] == lines["blank"] + lines["outside"] + lines["offered"] + lines["unsent"]
    assert lines["offered"] == lines["sent"] + lines["lost"] == sum(told["over_time"]["sent"])
    assert told["pace"]["offered_lines_per_s"] == pytest.approx(500)
    assert told["pace"]["reached_lines_per_s"] == pytest.approx(500, rel=0.01)
    assert told["replay_id"] in done.stderr.decode()
    assert "rate reached" in done.stdout.decode()


def test_a_stop_is_told_with_how_to_go_on(listener: socket.socket, tmp_path: Path) -> None:
    file = capture(tmp_path / "capture", [line(number, number * 3_600) for number in range(3)])
    command: list[str | Path] = [SHIPPER, "replay", "--to", url_of(listener), "--state-dir", tmp_path, file]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=clean_environment()) as process:
        assert listener.recv(1_000)
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 130
    assert b"stopped; what was not sent can be with --from" in said


# -- direct ----------------------------------------------------------------------------------------------------------


class Loaded:
    """Direct replays into an Elasticsearch with our templates."""

    def __init__(self, url: str, prefix: str, state_dir: Path) -> None:
        self.flags = ("--elasticsearch", url, "--index-prefix", prefix, "--state-dir", state_dir, "--timezone", "UTC")
        self.client = Client(config.Elasticsearch(urls=(url,)))
        self._indices = f"/{prefix}-*"
        self._report = state_dir / "report.json"
        state_dir.mkdir()

    def replay(self, *arguments: str | Path, code: int = 0) -> dict[str, Any]:
        done = shipper("replay", *self.flags, "--report", self._report, *arguments)
        assert done.returncode == code, done.stderr.decode()
        assert f"indices {self._indices[1:]}\n" in done.stderr.decode().partition("verifying")[0]
        told: dict[str, Any] = json.loads(self._report.read_text())
        return told

    def count(self, query: dict[str, object] | None = None) -> int:
        self.client.request("POST", f"{self._indices}/_refresh")
        query = query or {"match_all": {}}
        answer = self.client.request("GET", f"{self._indices}/_count", {"query": query})[1]
        return int(answer.get("count", 0))  # an index that is just being made does not answer yet


@pytest.fixture
def loaded(elasticsearch_url: str, index_prefix: str, tmp_path: Path) -> Loaded:
    settings = config.Config(
        elasticsearch=config.Elasticsearch(urls=(elasticsearch_url,)), index=config.Index(prefix=index_prefix)
    )
    pipeline.setup(settings)
    return Loaded(elasticsearch_url, index_prefix, tmp_path / "state")


def test_a_capture_is_loaded_once_however_often_it_is_replayed(loaded: Loaded, tmp_path: Path) -> None:
    file = capture(tmp_path / "capture", [line(number, number) for number in range(500)])
    first = loaded.replay(file)
    assert (first["good"], first["lines"]["indexed"], first["replay_id"]) == (True, 500, None)
    assert first["verification"]["found"] == 500
    assert first["latency"]["acknowledged"]["max_s"] <= first["latency"]["searchable"]["max_s"] < 20
    again = loaded.replay(file)
    assert (again["lines"]["indexed"], again["lines"]["already_there"]) == (0, 500)
    assert loaded.count() == 500


def test_a_replay_that_changes_documents_is_another_and_can_be_found_by_its_id(loaded: Loaded, tmp_path: Path) -> None:
    file = capture(tmp_path / "capture", [line(number, number) for number in range(100)])
    loaded.replay(file)
    told = loaded.replay("--shift-to-now", "--loop", "3", file)
    assert (told["lines"]["indexed"], told["verification"]["found"]) == (300, 300)
    assert loaded.count({"term": {"haproxy.replay_id": told["replay_id"]}}) == 300
    assert loaded.count() == 400


def test_a_replay_that_was_stopped_goes_on_by_its_id(loaded: Loaded, tmp_path: Path) -> None:
    file = capture(tmp_path / "capture", [line(number, number / 1_000) for number in range(10_000)])
    slowly = tmp_path / "slowly.toml"
    slowly.write_text("shutdown_timeout_s = 0\n[delivery]\nbatch_lines_max = 50\nrequests_in_flight_max = 1\n")
    command: list[str | Path] = [SHIPPER, "replay", "-c", slowly, *loaded.flags, "--again", file]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=clean_environment()) as process:
        until(lambda: loaded.count() > 1_000, "it has begun")
        process.send_signal(signal.SIGTERM)
        _, said = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 143, said.decode()
    replay_id = said.decode().rpartition("--resume ")[2].split()[0]
    before = loaded.count()
    assert before < 10_000
    told = loaded.replay("--resume", replay_id)
    assert told["verification"]["found"] == told["lines"]["read"] == 10_000
    assert loaded.count() == 10_000


def test_what_is_refused_is_told_with_reason_and_place_and_exits_1(loaded: Loaded, tmp_path: Path) -> None:
    prefix = loaded.flags[3]
    loaded.client.request(
        "PUT",
        f"/_component_template/{prefix}@custom",
        {"template": {"mappings": {"properties": {"url": {"properties": {"path": {"type": "long"}}}}}}},
    )
    file = capture(tmp_path / "capture", [line(0), line(1, 1).replace(b"GET /1 ", b"GET * ")])
    settings = tmp_path / "shipper.toml"
    settings.write_text("require_template = false\n[delivery]\nfuse_share_max = 1.0\n")
    told = loaded.replay("-c", settings, file, code=1)
    assert not told["good"]
    assert told["lines"]["dead_lettered"] == sum(group["lines"] for group in told["refused"])
    assert told["verification"]["missing"] == told["lines"]["dead_lettered"] > 0
    assert str(file) in told["refused"][0]["examples"][0]


def test_a_report_that_cannot_be_written_is_said(listener: socket.socket, tmp_path: Path) -> None:
    file = capture(tmp_path / "capture", [line(0)])
    arguments = ("--to", url_of(listener), "--max", "--state-dir", tmp_path, "--report", tmp_path / "no" / "report")
    done = shipper("replay", *arguments, file)
    assert done.returncode == 1
    assert b"--report" in done.stderr
