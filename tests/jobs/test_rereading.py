from __future__ import annotations

import base64
import json
from typing import Any

from shipper.config import Interpretation
from shipper.dead_letter import DeadLetter
from shipper.jobs.rereading import Rereading
from shipper.journal import Flag, Position
from shipper.replay.captures import Line
from shipper.replay.ids import Ids

LIVE = Position(bytes(range(12)), 4711).id()
CAPTURED = Ids(b"a file").id(Line(0, b"a line", cut=False, end=7, blanks=0))
HTTP = (
    b'192.0.2.1:80 [21/Nov/2026:05:02:17.873] www shop/s1 1/2/3/4/10 200 512 - - --NI 5/4/3/2/0 0/0 "GET /n/1 HTTP/1.1"'
)
NO_YEAR = b"<134>Nov 21 05:02:17 haproxy[8474]: Proxy www stopped (cumulated conns: FE: 1, BE: 2)."


def letter(raw: bytes, id_: str = LIVE, **more: Any) -> DeadLetter:  # noqa: ANN401 -- a field of any kind
    content: dict[str, Any] = {
        "time": "2026-11-21T12:00:00.000000Z",
        "id": id_,
        "index": "haproxy-2026.11.21",
        "type": "document_parsing_exception",
        "reason": "",
        "caused_by": "",
        "field": None,
        "status": 400,
        "tries": 1,
        "received": "2026-11-21T05:02:18.000001Z",
        "sender": "192.0.2.7",
        "line": raw.decode("utf-8", "replace"),
        "line_base64": base64.b64encode(raw).decode(),
        "document": {"@timestamp": "2024-11-21T05:02:17.000000Z", "haproxy": {"replay_id": "20261121-1"}},
    }
    return DeadLetter(**content | more)


def reread(*letters: DeadLetter, **more: Any) -> list[tuple[str, str, dict[str, Any]]]:  # noqa: ANN401 -- as above
    """Give index, id and document of each letter."""
    found = []
    for body in Rereading(Interpretation(**more)).bodies(letters):
        sources = bytes(body.content).splitlines()[1::2]
        found += [(body.index, body.id(item), json.loads(source)) for item, source in enumerate(sources)]
    return found


def test_a_live_line_keeps_its_id_its_time_of_receipt_and_its_sender() -> None:
    ((index, id_, document),) = reread(letter(HTTP))
    assert (index, id_) == ("haproxy-2026.11.21", LIVE)
    assert document["event"]["created"] == "2026-11-21T05:02:18.000001Z"
    assert document["log"]["source"]["address"] == "192.0.2.7"
    assert "replay_id" not in document["haproxy"]


def test_its_zone_is_that_of_its_listener_now() -> None:
    zones = ("UTC", "Europe/Berlin")
    ((_, _, document),) = reread(letter(HTTP, listener=1), listener_zones=zones)
    assert document["@timestamp"] == "2026-11-21T04:02:17.873000Z"


def test_a_line_that_was_cut_is_cut_still() -> None:
    ((_, _, document),) = reread(letter(HTTP[:60], cut=True))
    assert document["haproxy"]["truncated"] == "line"


def test_a_captured_line_is_of_its_replay_and_takes_its_year_from_what_was_refused() -> None:
    ((index, id_, document),) = reread(letter(NO_YEAR, CAPTURED))
    assert (index, id_) == ("haproxy-2024.11.21", CAPTURED)
    assert document["haproxy"]["replay_id"] == "20261121-1"
    assert "created" not in document["event"]


def test_delivery_finds_the_line_of_each_document() -> None:
    letters = [letter(HTTP), letter(NO_YEAR, CAPTURED, cut=True), letter(HTTP, listener=3)]
    bodies = Rereading(Interpretation()).bodies(letters)
    lines = [line for body in bodies for line in body.lines(range(len(body)))]
    assert sorted(line.raw for line in lines) == sorted(each.raw for each in letters)
    assert {(line.origin.listener, line.flags) for line in lines} == {(0, Flag(0)), (0, Flag.CUT), (3, Flag(0))}
