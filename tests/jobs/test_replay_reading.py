"""What a direct replay sends: the same documents with the same ids, wherever it was interrupted."""

from __future__ import annotations

import gzip
import json
from typing import TYPE_CHECKING, Any

import pytest

from shipper.config import Config
from shipper.errors import Permanent
from shipper.jobs.replay_reading import Reading
from shipper.replay.direct import Reached, Tally
from shipper.replay.feed import Selection
from tests.haproxy.lines import RECEIVED_US, Values

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from shipper.replay.direct import Step

EVENT = b"<134>Nov 21 01:02:%02d haproxy[7]: Server web/s1 is DOWN."


def traffic(second: int) -> bytes:
    return Values(tr=b"21/Nov/2026:01:02:%02d.250" % second).line()


def lines() -> list[bytes]:
    """Give undated lines at the front, in between and at the end, and one that nothing understands."""
    return [EVENT % 1, traffic(2), b"what is this", EVENT % 4, traffic(5), traffic(6), EVENT % 7]


@pytest.fixture
def capture(tmp_path: Path) -> Path:
    path = tmp_path / "a.log"
    path.write_bytes(b"\n" + b"\n\n".join(lines()) + b"\n\n\n")
    return path


def reading(selection: Selection, replay_id: str | None = None, batch: int = 2) -> Reading:
    config = Config(timezone="UTC", delivery={"batch_lines_max": batch})
    return Reading(selection, config, replay_id, clock_us=lambda: RECEIVED_US)


def steps(
    selection: Selection, replay_id: str | None = None, batch: int = 2, reached: Reached | None = None, sent: int = 0
) -> Iterator[tuple[Step, dict[str, str]]]:
    with reading(selection, replay_id, batch) as opened:
        for step, bodies in opened.steps(reached or Reached(), sent):
            found: dict[str, str] = {}
            for body in bodies:
                parts = bytes(body.content).decode().splitlines()
                ids = [json.loads(action)["create"]["_id"] for action in parts[::2]]
                found |= dict(zip(ids, parts[1::2], strict=True))
            assert len(found) == step.documents
            yield step, found


def documents(selection: Selection, **how: Any) -> dict[str, str]:  # noqa: ANN401 -- those of steps
    found: dict[str, str] = {}
    for _, given in steps(selection, **how):
        assert not found.keys() & given.keys()
        found |= given
    return found


def times(found: dict[str, str]) -> list[str]:
    return [json.loads(document)["@timestamp"] for document in found.values()]


def read(selection: Selection, **how: Any) -> Tally:  # noqa: ANN401 -- those of steps
    return sum((step.tally for step, _ in steps(selection, **how)), Tally())


@pytest.mark.parametrize("batch", [1, 2, 3, 100])
@pytest.mark.parametrize(
    "options",
    [
        {},
        {"rounds": 3},
        {"to_us": RECEIVED_US + 90 * 86_400_000_000},
        {"stretch": 2.5, "rounds": 2},
        {"limit": 5},
        {"limit": 10, "rounds": 2},
        {"from_us": RECEIVED_US - 6_000_000, "until_us": RECEIVED_US - 4_000_000},
    ],
    ids=str,
)
def test_who_goes_on_behind_any_step_sends_what_is_left_and_nothing_else(
    capture: Path, tmp_path: Path, options: dict[str, Any], batch: int
) -> None:
    other = tmp_path / "b.log.gz"
    other.write_bytes(gzip.compress(b"\n".join(reversed(lines()))))
    selection = Selection((capture, other), **options)
    whole = list(steps(selection, "r", batch))
    assert documents(selection, replay_id="r", batch=7) == {id_: it for _, found in whole for id_, it in found.items()}
    for stopped in range(len(whole)):
        sent = sum(step.documents for step, _ in whole[: stopped + 1])
        left = list(steps(selection, "r", batch, whole[stopped][0].reached, sent))
        assert left == whole[stopped + 1 :]


def test_every_line_is_accounted_for(capture: Path) -> None:
    for batch in (1, 2, 100):
        tally = read(Selection((capture,)), batch=batch)
        assert (tally.read, tally.blank) == (7 + 9, 9)
        assert tally.unparsed == 1
        assert sum(tally.by_index.values()) == 7


