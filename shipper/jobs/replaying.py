"""Direct replay, wired: captured files are their own journal, and go through encode and deliver to Elasticsearch.

1. A document's `_id` hangs on its line's place in the file (`replay.ids`): whatever is sent twice is there once.
2. Lines wait in their file while delivery has no room; memory holds no more than the live pipeline's bounds.
3. The state moves over what is settled (`replay.direct`). A stop or a kill costs what was under way: it is sent again.
4. Parts, each one round of one file, come one after another. A damaged file is loaded up to the damage, and said.
"""

from __future__ import annotations

import hashlib
import json
import random
import time
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Any, Final

import structlog

from shipper import setup as templates
from shipper.dead_letter import open_letters
from shipper.deliver import Delivery, Parking, Surroundings
from shipper.elastic import Client
from shipper.errors import Permanent
from shipper.jobs.replay_latency import Timed
from shipper.jobs.replay_reading import Reading
from shipper.limits import REPLAY_STATE_INTERVAL_S
from shipper.query import Documents
from shipper.replay.captures import STDIN
from shipper.replay.direct import Letter, Outcome, Progress, Settling, State, in_all
from shipper.replay.feed import Selection
from shipper.replay.state import ReplayFolder

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from shipper.config import Config
    from shipper.dead_letter import Letters
    from shipper.encode import Body
    from shipper.journal import Verdicts
    from shipper.refusal import Refusal

_log = structlog.get_logger()

WAIT_S: Final = 0.1
"""How soon a stop is noticed."""


def replay_direct(
    config: Config,
    selection: Selection,
    replay_id: str | None = None,
    *,
    progress: Callable[[Progress], None] = lambda _: None,
    stop: Callable[[], bool] = lambda: False,
    measure: bool = False,
) -> Outcome:
    """Load captures into Elasticsearch, or go on with it, until all is settled or ``stop`` says so.

    ``progress`` is told several times a second. A replay that changes documents has an id. To ``measure`` takes until
    the last documents are found. Raises Permanent for a file that cannot be opened or is another by now, StateError
    when the same replay is under way elsewhere.
    """
    config = config.resolved()
    with Reading(selection, config, replay_id, clock_us=_clock_us) as reading:
        folder = ReplayFolder(config.state_dir, replay_id or f"files-{reading.identity.hex()}")
        with folder.lock():
            state = _begin(folder, _conditions(config, selection, reading), selection, replay_id)
            return _Replay(config, reading, folder, state, progress, stop, measure=measure).run()


def remembered(config: Config, replay_id: str) -> Selection:
    """Give what a replay was begun with. Raises Permanent where its state is not kept here."""
    state = ReplayFolder(config.state_dir, replay_id).load()
    if state is None:
        raise Permanent(f"no replay {replay_id} is known in {config.state_dir}; give the state_dir that it began with")
    kept = dict(state.selection)
    return Selection(files=tuple(map(Path, kept.pop("files"))), **kept)


def _begin(folder: ReplayFolder, conditions: str, selection: Selection, replay_id: str | None) -> State:
    """Give the state to go on from; what was finished begins anew, and so does what would make other documents."""
    known = folder.load()
    if known is not None and known.conditions == conditions and (replay_id is not None or not known.finished):
        return known
    if known is not None and not known.finished:
        _log.info("replay_begun_anew", replay=folder.path.name, reason="the configuration or the options have changed")
    folder.clear()
    return State(conditions, _kept(selection))


def _kept(selection: Selection) -> dict[str, Any]:
    files = [str(file) if str(file) == STDIN else str(file.absolute()) for file in selection.files]
    return asdict(selection) | {"files": files}


def _conditions(config: Config, selection: Selection, reading: Reading) -> str:
    """Hash all that the documents and their place hang on; the files by what they hold, not by their names."""
    chosen = asdict(selection) | {"files": reading.identity.hex()}
    told = [config.interpretation().model_dump(mode="json"), config.elasticsearch.urls, chosen]
    return hashlib.blake2b(json.dumps(told, sort_keys=True).encode(), digest_size=16).hexdigest()


def _clock_us() -> int:
    return time.time_ns() // 1_000


