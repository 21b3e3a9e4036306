"""The native engine against the Python engine: the same bytes for any line, whatever share of them is native."""

from __future__ import annotations

import datetime as dt
import json
import zoneinfo
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shipper.config import Interpretation
from shipper.encode import Encoder
from shipper.encode._engines import native_version
from shipper.haproxy.formats import Format
from shipper.haproxy.privacy_rules import Rules
from shipper.haproxy.stock import HTTPLOG, STOCK_FORMATS
from shipper.haproxy.timestamps import certain_offsets, zone_offset
from shipper.journal.entry import LINE_HEADER, Batch, Entry, Flag, Origin, Position
from tests.encode.test_properties import FORMATS, HIDDEN, any_line
from tests.haproxy import lines, values
from tests.provoke import SAMPLES

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from pathlib import Path

    from shipper.encode import Encoded, Enricher
    from shipper.haproxy.record import Attributes

if native_version() is None:
    pytest.skip("the native engine is not installed", allow_module_level=True)

from shipper.encode._native import NativeEncoder
from shipper.encode._portable import portable_groups

BEGIN = dt.datetime(1970, 1, 1)  # noqa: DTZ001 -- wall time
SEGMENT = bytes(range(200, 212))
ORIGINS = (Origin(0, "192.0.2.1"), Origin(1, ""), Origin(0, "/run/log"), Origin(1, "file:///var/log/a"))
NATIVE = [STOCK_FORMATS[name] for name in ("httplog", "httpslog", "tcplog")]
HEADERS = [
    b"",
    b"<134>Nov 21 01:02:03 haproxy[123]: ",
    b"<134>Nov 21 01:02:03 h haproxy[0123]: ",
    b"Nov  1 01:02:03 h-1 haproxy[1]: ",
    b"<134>1 2026-11-21T01:02:03.456789+01:00 h haproxy 123 - - ",
    b"<13>1 2026-11-21T01:02:03Z - - - - - ",
    b'<134>1 2026-11-21T01:02:03Z h"\\#22 haproxy 123 - - ',
]

usual = st.one_of(*(values.lines_of(text, raw=raw) for text in NATIVE for raw in (False, True)))
native_lines = st.builds(bytes.__add__, st.one_of(st.sampled_from(HEADERS), lines.headers), usual)


@st.composite
def damaged(draw: st.DrawFn) -> bytes:
    line = draw(native_lines)
    at = draw(st.integers(0, len(line)))
    put = draw(st.sampled_from([*(bytes([byte]) for byte in b' "{}-+0:/\\\xff\x01\x7f'), b"#22", b"\xc3\xa9"]))
    return line[:at] + put + line[at + draw(st.integers(0, 2)) :]


class Known:
    """Knows something of addresses and user agents: another thing of another one, and of some nothing."""

    def gives(self, names: Collection[str]) -> tuple[str, ...]:
        of_address = ("source_geo_city", "source_geo_location", "source_as_number") if "source_ip" in names else ()
        return (*of_address, *(("user_agent_name",) if "user_agent_original" in names else ()))

    def fields(self, attributes: Attributes) -> Attributes:
        added: Attributes = {}
        address, agent = attributes.get("source_ip"), attributes.get("user_agent_original")
        if isinstance(address, str) and len(address) % 3:
            added["source_geo_city"] = f'"{address}" é'
            if address.endswith("0"):
                added["source_as_number"] = len(address)
        if isinstance(agent, str) and len(agent) % 2:
            added["user_agent_name"] = agent[::-1]
        return added


interpretations = st.builds(
    Interpretation,
    listener_zones=st.sampled_from([(), ("Europe/Berlin", "America/St_Johns"), ("Asia/Tokyo", "UTC")]),
    formats=st.sampled_from([(), (), FORMATS]),
    keep_original=st.sampled_from(["unparsed", "always", "never"]),
    labels=st.sampled_from([{}, {"team": 'a"b', "site": "é"}]),
    privacy=st.sampled_from([Rules(), HIDDEN, Rules(parameters={"*": "hash"}, cookies={"*": "drop"})]),
    privacy_key=st.sampled_from([None, "a key of sixteen"]),
    index=st.sampled_from([{}, {"accept_past_days": None, "accept_future_days": None}, {"date_format": "%Y-%m-%d"}]),
)
some_lines = st.lists(
    st.tuples(
        st.one_of(native_lines, damaged(), any_line),
        st.integers(0, 2**32 - 1),
        st.integers(0, len(ORIGINS) - 1),
        st.sampled_from([Flag(0), Flag(0), Flag(0), Flag.CUT]),
    ),
    min_size=1,
    max_size=12,
)


