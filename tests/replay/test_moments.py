from __future__ import annotations

import json
from pathlib import Path

import pytest

from shipper.config import Interpretation
from shipper.encode import CapturedEncoder
from shipper.haproxy.timestamps import format_timestamp
from shipper.replay.captures import Line
from shipper.replay.moments import Moments
from tests.cli.commands import LINE

SAMPLES = Path(__file__).parents[2] / "samples"
BERLIN = Interpretation(listener_zones=("Europe/Berlin",))
LAST_CHANGE_US = 1_800_000_000_000_000
EVENT = b"backend shop has no server available!"


def lines(raws: list[bytes]) -> list[Line]:
    return [Line(number, raw, cut=False, end=number + 1, blanks=0) for number, raw in enumerate(raws)]


def starts(raws: list[bytes]) -> list[str]:
    timed = Moments(BERLIN, LAST_CHANGE_US).timed(lines(raws))
    return [format_timestamp(moment.start_us) for moment, _ in timed]


def test_a_line_was_written_when_its_request_had_ended() -> None:
    [(moment, _)] = Moments(BERLIN, LAST_CHANGE_US).timed(lines([LINE.rstrip()]))
    assert format_timestamp(moment.start_us) == "2026-11-21T04:02:17.873000Z"
    assert moment.written_us - moment.start_us == 41_000


@pytest.mark.parametrize("sample", sorted(SAMPLES.glob("*.log")), ids=lambda path: path.stem)
def test_the_start_is_the_timestamp_of_the_document(sample: Path) -> None:
    raws = sample.read_bytes().splitlines()
    documents = CapturedEncoder(BERLIN, LAST_CHANGE_US).documents(raws)
    assert starts(raws) == [json.loads(document.json)["@timestamp"] for document in documents]


def test_a_line_without_a_day_has_the_moment_of_the_dated_one_before_it_or_at_the_front_behind_it() -> None:
    assert len(set(starts([EVENT, EVENT, LINE.rstrip(), EVENT]))) == 1


def test_a_file_without_any_date_has_the_time_of_its_last_change() -> None:
    assert starts([EVENT]) == [format_timestamp(LAST_CHANGE_US)]


def test_nothing_has_no_moment() -> None:
    assert starts([]) == []
