"""Wires the retry of dead letters: each line is read again, by today's parser and configuration, and sent.

1. A letter leaves its file when its document is in the index, not before. Whatever is killed at whatever moment, the
   line is then sent again with the same `_id`, and is there once.
2. One that is refused again stays, with what was said now; so does one that nothing could be said of in time.
3. Nothing is parked, and no fuse holds anything back: letters are safe where they are.
4. A shipper may run beside it, and so may another retry: at worst a line is sent twice, and is there once.
"""

from __future__ import annotations

import errno
import math
import os
import random
import time
from collections import Counter
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from queue import Empty, SimpleQueue
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Final

from shipper import setup as templates
from shipper.dead_letter import files, read_file, refused_again, revise
from shipper.deliver import Delivery, Parking, Surroundings
from shipper.elastic import Client
from shipper.enrichment import open_enrichment
from shipper.errors import AS_SHIPPER, Retryable, StateError
from shipper.jobs.rereading import Rereading
from shipper.journal import StateFolder
from shipper.limits import BATCH_BYTES_MAX

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from shipper.config import Config
    from shipper.dead_letter import Choice, DeadLetter
    from shipper.encode import Body
    from shipper.journal import Verdicts
    from shipper.refusal import Refusal

WAIT_S: Final = 0.1
"""How soon it is noticed that nothing comes any more."""


@dataclass(slots=True)
class Outcome:
    """What became of the letters that were chosen."""

    chosen: int = 0
    indexed: int = 0
    already_there: int = 0
    """In the index from an earlier try, whose letter was not taken out."""
    refused: Counter[str] = field(default_factory=Counter)
    """Refused again: how many, by the kind of error and the field."""
    reasons: dict[str, str] = field(default_factory=dict)
    """What was said of the first of each kind."""
    troubles: dict[str, str] = field(default_factory=dict)
    """What the others wait for."""

    @property
    def waiting(self) -> int:
        """Letters of which nothing is known yet: they stay, and may be retried."""
        return self.chosen - self.indexed - self.already_there - self.refused.total()


def folder_of(config: Config) -> Path:
    """Give the folder of the dead letters. Raises StateError when there is no state folder, or they may not be read."""
    folder = StateFolder(config.state_dir).existing().root / "dead-letters"
    if folder.exists() and not os.access(folder, os.R_OK | os.X_OK):
        raise StateError(f"dead letters {folder}: {os.strerror(errno.EACCES)}; look {AS_SHIPPER}")
    return folder


def retry(config: Config, choice: Choice) -> Outcome:
    """Send the lines of the chosen letters again, until all have their verdict or for so long none had one.

    That is the configuration's shutdown_timeout_s. Raises StateError when letters cannot be read or taken out.
    """
    config = config.resolved()
    folder = folder_of(config)
    with ExitStack() as undo:
        client = Client(config.elasticsearch, connections_max=config.delivery.requests_in_flight_max, trusting=True)
        undo.callback(client.close)
        parked = Path(undo.enter_context(TemporaryDirectory(prefix="shipper-retry-")))
        retrying = _Retrying(config, choice, client, parked)
        undo.callback(retrying.close)
        for path in files(folder):
            for letters in _batches(path, choice, config.delivery.batch_lines_max):
                retrying.send(path, letters)
        return retrying.outcome


@dataclass(frozen=True, slots=True)
class _Sent:
    """One body on its way: its letters by their ids, and the file that they are in."""

    path: Path
    index: str
    letters: dict[str, DeadLetter]


class _Refusals:
    """What was refused again, until the verdict of its body is told."""

    def __init__(self) -> None:
        self.by_id: dict[str, Refusal] = {}

    def write(self, refusals: Sequence[Refusal]) -> str | None:
        """Take note: the letter that is there already holds the line."""
        self.by_id.update({refusal.id: refusal for refusal in refusals})
        return None


