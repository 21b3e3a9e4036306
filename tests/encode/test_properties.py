"""The Python engine against the definition: any line, any batch, the same documents."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from hypothesis import given, settings
from hypothesis import strategies as st

from shipper.config import Interpretation
from shipper.encode import Encoder
from shipper.encode._python import LineContext
from shipper.encode._template import to_json
from shipper.haproxy.formats import Format
from shipper.haproxy.privacy import hider_of
from shipper.haproxy.privacy_rules import Rules
from shipper.haproxy.stock import HTTPLOG, STOCK_FORMATS
from shipper.haproxy.understand import Context, understand
from shipper.journal.entry import LINE_HEADER, Batch, Entry, Flag, Origin, Position
from tests.haproxy import lines, values
from tests.haproxy.printing import cbor_line, json_line, named, parts_of
from tests.setup.documents import concrete

if TYPE_CHECKING:
    import random
    from collections.abc import Callable, Sequence

    from tests.haproxy.printing import Named, Part

TIMESTAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z")
SEGMENT = bytes(range(12))
TYPES: dict[str, type | tuple[type, ...]] = {
    "long": int,
    "short": int,
    "boolean": bool,
    "keyword": (str, list),
    "text": str,
    "ip": str,
    "date_nanos": str,
}

OPEN = ("labels.", "haproxy.http.request.headers.", "haproxy.http.response.headers.")
"""Objects whose members a configuration names; each is a keyword."""
NAMED = "%(ip)ci %(port)cp %(at)t %(frontend)f %(status)ST %(request)r %(captured)hrl %(id)ID %(trace)[var(txn.a)]"
CONFIGURED = {
    "captures": HTTPLOG,
    "json": f"%{{+json}}o {NAMED}",
    "cbor": f"%{{+cbor}}o {NAMED}",
    "words": "%ci %cp %[accept_date(ms)] %f %b %s %HM %HU %HV %ST %B %Ta %{+Q}ID %[txn.timer.user]",
    "quoted": "%{+Q}o %Tl.%ms %ci:%{-Q}cp %f %b/%s %r %hr %hs %ID %HPO %HQ %HM %HV",
    "flagged": "%{+Q,+E}o %{+X}Ts %{+X}ci %{+X}cp %CC %[capture.req.hdr(0)] %{-M}sslv %rc %{-Q}o %[var(txn.a)]",
}
FORMATS = (
    Format(
        name="captures",
        log_format=HTTPLOG,
        frontends=("www", "a", "b"),
        request_captures=("Host", "X-Forwarded-For", ""),
        response_captures=("Content-Type",),
    ),
    Format(name="tagged", log_format=HTTPLOG, tags=("h",), mode="tcp", request_captures=("User-Agent",)),
    *(Format(name=name, log_format=text, response_captures=()) for name, text in CONFIGURED.items()),
)
HIDDEN = Rules(
    mask_addresses=True,
    parameters={"*": "hash", "x": "drop"},
    cookies={"*": "hash"},
    headers={"*": "hash", "host": "keep"},
    labels={"*": "drop"},
    unparsed="keep",
)
interpretations = st.builds(
    Interpretation,
    formats=st.sampled_from([(), FORMATS]),
    keep_original=st.sampled_from(["unparsed", "always", "never"]),
    labels=st.sampled_from([{}, {"team": 'a"b', "site": "é"}]),
    privacy=st.sampled_from([Rules(), HIDDEN]),
    privacy_key=st.just("a key of sixteen"),
)
received = st.one_of(st.none(), st.just(lines.RECEIVED_US), st.integers(0, 2 * 10**15))


def named_lines(write: Callable[[Sequence[tuple[Part, Named]]], bytes]) -> st.SearchStrategy[bytes]:
    parts = parts_of(NAMED)
    return values.all_values(parts, raw=True).map(lambda found: write(named(parts, found)[0]))


plain = [text for name, text in (STOCK_FORMATS | CONFIGURED).items() if name not in {"json", "cbor"}]
printed = st.one_of(
    lines.values.map(lines.Values.line),
    *(values.lines_of(text, raw=True) for text in plain),
    named_lines(json_line),
    named_lines(cbor_line),
)
rendered = st.builds(bytes.__add__, lines.headers, printed)


@st.composite
def mutated(draw: st.DrawFn) -> bytes:
    line: bytes = draw(rendered)
    for _ in range(draw(st.integers(1, 3))):
        at = draw(st.integers(0, len(line)))
        line = line[:at] + draw(st.binary(max_size=3)) + line[at + draw(st.integers(0, 4)) :]
    return line


any_line = st.one_of(rendered, mutated(), st.binary(max_size=200))


def both(
    raw: bytes, zone: str, received_us: int | None, interpretation: Interpretation, *, cut: bool = False
) -> tuple[str, str]:
    line = LineContext(interpretation, zone, "192.0.2.1", received_us or 0, received_us, cut)
    fast = Encoder(interpretation).document(raw, line)
    hider = hider_of(interpretation)
    raw = hider.line(raw, cut=cut) if hider else raw
    understood = understand(raw, Context(zone, received_us or 0, received_us, "192.0.2.1", cut=cut), interpretation)
    assert (line.index_us, line.skew_us) == (understood.index_us, understood.skew_us)
    assert (line.known, line.dated) == (understood.record.line != "unparsed", understood.dated)
    return fast, to_json(understood.record.document())


@settings(max_examples=300)
@given(rendered, lines.zones, received, interpretations)
def test_the_engine_writes_what_the_record_says(
    raw: bytes, zone: str, received_us: int | None, interpretation: Interpretation
) -> None:
    fast, slow = both(raw, zone, received_us, interpretation)
    assert fast == slow


def test_a_lower_bound_that_stands_alone_makes_a_line_partial() -> None:
    interpretation = Interpretation(formats=(Format(name="own", log_format="%ci [%tr] %ft %ST %Ta"),))
    fast, slow = both(b"10.0.0.1 [21/Nov/2026:01:02:03.456] www 200 +7", "UTC", lines.RECEIVED_US, interpretation)
    assert fast == slow
    assert '"partial":true' in fast


@settings(max_examples=300)
@given(any_line, lines.zones, received, interpretations, st.booleans())
def test_no_bytes_raise_and_the_engine_agrees_on_all(
    raw: bytes,
    zone: str,
    received_us: int | None,
    interpretation: Interpretation,
    cut: bool,  # noqa: FBT001 -- hypothesis draws it
) -> None:
    fast, slow = both(raw, zone, received_us, interpretation, cut=cut)
    assert fast == slow


@settings(max_examples=200)
@given(any_line, received)
def test_every_field_is_in_the_mapping_with_its_type(raw: bytes, received_us: int | None) -> None:
    document = lines.flat(json.loads(both(raw, "UTC", received_us, Interpretation(formats=FORMATS))[0]))
    known = concrete()
    for name, value in document.items():
        if name.startswith(OPEN):
            assert isinstance(value, str)
            continue
        assert isinstance(value, TYPES[known[name]]), name
        assert isinstance(value, bool) == (known[name] == "boolean")
        assert known[name] != "date_nanos" or TIMESTAMP.fullmatch(str(value))


def entries(raws: Sequence[bytes], cuts: Sequence[int]) -> list[Entry]:
    """Journal the lines in entries that end at ``cuts``; offsets as if they lay in one segment."""
    made, start, offset = [], 0, 100
    for end in (*sorted(cuts), len(raws)):
        part = raws[start:end]
        table = b"".join(LINE_HEADER.pack(len(raw), 0, 0, Flag(0)) for raw in part)
        data = b"".join(part)
        made.append(
            Entry(SEGMENT, offset, lines.RECEIVED_US, (Origin(0, "192.0.2.1"),), table, data, data_offset=offset)
        )
        start, offset = end, offset + len(data)
    return made


def documents(encoder: Encoder, entries_: Sequence[Entry]) -> dict[tuple[str, str], Any]:
    batch = Batch(tuple(entries_), b"{}", Position(SEGMENT, 0))
    found = {}
    for body in encoder.encode(batch).bodies:
        for item in range(len(body)):
            start = body.ends[item - 1] if item else 0
            action, document = bytes(body.content[start : body.ends[item]]).splitlines()
            assert json.loads(action) == {"create": {"_id": body.id(item)}}
            assert body.lines([item])[0].position.id() == body.id(item)
            found[body.index, body.id(item)] = document
    return found


@settings(max_examples=60)
@given(
    st.lists(any_line.filter(bool), min_size=1, max_size=12),
    st.lists(st.integers(0, 12), max_size=3),
    st.randoms(use_true_random=False),
)
def test_batches_may_be_cut_anywhere_and_come_in_any_order(
    raws: list[bytes], cuts: list[int], chance: random.Random
) -> None:
    interpretation = Interpretation(formats=FORMATS)
    together = documents(Encoder(interpretation), entries(raws, []))
    parts = entries(raws, [min(cut, len(raws)) for cut in cuts])
    chance.shuffle(parts)
    encoder = Encoder(interpretation)
    apart: dict[tuple[str, str], Any] = {}
    for part in parts:
        apart |= documents(encoder, [part])
    assert apart == together
    assert len(together) == len(raws)
