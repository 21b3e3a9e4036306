"""A day of 10 million made-up requests in a local Elasticsearch that keeps it: what the dashboard is measured on.

1. The same day is made everywhere: from the same seeds, through shipper's own encoder, under shipper's templates.
2. The day is made hour by hour, in several processes. A finished hour is noted beside the documents, and an hour that
   was broken off is sent again under the same `_id`s: nothing is missing or there twice, whenever it is stopped.
3. While it is loaded the indices are not refreshed and their log is not synced to disk; afterwards they have the
   settings of the template. Segments are merged as Elasticsearch does it by itself, and never forced.
"""

from __future__ import annotations

import json
import os
import time
from concurrent.futures import ProcessPoolExecutor, as_completed
from datetime import UTC, datetime, timedelta
from itertools import chain, islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from rich.progress import Progress, TimeElapsedColumn, TimeRemainingColumn

from shipper import config, setup
from shipper.elastic import Client
from shipper.encode import Encoder
from shipper.haproxy.formats import Format
from shipper.haproxy.timestamps import SECOND_US
from shipper.journal.entry import LINE_HEADER, Batch, Entry, Origin, Position
from shipper.limits import BATCH_LINES_MAX, GIB
from shipper.replay.generating import Scenario, generate

if TYPE_CHECKING:
    from collections.abc import Iterator

    from shipper.elastic import Answer

START: Final = datetime(2026, 11, 20, 10, tzinfo=UTC)
"""Not midnight: a look at the last 24 hours spans two indices as well."""
HOURS: Final = 24
LINES: Final = 10_000_000
INDEX: Final = config.Index(prefix="haproxy")
DISK_BYTES: Final = 8 * GIB
"""What the documents take, 2 GB, with room for merging."""

_RATE: Final = 1.01 * LINES / (HOURS * 3_600)
"""Requests a second on average: chance must not leave the day short."""
_SHARES: Final = {"httpslog": 0.9, "tcplog": 0.1}
_NOTES: Final = "bench-hours"
_LOADING: Final = {"refresh_interval": "-1", "translog.durability": "async"}
_CREATED, _CONFLICT, _OK = 201, 409, 200
_TIMEOUT_S: Final = 300.0


def folder() -> Path:
    """Give the folder in which the day is kept: it outlives runs and clones."""
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "shipper" / "dashboard-bench"


def client_of(url: str) -> Client:
    """Give a client that waits for the slowest query."""
    return Client(config.Elasticsearch(urls=(url,), request_timeout_s=_TIMEOUT_S))


def ask(client: Client, method: str, path: str, body: dict[str, Any] | None = None) -> Any:  # noqa: ANN401 -- JSON
    """Send a request that has to succeed, and give its answer."""
    status, answer = client.request(method, path, body)
    if status not in {_OK, _CREATED}:
        raise RuntimeError(f"{method} {path}: {status} {answer}")
    return answer


def load(url: str, processes: int = 2) -> int:
    """Load what is missing of the day; give the number of its documents."""
    client = client_of(url)
    setup.install(client, INDEX)
    missing = [hour for hour in range(HOURS) if client.request("GET", f"/{_NOTES}/_doc/{hour}")[0] != _OK]
    if missing:
        for name in _indices():
            client.request("PUT", f"/{name}")
            ask(client, "PUT", f"/{name}/_settings", _LOADING)
        _load_hours(url, missing, processes)
        _wait_for_merges(client)
    for name in _indices():
        ask(client, "PUT", f"/{name}/_settings", _usual(client, name))
    ask(client, "POST", f"/{INDEX.pattern}/_refresh")
    count = int(ask(client, "GET", f"/{INDEX.pattern}/_count")["count"])
    client.close()
    return count


def _usual(client: Client, name: str) -> dict[str, str]:
    """Give what the template says of the settings that loading has changed."""
    settings = ask(client, "POST", f"/_index_template/_simulate_index/{name}")["template"]["settings"]["index"]
    return {"refresh_interval": settings["refresh_interval"], "translog.durability": settings["translog"]["durability"]}


def _indices() -> list[str]:
    return [setup.index_name(INDEX, START + timedelta(days=day)) for day in range(2)]


def _load_hours(url: str, missing: list[int], processes: int) -> None:
    columns = (*Progress.get_default_columns()[:-1], TimeElapsedColumn(), TimeRemainingColumn())
    with ProcessPoolExecutor(processes) as pool, Progress(*columns) as progress:
        task = progress.add_task("loading hours", total=len(missing))
        for done in as_completed([pool.submit(_load_hour, url, hour) for hour in missing]):
            done.result()
            progress.advance(task)


def _load_hour(url: str, hour: int) -> None:
    client = client_of(url)
    encoder = Encoder(config.Interpretation(index=INDEX))
    for batch in batches(hour):
        for body in encoder.encode(batch).bodies:
            _check(client.bulk(body.index, body.content, _TIMEOUT_S))
    ask(client, "POST", f"/{INDEX.pattern}/_flush")
    ask(client, "PUT", f"/{_NOTES}/_doc/{hour}", {"loaded": True})
    client.close()


def _check(answer: Answer) -> None:
    """Raise for a document that is not there."""
    read = json.loads(answer.body)
    refused = [item for item in read.get("items", ()) if item["create"]["status"] not in {_CREATED, _CONFLICT}]
    if answer.status != _OK or refused:
        raise RuntimeError(f"{answer.status} {refused[:1] or answer.body[:500]!r}")


def batches(hour: int) -> Iterator[Batch]:
    """Give an hour's lines as the journal would have them: its id rises with time, and so do the documents' `_id`s."""
    start_us = int((START + timedelta(hours=hour)).timestamp()) * SECOND_US
    segment, offset = (start_us // 1_000).to_bytes(6, "big") + bytes(6), 0
    sources = [
        (generate(_scenario(name, start_us, share)), int(share * BATCH_LINES_MAX)) for name, share in _SHARES.items()
    ]
    while raws := list(chain.from_iterable(islice(lines, count) for lines, count in sources)):
        received = [_written_us(raw) for raw in raws]
        base_us, data = min(received), b"".join(raws)
        table = [LINE_HEADER.pack(len(raw), us - base_us, 0, 0) for raw, us in zip(raws, received, strict=True)]
        entry = Entry(segment, offset, base_us, (Origin(0, "192.0.2.1"),), b"".join(table), data, offset)
        offset += len(data)
        yield Batch((entry,), b"{}", Position(segment, offset))


def _scenario(name: str, start_us: int, share: float) -> Scenario:
    log_format = Format(name=name, log_format=name)
    seed = start_us // SECOND_US
    return Scenario(start_us, seed, _RATE * share, seconds=3_600, log_format=log_format, header="rfc5424")


def _written_us(raw: bytes) -> int:
    """Give the moment in a line's header: with a pipeline that is at rest, it is received then."""
    return int(datetime.fromisoformat(raw.split(b" ", 2)[1].decode()).timestamp() * SECOND_US)


def _wait_for_merges(client: Client) -> None:
    """Wait until Elasticsearch has merged what it wants to: a day that was shipped live would be so by its end."""
    while ask(client, "GET", f"/{INDEX.pattern}/_stats/merge")["_all"]["total"]["merges"]["current"]:
        time.sleep(1)
