"""The whole of shipper into the local Elasticsearch, on the same cores: what it takes, and who takes the CPU.

1. Lines come faster than Elasticsearch takes them and wait in the journal, so what is counted is Elasticsearch's
   pace, not the generator's.
2. CPU time is counted from the first line to the last document, of shipper's processes and of Elasticsearch's.
3. The bytes on disk are of the same documents in one merged segment: under shipper's mapping, and under the one that
   Elasticsearch makes up where nobody gives it one.
"""

from __future__ import annotations

import tempfile
import time
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from bench.contestants import free_port, shipper
from bench.day import ask, client_of
from bench.encode import batches
from bench.endpoints import Generator, build, write_capture
from bench.lines import lines
from bench.processes import SAMPLE_S, Family, running
from bench.report import show
from deploy.local_elasticsearch import LocalElasticsearch
from shipper import config, setup
from shipper.encode import choose_engine, make_encoder

LINES_PER_S: Final = 60_000
SECONDS: Final = 15
SETTLE_S_MAX: Final = 180
STORED_LINES: Final = 200_000
CPU_SHARE_MAX: Final = 0.1
INDEX: Final = config.Index()
_NAIVE: Final = "naive"


def main() -> bool:
    """Measure, print, and tell whether shipper takes at most a tenth of Elasticsearch's CPU time."""
    build()
    with LocalElasticsearch() as node:
        client = client_of(node.url)
        setup.install(client, INDEX)
        sent, documents, spent_s, shipper_s, node_s = _ship(node)
        stored = {prefix: _stored(node.url, prefix) for prefix in (INDEX.prefix, _NAIVE)}
        client.close()
    rows = [
        ["lines sent, documents", f"{sent:,}, {documents:,}"],
        ["documents a second", f"{documents / spent_s:,.0f}"],
        ["CPU a document, shipper", f"{shipper_s / documents * 1e6:.1f} us"],
        ["CPU a document, Elasticsearch", f"{node_s / documents * 1e6:.1f} us"],
        ["shipper, of what Elasticsearch takes", f"{shipper_s / node_s:.1%}"],
        ["bytes on disk a line, shipper's mapping", f"{stored[INDEX.prefix]:.0f}"],
        ["bytes on disk a line, without a mapping", f"{stored[_NAIVE]:.0f}"],
    ]
    show("shipper, native, into a local Elasticsearch on the same cores", ["", "figure"], rows)
    return documents == sent and shipper_s <= CPU_SHARE_MAX * node_s


def _ship(node: LocalElasticsearch) -> tuple[int, int, float, float, float]:
    """Give the lines sent, the documents, how long they took, and the CPU time of shipper and of Elasticsearch."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-")))
        write_capture(folder / "lines")
        port, watched = free_port(), Family(node.pid())
        family = stack.enter_context(running(shipper(folder, port, node.url, "native"), port, folder / "log"))
        begin_s, before_s = time.monotonic(), (family.cpu_s(), watched.cpu_s())
        generator = stack.enter_context(Generator(folder / "lines", port, LINES_PER_S, SECONDS))
        documents = 0
        while documents < generator.total and time.monotonic() - begin_s < SETTLE_S_MAX:
            time.sleep(SAMPLE_S)
            documents = _count(node.url, INDEX.pattern)
        spent_s = time.monotonic() - begin_s
        after_s = family.cpu_s(), watched.cpu_s()
        return generator.report()[0], documents, spent_s, after_s[0] - before_s[0], after_s[1] - before_s[1]


def _count(url: str, pattern: str) -> int:
    """Count the documents that were indexed, searchable or not."""
    client = client_of(url)
    total = ask(client, "GET", f"/{pattern}/_stats/indexing?filter_path=_all.primaries.indexing.index_total")
    client.close()
    return int(total.get("_all", {}).get("primaries", {}).get("indexing", {}).get("index_total", 0))


def _stored(url: str, prefix: str) -> float:
    """Give the bytes on disk of a line in an index of this name."""
    name, client = f"{prefix}-{datetime.now(UTC):%Y.%m.%d}-stored", client_of(url)
    encoder = make_encoder(config.Interpretation(), choose_engine("auto"))
    for batch in batches(lines(STORED_LINES, "local")):
        for body in encoder.encode(batch).bodies:
            client.bulk(name, body.content, SETTLE_S_MAX)
    ask(client, "POST", f"/{name}/_forcemerge?max_num_segments=1")
    ask(client, "POST", f"/{name}/_flush")
    stats = ask(client, "GET", f"/{name}/_stats/store,docs")["_all"]["primaries"]
    client.close()
    return float(stats["store"]["size_in_bytes"]) / int(stats["docs"]["count"])
