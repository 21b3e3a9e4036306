"""Where captures are written to that were made up, or made fit to be shared."""

import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Final

import typer

from shipper.cli._lines import until_the_reader_leaves
from shipper.errors import Permanent

_WRITE_BYTES: Final = 1 << 20

Output = Annotated[
    Path | None, typer.Option("--output", "-o", metavar="FILE", help="Where to; by default standard output.")
]


def write_lines(lines: Iterable[bytes], output: Path | None) -> None:
    """Write lines into a file, or to standard output. Raises Permanent where that cannot be written."""

    def write() -> int:
        stream = sys.stdout.buffer if output is None else output.open("wb", _WRITE_BYTES)
        try:
            for line in lines:
                stream.write(line + b"\n")
            stream.flush()
        finally:
            if output is not None:
                stream.close()
        return 0

    try:
        until_the_reader_leaves(write)
    except OSError as error:
        raise Permanent(f"{output or 'standard output'}: {error.strerror}") from error
