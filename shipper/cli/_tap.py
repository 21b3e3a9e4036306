"""`shipper tap`: the documents of the running shipper as they go by."""

from __future__ import annotations

import json
import os
import random
import sys
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Final

import typer

from shipper import service, telemetry
from shipper.cli import _options as options
from shipper.cli import _population as population
from shipper.cli._flags import taking
from shipper.cli._lines import until_the_reader_leaves
from shipper.query import Filters

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

EXAMPLES: Final = """Examples:

`shipper tap | jq .`

`shipper tap --filter status:5xx --filter backend:shop --count 10`

`shipper tap --sample 0.01 | jq -r '.source.address' | sort | uniq -c`"""

app = options.typer_app()

_NICENESS: Final = 10
"""The shipper that is watched goes first."""
_AGAIN_S_MAX: Final = 15.0
"""A shipper that is started again, as by a reload, is there within this time."""
_AGAIN_S: Final = 0.2


@dataclass(slots=True)
class _Seen:
    """How many documents."""

    came: int = 0
    shown: int = 0
    missed: int = 0

    def __str__(self) -> str:
        missed = f"; {self.missed:,} more went by too fast to be looked at" if self.missed else ""
        return f"{self.shown:,} of {self.came:,} documents shown{missed}"


@app.command(epilog=EXAMPLES)
@taking(given=options.settings("state_dir"))
def tap(
    given: options.Given,
    filters: population.Filter = None,
    sample: Annotated[
        float, typer.Option(min=0.0, max=1.0, metavar="SHARE", help="Of all documents, by chance: 0.01 is 1%.")
    ] = 1.0,
    count: Annotated[int | None, typer.Option(min=1, metavar="N", help="So many documents, then end.")] = None,
) -> None:
    """Print the documents of the running shipper as they go by, as NDJSON, until Ctrl-C.

    They are what Elasticsearch is sent. Shipping is not slowed: what goes by too fast to be looked at is counted, and
    said at the end.
    """
    wanted = Filters.parse(filters or ())
    folder = given.load().state_dir
    telemetry.configure("error")
    os.nice(_NICENESS)
    seen = _Seen()
    try:
        raise typer.Exit(until_the_reader_leaves(lambda: _print(folder, wanted, sample, count, seen)))
    except KeyboardInterrupt:
        raise typer.Exit from None
    finally:
        if seen.came:
            print(f"shipper: {seen}", file=sys.stderr)


def _print(folder: Path, wanted: Filters, sample: float, count: int | None, seen: _Seen) -> int:
    draw = random.Random().random  # noqa: S311 -- it chooses what to show
    for tapped in _watch(folder):
        seen.missed += tapped.missed
        for document in tapped.documents:
            seen.came += 1
            if draw() < sample and (not wanted.wanted or wanted.fit(json.loads(document))):
                sys.stdout.buffer.write(document + b"\n")
                seen.shown += 1
                if seen.shown == count:
                    sys.stdout.flush()
                    return 0
        sys.stdout.flush()
    return 1


def _watch(folder: Path) -> Iterator[service.Tapped]:
    """Watch one life of the shipping process after the other, until none comes any more."""
    yield from service.tap(folder)
    while True:
        again_by_s = time.monotonic() + _AGAIN_S_MAX
        while True:
            try:
                yield from service.tap(folder)
                break
            except service.NoTapError:
                if time.monotonic() >= again_by_s:
                    raise
                time.sleep(_AGAIN_S)
