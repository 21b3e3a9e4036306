"""Captured lines become the same documents wherever reading begins, and bodies as delivery takes them."""

from __future__ import annotations

import json

from hypothesis import given, settings
from hypothesis import strategies as st

from shipper.config import Interpretation
from shipper.encode import CapturedBatch, CapturedEncoder, CapturedLine
from shipper.journal.entry import Flag, Position
from tests.haproxy.lines import RECEIVED_US, Values

SEGMENT = bytes(range(12))
DATED = Values().line()
UNDATED = b"<134>Nov 21 01:02:03 haproxy[7]: Server web/s1 is DOWN."
LINES = st.lists(st.sampled_from([DATED, UNDATED, b"nothing that is known"]), min_size=1, max_size=12)


@settings(max_examples=50)
@given(LINES, st.data())
def test_who_goes_on_in_the_middle_makes_the_same_documents(raws: list[bytes], data: st.DataObject) -> None:
    whole = list(CapturedEncoder(Interpretation(), RECEIVED_US).documents(raws))
    stop = data.draw(st.integers(0, len(raws)))
    first = CapturedEncoder(Interpretation(), RECEIVED_US)
    lines = first.from_front(iter(raws), bytes)
    before = [first.document(next(lines)) for _ in range(stop)]
    if stop:
        second = CapturedEncoder(Interpretation(), first.near_us)
        assert before + [second.document(raw) for raw in raws[stop:]] == whole


def test_undated_lines_at_the_front_take_their_date_from_the_first_dated_one() -> None:
    documents = list(CapturedEncoder(Interpretation(), 0).documents([UNDATED, UNDATED, DATED]))
    assert documents[0].index == documents[2].index


def test_a_document_of_a_replay_names_it_whichever_way_it_was_made() -> None:
    encoder = CapturedEncoder(Interpretation(), RECEIVED_US, "r-1")
    for raw in (DATED, UNDATED, b"nothing that is known"):
        document = json.loads(encoder.document(raw).json)
        assert document["haproxy"]["replay_id"] == "r-1"
        assert "created" not in document["event"]
    assert "replay_id" not in CapturedEncoder(Interpretation(), RECEIVED_US).document(DATED).json


def test_a_line_that_was_cut_is_said_to_be() -> None:
    document = CapturedEncoder(Interpretation(), RECEIVED_US).document(DATED, cut=True)
    assert json.loads(document.json)["haproxy"]["truncated"] == "line"


def test_a_batch_gives_bodies_that_know_their_lines() -> None:
    encoder = CapturedEncoder(Interpretation(), RECEIVED_US)
    batch = CapturedBatch("/logs/day.log.gz", SEGMENT, read_us=7)
    for number, raw in enumerate([DATED, UNDATED, DATED]):
        line = CapturedLine(f"id-{number}", raw, cut=number == 1, offset=number * 1_000)
        batch.add(line, encoder.document(raw, cut=line.cut))
    bodies = batch.bodies()
    assert sum(map(len, bodies)) == len(batch) == 3
    found = {body.id(item): body.lines([item])[0] for body in bodies for item in range(len(body))}
    assert sorted(found) == ["id-0", "id-1", "id-2"]
    made = found["id-1"]
    assert (made.raw, made.flags, made.received_us) == (UNDATED, Flag.CUT, 7)
    assert made.position == Position(SEGMENT, 1_000)
    assert made.origin.address == "file:///logs/day.log.gz#offset=1000"
