"""Direct replays into a real Elasticsearch: every line once, whatever happens, and numbers that add up."""

from __future__ import annotations

import gzip
import json
import os
import random
import resource
import signal
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest

from bench.lines import START, lines
from shipper import dead_letter, pipeline
from shipper.config import Config
from shipper.elastic import Client
from shipper.errors import StateError
from shipper.jobs.replaying import remembered, replay_direct
from shipper.journal import StateFolder
from shipper.limits import MIB
from shipper.replay.direct import Tally
from shipper.replay.feed import Selection
from tests import direct_replay
from tests.direct_replay import launch
from tests.haproxy.lines import Values

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from shipper.replay.direct import Outcome, Progress

DAY = START.strftime("%Y.%m.%d")
KILLS = int(os.environ.get("SOAK_ROUNDS", "3"))
SEED = int(os.environ.get("SOAK_SEED", "1"))
CAPTURE_BYTES = int(os.environ.get("SOAK_CAPTURE_BYTES", str(5 * MIB)))
MEMORY_BYTES = 256 * MIB


class World:
    """An Elasticsearch, a folder, and what is there."""

    def __init__(self, folder: Path, url: str, prefix: str) -> None:
        self.folder = folder
        self.url = url
        self.prefix = prefix
        self.client = Client(Config(elasticsearch={"urls": [url]}).elasticsearch)

    def settings(self, **more: Any) -> dict[str, Any]:  # noqa: ANN401 -- as in TOML
        return direct_replay.settings(self.folder, self.url, self.prefix, **more)

    def config(self, **more: Any) -> Config:  # noqa: ANN401 -- as in TOML
        return Config(**self.settings(**more))

    def capture(self, raws: list[bytes], name: str = "capture.log") -> Path:
        path = self.folder / name
        path.write_bytes(b"".join(raw + b"\n" for raw in raws))
        return path

    def request(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:  # noqa: ANN401 -- JSON
        status, answer = self.client.request(method, path, body)
        assert status in {200, 201}, answer
        return answer

    def map(self, **properties: Any) -> None:  # noqa: ANN401 -- JSON
        """Let the indices have this mapping for some fields."""
        template = {"mappings": {"dynamic": False, "properties": properties}}
        self.request(
            "PUT", f"/_index_template/{self.prefix}", {"index_patterns": f"{self.prefix}-*", "template": template}
        )

    def count(self) -> int:
        self.request("POST", f"/{self.prefix}-*/_refresh")
        return int(self.request("GET", f"/{self.prefix}-*/_count")["count"])

    def letters(self) -> list[dead_letter.DeadLetter]:
        return list(dead_letter.read(self.folder / "state" / "dead-letters"))


@pytest.fixture
def world(tmp_path: Path, elasticsearch_url: str, index_prefix: str) -> Iterator[World]:
    made = World(tmp_path, elasticsearch_url, index_prefix)
    yield made
    made.client.close()


def replay(world: World, *files: Path, **more: Any) -> Outcome:  # noqa: ANN401 -- as in TOML
    outcome = replay_direct(world.config(**more), Selection(files))
    assert outcome.tally.adds_up
    return outcome


# -- what is loaded --------------------------------------------------------------------------------------------------


def test_every_line_is_loaded_once_and_loading_again_finds_all_of_them_there(world: World) -> None:
    raws = lines(700, "local")
    config = world.config(require_template=True)
    pipeline.setup(config)
    plain = world.capture([*raws[:300], b"", b"nothing that is known", *raws[300:]])
    with StateFolder(world.folder / "state").lock():
        first = replay_direct(config, Selection((plain,)))
    assert first.finished
    assert first.tally == Tally(read=702, blank=1, indexed=701, unparsed=1, by_index={f"{world.prefix}-{DAY}": 701})
    assert world.count() == 701
    packed = world.folder / "another name"
    packed.write_bytes(gzip.compress(plain.read_bytes() + raws[0] + b"\n"))
    again = replay_direct(config, Selection((packed,)))
    assert (again.tally.already_there, again.tally.indexed) == (701, 1)
    assert again.tally.adds_up
    assert replay_direct(config, Selection((packed,))).tally.already_there == 702
    assert world.count() == 702


def test_a_replay_with_an_id_is_loaded_beside_the_first_and_is_found_by_it(world: World) -> None:
    capture = world.capture(lines(50, "local"))
    config = world.config(require_template=True)
    pipeline.setup(config)
    selection = Selection((capture,), rounds=2, limit=80)
    replay(world, capture, require_template=True)
    outcome = replay_direct(config, selection, "r-1")
    assert (outcome.replay_id, outcome.tally.indexed) == ("r-1", 80)
    query = {"query": {"term": {"haproxy.replay_id": "r-1"}}}
    world.request("POST", f"/{world.prefix}-*/_refresh")
    assert world.request("POST", f"/{world.prefix}-*/_count", query)["count"] == 80
    assert remembered(config, "r-1") == selection
    again = replay_direct(config, remembered(config, "r-1"), "r-1")
    assert (again.finished, again.settled_before, again.tally) == (True, 80, outcome.tally)


# -- what is interrupted ---------------------------------------------------------------------------------------------


@pytest.mark.chaos
@pytest.mark.timeout(150 + 10 * KILLS)
def test_killed_at_any_moment_and_started_again_it_ends_with_every_line_there_once(world: World) -> None:
    dice = random.Random(SEED)
    raws = lines(20_000, "local")
    files = [world.capture(raws[:5_000]), world.folder / "rest.log.gz"]
    files[1].write_bytes(gzip.compress(b"\n".join(raws[5_000:])))
    settings = world.settings(delivery={"batch_lines_max": 100, "requests_in_flight_max": 1})
    killed = 0
    for _ in range(KILLS):
        with launch(world.folder, settings, files) as process:
            assert process.stderr is not None
            told = iter(process.stderr)
            if any("progress" in line for line in told):
                time.sleep(dice.uniform(0.0, 0.6))
                killed += process.poll() is None
            process.kill()
    with launch(world.folder, settings, files) as process:
        told_at_last, _ = process.communicate()
    outcome = json.loads(told_at_last)
    tally = outcome["tally"]
    assert killed
    assert outcome["finished"]
    assert tally["read"] == tally["indexed"] + tally["already_there"] == 20_000
    assert world.count() == 20_000


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_stop_settles_what_is_under_way_and_the_next_start_goes_on_there(world: World, number: int) -> None:
    capture = world.capture(lines(40_000, "local"))
    settings = world.settings(delivery={"batch_lines_max": 100, "requests_in_flight_max": 1})
    with launch(world.folder, settings, [capture]) as process:
        assert process.stderr is not None
        assert "progress" in process.stderr.readline()
        process.send_signal(number)
        stopped = json.loads(process.communicate()[0])
    assert process.returncode == 128 + number
    assert not stopped["finished"]
    assert 0 < stopped["tally"]["read"] < 40_000
    assert world.count() >= stopped["tally"]["indexed"]
    outcome = replay(world, capture, delivery={"batch_lines_max": 300})
    assert outcome.settled_before == stopped["tally"]["read"]
    assert outcome.tally.indexed + outcome.tally.already_there == world.count() == 40_000


def test_another_configuration_begins_anew(world: World) -> None:
    capture = world.capture(lines(3_000, "local"))
    steps = iter([False, False, True])
    stopped = replay_direct(world.config(), Selection((capture,)), stop=lambda: next(steps, True))
    assert 0 < stopped.tally.read < 3_000
    other = world.config(index={"prefix": f"{world.prefix}-b"})
    outcome = replay_direct(other, Selection((capture,)))
    assert (outcome.settled_before, outcome.tally.indexed) == (0, 3_000)


def test_the_same_replay_runs_once_at_a_time(world: World) -> None:
    capture = world.capture(lines(200, "local"))
    refused: list[StateError] = []

    def begin_another(_: Progress) -> None:
        try:
            replay_direct(world.config(), Selection((capture,)))
        except StateError as error:
            refused.append(error)

    world.map(**{"@timestamp": {"type": "long"}})
    stop_s = time.monotonic() + 3
    replay_direct(
        world.config(delivery={"fuse_share_max": 0.1}),
        Selection((capture,)),
        progress=begin_another,
        stop=lambda: bool(refused) or time.monotonic() > stop_s,
    )
    assert "is in use by process" in str(refused[0])


# -- what is refused -------------------------------------------------------------------------------------------------


def test_the_old_fixed_format_refuses_our_documents_and_the_report_names_lines_and_reason(world: World) -> None:
    world.map(**{"@timestamp": {"type": "date", "format": "yyyy-MM-dd HH:mm:ss.SSSSSS"}})
    raws = [Values(tr=b"21/Nov/2026:01:02:03.000").line(), Values(tr=b"21/Nov/2026:01:02:04.001").line()]
    capture = world.capture(raws)
    outcome = replay(world, capture)
    assert (outcome.tally.dead_lettered, outcome.tally.indexed) == (2, 0)
    ((kind, group),) = outcome.tally.refused.items()
    assert kind == "document_parsing_exception [@timestamp]"
    assert "2026-11-21T01:02:03.000000Z" in group.reason
    assert "yyyy-MM-dd HH:mm:ss.SSSSSS" in group.reason
    assert group.places == (f"{capture}:0", f"{capture}:{len(raws[0]) + 1}")
    assert [letter.raw for letter in world.letters()] == raws
    assert world.letters()[1].sender == f"file://{capture}#offset={len(raws[0]) + 1}"


def test_a_mapping_that_refuses_some_leaves_the_others_and_each_refusal_is_told_once(world: World) -> None:
    world.map(source={"properties": {"port": {"type": "byte"}}})
    ports = [100, 200, 101, 300, 102, 103, 104, 105]
    capture = world.capture([Values(cp=b"%d" % port).line() for port in ports])
    outcome = replay(world, capture)
    assert (outcome.tally.indexed, outcome.tally.dead_lettered) == (6, 2)
    assert outcome.tally.refused["document_parsing_exception [source.port]"].lines == 2
    assert world.count() == 6
    again = replay(world, capture)
    assert (again.tally.already_there, again.tally.dead_lettered) == (6, 2)
    assert len(world.letters()) == 2


def test_a_mapping_that_refuses_nearly_all_holds_the_replay_and_mending_it_lets_it_go_on(world: World) -> None:
    world.map(**{"@timestamp": {"type": "date", "format": "yyyy-MM-dd HH:mm:ss.SSSSSS"}})
    capture = world.capture(lines(1_000, "local"))
    troubles: list[str] = []

    def watch(progress: Progress) -> None:
        troubles.extend(progress.troubles.values())

    stopped = replay_direct(world.config(), Selection((capture,)), progress=watch, stop=lambda: bool(troubles))
    assert not stopped.finished
    assert "mend the index template or the mapping" in troubles[0]
    assert stopped.troubles
    world.request("DELETE", f"/{world.prefix}-{DAY}")
    world.map(**{"@timestamp": {"type": "date_nanos"}})
    outcome = replay(world, capture)
    assert outcome.tally.indexed + outcome.tally.dead_lettered == 1_000
    assert outcome.tally.dead_lettered <= 500


def test_documents_that_are_parked_are_waited_for(world: World) -> None:
    late = Values(tr=b"20/Nov/2026:01:02:03.000").line()
    capture = world.capture([late, *lines(500, "local")])
    old = f"{world.prefix}-2026.11.20"
    world.request("PUT", f"/{old}")
    world.request("PUT", f"/{old}/_settings", {"index.blocks.write": True})
    lifted = threading.Event()

    def lift(progress: Progress) -> None:
        if progress.tally.parked and not lifted.is_set():
            lifted.set()
            world.request("PUT", f"/{old}/_settings", {"index.blocks.write": None})

    outcome = replay_direct(world.config(delivery={"park_after_s": 0.2}), Selection((capture,)), progress=lift)
    assert lifted.is_set()
    assert (outcome.tally.indexed, outcome.tally.parked) == (501, 0)
    assert outcome.tally.adds_up
    assert world.count() == 501


# -- memory ----------------------------------------------------------------------------------------------------------


def limited(process_bytes: int) -> None:
    resource.setrlimit(resource.RLIMIT_AS, (process_bytes, process_bytes))


def loaded_in_little_memory(world: World, capture: Path, **more: Any) -> dict[str, Any]:  # noqa: ANN401 -- as in TOML
    """Load a capture in a process that may have MEMORY_BYTES of address space; one arena, for each would take 64 MB."""
    os.environ["MALLOC_ARENA_MAX"] = "1"
    try:
        with launch(world.folder, world.settings(**more), [capture], lambda: limited(MEMORY_BYTES)) as process:
            told, said = process.communicate()
    finally:
        del os.environ["MALLOC_ARENA_MAX"]
    assert process.returncode == 0, said
    outcome: dict[str, Any] = json.loads(told)
    assert outcome["finished"]
    return outcome


@pytest.mark.timeout(150 + CAPTURE_BYTES // 100_000)
def test_a_capture_of_any_size_is_loaded_in_256_mb(world: World) -> None:
    """``SOAK_CAPTURE_BYTES`` makes it larger (`make soak`)."""
    capture = world.folder / "capture.log"
    count = 0
    with capture.open("wb") as file:
        while file.tell() < CAPTURE_BYTES:
            part = lines(10_000, "local", seed=count)
            file.write(b"\n".join(part) + b"\n")
            count += len(part)
    outcome = loaded_in_little_memory(world, capture, delivery={"batch_lines_max": 5_000, "requests_in_flight_max": 4})
    assert outcome["tally"]["read"] == outcome["tally"]["indexed"] == count
    assert world.count() == count


def test_a_capture_larger_than_memory_is_never_held(world: World) -> None:
    capture = world.folder / "capture.log.gz"
    with gzip.open(capture, "wb", compresslevel=1) as file:
        for _ in range(64):
            file.write(b"x" * (MEMORY_BYTES // 50) + b"\n")
    tally = loaded_in_little_memory(world, capture, keep_original="never")["tally"]
    assert tally["indexed"] == tally["cut"] == tally["unparsed"] == 64
