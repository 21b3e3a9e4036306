"""Captured lines and what they become: by a direct replay, and over a socket."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from shipper.config import Config, Elasticsearch, Index
from shipper.encode import Encoder
from shipper.encode._python import LineContext
from shipper.jobs.verifying import expected
from shipper.replay.feed import Selection

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from shipper.elastic import Client
    from shipper.query import Expected

DAY_US: Final = 86_400_000_000
RECEIVED_US: Final = 1_795_237_400_000_000
"""21 November 2026, 05:03:20, in UTC: minutes after the lines."""
SAMPLES: Final = sorted(Path(__file__).parents[2].joinpath("samples").glob("*.log"))


def line(number: int) -> bytes:
    """Give a line; each number has its own."""
    return (
        f"<134>Nov 21 05:02:{number % 60:02} haproxy[8474]: 192.0.2.44:{1024 + number} "
        f"[21/Nov/2026:05:02:{number % 60:02}.{number % 1000:03}] www shop/shop1 2/0/1/37/{number} 200 1894 - - ---- "
        f'12/8/3/1/0 0/0 "GET /cart/{number} HTTP/1.1"'
    ).encode()


def settings(url: str, prefix: str, **more: Any) -> Config:  # noqa: ANN401 -- any setting
    return Config(timezone="UTC", elasticsearch=Elasticsearch(urls=(url,)), index=Index(prefix=prefix), **more)


def write(file: Path, lines: Iterable[bytes]) -> Path:
    file.write_bytes(b"".join(raw + b"\n" for raw in lines))
    return file


def captured(config: Config, *files: Path) -> list[Expected]:
    """Give what a direct replay makes of files."""
    names = [str(file) for file in files]
    return list(expected(Selection(files), config.interpretation(), names, {}))


def live(encoder: Encoder, raw: bytes, received_us: int = RECEIVED_US, *, cut: bool = False) -> tuple[str, str]:
    """Give the index and the document, as JSON, of a line that came over a socket."""
    context = LineContext(encoder.interpretation, "UTC", "198.51.100.9", received_us, received_us, cut)
    document = encoder.document(raw, context)
    return encoder.index_of(context.index_us), document


def index_direct(client: Client, lines: Sequence[Expected]) -> None:
    """Put the documents of a direct replay in."""
    bulk(client, [(line.index, line.id, line.document) for line in lines])


def index_live(client: Client, config: Config, lines: Sequence[bytes], received_us: int = RECEIVED_US) -> None:
    """Put the documents of lines that came over a socket in, each with an id of its own."""
    encoder = Encoder(config.interpretation())
    made = [live(encoder, raw, received_us) for raw in lines]
    bulk(client, [(index, f"live-{number}", document) for number, (index, document) in enumerate(made)])


def bulk(client: Client, documents: Sequence[tuple[str, str, str]]) -> None:
    body = "".join(
        f"{json.dumps({'create': {'_index': index, '_id': id_}})}\n{text}\n" for index, id_, text in documents
    )
    answer = client.bulk(documents[0][0], body.encode(), 30)
    assert (answer.status, json.loads(answer.body)["errors"]) == (200, False), answer.body


def alter(client: Client, index: str, id_: str, **fields: object) -> None:
    """Change fields of a document."""
    status, answer = client.request("POST", f"/{index}/_update/{id_}?refresh=true", {"doc": fields})
    assert status == 200, answer


def delete(client: Client, index: str, id_: str) -> None:
    status, answer = client.request("DELETE", f"/{index}/_doc/{id_}?refresh=true")
    assert status == 200, answer