def entry_of(some: Sequence[tuple[bytes, int, int, Flag]], received_us: int, offset: int) -> Entry:
    table = b"".join(LINE_HEADER.pack(len(raw), delta, origin, flags) for raw, delta, origin, flags in some)
    data = b"".join(raw for raw, _, _, _ in some)
    return Entry(SEGMENT, offset, received_us, ORIGINS, table, data, data_offset=offset)


def batch_of(*entries: Entry) -> Batch:
    return Batch(entries, b"{}", Position(SEGMENT, 0))


def written(encoded: Encoded) -> object:
    return (
        [(body.index, body.content, list(body.ends), list(body.numbers)) for body in encoded.bodies],
        dict(encoded.unparsed),
        dict(encoded.undated),
        dict(encoded.log_formats),
        dict(encoded.skews_us),
        encoded.failure,
    )


def test_an_entry_that_only_counts_may_stand_behind_one_with_lines() -> None:
    interpretation = Interpretation()
    line = (HEADERS[1] + lines.Values().line(), 0, 0, Flag(0))
    both = [batch_of(entry_of([line], lines.RECEIVED_US, 0), entry_of([], 0, 500)) for _ in range(2)]
    python, native = Encoder(interpretation).encode(both[0]), NativeEncoder(interpretation).encode(both[1])
    assert written(python) == written(native)
    assert python.log_formats == {ORIGINS[0]: "httplog"}


def taught(interpretation: Interpretation, batch: Batch, enricher: Enricher | None = None) -> NativeEncoder:
    """Give an encoder that knows the zones of these lines."""
    encoder = NativeEncoder(interpretation, enricher=enricher)
    encoder.encode(batch)
    encoder.declined = 0
    return encoder


@settings(max_examples=100)
@given(
    st.lists(some_lines, min_size=1, max_size=3),
    interpretations,
    st.integers(0, 2 * 10**15),
    st.sampled_from([None, Known()]),
)
def test_both_engines_write_the_same_bytes(
    entries: list[list[tuple[bytes, int, int, Flag]]],
    interpretation: Interpretation,
    received_us: int,
    enricher: Enricher | None,
) -> None:
    times = [lines.RECEIVED_US, received_us]
    batch = batch_of(*(entry_of(some, times[number % 2], 1000 * number) for number, some in enumerate(entries)))
    expected = Encoder(interpretation, enricher=enricher).encode(batch)
    encoded = taught(interpretation, batch, enricher).encode(batch)
    assert written(encoded) == written(expected)
    assert [body.lines(range(len(body))) for body in encoded.bodies] == [
        body.lines(range(len(body))) for body in expected.bodies
    ]


ANY_TIME = Interpretation.model_validate({"index": {"accept_past_days": None, "accept_future_days": None}})
NATIVE_ENGINE, PYTHON_ENGINE = NativeEncoder(ANY_TIME), Encoder(ANY_TIME)


@settings(max_examples=500)
@given(st.lists(st.one_of(native_lines, damaged()), min_size=1, max_size=6))
def test_no_line_is_read_in_another_way(raws: list[bytes]) -> None:
    batch = batch_of(entry_of([(raw, 0, 0, Flag(0)) for raw in raws], lines.RECEIVED_US, 0))
    NATIVE_ENGINE.encode(batch)
    assert written(NATIVE_ENGINE.encode(batch)) == written(PYTHON_ENGINE.encode(batch))


CAPTURED = Interpretation(
    formats=(
        Format(
            name="all",
            log_format="httplog",
            frontends=("www", "shop"),
            request_captures=("Host", "user-agent", "Referer", "X-Forwarded-For", "X-Request-ID", "", "X-Team"),
            response_captures=("Content-Type", ""),
        ),
        Format(name="answers", log_format="httplog", frontends=("api",), request_captures=(), response_captures=("a",)),
        Format(name="asked", log_format="httplog", frontends=("old",), request_captures=("Host",)),
        Format(name="tagged", log_format="tcplog", tags=("haproxy",), mode="http"),
    ),
    index={"accept_past_days": None, "accept_future_days": None},
)
CAPTURED_ENGINES = NativeEncoder(CAPTURED), Encoder(CAPTURED)
header_values = st.one_of(
    st.sampled_from(
        [
            *(
                "",
                "-",
                "www.example.org",
                "a:81",
                "[::1]:80",
                "a b",
                "Mozilla/5.0 (X11; Linux x86_64) ok",
                "x#22y",
                "#FF",
            ),
            *(
                "192.0.2.7",
                "192.0.2.7, 10.0.0.1",
                "unknown, ::1",
                " 1.2.3.4",
                "01.2.3.4",
                "fe80::1%eth0",
                "é",
                ",",
                "1.2",
            ),
        ]
    ),
    st.text(st.characters(exclude_characters='|{}"', min_codepoint=32, max_codepoint=300), max_size=8),
)


