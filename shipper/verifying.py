"""Wires verification: captured files, as the documents that they should have become, against Elasticsearch.

1. A line is read here as a replay of its file reads it, with the configuration of now.
2. Files are read one after another, and again where something is missing; stdin is copied to a temporary file first.
"""

from __future__ import annotations

import json
import shutil
import sys
import time
from collections import deque
from contextlib import closing, contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import TYPE_CHECKING

from shipper.elastic import Client
from shipper.encode import CapturedEncoder
from shipper.haproxy.timestamps import format_timestamp
from shipper.limits import QUERY_DOCUMENTS_MAX
from shipper.query import Documents, Expected, is_direct, verify_direct, verify_field, verify_live
from shipper.replay.captures import STDIN, open_capture
from shipper.replay.ids import Ids

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from shipper.config import Config, Interpretation
    from shipper.query import Finding, Received, Verification, Way
    from shipper.replay.captures import Line


@dataclass(frozen=True, slots=True)
class Selection:
    """Which lines are looked for: those of event times from ``first_us`` (included) to ``last_us`` (not included)."""

    first_us: int | None = None
    last_us: int | None = None
    replay_id: str = ""
    """Of a direct replay that had one."""

    def holds(self, document: str) -> bool:
        """Tell whether a line's document is among them."""
        if self.first_us is None and self.last_us is None:
            return True
        timestamp = json.loads(document)["@timestamp"]
        late_enough = self.first_us is None or format_timestamp(self.first_us) <= timestamp
        return late_enough and (self.last_us is None or timestamp < format_timestamp(self.last_us))


ALL = Selection()


def verify(
    config: Config,
    files: Sequence[Path],
    tell: Callable[[Finding], None],
    *,
    selection: Selection = ALL,
    way: Way | None = None,
    field: str | None = None,
    received: Received | None = None,
) -> Verification:
    """Verify the lines of ``files``; tell each finding as it comes.

    Without a ``way`` it is direct when one of the first lines is there by its own `_id`, or else live. ``field``
    compares the raw lines with one field, of whichever shipper's documents. Raises Permanent for what cannot be read
    or searched, Retryable when Elasticsearch stays away.
    """
    interpretation = config.interpretation()
    with closing(Client(config.elasticsearch)) as client, _kept(files) as kept:
        documents = Documents(client, time.sleep)

        def lines() -> Iterator[Expected]:
            return expected(kept, interpretation, selection)

        if field is not None:
            return verify_field(documents, config.index.pattern, lines, tell, field)
        if way is None:
            way = "direct" if is_direct(documents, list(islice(lines(), QUERY_DOCUMENTS_MAX))) else "live"
        if way == "direct":
            return verify_direct(documents, lines(), tell)
        return verify_live(documents, config.index.pattern, lines, tell, received)


def expected(files: Sequence[tuple[Path, str]], interpretation: Interpretation, of: Selection) -> Iterator[Expected]:
    """Give the lines of files, each with the name that is shown, and what they should have become."""
    for file, name in files:
        with open_capture(file) as capture:
            waiting: deque[Line] = deque()
            ids = Ids(capture.identity, of.replay_id)

            def raws(lines: Iterator[Line], waiting: deque[Line] = waiting) -> Iterator[bytes]:
                for line in lines:
                    waiting.append(line)
                    yield line.raw

            encoder = CapturedEncoder(interpretation, capture.changed_us)
            for captured in encoder.documents(raws(capture.lines())):
                line = waiting.popleft()
                if of.holds(captured.json):
                    yield Expected(name, line.offset, line.raw, captured.index, ids.id(line), captured.json)


@contextmanager
def _kept(files: Sequence[Path]) -> Iterator[Sequence[tuple[Path, str]]]:
    """Give files that can be read twice, each with the name that is shown."""
    with NamedTemporaryFile(prefix="shipper-verify-") as copy:
        if Path(STDIN) in files:
            shutil.copyfileobj(sys.stdin.buffer, copy)
            copy.flush()
        yield [(Path(copy.name) if str(file) == STDIN else file, str(file)) for file in files]
