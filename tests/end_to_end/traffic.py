"""Numbered lines as HAProxy sends them, who sends them, and what Elasticsearch holds of them."""

from __future__ import annotations

import re
import socket
import threading
import time
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final, Self

from elasticsearch import Elasticsearch
from elasticsearch.helpers import scan

if TYPE_CHECKING:
    from collections.abc import Iterable
    from types import TracebackType

TIMESTAMP: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z")
_NUMBER: Final = re.compile(rb"GET /n/(\d+)")


def line(number: int, time: datetime | None = None, *, cookie: str = "-") -> bytes:
    """Print the line of request ``number``, begun at ``time`` (now), whose date is written as it is given."""
    begun = time or datetime.now(UTC)
    return (
        f"<134>{begun:%b} {begun.day:2} {begun:%H:%M:%S} haproxy[4711]: 192.0.2.1:{1024 + number % 60_000} "
        f"[{begun:%d/%b/%Y:%H:%M:%S}.{begun.microsecond // 1000:03}] www shop/shop1 1/2/3/{number % 97}/110 200 512 "
        f'{cookie} - --NI 5/4/3/2/0 0/0 "GET /n/{number} HTTP/1.1"'
    ).encode()


def number_of(raw: bytes) -> int:
    """Give the number of a line."""
    match = _NUMBER.search(raw)
    assert match is not None, raw
    return int(match[1])


class Sender:
    """Sends lines to a port of the loopback address; while it is entered, also evenly from a thread of its own."""

    def __init__(self, port: int, lines_per_s: int = 2_000, *, address: str = "127.0.0.1") -> None:
        self.sent = 0
        self._lines_per_s = lines_per_s
        self._socket = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_DGRAM)
        self._address = (address, port)
        self._going = threading.Event()
        self._resting = threading.Event()
        self._ended = False
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> Self:
        self._thread.start()
        self.resume()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended = True
        self._going.set()
        self._thread.join()
        self.close()

    def close(self) -> None:
        """Close the socket."""
        self._socket.close()

    def send(self, lines: Iterable[bytes]) -> None:
        """Send ``lines``; what nobody listens for is sent all the same, as HAProxy does."""
        for each in lines:
            self._socket.sendto(each, self._address)

    def number(self, count: int) -> None:
        """Send ``count`` numbered lines evenly."""
        begin, first = time.monotonic(), self.sent
        while (done := self.sent - first) < count:
            group = min(count - done, max(1, self._lines_per_s // 100))
            self.send(line(number) for number in range(self.sent, self.sent + group))
            self.sent += group
            time.sleep(max(0.0, begin + (done + group) / self._lines_per_s - time.monotonic()))

    def resume(self) -> None:
        """Go on sending."""
        self._resting.clear()
        self._going.set()

    def pause(self) -> int:
        """Stop sending; give how many lines were sent."""
        self._going.clear()
        assert self._resting.wait(5)
        return self.sent

    def _run(self) -> None:
        while not self._ended:
            if not self._going.is_set():
                self._resting.set()
                self._going.wait()
            else:
                self.number(self._lines_per_s // 50)


@dataclass(frozen=True)
class Document:
    """One document as it lies in its index."""

    index: str
    id: str
    source: dict[str, Any]

    @property
    def number(self) -> int:
        """The number of its line."""
        return int(self.source["url"]["path"].removeprefix("/n/"))


class Indexed:
    """The documents under ``prefix``."""

    def __init__(self, url: str, prefix: str) -> None:
        self.client = Elasticsearch(url, retry_on_timeout=True, max_retries=3)
        self.pattern = f"{prefix}-*"
        """Of their indices: today's, and tomorrow's once it is made."""

    def count(self) -> int:
        """Count them."""
        self.client.indices.refresh(index=self.pattern)
        return int(self.client.count(index=self.pattern)["count"])

    def documents(self) -> list[Document]:
        """Give them all."""
        self.client.indices.refresh(index=self.pattern)
        hits = scan(self.client, index=self.pattern, size=2_000)
        return [Document(hit["_index"], hit["_id"], hit["_source"]) for hit in hits]

    def numbers(self) -> Counter[int]:
        """Give how often each numbered line is there."""
        return Counter(document.number for document in self.documents())
