"""Read me first: the stages in their order, and how they are built, run and stopped.

    receive ──► journal ──► encode ──► deliver ──► Elasticsearch
                  ▲                       │ └────► dead letters
                  └──────── commit ◄──────┘

`shipper run` is two processes with the journal between them, and a parent that starts them, restarts them, and stops
them in the order of the flow: first what receives, so that the journal is complete; then what ships.

1. Only this module, ``shipping`` and ``jobs`` know more than one stage; stages do not know each other.
2. The receiving process does nothing but read its sources and append. Sockets belong to the parent: a receiver that is
   killed and started again finds what the kernel kept. When every source has ended (standard input does), what they
   brought is shipped, however long that takes, and the run is done.
3. A line is encoded with the interpretation of its segment, whatever the configuration says now.
"""

from __future__ import annotations

import os
import random
import threading
import time
from datetime import UTC, datetime
from functools import partial
from queue import SimpleQueue
from typing import TYPE_CHECKING, Final

import structlog

from shipper import haproxy_files, privileges
from shipper import setup as templates
from shipper.dead_letter import DeadLetters, at_or_past
from shipper.deliver import Delivery, Parking, Surroundings
from shipper.elastic import Client
from shipper.encode import choose_engine, native_version
from shipper.errors import Retryable
from shipper.journal import Bounds, Committer, Ledger, Reader, StateFolder, Writer, load
from shipper.limits import RECEIVE_STOP_S_MAX
from shipper.processes import EXIT_DONE, Role, supervise
from shipper.receive import open_sources, receive
from shipper.service import Accounts, Clocks, StatusServer
from shipper.setup import Problem
from shipper.shipping import Shipping

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from shipper.config import Config
    from shipper.journal import Verdicts
    from shipper.processes import Stop
    from shipper.receive import Source
    from shipper.service import Status
    from shipper.setup import Change

_log = structlog.get_logger()

STOP_GRACE_S: Final = 10.0
"""What a child may take beyond its own time to stop, before it is killed."""

TOMORROW_INTERVAL_S: Final = 600.0
"""Between two looks whether tomorrow's index is due."""

TOMORROW_FROM_HOUR: Final = 22
"""Tomorrow's index is created from this hour of the day (UTC) on."""


def clock_us() -> int:
    """Give the time in microseconds since 1970."""
    return time.time_ns() // 1_000


def run(config: Config) -> int:
    """Receive and ship until a signal, or until there is nothing more to receive; give the exit status.

    Raises StateError when the state folder is taken or cannot be written, ConfigError when a port is, a haproxy.cfg
    cannot be read or the engine is not installed. What happens to that file later counts from the next run on.
    """
    haproxy_files.announce(config.haproxy_cfg, os.environ)
    config = config.resolved()
    choose_engine(config.engine)
    state = StateFolder(config.state_dir)
    with privileges.acting_as(config.user):
        lock = state.lock()
    with lock:
        sources = open_sources(config.listeners)
        privileges.become(config.user)
        return supervise(
            [
                Role(
                    "receive",
                    partial(_receive, config, state, sources),
                    stop_timeout_s=RECEIVE_STOP_S_MAX + STOP_GRACE_S,
                    stopped=partial(_remove, sources),
                ),
                Role(
                    "ship",
                    partial(_ship, config, state, sources),
                    stop_timeout_s=config.shutdown_timeout_s + STOP_GRACE_S,
                ),
            ]
        )


def _receive(config: Config, state: StateFolder, sources: Sequence[Source], stop: Stop) -> int:
    """Be the receiving process."""
    commit = load(state.commit)
    writer = Writer(
        state.journal,
        config.interpretation().model_dump_json().encode(),
        Bounds(
            bytes_max=config.journal.bytes_max,
            segment_bytes=config.journal.segment_bytes,
            sync_interval_s=config.journal.sync_interval_s,
        ),
        clock_us=clock_us,
        newer_than=commit.position.segment if commit.position else None,
    )
    ended = receive(
        sources,
        writer,
        clock_us=clock_us,
        stop=stop,
        when_full=config.journal.when_full,
        engine=choose_engine(config.engine),
    )
    return EXIT_DONE if ended else 0


