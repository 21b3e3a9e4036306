"""Faults at random under load, and whether the promise was kept: `python -m tests.chaos.soak --seconds 240`.

Three nodes with one replica, a proxy before each, one shipper, one sender. Faults come one after the other, drawn by
lot; the seed is printed. The summary is printed as a table and, with `--summary FILE`, written as one line of JSON.
It ends with 1 when a journaled line was lost, is there twice or is out of order, or the counters do not add up.

1. A node is killed only while all copies are in sync: a primary that dies before it has replicated takes what it had
   acknowledged along, and that is Elasticsearch's.
2. Processes are killed under load. What the receiving one had taken from the kernel and not yet written, and what was
   sent in the moment in which nothing listens, never reached the journal: it is told, and is no loss of ours.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import secrets
import signal
import sys
import tempfile
import time
from collections import Counter
from contextlib import ExitStack, contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from deploy.local_elasticsearch import LocalElasticsearch
from shipper import config, pipeline
from tests.chaos.world import ChaosWorld
from tests.end_to_end.traffic import Sender
from tests.fault_proxy import FaultProxy, Faults
from tests.shipper_process import until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.chaos.world import Accounts

_RATE: Final = 1_000
_KILLS_IN_A_LIFE: Final = 4
"""A parent whose children keep ending waits longer each time; then the whole is started anew."""
_GREEN_S: Final = 120.0
_REST_S: Final = 300.0
_STORM: Final = Faults(
    items_busy=0.1,
    unavailable=0.1,
    unauthorized=0.02,
    forbidden=0.02,
    miscounted=0.1,
    garbled=0.1,
    cut_before=0.1,
    cut_within=0.1,
    lose_answer=0.2,
)
_WEIGHTS: Final = {
    "kill_shipping": 6,
    "kill_receiving": 6,
    "kill_all": 6,
    "terminate": 2,
    "outage": 2,
    "storm": 2,
    "read_only": 2,
    "no_template": 1,
    "kill_node": 2,
    "kill_cluster": 0.5,
}


class Soak:
    """One shipper under load, and what is done to it; each fault returns when what it broke is whole again."""

    def __init__(self, stack: ExitStack, folder: Path, dice: random.Random) -> None:
        self._dice = dice
        self._kills = 0
        self._next_node = 0
        self._cluster = stack.enter_context(LocalElasticsearch(nodes=3, heap="512m", quick_start=True))
        self._proxies = [stack.enter_context(FaultProxy(url, seed=dice.getrandbits(32))) for url in self._cluster.urls]
        self.world = ChaosWorld(stack, folder, self._cluster.url, f"soak-{secrets.token_hex(3)}")
        self._settings = config.Config(
            elasticsearch=config.Elasticsearch(urls=(self._cluster.url,)), index=config.Index(prefix=self.world.prefix)
        )
        pipeline.setup(self._settings, replicas=1)
        self.shipper = self.world.shipper()
        self.shipper.configure(elasticsearch={"urls": [proxy.url for proxy in self._proxies]})
        self.shipper.start()
        self.sender = stack.enter_context(Sender(self.shipper.port, _RATE))

    def run(self, seconds: float) -> Counter[str]:
        """Make faults for so long; give how many there were of each kind."""
        done: Counter[str] = Counter()
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            time.sleep(self._dice.uniform(0.1, 1.5))
            (name,) = self._dice.choices(list(_WEIGHTS), list(_WEIGHTS.values()))
            fault: Callable[[], None] = getattr(self, name)
            fault()
            done[name] += 1
            sys.stderr.write(f"{name} ")
            sys.stderr.flush()
        return done

    def finish(self) -> Accounts:
        """End the load, wait until all is settled, and count."""
        sent = self.sender.pause()
        self._whole()
        status = self.world.at_rest(self.shipper, patience_s=_REST_S)
        assert status.received <= sent
        return self.world.accounts([self.shipper])

    # -- faults ------------------------------------------------------------------------------------------------------

    def kill_shipping(self) -> None:
        """SIGKILL the process that ships."""
        self._kill_child("ship")

    def kill_receiving(self) -> None:
        """SIGKILL the process that receives."""
        self._kill_child("receive")

    def kill_all(self) -> None:
        """SIGKILL the parent, and with it both."""
        self.shipper.kill()
        self.sender.pause()
        self._start()

    def terminate(self) -> None:
        """Stop it in order, and start it again."""
        self.sender.pause()
        assert self.shipper.stop() == 0
        self._start()

    def outage(self) -> None:
        """Let nothing through to any node."""
        with self._proxied(Faults(cut_before=1.0)):
            time.sleep(self._dice.uniform(1.0, 8.0))

    def storm(self) -> None:
        """Let the way to all nodes be bad in every way."""
        with self._proxied(_STORM):
            time.sleep(self._dice.uniform(1.0, 6.0))

    def read_only(self) -> None:
        """Let today's index take nothing."""
        self._block("true")
        time.sleep(self._dice.uniform(0.5, 4.0))
        self._block(None)

    def no_template(self) -> None:
        """Delete the template, and put it back."""
        self.world.indexed.client.indices.delete_index_template(name=self.world.prefix)
        time.sleep(self._dice.uniform(0.5, 2.0))
        pipeline.setup(self._settings, replicas=1)

    def kill_node(self) -> None:
        """SIGKILL a node, each in turn."""
        self._whole()
        node = self._next_node
        self._next_node = (node + 1) % 3
        self._cluster.kill_node(node)
        time.sleep(self._dice.uniform(0.0, 4.0))
        self._cluster.start_node(node)

    def kill_cluster(self) -> None:
        """SIGKILL all nodes."""
        self._whole()
        for node in range(3):
            self._cluster.kill_node(node)
        self._cluster.start_node(0, 1, 2)

    # -- and what they need ------------------------------------------------------------------------------------------

    def _kill_child(self, name: str) -> None:
        if self._kills == _KILLS_IN_A_LIFE:
            self.terminate()
        self._kills += 1
        before = self.shipper.child(name)
        os.kill(before, signal.SIGKILL)
        until(lambda: self.shipper.child(name) != before, f"{name} started again")

    def _start(self) -> None:
        until(lambda: self.shipper.state.holder() is None, "the children are gone")
        self.shipper.start()
        self.sender.resume()
        self._kills = 0

    @contextmanager
    def _proxied(self, faults: Faults) -> Iterator[None]:
        for proxy in self._proxies:
            proxy.faults = faults
        yield
        for proxy in self._proxies:
            proxy.faults = Faults()

    def _block(self, value: str | None) -> None:
        client = self.world.indexed.client
        for index in client.indices.get(index=self.world.indexed.pattern):
            client.indices.put_settings(index=index, settings={"index.blocks.write": value})

    def _whole(self) -> None:
        """Wait until every copy of every shard is in sync."""

        until(self.world.is_green, "the cluster is green", _GREEN_S)


