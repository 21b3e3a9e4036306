"""A clock that jumps, under load. The machine's own stays: shipper's processes are given another one."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING, Final

import pytest

from tests.end_to_end.traffic import Sender
from tests.shipper_process import until

if TYPE_CHECKING:
    from tests.chaos.world import ChaosWorld

pytestmark = pytest.mark.chaos

_JUMPING: Final = """\
import pathlib, sys, time
from shipper import pipeline
from shipper.cli import main
off_by_s = pathlib.Path({path!r})
pipeline.clock_us = lambda: time.time_ns() // 1_000 + int(off_by_s.read_text()) * 1_000_000
sys.argv[0] = "shipper"
main()
"""


@pytest.mark.parametrize("jumps_s", [(-3_600, 0), (3_600, 0), (-86_400, 86_400)])
def test_a_clock_that_jumps_gives_no_id_twice_and_keeps_the_order(world: ChaosWorld, jumps_s: tuple[int, ...]) -> None:
    shipper = world.shipper()
    off_by_s = shipper.file.with_name("off-by-s")
    off_by_s.write_text("0")
    shipper.command = (sys.executable, "-c", _JUMPING.format(path=str(off_by_s)))
    shipper.start()
    with Sender(shipper.port) as sender:
        for number, jump_s in enumerate(jumps_s):
            time.sleep(0.5)
            replacement = off_by_s.with_suffix(".new")
            replacement.write_text(str(jump_s))
            replacement.replace(off_by_s)
            settled = shipper.commit().journaled
            until(lambda settled=settled: shipper.commit().journaled > settled, "it goes on")  # type: ignore[misc]
            if number == 0:  # also a start right after a jump
                sender.pause()
                assert shipper.stop() == 0
                shipper.start()
                sender.resume()
        sent = sender.pause()
    world.faultless(shipper, sent=sent)