@st.composite
def captured_lines(draw: st.DrawFn) -> bytes:
    blocks = draw(st.lists(st.lists(header_values, min_size=1, max_size=8), max_size=2))
    if draw(st.booleans()):
        blocks = [
            [draw(header_values) for _ in range(size)] for size in draw(st.sampled_from([(7, 2), (7,), (1,), (2,)]))
        ]
    printed = "".join(" {" + "|".join(block) + "}" for block in blocks)
    frontend = draw(st.sampled_from(["www", "www~", "shop", "api", "old", "other"]))
    uri = draw(st.sampled_from(["/", "/a?b", "http://c/d", "http://c:82/d", "*"]))
    return (
        f"<134>Nov 21 01:02:03 haproxy[1]: 10.0.0.1:1 [21/Nov/2026:01:02:03.456] {frontend} b/s 0/0/0/1/2 200 5 - - "
        f'---- 1/1/1/1/0 0/0{printed} "GET {uri} HTTP/1.1"'
    ).encode()


@settings(max_examples=500)
@given(st.lists(captured_lines(), min_size=1, max_size=6))
def test_captured_headers_are_told_in_the_same_way(raws: list[bytes]) -> None:
    batch = batch_of(entry_of([(raw, 0, 0, Flag(0)) for raw in raws], lines.RECEIVED_US, 0))
    native, python = CAPTURED_ENGINES
    assert written(native.encode(batch)) == written(python.encode(batch))


def test_lines_of_configured_frontends_are_native() -> None:
    front = b"<134>Nov 21 01:02:03 haproxy[1]: 10.0.0.1:1 [21/Nov/2026:01:02:03.456] "
    rest = b' b/s 0/0/0/1/2 200 5 - - ---- 1/1/1/1/0 0/0 {a.b|curl/8.5.0|||7||x} {text/html|} "GET / HTTP/1.1"'
    raws = [front + name + rest for name in (b"www~", b"shop", b"other")]
    batch = batch_of(entry_of([(raw, 0, 0, Flag(0)) for raw in raws], lines.RECEIVED_US, 0))
    encoder = taught(CAPTURED, batch)
    documents = [json.loads(line) for line in bytes(encoder.encode(batch).bodies[0].content).splitlines()[1::2]]
    assert encoder.declined == 0
    assert [document["haproxy"]["log_format"] for document in documents] == ["all", "all", "httplog"]
    assert documents[0]["url"]["domain"] == "a.b"
    assert documents[0]["haproxy"]["http"]["request"]["headers"] == {"x_team": "x"}


CUSTOM = [
    f"{HTTPLOG} %ID",
    f"{HTTPLOG} %sslv %sslc %[ssl_fc_sni] %[var(txn.a)]",
    f'{HTTPLOG} a="%[var(txn.a)]" b=%[var(txn.b)] %[str(a),length]',
    '%ci [%tr] %f %ST id=%ID a="%[var(txn.a)]" %{+Q}r %CC %CS %tsc %hr',
    "%ci:%cp [%tr] %ft %ST %TR/%Tw/%Tc/%Tr/%Ta %[var(txn.a)] %{+Q}r weight=%[str(a),length]",
    "%f %ci:%cp [%t] > %si:%sp %ts %Tw/%Tc/%Tt up=%U down=%B",
    "%ci:%cp [%t] %f %b/%s %Tw/%Tc/%Tt %B %ts %[var(txn.a)] %fi:%fp %[var(txn.b)]",
    '%f [%t] "%[var(txn.a)]" "%[var(txn.b)]" %ci %B',
]
custom_lines = st.one_of(*(values.lines_of(text, raw=raw) for text in CUSTOM for raw in (False, True)))


@st.composite
def custom_formats(draw: st.DrawFn) -> tuple[Format, ...]:
    chosen = draw(st.lists(st.sampled_from([*CUSTOM, "httplog", "tcplog"]), min_size=1, max_size=4, unique=True))
    frontends = st.sampled_from([(), ("www",), ("fe_main", "api")])
    tags = st.sampled_from([(), (), ("haproxy",)])
    return tuple(
        Format(name=f"f{number}", log_format=text, frontends=draw(frontends), tags=draw(tags))
        for number, text in enumerate(chosen)
    )


