"""Wires the proof of a direct replay: the same lines once more, and each document asked for by its `_id`."""

from __future__ import annotations

import json
import time
from contextlib import closing
from typing import TYPE_CHECKING

from shipper.elastic import Client
from shipper.jobs.replay_reading import Reading
from shipper.listen_url import FILE
from shipper.query import Documents, Expected, verify_direct
from shipper.replay.direct import Reached

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from shipper.config import Config
    from shipper.encode import Body
    from shipper.errors import Retryable
    from shipper.query import Finding, Verification
    from shipper.replay.feed import Selection


def prove_direct(
    config: Config,
    selection: Selection,
    replay_id: str | None,
    tell: Callable[[Finding], None],
    waits: Callable[[Retryable], None] | None = None,
) -> Verification:
    """Tell whether each line's document is there. Raises Permanent or Retryable for what cannot be read or asked.

    ``waits`` is told once that Elasticsearch is waited for, and why.
    """
    config = config.resolved()
    with closing(Client(config.elasticsearch)) as client:
        documents = Documents(client, time.sleep, waits=waits)
        with Reading(selection, config, replay_id, clock_us=lambda: time.time_ns() // 1_000) as reading:
            steps = reading.steps(Reached(), 0)
            return verify_direct(documents, (line for _, bodies in steps for line in _expected(bodies)), tell)


def _expected(bodies: tuple[Body, ...]) -> Iterator[Expected]:
    for body in bodies:
        start = 0
        lines = body.lines(range(len(body)))
        for end, line in zip(body.ends, lines, strict=True):
            action, document = bytes(body.content[start:end]).split(b"\n", 1)
            file, _, offset = line.origin.address.removeprefix(FILE).rpartition("#offset=")
            id_ = json.loads(action)["create"]["_id"]
            yield Expected(file, int(offset), line.raw, body.index, id_, document.decode())
            start = end