def _ship(config: Config, state: StateFolder, sources: Sequence[Source], stop: Stop) -> int:
    """Be the shipping process."""
    for source in sources:
        source.close()
    client = Client(config.elasticsearch, connections_max=config.delivery.requests_in_flight_max)
    if config.require_template:
        threading.Thread(target=_prepare_tomorrow, args=(client, config), name="tomorrow", daemon=True).start()
    server = StatusServer(config.state_dir)
    server.start()
    _log.info("engine_chosen", engine=choose_engine(config.engine), wanted=config.engine, native=native_version())
    build(config, state, client, server.publish).run(stop, config.shutdown_timeout_s)
    server.close()
    client.close()
    return 0


def build(config: Config, state: StateFolder, client: Client, publish: Callable[[Status], None]) -> Shipping:
    """Wire what reads, encodes, delivers and commits; ``publish`` gets each status."""
    commit = load(state.commit)
    reader = Reader(state.journal, commit.position, quarantine=state.quarantine)
    ledger = Ledger(commit)
    committer = Committer(
        state, lambda: ledger.commit, clock_us=clock_us, sync_interval_s=config.journal.sync_interval_s
    )
    settled: SimpleQueue[tuple[int, Verdicts]] = SimpleQueue()
    parking = Parking(state.root / "parked", commit.position)
    comes_again = at_or_past(commit.position)
    surroundings = Surroundings(
        transport=client,
        parking=parking,
        dead_letters=DeadLetters(
            state.root / "dead-letters",
            config.dead_letters.bytes_max,
            unsettled=lambda id_: comes_again(id_) or parking.holds(id_),
            clock_us=clock_us,
        ),
        ready=partial(templates.ready, client) if config.require_template else lambda _: None,
        settled=lambda ticket, verdicts: settled.put((ticket, verdicts)),
    )
    delivery = Delivery(
        config.delivery,
        surroundings,
        request_timeout_s=config.elasticsearch.request_timeout_s,
        clock_s=time.monotonic,
        rng=random.Random(),  # noqa: S311 -- it spreads retries, nothing more
    )
    return Shipping(
        reader,
        delivery,
        ledger,
        committer,
        settled,
        Accounts(
            state.journal,
            config.journal.bytes_max,
            commit,
            parking.totals,
            [(known.network, known.silent_after_s) for known in config.senders if known.silent_after_s],
            clocks=Clocks(clock_us, time.monotonic),
            publish=publish,
            engine=choose_engine(config.engine),
        ),
        config.interpretation(),
        lines_max=config.delivery.batch_lines_max,
        linger_s=config.delivery.linger_s,
        engine=choose_engine(config.engine),
    )


def _prepare_tomorrow(client: Client, config: Config) -> None:
    """Create tomorrow's index before midnight, for ever; what goes wrong is said and tried again."""
    while True:
        now = datetime.now(UTC)
        if now.hour >= TOMORROW_FROM_HOUR:
            try:
                result = templates.ensure_tomorrow(client, config.index, now)
            except Retryable as error:
                _log.warning("tomorrow_not_prepared", error=str(error))
            else:
                say = _log.warning if isinstance(result, Problem) else _log.info
                say("tomorrow_looked_at", result=str(result))
        time.sleep(TOMORROW_INTERVAL_S)


def _remove(sources: Sequence[Source]) -> None:
    for source in sources:
        source.remove()


def setup(config: Config, *, lines_per_day: int | None = None, replicas: int | None = None) -> list[Change]:
    """Put the templates into Elasticsearch; give what changed. Raises Retryable or Permanent."""
    return templates.install(Client(config.elasticsearch), config.index, lines_per_day=lines_per_day, replicas=replicas)
