"""A journal with damaged bytes: what can be read is indexed, and what cannot is counted."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from shipper.journal import codec
from tests.end_to_end.traffic import Sender
from tests.shipper_process import until

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.chaos.world import ChaosWorld

pytestmark = pytest.mark.chaos
NOBODY = "http://127.0.0.1:9"
GROUP = 50
"""Of one burst, which is an entry or a few."""


def flip(segment: Path, offset: int) -> None:
    content = bytearray(segment.read_bytes())
    content[offset] ^= 0x10
    segment.write_bytes(content)


def flip_a_payload(segment: Path, offset: int) -> None:
    flip(segment, offset + 30)


def flip_a_length(segment: Path, offset: int) -> None:
    flip(segment, segment.read_bytes().rindex(codec.ENTRY_MAGIC, 0, offset) + len(codec.ENTRY_MAGIC))


def tear_the_tail(segment: Path, offset: int) -> None:
    with segment.open("r+b") as file:
        file.truncate(offset + 30)


def empty_a_segment(segment: Path, offset: int) -> None:
    del offset
    name = segment.name.removesuffix(segment.suffix)
    later = f"{int(name, 16) + 1:0{len(name)}x}"
    segment.with_name(later + segment.suffix).touch()


@pytest.mark.parametrize("damage", [flip_a_payload, flip_a_length, tear_the_tail, empty_a_segment])
def test_damage_costs_what_it_hit_and_is_counted(world: ChaosWorld, damage: Callable[[Path, int], None]) -> None:
    shipper = world.started(NOBODY, shutdown_timeout_s=0.1)
    sender = Sender(shipper.port)
    for group in range(1, 4):
        sender.number(GROUP)
        until(lambda group=group: len(shipper.pending()) == group * GROUP, "they are journaled")  # type: ignore[misc]
        time.sleep(0.05)
    pending = shipper.pending()
    shipper.kill()
    (segment,) = shipper.state.journal.iterdir()
    damage(segment, pending[GROUP * 3 // 2].position.offset)
    shipper.configure(elasticsearch={"urls": [world.url]})
    shipper.start()
    sender.number(GROUP)
    sender.close()
    until(lambda: shipper.commit().journaled >= GROUP, "something is settled")
    lost = shipper.commit().journal_lost
    accounts = world.faultless(shipper)
    if damage is empty_a_segment:
        assert (lost, accounts.indexed) == (0, 4 * GROUP)
    elif damage is tear_the_tail:
        assert accounts.indexed >= 2 * GROUP
    else:
        assert 0 < lost <= GROUP
        assert accounts.indexed == 4 * GROUP - lost