def main() -> int:
    """Soak, and tell what came of it."""
    parser = argparse.ArgumentParser(prog="python -m tests.chaos.soak", description="Make faults at random.")
    parser.add_argument("--seconds", type=float, default=3_600.0, help="how long faults are made")
    parser.add_argument("--seed", type=int, default=secrets.randbits(32), help="of the lots that are drawn")
    parser.add_argument("--summary", type=Path, help="a file that gets one more line of JSON")
    options = parser.parse_args()
    sys.stderr.write(f"seed {options.seed}\n")
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="soak-")))
        soak = Soak(stack, folder, random.Random(options.seed))
        faults = soak.run(options.seconds)
        accounts = soak.finish()
        never_journaled = soak.sender.sent - accounts.journaled
    figures: dict[str, Any] = {
        "seed": options.seed,
        "faults": faults.total(),
        **dict(sorted(faults.items())),
        "lines_sent": soak.sender.sent,
        "never_journaled": never_journaled,
        "lost": accounts.lost,
        **asdict(accounts),
    }
    sys.stdout.write("".join(f"{name:16} {value:>12,}\n" for name, value in figures.items()))
    if options.summary:
        with options.summary.open("a") as file:
            file.write(json.dumps(figures) + "\n")
    return int(not accounts.faultless)


if __name__ == "__main__":
    sys.exit(main())
