"""Wires verification: captured files, as the documents that they should have become, against Elasticsearch.

1. A line is read here as a replay of its file reads it, with the configuration of now.
2. Files are read one after another, and again where something is missing; stdin is copied to a temporary file first.
3. A file that is damaged is verified up to the damage, and that is said.
"""

from __future__ import annotations

import shutil
import sys
import time
from contextlib import closing, contextmanager
from dataclasses import replace
from itertools import islice
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import TYPE_CHECKING

from shipper.elastic import Client
from shipper.encode import CapturedEncoder
from shipper.errors import Permanent
from shipper.limits import QUERY_DOCUMENTS_MAX
from shipper.query import Documents, Expected, is_direct, verify_direct, verify_field, verify_live
from shipper.replay.captures import STDIN, open_capture
from shipper.replay.ids import Ids

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from shipper.config import Config, Interpretation
    from shipper.errors import Retryable
    from shipper.query import Finding, Received, Verification, Way
    from shipper.replay.captures import Capture, Line
    from shipper.replay.feed import Selection


def verify(
    config: Config,
    selection: Selection,
    tell: Callable[[Finding], None],
    *,
    way: Way | None = None,
    field: str | None = None,
    received: Received | None = None,
    waits: Callable[[Retryable], None] | None = None,
) -> Verification:
    """Verify the lines of files, of some time perhaps; tell each finding as it comes.

    Without a ``way`` it is direct when one of the first lines is there by its own `_id`, or else live. ``field``
    compares the raw lines with one field, of whichever shipper's documents. Raises Permanent for what cannot be read
    or searched, Retryable when Elasticsearch stays away; ``waits`` is told once that it is waited for, and why.
    """
    interpretation = config.interpretation()
    faults: dict[str, None] = {}
    with closing(Client(config.elasticsearch)) as client, _kept(selection) as (kept, names):
        documents = Documents(client, time.sleep, waits=waits)

        def lines() -> Iterator[Expected]:
            return expected(kept, interpretation, names, faults)

        if field is not None:
            found = verify_field(documents, config.index.pattern, lines, tell, field)
        elif way == "direct" or (way is None and is_direct(documents, list(islice(lines(), QUERY_DOCUMENTS_MAX)))):
            found = verify_direct(documents, lines(), tell)
        else:
            found = verify_live(documents, config.index.pattern, lines, tell, received)
    return replace(found, faults=tuple(faults))


def expected(
    selection: Selection, interpretation: Interpretation, names: Sequence[str], faults: dict[str, None]
) -> Iterator[Expected]:
    """Give the selected lines of files, each with its file's name as it is shown, and what they should have become.

    What ends a file too early goes into ``faults``. Raises Permanent for a file that cannot be opened.
    """
    for file, name in zip(selection.files, names, strict=True):
        with open_capture(file) as capture:
            encoder = CapturedEncoder(interpretation, capture.changed_us)
            ids = Ids(capture.identity)
            for line in encoder.from_front(_whole(capture, faults), _raw_of):
                made = encoder.document(line.raw, cut=line.cut)
                if selection.from_us is not None and made.event_us < selection.from_us:
                    continue
                if selection.until_us is not None and made.event_us >= selection.until_us:
                    continue
                yield Expected(name, line.offset, line.raw, made.index, ids.id(line), made.json)


def _raw_of(line: Line) -> bytes:
    return line.raw


def _whole(capture: Capture, faults: dict[str, None]) -> Iterator[Line]:
    """Give the lines of a file up to where it is damaged."""
    try:
        yield from capture.lines()
    except Permanent as error:
        faults[str(error)] = None


@contextmanager
def _kept(selection: Selection) -> Iterator[tuple[Selection, Sequence[str]]]:
    """Give the same lines from files that can be read twice, and the names that are shown of these."""
    with NamedTemporaryFile(prefix="shipper-verify-") as copy:
        if Path(STDIN) in selection.files:
            shutil.copyfileobj(sys.stdin.buffer, copy)
            copy.flush()
        files = tuple(Path(copy.name) if str(file) == STDIN else file for file in selection.files)
        yield replace(selection, files=files), [str(file) for file in selection.files]
