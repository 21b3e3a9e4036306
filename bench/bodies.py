"""What Elasticsearch makes of bulk requests: its pace and CPU time by size, number in flight, `_id`s, and answers.

Documents are encoded beforehand, so that all CPU time but the client's is Elasticsearch's. Each variant fills an index
of its own, under shipper's template; the first one warms Elasticsearch up and is not counted.
"""

from __future__ import annotations

import json
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from bench.day import ask, client_of
from bench.encode import batches
from bench.lines import lines
from bench.processes import Family
from bench.report import show
from deploy.local_elasticsearch import LocalElasticsearch
from shipper import config, setup
from shipper.encode import choose_engine, make_encoder
from shipper.limits import MIB

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shipper.elastic import Client

DOCUMENTS: Final = 120_000
TIMEOUT_S: Final = 120.0
INDEX: Final = config.Index()


@dataclass(frozen=True, slots=True)
class Variant:
    """A way to send the documents."""

    name: str
    bytes_max: int = 4 * MIB
    in_flight: int = 2
    ids: str = "rising"
    """`rising`, `random`, or `none`: Elasticsearch makes them."""
    whole: bool = False
    """The answer says everything of each item, and not only what a verdict needs (`filter_path`)."""


_USUAL: Final = Variant("4 MiB, 2 in flight")
VARIANTS: Final = (
    replace(_USUAL, name="warming up"),
    *(
        replace(_USUAL, name=f"{size / MIB:g} MiB, 2 in flight", bytes_max=size)
        for size in (MIB // 4, MIB, 4 * MIB, 8 * MIB)
    ),
    *(replace(_USUAL, name=f"4 MiB, {count} in flight", in_flight=count) for count in (1, 4, 8)),
    replace(_USUAL, name="4 MiB, 2 in flight, random _id", ids="random"),
    replace(_USUAL, name="4 MiB, 2 in flight, no _id", ids="none"),
    replace(_USUAL, name="4 MiB, 2 in flight, whole answers", whole=True),
    replace(_USUAL, name="4 MiB, 2 in flight, once more"),
)


def main() -> None:
    """Print pace and CPU time of each variant."""
    rows = []
    with LocalElasticsearch() as node:
        client, family = client_of(node.url), Family(node.pid())
        setup.install(client, INDEX)
        pairs = _pairs()
        for number, variant in enumerate(VARIANTS):
            bodies = _bodies(pairs, variant)
            before_s, begin_s = family.cpu_s(), time.monotonic()
            slowest_s = _send(client, f"{INDEX.prefix}-2026.11.{number + 1:02}", bodies, variant)
            spent_s, cpu_s = time.monotonic() - begin_s, family.cpu_s() - before_s
            pace, cost_us = len(pairs) / spent_s, cpu_s / len(pairs) * 1e6
            if number:
                rows.append([variant.name, f"{pace:,.0f}", f"{cost_us:.1f} us", f"{slowest_s:.2f} s"])
        client.close()
    columns = ["bodies", "documents/s", "CPU a document, Elasticsearch", "slowest answer"]
    show("One Elasticsearch node, on the same cores", columns, rows)


def _pairs() -> list[tuple[bytes, bytes]]:
    """Give the action and the document of each item."""
    encoder = make_encoder(config.Interpretation(), choose_engine("auto"))
    bodies = [body for batch in batches(lines(DOCUMENTS, "local")) for body in encoder.encode(batch).bodies]
    parts = [part for body in bodies for part in bytes(body.content).splitlines(keepends=True)]
    return list(zip(parts[::2], parts[1::2], strict=True))


def _bodies(pairs: Sequence[tuple[bytes, bytes]], variant: Variant) -> list[bytes]:
    bodies: list[bytes] = []
    pieces: list[bytes] = []
    size = 0
    for number, (action, document) in enumerate(pairs):
        if size + len(document) > variant.bytes_max:
            bodies.append(b"".join(pieces))
            pieces, size = [], 0
        pieces += (_action(action, number, variant.ids), document)
        size += len(action) + len(document)
    return [*bodies, b"".join(pieces)]


def _action(action: bytes, number: int, ids: str) -> bytes:
    """Give the action line; a random `_id` is one whose neighbours are elsewhere."""
    if ids == "none":
        return b'{"create":{}}\n'
    if ids == "random":
        return b'{"create":{"_id":"%022x"}}\n' % (number * 0x9E3779B97F4A7C15 % (1 << 64))
    return action


def _send(client: Client, index: str, bodies: Sequence[bytes], variant: Variant) -> float:
    """Send all, so many at the same time; give the seconds of the slowest answer."""

    def send(body: bytes) -> float:
        begin_s = time.monotonic()
        if variant.whole:
            _, answer = client.upload(f"/{index}/_bulk", body, {"content-type": "application/x-ndjson"})
        else:
            answer = json.loads(client.bulk(index, body, TIMEOUT_S).body)
        if answer["errors"]:
            raise RuntimeError(str(answer)[:500])
        return time.monotonic() - begin_s

    with ThreadPoolExecutor(variant.in_flight) as pool:
        slowest_s = max(pool.map(send, bodies))
    ask(client, "POST", f"/{index}/_flush")
    return slowest_s
