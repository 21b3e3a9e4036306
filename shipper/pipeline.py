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

from shipper import haproxy_files, privileges, telemetry
from shipper import setup as templates
from shipper.dead_letter import at_or_past, open_letters
from shipper.deliver import Delivery, Parking, Surroundings
from shipper.elastic import Client
from shipper.encode import choose_engine, native_version
from shipper.enrichment import open_enrichment
from shipper.errors import ConfigError, Retryable
from shipper.jobs.retention import prune_for_ever
from shipper.journal import Bounds, Committer, Hiding, Ledger, Reader, Renewed, StateFolder, Writer, load
from shipper.journal.codec import encode_segment_header
from shipper.journal.entry import SEGMENT_ID_BYTES
from shipper.limits import RECEIVE_STOP_S_MAX
from shipper.processes import EXIT_DONE, Role, notifier, supervise
from shipper.receive import open_sources, passed_sockets, receive
from shipper.reloading import Outcome, Reception, must_stay, told
from shipper.service import Accounts, Clocks, Metrics, StatusServer, TapServer, Timed, Vitals, open_http, serve_http
from shipper.setup import Problem
from shipper.shipping import Shipping

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from shipper.config import Config
    from shipper.elastic import Transport
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


def run(config: Config, again: Callable[[], Config] | None = None) -> int:
    """Receive and ship until a signal, or until there is nothing more to receive; give the exit status.

    ``again`` reads the configuration anew at a reload. Raises StateError when the state folder is taken or cannot be
    written, ConfigError when a port is, a haproxy.cfg cannot be read or the engine is not installed. What happens to
    that file later counts from the next reload on.
    """
    choose_engine(config.engine)
    state = StateFolder(config.state_dir)
    with privileges.acting_as(config.user):
        haproxy_files.announce(config.haproxy_cfg, os.environ)
        lock = state.lock()
    with lock:
        running = _Running(config, state, again or (lambda: config))
        privileges.become(config.user)
        return supervise(running.roles, running.reload, notifier(os.environ))


class _Running:
    """What outlives the children: the sockets, and the configuration that holds now."""

    def __init__(self, config: Config, state: StateFolder, again: Callable[[], Config]) -> None:
        with privileges.acting_as(config.user):  # as a reload reads them, so that it fails now or never
            self._config = config.resolved()
        self._unresolved = config
        self._state = state
        self._again = again
        self._news = b""
        self._sources = open_sources(config.listeners, passed_sockets(os.environ, state.root / "sockets"))
        address = config.metrics.address
        self._http = None if address is None else open_http(address)
        self._receiving = Role(
            "receive",
            lambda stop: _receive(self._config, self._state, self._sources, stop),
            stop_timeout_s=lambda: RECEIVE_STOP_S_MAX + STOP_GRACE_S,
            stopped=self._remove,
            news=lambda: self._news,
        )
        self.roles = [
            self._receiving,
            Role("ship", self._ship, stop_timeout_s=lambda: self._config.shutdown_timeout_s + STOP_GRACE_S),
        ]

    def reload(self) -> bool:
        """Read the configuration anew; say whether it is another that can be had without a restart."""
        try:
            config = self._again()
            must_stay(self._unresolved, config)
            haproxy_files.announce(config.haproxy_cfg, os.environ)
            resolved = config.resolved()
            reception = _tried(resolved)
        except ConfigError as error:
            told(self._state.root, str(error))
            return False
        self._news = reception.model_dump_json().encode()
        self._config, self._unresolved = resolved, config
        telemetry.configure(config.log_level)
        told(self._state.root, None)
        return True

    def _remove(self) -> None:
        for source in self._sources:
            source.remove()

    def _ship(self, stop: Stop) -> int:
        """Be the shipping process."""
        config = self._config
        for source in self._sources:
            source.close()
        client = Client(config.elasticsearch, connections_max=config.delivery.requests_in_flight_max, trusting=True)
        if config.require_template:
            threading.Thread(target=_prepare_tomorrow, args=(client, config), name="tomorrow", daemon=True).start()
        if config.retention.keep_days is not None and config.retention.by == "shipper":
            sure = Client(config.elasticsearch)  # of who answers, before anything is deleted
            threading.Thread(target=prune_for_ever, args=(sure, config), name="retention", daemon=True).start()
        server = StatusServer(config.state_dir)
        server.start()
        _log.info("engine_chosen", engine=choose_engine(config.engine), wanted=config.engine, native=native_version())
        requests = Timed(client, time.monotonic)
        tapped = TapServer(config.state_dir)
        tapped.start()
        shipping = build(config, self._state, client, server.publish, requests)
        shipping.sent = tapped.offer
        if self._http is not None:
            serve_http(
                self._http,
                Metrics(server, shipping.accounts.settling, requests, partial(Outcome.read, config.state_dir)),
                lambda: Vitals(self._receiving.pulse.age_s, server.age_s, server.newest),
            )
        shipping.run(stop, config.shutdown_timeout_s)
        tapped.close()
        server.close()
        client.close()
        return 0


