"""Wires percentiles: of the lines of captured files, exactly, or of what is in Elasticsearch.

1. Files are read once, one line at a time; of a damaged one what stands before the damage counts, and that is said.
2. With files there is no client: nothing is asked of anybody.
"""

from __future__ import annotations

import time
from contextlib import closing
from typing import TYPE_CHECKING, Final

from shipper.elastic import Client
from shipper.errors import Permanent
from shipper.query import Documents, FieldReader, Tally, ask
from shipper.replay.captures import open_capture
from shipper.replay.moments import Moments

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from shipper.config import Config, Interpretation
    from shipper.query import Breakdown, Question, Span
    from shipper.replay.captures import Capture, Line

_TRIES_MAX: Final = 2
"""Somebody waits for the answer, and can ask again."""


def of_files(files: Sequence[Path], interpretation: Interpretation, question: Question) -> tuple[Breakdown, list[str]]:
    """Give the percentiles of captures (`-`: stdin), and what kept lines from being read.

    Raises Permanent for a file that cannot be opened, and where counting would take too much memory.
    """
    tally = Tally(question)
    faults: list[str] = []
    reader = FieldReader(interpretation, tally.fields)
    for file in files:
        with open_capture(file) as capture:
            for line in _within(question.span, capture, interpretation, faults):
                tally.add(reader.read(line.raw, cut=line.cut))
    return tally.breakdown(), faults


def of_index(config: Config, question: Question) -> Breakdown:
    """Ask Elasticsearch. Raises Permanent where it has no such index or refuses, Retryable when it stays away."""
    with closing(Client(config.elasticsearch)) as client:
        found = ask(Documents(client, time.sleep, tries_max=_TRIES_MAX), config.index.pattern, question)
    if found is None:
        urls = ", ".join(config.elasticsearch.urls)
        raise Permanent(
            f"{urls} has no index {config.index.pattern}: nothing was shipped to it yet, or under another "
            "--index-prefix"
        )
    return found


def _within(span: Span, capture: Capture, interpretation: Interpretation, faults: list[str]) -> Iterator[Line]:
    """Give the lines of a span. Only for one are dates read."""
    lines = _up_to_damage(capture, faults)
    if span.from_us is None and span.until_us is None:
        return lines
    timed = Moments(interpretation, capture.changed_us).timed(lines)
    return (line for moment, line in timed if span.holds(moment.start_us))


def _up_to_damage(capture: Capture, faults: list[str]) -> Iterator[Line]:
    try:
        yield from capture.lines()
    except Permanent as error:
        faults.append(str(error))
