"""Lines from files, from stdin and from the command line, each with its document."""

from __future__ import annotations

import os
import sys
import time
from collections import deque
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from shipper.encode import CapturedEncoder
from shipper.errors import Permanent

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from contextlib import AbstractContextManager
    from typing import BinaryIO

    from shipper.config import Interpretation
    from shipper.encode import Enricher

STDIN: Final = "-"


@dataclass(frozen=True, slots=True)
class Parsed:
    """A line, its document as JSON, and whether it was understood and has a date of its own.

    ``live`` says that somebody waits for each.
    """

    raw: bytes
    json: str
    known: bool
    dated: bool
    live: bool


def parse_file(file: Path, interpretation: Interpretation, enricher: Enricher | None = None) -> Iterator[Parsed]:
    """Give each line of a file (`-`: stdin). Raises Permanent for one that cannot be read."""
    live = not file.is_file()  # somebody's tail -f wants each line at once
    with _open(file) as stream:
        yield from _parse(_lines(stream), interpretation, _changed_us(file), live=live, enricher=enricher)


def parse_argument(argument: str, interpretation: Interpretation) -> Iterable[Parsed]:
    """Give the lines of a file, where ``argument`` names one, or else ``argument`` as the line that it is.

    Raises Permanent for what is neither: without a blank it was meant as a file.
    """
    if argument == STDIN or os.path.isfile(argument):  # noqa: PTH113 -- Path.is_file raises for what is too long
        return parse_file(Path(argument), interpretation)
    parsed = list(_parse(os.fsencode(argument).splitlines(), interpretation, time.time_ns() // 1_000, live=True))
    if len(argument.split()) == 1 and not any(line.known for line in parsed):
        raise Permanent(f"{argument}: no such file, nor a line that is understood; is the path right?")
    return parsed


def _parse(
    lines: Iterable[bytes],
    interpretation: Interpretation,
    fallback_us: int,
    *,
    live: bool,
    enricher: Enricher | None = None,
) -> Iterator[Parsed]:
    waiting: deque[bytes] = deque()

    def remembered() -> Iterator[bytes]:
        for raw in lines:
            waiting.append(raw)
            yield raw

    for document in CapturedEncoder(interpretation, fallback_us, None, enricher).documents(remembered()):
        yield Parsed(waiting.popleft(), document.json, document.known, document.dated, live)


def until_the_reader_leaves(command: Callable[[], int]) -> int:
    """Run ``command`` for its exit code; whoever reads what it prints may leave when they have seen enough."""
    try:
        code = command()
        sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    return code


def _lines(stream: BinaryIO) -> Iterator[bytes]:
    for line in stream:
        raw = line.rstrip(b"\r\n")
        if raw:
            yield raw


def _open(file: Path) -> AbstractContextManager[BinaryIO]:
    if str(file) == STDIN:
        return nullcontext(sys.stdin.buffer)
    try:
        return file.open("rb")
    except OSError as error:
        raise Permanent(f"{file}: {error.strerror}") from error


def _changed_us(file: Path) -> int:
    """Give the file's time of change, which dates a capture that names no day at all; for a stream it is now."""
    changed_ns = time.time_ns() if str(file) == STDIN else file.stat().st_mtime_ns
    return changed_ns // 1_000
