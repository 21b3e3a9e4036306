"""A marker in every field that a rule hides: it is in no index, no dead letter, no output, on request on no disk."""

from __future__ import annotations

import json
import threading
import time
from typing import TYPE_CHECKING, Any, Final

import pytest

from shipper.dead_letter import read
from shipper.encode import native_version
from shipper.service import tap
from tests.cli.commands import shipper as command
from tests.end_to_end.test_dead_letters import refuse_cookies
from tests.end_to_end.traffic import Sender
from tests.shipper_process import until

if TYPE_CHECKING:
    from pathlib import Path

    from tests.end_to_end.conftest import World
    from tests.shipper_process import ShipperProcess

MARKER: Final = b"m4rk3r"
ADDRESS: Final = b"203.0.113.77"
DATE: Final = b"[21/Nov/2026:01:02:03.004]"
FORMAT: Final = "%ci:%cp [%tr] %ft %b/%s %TR/%Tw/%Tc/%Tr/%Ta %ST %B %CC %CS %tsc %ac/%fc/%bc/%sc/%rc %sq/%bq"
MESSAGES: Final = (
    b'%a:4711 %d www shop/s1 1/2/3/4/10 200 9 sid=%m sid=%m --NI 5/4/3/2/0 0/0 {%m|%a} {%m} "GET /?token=%m HTTP/2.0"',
    b'%a:4711 %d www shop/s1 1/2/3/4/10 200 512 - - --NI 5/4/3/2/0 0/0 "GET /a?token=%m-and-cut',
    b"%a:4711 %d www shop/s1 1/2/3/4/10 200 512 sid=%m-and-cut",
    b'%a:4711 %d own shop/s1 1/2/3/4/10 200 512 - - --NI 5/4/3/2/0 0/0 "%m" /?token=%m',
    b'{"client_ip": "%a", "status_code": 200, "frontend_name": "www", "http_query": "?token=%m", "more": "%m"}',
    b"%a:4711 %d www/1: SSL handshake failure",
    b"Connect from %a:4711 to 10.0.0.1:80 (www/HTTP)",
    b"something of %a that nothing understands: %m",
)
RULES: Final[dict[str, Any]] = {
    "key": "a key of sixteen",
    "mask_addresses": True,
    "parameters": {"token": "drop", "user": "hash"},
    "cookies": {"*": "hash"},
    "headers": {"*": "drop"},
    "labels": {"*": "hash"},
}


def lines() -> list[bytes]:
    return [
        b"<134>Nov 21 01:02:03 haproxy[4711]: "
        + text.replace(b"%m", MARKER).replace(b"%a", ADDRESS).replace(b"%d", DATE)
        for text in MESSAGES
    ]


def marked(folder: Path) -> list[str]:
    """Give the files in ``folder`` that hold a marker."""
    files = [path for path in folder.rglob("*") if path.is_file()]
    assert files
    return [path.name for path in files if any(mark in path.read_bytes() for mark in (MARKER, ADDRESS))]


def watched(shipper: ShipperProcess) -> tuple[threading.Thread, list[bytes]]:
    """Watch what goes by, until the shipper stops."""
    seen: list[bytes] = []

    def watch() -> None:
        for tapped in tap(shipper.state.root):
            seen.extend(tapped.documents)

    until((shipper.state.root / "tap.sock").exists, "it can be watched")
    watching = threading.Thread(target=watch)
    watching.start()
    time.sleep(1)  # nothing tells whoever watches that it does
    return watching, seen


@pytest.mark.parametrize(
    ("at", "keep_original", "engine"),
    [
        ("encode", "unparsed", "python"),
        ("encode", "unparsed", "native"),
        ("encode", "always", "native"),
        ("receive", "always", "python"),
        ("receive", "unparsed", "native"),
    ],
)
def test_a_marker_in_every_hidden_field_comes_out_nowhere(
    world: World, at: str, keep_original: str, engine: str
) -> None:
    if engine == "native" and native_version() is None:
        pytest.skip("the native engine is not installed")
    refuse_cookies(world)
    copies = f"letters-of-{world.prefix}"
    shipper = world.started(
        engine=engine,
        dead_letters={"index": copies},
        privacy={**RULES, "at": at},
        keep_original=keep_original,
        log_level="debug",
        index={"accept_past_days": 100_000},
        formats=[{"name": "own", "log_format": f"{FORMAT} %{{+Q}}[var(txn.user)] %HU", "frontends": ["own"]}],
    )
    watching, seen = watched(shipper)
    sender = Sender(shipper.port)
    sender.send(lines())
    sender.close()
    until(lambda: shipper.commit().dead_lettered == 1, "the line with the cookie is a dead letter")
    world.settled(shipper, len(MESSAGES))
    letters = list(read(shipper.state.root / "dead-letters"))
    assert [b"sid=hash-" in letter.raw for letter in letters] == [True]
    retried = command("dead-letters", "retry", "--config", str(shipper.file))
    assert shipper.stop() == 0
    watching.join(10)

    client = world.indexed.client
    client.indices.refresh(index=copies)
    copied = client.search(index=copies)["hits"]["hits"]
    client.indices.delete(index=copies)
    assert (len(copied), len(seen)) == (1, len(MESSAGES))
    documents = [document.source for document in world.indexed.documents()]
    assert len(documents) == len(MESSAGES) - 1
    assert sum(document["haproxy"]["line"] == "traffic" for document in documents) == len(MESSAGES) - 4
    assert {document["source"]["address"] for document in documents if "source" in document} == {"203.0.113.0"}
    outputs = {
        "index": json.dumps(documents).encode(),
        "copies": json.dumps(copied).encode(),
        "tap": b"".join(seen),
        "log": shipper.said().encode(),
        "retry": retried.stdout + retried.stderr,
        "letters": command("dead-letters", "show", letters[0].id, "--config", str(shipper.file)).stdout,
        "check": command("check", "--config", str(shipper.file)).stdout,
    }
    assert [name for name, text in outputs.items() if MARKER in text or ADDRESS in text] == []
    assert marked(shipper.state.root / "dead-letters") == []
    assert [name for name in marked(shipper.state.root) if at == "receive" or not name.endswith(".segment")] == []


def test_lines_keep_the_rules_under_which_they_came_and_the_key_is_not_in_the_journal(world: World) -> None:
    shipper = world.started("http://127.0.0.1:9", shutdown_timeout_s=0.1, privacy=RULES)
    sender = Sender(shipper.port)
    sender.send(lines()[:1])
    sender.close()
    until(lambda: len(shipper.pending()) == 1, "it is journaled")
    assert shipper.stop() == 0
    assert all(RULES["key"].encode() not in path.read_bytes() for path in shipper.state.journal.iterdir())
    shipper.configure(elasticsearch={"urls": [world.url]}, privacy={"mask_addresses": False})
    shipper.start()
    world.settled(shipper, 1)
    (document,) = world.indexed.documents()
    assert document.source["source"]["address"] == "203.0.113.0"
    assert document.source["haproxy"]["http"]["request"]["captured_cookie"].startswith("sid=hash-")
