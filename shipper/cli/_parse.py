"""`shipper parse`: lines in, documents out."""

from __future__ import annotations

import os
import sys
import time
from contextlib import nullcontext
from typing import TYPE_CHECKING, Final

import typer

from shipper.encode import CapturedEncoder
from shipper.errors import Permanent

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from contextlib import AbstractContextManager
    from pathlib import Path
    from typing import BinaryIO

    from shipper.config import Config

STDIN: Final = "-"
BAD_LINES_SHOWN: Final = 3


def parse_files(files: Iterable[Path], settings: Config) -> int:
    """Print a document for each line; give the exit code. Raises Permanent for a file that cannot be read.

    Whoever reads the documents may leave when they have seen enough, as `head` does.
    """
    try:
        return _print_documents(files, settings)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0


def _print_documents(files: Iterable[Path], settings: Config) -> int:
    lines = unknown = 0
    for file in files:
        live = not file.is_file()  # somebody's tail -f wants each line at once
        with _open(file) as stream:
            encoder = CapturedEncoder(settings.interpretation(), _changed_us(file))
            for document in encoder.documents(_lines(stream)):
                print(document.json, flush=live)
                lines += 1
                if not document.known:
                    unknown += 1
    sys.stdout.flush()
    if unknown:
        typer.echo(f"shipper: {unknown} of {lines} lines were not understood; see their error.message", err=True)
    return int(unknown > 0)


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