class _Replay:
    """One run of a direct replay, from the state on."""

    def __init__(
        self,
        config: Config,
        reading: Reading,
        folder: ReplayFolder,
        state: State,
        progress: Callable[[Progress], None],
        stop: Callable[[], bool],
        *,
        measure: bool,
    ) -> None:
        self._measure = measure
        self._timed: Timed | None = None
        self._config = config
        self._reading = reading
        self._folder = folder
        self._progress = progress
        self._stop = stop
        self._settling = Settling(state)
        self._settled: SimpleQueue[tuple[int, Verdicts]] = SimpleQueue()
        self._letters: SimpleQueue[Sequence[Refusal]] = SimpleQueue()
        self._parking = Parking(folder.parked, reading.position(state.reached))
        self._before = state
        self._started_s = self._saved_s = time.monotonic()

    def run(self) -> Outcome:
        """Replay what is left."""
        elasticsearch, in_flight_max = self._config.elasticsearch, self._config.delivery.requests_in_flight_max
        client, asking = Client(elasticsearch, connections_max=in_flight_max, trusting=True), Client(elasticsearch)
        if self._measure:
            self._timed = Timed(Documents(asking, time.sleep), self._config.index.pattern)
        delivery = self._delivery(client)
        try:
            self._read(delivery)
            self._wait_for_the_rest(delivery)
        finally:
            delivery.close(0.0)
            self._note()
            self._save(delivery)
            if self._timed is not None:
                self._timed.end(self._stop if self._is_done() else lambda: True)
            asking.close()
            client.close()
            self._parking.close()
        return self._outcome(delivery)

    def _delivery(self, client: Client) -> Delivery:
        letters = open_letters(
            self._config, client, partial(self._reading.comes_again, self._before.reached), clock_us=_clock_us
        )
        surroundings = Surroundings(
            transport=client,
            parking=self._parking,
            dead_letters=_Counted(letters, self._letters),
            ready=partial(templates.ready, client) if self._config.require_template else lambda _: None,
            settled=self._on_settled,
        )
        return Delivery(
            self._config.delivery,
            surroundings,
            request_timeout_s=self._config.elasticsearch.request_timeout_s,
            clock_s=time.monotonic,
            rng=random.Random(),  # noqa: S311 -- it spreads retries, nothing more
        )

    def _read(self, delivery: Delivery) -> None:
        """Read, encode and submit, until there is nothing more or a stop."""
        for step, bodies in self._reading.steps(self._before.reached, self._before.tally.documents):
            ticket = self._settling.open(step)
            while bodies and not self._submit(delivery, ticket, bodies):
                self._look(delivery)
                if self._stop():
                    self._settling.forget(ticket)
                    return
            self._look(delivery)
            if self._stop():
                return
        self._settling.all_is_read()

    def _submit(self, delivery: Delivery, ticket: int, bodies: Sequence[Body]) -> bool:
        if self._timed is not None:
            self._timed.begin(ticket, bodies)
        return delivery.submit(ticket, bodies, WAIT_S)

    def _on_settled(self, ticket: int, verdicts: Verdicts) -> None:
        """Be told by delivery's workers."""
        if self._timed is not None:
            self._timed.settled(ticket, verdicts)
        self._settled.put((ticket, verdicts))

    def _wait_for_the_rest(self, delivery: Delivery) -> None:
        """Wait for what is under way: for all of it, or after a stop for a while, if there is hope."""
        deadline_s = None
        while not self._is_done():
            if self._stop():
                deadline_s = deadline_s or time.monotonic() + self._config.shutdown_timeout_s
                if time.monotonic() >= deadline_s or not self._settling.under_way or _troubles(delivery):
                    return
            time.sleep(WAIT_S)
            self._look(delivery)

    def _is_done(self) -> bool:
        return self._settling.done and not self._parking.totals.pending

    def _look(self, delivery: Delivery) -> None:
        """Take note of what was settled, keep it, and tell how things stand."""
        self._note()
        delivery.check()
        if time.monotonic() - self._saved_s >= REPLAY_STATE_INTERVAL_S:
            self._save(delivery)
            self._progress(
                Progress(
                    in_all(self._settling.state.tally, self._parking.totals),
                    read=self._before.tally.read + self._reading.read,
                    bytes_read=self._reading.bytes_read,
                    bytes_total=self._reading.bytes_total,
                    took_s=self._took_s,
                    troubles=_troubles(delivery),
                )
            )

    def _note(self) -> None:
        """Take verdicts, and then letters: a letter is written before its verdict is told."""
        verdicts = _taken(self._settled)
        for refusals in _taken(self._letters):
            self._settling.refused([self._letter(refusal) for refusal in refusals])
        for ticket, given in verdicts:
            self._settling.settle(ticket, given)

    def _letter(self, refusal: Refusal) -> Letter:
        kind = f"{refusal.type} [{refusal.field}]" if refusal.field else refusal.type
        said = f"{refusal.reason} ({refusal.caused_by})" if refusal.caused_by else refusal.reason
        position = refusal.line.position
        return Letter(position, kind, said, self._reading.place(position))

    @property
    def _took_s(self) -> float:
        return self._before.took_s + time.monotonic() - self._started_s

    def _save(self, delivery: Delivery) -> None:
        self._saved_s = time.monotonic()
        state = replace(self._settling.state, took_s=self._took_s, finished=self._is_done())
        self._folder.save(state)
        delivery.committed(self._reading.position(state.reached))

    def _outcome(self, delivery: Delivery) -> Outcome:
        state = self._settling.state
        return Outcome(
            replay_id=self._reading.replay_id,
            tally=in_all(state.tally, self._parking.totals),
            finished=self._is_done(),
            faults=state.faults,
            took_s=self._took_s,
            settled_before=self._before.tally.read,
            troubles=_troubles(delivery),
            latency={} if self._timed is None else self._timed.summary(),
        )


class _Counted:
    """Dead letters that are told as well."""

    def __init__(self, letters: Letters, told: SimpleQueue[Sequence[Refusal]]) -> None:
        self._letters = letters
        self._told = told

    def write(self, refusals: Sequence[Refusal]) -> str | None:
        """Put ``refusals`` on disk, or give the reason why not."""
        reason = self._letters.write(refusals)
        if reason is None:
            self._told.put(refusals)
        return reason


def _taken(queue: SimpleQueue[Any]) -> list[Any]:
    """Take all that a queue holds now."""
    taken = []
    while True:
        try:
            taken.append(queue.get_nowait())
        except Empty:
            return taken


def _troubles(delivery: Delivery) -> Mapping[str, str]:
    """Tell what delivery waits for: what is held, what is paused, and whether anybody answers."""
    status = delivery.status()
    unreachable = {"elasticsearch": status.failure} if status.failure else {}
    return {**unreachable, **status.paused, **status.held}