class _Retrying:
    """One retry. A ticket of delivery is one body, so that what one index holds up holds up nothing else."""

    def __init__(self, config: Config, choice: Choice, client: Client, parked: Path) -> None:
        self.outcome = Outcome()
        self._choice = choice
        self._patience_s = config.shutdown_timeout_s
        self._rereading = Rereading(config.interpretation(), open_enrichment(config.enrichment))
        self._refusals = _Refusals()
        self._settled: SimpleQueue[tuple[int, Verdicts]] = SimpleQueue()
        self._sent: dict[int, _Sent] = {}
        self._tickets = 0
        self._stuck: set[str] = set()
        """Indices of which no answer came in time."""
        self._hope_until_s = math.inf
        surroundings = Surroundings(
            transport=client,
            parking=Parking(parked, None, bytes_max=0),
            dead_letters=self._refusals,
            ready=partial(templates.ready, client) if config.require_template else lambda _: None,
            settled=lambda ticket, verdicts: self._settled.put((ticket, verdicts)),
        )
        self._delivery = Delivery(
            config.delivery.model_copy(update={"fuse_share_max": 1.0, "park_after_s": math.inf}),
            surroundings,
            request_timeout_s=config.elasticsearch.request_timeout_s,
            clock_s=time.monotonic,
            rng=random.Random(),  # noqa: S311 -- it spreads retries, nothing more
        )

    def send(self, path: Path, letters: Sequence[DeadLetter]) -> None:
        """Send some letters of one file, and wait for what becomes of them."""
        self.outcome.chosen += len(letters)
        self._hope_until_s = time.monotonic() + self._patience_s
        for body in self._rereading.bodies(letters):
            if body.index not in self._stuck and not self._is_hopeless:
                self._submit(path, body, letters)
        self._wait(lambda: all(sent.index in self._stuck for sent in self._sent.values()))
        self._stuck |= {sent.index for sent in self._sent.values()}

    def close(self) -> None:
        """End delivery; what is not settled stays a letter."""
        status = self._delivery.status()
        if self.outcome.waiting:
            troubles = {**status.held, **status.paused}
            self.outcome.troubles = troubles or {"elasticsearch": status.failure or "no answer in time"}
        self._delivery.close(0.0)
        self._look(0.0)

    @property
    def _is_hopeless(self) -> bool:
        return bool(self._stuck) and (bool(self._delivery.status().paused) or bool(self._delivery.status().failure))

    def _submit(self, path: Path, body: Body, letters: Sequence[DeadLetter]) -> None:
        ids = {body.id(item) for item in range(len(body))}
        ticket, self._tickets = self._tickets, self._tickets + 1
        self._sent[ticket] = _Sent(path, body.index, {each.id: each for each in letters if each.id in ids})
        if not self._wait(lambda: self._delivery.submit(ticket, [body], WAIT_S)):
            del self._sent[ticket]
            self._stuck.add(body.index)

    def _wait(self, done: Callable[[], bool]) -> bool:
        """Take verdicts until ``done``; False: for long there was none."""
        while not done():
            if time.monotonic() >= self._hope_until_s:
                return False
            self._look(WAIT_S)
        return True

    def _look(self, timeout_s: float) -> None:
        """Take the verdicts that there are, waiting for the first."""
        self._delivery.check()
        try:
            while True:
                ticket, verdicts = self._settled.get(timeout=timeout_s)
                self._settle(self._sent.pop(ticket), verdicts)
                self._hope_until_s = time.monotonic() + self._patience_s
                timeout_s = 0.0
        except Empty:
            return

    def _settle(self, sent: _Sent, verdicts: Verdicts) -> None:
        """Take out what is in the index now, and note on the others why they are not."""
        now_us = time.time_ns() // 1_000
        changes: dict[str, DeadLetter | None] = dict.fromkeys(sent.letters)
        for id_, letter in sent.letters.items():
            refusal = self._refusals.by_id.pop(id_, None)
            if refusal is not None:
                changes[id_] = refused_again(letter, refusal, now_us)
                kind = f"{refusal.type}: {refusal.field}" if refusal.field else refusal.type
                self.outcome.refused[kind] += 1
                self.outcome.reasons.setdefault(kind, refusal.reason)
        self.outcome.indexed += verdicts.indexed
        self.outcome.already_there += verdicts.already_there
        try:
            revise(sent.path, changes)
        except (OSError, Retryable) as error:
            raise StateError(
                f"{sent.path}: {error}; what was indexed now is recognised by the next retry, so mend it and retry"
            ) from error


def _batches(path: Path, choice: Choice, lines_max: int) -> Iterator[list[DeadLetter]]:
    """Give the chosen letters of a file, as many at once as are sent at once."""
    letters: list[DeadLetter] = []
    size = 0
    for letter in filter(choice.includes, read_file(path)):
        if letters and (len(letters) >= lines_max or size + len(letter.line_base64) > BATCH_BYTES_MAX):
            yield letters
            letters, size = [], 0
        letters.append(letter)
        size += len(letter.line_base64)
    if letters:
        yield letters
