"""No document is refused for a value: random and huge ones, within the ranges that the encoder holds them to."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final
from uuid import uuid4

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from shipper.config import Interpretation
from shipper.encode import CapturedEncoder
from tests.setup.documents import concrete, nested

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from shipper.config import Index
    from shipper.elastic import Client

HUGE: Final = 60_000
LONG: Final = 2**63

words = st.text(st.characters(codec="utf-8"), max_size=50)
huge = st.builds(lambda text, size: (text * HUGE).encode()[:size].decode(errors="ignore"), words, st.integers(0, HUGE))
texts = words | huge
longs = st.integers(-LONG, LONG - 1)
addresses = st.ip_addresses().map(str)
names = st.from_regex(r"[a-z0-9_]{1,64}", fullmatch=True)
VALUES: Final[Mapping[str, st.SearchStrategy[Any]]] = {
    "date_nanos": st.datetimes().map(lambda d: f"{1970 + d.year % 290}-11-21T01:02:03.{d.microsecond:06d}Z"),
    "keyword": texts | st.lists(texts, max_size=3),
    "text": texts,
    "long": longs,
    "short": st.integers(-(2**15), 2**15 - 1),
    "boolean": st.booleans(),
    "ip": addresses,
    "geo_point": st.fixed_dictionaries({"lat": st.floats(-90, 90), "lon": st.floats(-180, 180)}),
    "object": st.dictionaries(names, texts, max_size=3),
}


@st.composite
def documents(draw: st.DrawFn) -> dict[str, Any]:
    """Draw a document with some of the fields."""
    types = concrete()
    chosen = draw(st.lists(st.sampled_from(sorted(types)), unique=True, max_size=12))
    return nested({name: draw(VALUES[types[name]]) for name in chosen})


numbers = st.integers(0, 2**66).map(lambda n: b"%d" % n)
junk = st.binary(max_size=40).map(lambda b: b.replace(b"\n", b"")) | huge.map(str.encode)
statuses = st.sampled_from([b"200", b"503", b"999", b"000", b"-1"])
clients = st.sampled_from([b"192.0.2.7", b"fe80::1", b"::ffff:192.0.2.1", b"1.2.3", b"1:2", b"unix", b"unknown", b"-"])
HTTPLOG: Final = (
    b"<134>Nov 21 01:02:03 haproxy[%s]: %s:%s [21/Nov/2026:01:02:03.000] www~ app/app1 %s/0/0/%s/%s %s %s S=%s - ---- "
    b'1/1/%s/1/0 0/0 {%s|%s} {%s} "GET %s HTTP/1.1"'
)
httplog_lines = st.tuples(
    numbers, clients, numbers, numbers, numbers, numbers, statuses, numbers, junk, numbers, junk, junk, junk, junk
).map(lambda values: HTTPLOG % values)


def refused(client: Client, name: str, made: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Send documents, from wherever they come, to the index `name`; give the reasons of those that were refused."""
    action = json.dumps({"create": {}})
    body = "".join(f"{action}\n{json.dumps(document)}\n" for document in made).encode()
    if not body:
        return []
    answer = client.bulk(name, body, 30)
    assert answer.status == 200, answer.body
    return [item["create"]["error"] for item in json.loads(answer.body)["items"] if "error" in item["create"]]


def count(client: Client, name: str, query: Mapping[str, object]) -> int:
    """Count the documents that `query` finds."""
    status, answer = client.request("POST", f"/{name}/_count", {"query": query})
    assert status == 200, answer
    number: int = answer["count"]
    return number


def test_random_values_are_not_refused(client: Client, installed: Index) -> None:
    @settings(max_examples=100, phases=[Phase.generate], suppress_health_check=list(HealthCheck))
    @given(st.lists(documents(), max_size=5))
    def run(made: list[dict[str, Any]]) -> None:
        assert refused(client, f"{installed.prefix}-2026.11.21", made) == []

    run()


def test_no_line_makes_a_document_that_is_refused(client: Client, installed: Index) -> None:
    name = f"{installed.prefix}-2026.11.21"

    @settings(max_examples=50, phases=[Phase.generate], suppress_health_check=list(HealthCheck))
    @given(st.lists(httplog_lines | junk, min_size=1, max_size=10))
    def run(lines: list[bytes]) -> None:
        encoder = CapturedEncoder(Interpretation(labels={"team": "a" * HUGE}), near_us=1_795_222_923_000_000)
        assert refused(client, name, [json.loads(made.json) for made in encoder.documents(lines)]) == []

    run()
    client.request("POST", f"/{name}/_refresh")
    assert count(client, name, {"term": {"haproxy.line": "traffic"}}) > 0
    assert count(client, name, {"term": {"haproxy.line": "unparsed"}}) > 0
    assert count(client, name, {"terms": {"_ignored": ["source.ip", "client.ip"]}}) == 0


def test_a_huge_value_in_every_field_at_once_is_not_refused(client: Client, installed: Index) -> None:
    types = concrete()
    made = nested({name: "\U0001f600" * (HUGE // 4) for name, kind in types.items() if kind in {"keyword", "text"}})
    made["labels"] = {"a" * 64: "\u00e9" * (HUGE // 2)}
    made["haproxy"]["http"]["request"]["headers"] = {"x_a": "a" * HUGE}
    assert refused(client, f"{installed.prefix}-2026.11.21", [made]) == []


def test_an_address_that_elasticsearch_reads_otherwise_is_not_refused(client: Client, installed: Index) -> None:
    odd = ["fe80::1%eth0", "::ffff:192.0.2.1", "192.0.2.1/24", "010.0.0.1", "1.2.3", "", "unix", uuid4().hex]
    made = [nested({"source.ip": text, "client.ip": text}) for text in odd]
    assert refused(client, f"{installed.prefix}-2026.11.21", made) == []
