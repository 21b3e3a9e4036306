"""What must be true after every fault, looked for in one place.

1. The counters add up, in each shipper: what came, and what became of it.
2. Every line that was journaled is one document or one dead letter; none is there twice, none is both.
3. Within an index, ids rise with the numbers of a stream: documents lie as their lines came.
"""

from __future__ import annotations

import base64
from collections import Counter, defaultdict
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Final

from elasticsearch.helpers import scan

from shipper.dead_letter import read
from shipper.service import NoStatusError, Status, fetch
from tests.end_to_end.conftest import World
from tests.end_to_end.traffic import number_of
from tests.shipper_process import PATIENCE_S, until

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tests.shipper_process import ShipperProcess

STREAM: Final = 1_000_000
"""Numbers of one stream: a sender that sends beside another begins at a multiple of it."""


@dataclass(frozen=True)
class Accounts:
    """How many lines there are of each kind; ``journaled`` by the shippers' own counters."""

    journaled: int
    indexed: int
    dead: int
    twice: int
    unexplained: int
    out_of_order: int

    @property
    def lost(self) -> int:
        """Lines of which nothing is left."""
        return self.journaled - self.indexed - self.dead

    @property
    def faultless(self) -> bool:
        """Whether the promise was kept."""
        return not (self.lost or self.twice or self.unexplained or self.out_of_order)


class ChaosWorld(World):
    """A world in which faults are made."""

    def is_green(self) -> bool:
        """Whether both copies of every shard are in sync."""
        client = self.indexed.client.options(ignore_status=408)
        return bool(client.cluster.health(wait_for_status="green", timeout="1s")["status"] == "green")

    def at_rest(self, shipper: ShipperProcess, received: int = 0, patience_s: float = PATIENCE_S) -> Status:
        """Wait until a shipper that runs has received so many lines, and each has its verdict; give its status."""
        seen: list[Status] = []

        def rests() -> bool:
            try:
                seen.append(fetch(shipper.state.root))
            except NoStatusError:
                return False
            return seen[-1].counted and seen[-1].received >= received and not seen[-1].pending

        until(rests, f"{received} lines received and settled; last seen: {seen[-1:]}", patience_s)
        return seen[-1]

    def accounts(self, shippers: Iterable[ShipperProcess], *, elsewhere: int = 0) -> Accounts:
        """Count what there is, of shippers at rest.

        ``elsewhere`` are lines that a state folder counted which is gone; negative, lines that two of them counted.
        """
        statuses = [fetch(shipper.state.root) for shipper in shippers]
        letters = [letter for shipper in shippers for letter in read(shipper.state.root / "dead-letters")]
        placed = [*self._placed(), *(("", letter.id, number_of(letter.raw)) for letter in letters)]
        times = Counter(number for _, _, number in placed)
        return Accounts(
            journaled=sum(status.journaled - status.journal_lost for status in statuses) + elsewhere,
            indexed=len(times) - len(letters),
            dead=len(letters),
            twice=len(placed) - len(times),
            unexplained=sum(status.unexplained for status in statuses),
            out_of_order=_out_of_order(placed),
        )

    def faultless(
        self, *shippers: ShipperProcess, sent: int | None = None, elsewhere: int = 0, lost: int = 0
    ) -> Accounts:
        """Wait until the shippers rest, and hold everything against what must be.

        ``sent`` lines have reached the one shipper, of which damage in the journal took ``lost``.
        """
        for shipper in shippers:
            self.at_rest(shipper, received=(sent or 0) - elsewhere)
        accounts = self.accounts(shippers, elsewhere=elsewhere)
        assert accounts.faultless, accounts
        assert sent is None or accounts.journaled == sent - lost
        return accounts

    def _placed(self) -> list[tuple[str, str, int]]:
        """Give index, id and number of every document."""
        self.indexed.client.indices.refresh(index=self.indexed.pattern)
        hits = scan(self.indexed.client, index=self.indexed.pattern, size=5_000, query={"_source": ["url.path"]})
        return [(hit["_index"], hit["_id"], int(hit["_source"]["url"]["path"].removeprefix("/n/"))) for hit in hits]


def _out_of_order(placed: Iterable[tuple[str, str, int]]) -> int:
    """Count the neighbours, by id within an index, whose numbers fall though they are of one stream."""
    streams: defaultdict[tuple[str, int], list[tuple[bytes, int]]] = defaultdict(list)
    for index, id_, number in placed:
        streams[index, number // STREAM].append((_bytes(id_), number))
    numbers = [[number for _, number in sorted(stream)] for stream in streams.values()]
    return sum(one > next_ for stream in numbers for one, next_ in pairwise(stream))


def _bytes(id_: str) -> bytes:
    """Read an id: base64url does not sort as its bytes do."""
    return base64.urlsafe_b64decode(id_ + "=" * (-len(id_) % 4))