@st.composite
def spliced(draw: st.DrawFn) -> bytes:
    """Put a piece of one line into another: what somebody would send to be misread."""
    line: bytes = draw(st.one_of(custom_lines, usual))
    other: bytes = draw(st.one_of(custom_lines, usual))
    start = draw(st.integers(0, len(other)))
    at = draw(st.integers(0, len(line)))
    return (
        b"<134>Nov 21 01:02:03 haproxy[1]: "
        + line[:at]
        + other[start : draw(st.integers(start, len(other)))]
        + line[at:]
    )


@settings(max_examples=400)
@given(
    custom_formats(),
    st.sampled_from([{}, {"site": "b"}]),
    st.lists(st.one_of(custom_lines.map(HEADERS[1].__add__), spliced(), native_lines), min_size=1, max_size=8),
)
def test_formats_of_ones_own_are_read_in_the_same_way(
    formats: tuple[Format, ...], labels: dict[str, str], raws: list[bytes]
) -> None:
    interpretation = Interpretation(formats=formats, labels=labels, index=ANY_TIME.index)
    batch = batch_of(entry_of([(raw, 0, 0, Flag(0)) for raw in raws], lines.RECEIVED_US, 0))
    assert written(taught(interpretation, batch).encode(batch)) == written(Encoder(interpretation).encode(batch))


@pytest.mark.parametrize("text", CUSTOM[:-1])
def test_the_usual_formats_of_ones_own_are_native(text: str) -> None:
    (group, *_) = portable_groups(Interpretation(formats=(Format(name="own", log_format=text),)))
    assert group.first.name == "own"


@settings(max_examples=200)
@given(
    st.sampled_from(sorted(zoneinfo.available_timezones())),
    st.datetimes(BEGIN, BEGIN.replace(year=2261)),
)
def test_what_is_certain_of_a_zone_is_what_it_says_of_each_second(zone: str, moment: dt.datetime) -> None:
    intervals = certain_offsets(zone, moment.year)
    second = int((moment - BEGIN).total_seconds())
    edges = [edge for interval in intervals for edge in interval[:2]]
    for wall_s in (second, *edges, *(edge - 1 for edge in edges)):
        if (BEGIN + dt.timedelta(seconds=wall_s)).year == moment.year and wall_s >= 0:
            found = [offset for first, until, offset in intervals if first <= wall_s < until]
            assert found == [offset for offset in (zone_offset(zone, wall_s),) if offset is not None]


def test_a_full_body_is_closed_as_in_python(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("shipper.encode.body", "shipper.encode._native"):
        monkeypatch.setattr(f"{module}.BULK_BYTES_MAX", 4_000)
    log = (SAMPLES / "httplog-local.log").read_bytes().splitlines()
    batch = batch_of(entry_of([(raw, number, number % 2, Flag(0)) for number, raw in enumerate(log)], 10**15, 0))
    for zones in ((), ("UTC", "Pacific/Auckland")):
        interpretation = Interpretation.model_validate(
            {"listener_zones": zones, "index": {"accept_past_days": None, "accept_future_days": None}}
        )
        expected = Encoder(interpretation).encode(batch)
        assert len(expected.bodies) > 3
        assert written(taught(interpretation, batch).encode(batch)) == written(expected)


@pytest.mark.parametrize("log", sorted(SAMPLES.glob("*.log")), ids=lambda path: path.stem)
def test_lines_of_a_real_haproxy_give_the_same_bytes(log: Path) -> None:
    some = [(raw, 0, 0, Flag(0)) for raw in log.read_bytes().removesuffix(b"\n").split(b"\n")]
    batch = batch_of(entry_of(some, lines.RECEIVED_US, 0))
    interpretation = Interpretation(listener_zones=("Europe/Berlin",))
    assert written(taught(interpretation, batch).encode(batch)) == written(Encoder(interpretation).encode(batch))


@pytest.mark.parametrize(("name", "declined_max"), [("httplog", 9), ("httpslog", 5), ("tcplog", 0)])
def test_the_usual_lines_are_native(name: str, declined_max: int) -> None:
    some = [(raw, 0, 0, Flag(0)) for raw in (SAMPLES / f"{name}-local.log").read_bytes().splitlines()]
    batch = batch_of(entry_of(some, lines.RECEIVED_US, 0))
    for privacy, enricher in ((Rules(), None), (HIDDEN, Known())):
        encoder = taught(Interpretation(privacy=privacy), batch, enricher)
        encoder.encode(batch)
        assert encoder.declined <= declined_max