def _tried(config: Config) -> Reception:
    """Read and open all that the children will; give what the receiving one is to be told. Raises ConfigError."""
    reception = Reception.of(config)
    encode_segment_header(bytes(SEGMENT_ID_BYTES), reception.interpretation.model_dump_json().encode())
    Client(config.elasticsearch).close()
    open_enrichment(config.enrichment)
    return reception


def _receive(config: Config, state: StateFolder, sources: Sequence[Source], stop: Stop) -> int:
    """Be the receiving process."""
    commit = load(state.commit)
    newer_than = commit.position.segment if commit.position else None

    def writer(reception: Reception) -> Writer:
        return Writer(
            state.journal,
            reception.interpretation.model_dump_json().encode(),
            Bounds(
                bytes_max=reception.journal.bytes_max,
                segment_bytes=reception.journal.segment_bytes,
                sync_interval_s=reception.journal.sync_interval_s,
            ),
            clock_us=clock_us,
            newer_than=newer_than,
        )

    reception = Reception.of(config)
    renewed = Renewed(writer(reception))
    journal = Hiding(renewed, reception.hider())

    def reload(news: bytes) -> None:
        reception = Reception.model_validate_json(news)
        telemetry.configure(reception.log_level)
        for source, listener in zip(sources, reception.listeners, strict=True):
            source.allow(listener.allow)
        renewed.renew(lambda: writer(reception))
        journal.renew(reception.hider())

    stop.when_news(reload)
    ended = receive(
        sources,
        journal,
        clock_us=clock_us,
        stop=stop,
        when_full=config.journal.when_full,
        engine=choose_engine(config.engine),
    )
    return EXIT_DONE if ended else 0


def build(
    config: Config, state: StateFolder, client: Client, publish: Callable[[Status], None], transport: Transport
) -> Shipping:
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
        transport=transport,
        parking=parking,
        dead_letters=open_letters(
            config, client, lambda id_: comes_again(id_) or parking.holds(id_), clock_us=clock_us
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
            listeners=[listener.url for listener in config.listeners],
        ),
        config.interpretation(),
        lines_max=config.delivery.batch_lines_max,
        linger_s=config.delivery.linger_s,
        engine=choose_engine(config.engine),
        enricher=open_enrichment(config.enrichment),
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


def setup(config: Config, *, lines_per_day: int | None = None, replicas: int | None = None) -> list[Change]:
    """Put the templates into Elasticsearch; give what changed. Raises Retryable or Permanent."""
    client, index, keep_days = Client(config.elasticsearch), config.index, config.retention.keep_days
    policy, lifecycle = [], None
    if keep_days is not None and config.retention.by == "ilm":
        policy = [templates.install_policy(client, index, keep_days)]
        lifecycle = templates.lifecycle_settings(index)
    changes = templates.install(client, index, lines_per_day=lines_per_day, replicas=replicas, lifecycle=lifecycle)
    return policy + changes
