"""What goes wrong over one line stays with that line."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from shipper.config import Interpretation
from shipper.encode import CapturedEncoder, Encoder, _python
from shipper.haproxy.understand import Context, understand
from shipper.journal.entry import Batch, Position
from tests.encode.test_properties import SEGMENT, entries
from tests.haproxy.lines import RECEIVED_US, Values


def test_a_fault_of_shippers_own_costs_one_line_its_fields_and_nothing_else(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise ZeroDivisionError("of all things")

    good = Values().line()
    monkeypatch.setattr(_python, "understand", fail)
    batch = Batch(tuple(entries([good, b"not HAProxy's \xff", good], [])), b"{}", Position(SEGMENT, 0))
    encoded = Encoder(Interpretation()).encode(batch)
    assert "ZeroDivisionError" in encoded.failure
    assert sum(encoded.unparsed.values()) == 1
    documents = [json.loads(line) for body in encoded.bodies for line in bytes(body.content).splitlines()[1::2]]
    assert [document["haproxy"]["line"] for document in documents] == ["traffic", "unparsed", "traffic"]
    assert documents[1]["event"]["original_base64"]
    assert "of all things" in documents[1]["error"]["message"]


@pytest.mark.parametrize(
    "values",
    [
        replace(Values(), timers=(b"1", b"2", b"3", b"4", b"+-1")),
        replace(Values(), r=b"GET http://a:0/x HTTP/1.1"),
        replace(Values(), r=b"GET http://a:65536/x HTTP/1.1"),
    ],
)
@pytest.mark.parametrize("cut", [False, True])
@pytest.mark.parametrize("late_us", [0, 400 * 86_400_000_000])
def test_values_at_the_edge_of_their_grammar_raise_on_neither_way(values: Values, cut: bool, late_us: int) -> None:  # noqa: FBT001 -- a parameter
    raw = values.line()
    received_us = RECEIVED_US + late_us
    understand(raw, Context("UTC", received_us, received_us, cut=cut), Interpretation())
    (document,) = CapturedEncoder(Interpretation(), RECEIVED_US).documents([raw])
    assert "shipper failed" not in document.json