def test_lines_of_another_time_are_left_out_and_counted(capture: Path) -> None:
    everything = documents(Selection((capture,)))
    selection = Selection((capture,), from_us=RECEIVED_US - 8_000_000, until_us=RECEIVED_US - 4_000_000)
    kept = documents(selection)
    assert kept.items() <= everything.items()
    assert times(kept) == [time for time in times(everything) if "01:02:02" <= time[11:19] < "01:02:06"]
    assert read(selection).outside == len(everything) - len(kept) == 3


def test_a_limit_counts_the_lines_that_are_sent(capture: Path) -> None:
    everything = list(documents(Selection((capture,))))
    for limit in (1, 3, 7, 9):
        assert list(documents(Selection((capture,), limit=limit))) == everything[:limit]


def test_a_replay_that_changes_documents_is_in_their_ids_and_in_a_field(capture: Path) -> None:
    plain, named = documents(Selection((capture,))), documents(Selection((capture,)), replay_id="r-1")
    assert not plain.keys() & named.keys()
    assert all(json.loads(document)["haproxy"]["replay_id"] == "r-1" for document in named.values())
    assert "replay_id" not in "".join(plain.values())
    looped = documents(Selection((capture,), rounds=3), replay_id="r-1")
    assert len(looped) == 3 * len(named)


def test_lines_move_to_another_time_with_their_gaps_and_rounds_follow_each_other(capture: Path) -> None:
    before = times(documents(Selection((capture,))))
    to_us = 1_893_456_000_000_000
    moved = documents(Selection((capture,), to_us=to_us, rounds=2), replay_id="r")
    after = times(moved)
    assert after[0] == "2030-01-01T00:00:00.000000Z"
    assert after[: len(before)] != before
    assert min(after[len(before) :]) > max(after[: len(before)])


def test_a_damaged_file_is_sent_up_to_the_damage_and_the_next_follows(capture: Path, tmp_path: Path) -> None:
    damaged = tmp_path / "damaged.gz"
    damaged.write_bytes(gzip.compress(b"".join(traffic(number % 60) + b" \n" for number in range(500)))[:-200])
    found = list(steps(Selection((damaged, capture)), batch=50))
    faults = [step.fault for step, _ in found if step.fault]
    assert len(faults) == 1
    assert "damaged behind byte" in faults[0]
    assert found[-1][0].reached.part == 2
    assert sum(step.documents for step, _ in found[-1:]) == 7


def test_a_file_that_is_gone_when_its_turn_comes_is_said(capture: Path, tmp_path: Path) -> None:
    gone = tmp_path / "gone.log"
    gone.write_bytes(b"line\n")
    with reading(Selection((gone, capture)), batch=50) as opened:
        gone.unlink()
        found = [step for step, _ in opened.steps(Reached(), 0)]
    assert "gone.log: No such file" in found[0].fault
    assert found[-1].documents == 7


def test_a_file_that_was_changed_before_the_place_is_not_gone_on_with(capture: Path) -> None:
    (first, _), *_ = steps(Selection((capture,)), batch=3)
    capture.write_bytes(capture.read_bytes().replace(b"what is this", b"it is changed"))
    with pytest.raises(Permanent, match="not the file any more"):
        list(steps(Selection((capture,)), reached=first.reached))


def test_a_file_that_was_appended_to_is_gone_on_with(capture: Path) -> None:
    whole = list(steps(Selection((capture,))))
    with capture.open("ab") as file:
        file.write(traffic(9) + b"\n")
    more = documents(Selection((capture,)), reached=whole[2][0].reached)
    assert len(more) == 2


def test_a_line_is_known_to_come_again_by_its_id(capture: Path) -> None:
    whole = list(steps(Selection((capture,), rounds=2), "r"))
    with reading(Selection((capture,), rounds=2), "r") as opened:
        for stopped, (step, _) in enumerate(whole):
            for number, (_, found) in enumerate(whole):
                assert {opened.comes_again(step.reached, id_) for id_ in found} <= {number > stopped}
        assert not opened.comes_again(Reached(), "AAAAAAAAAAAAAAAAAAAA")
        assert not opened.comes_again(Reached(), "not an id")
