"""Where captures are written to that were made up, or made fit to be shared.

1. A file that exists is left as it is: it may be the capture that is read.
2. A new file is there from its first line on, and goes again when not every line came. Pipes and devices are as ever.
"""

from __future__ import annotations

import sys
from itertools import chain, islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from shipper.cli._lines import until_the_reader_leaves
from shipper.errors import ConfigError, Permanent

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import BinaryIO

_WRITE_BYTES: Final = 1 << 20
_STDOUT: Final = Path("/dev/stdout")

Output = Annotated[
    Path | None, typer.Option("--output", "-o", metavar="FILE", help="A new file; by default standard output.")
]


def write_lines(lines: Iterable[bytes], output: Path | None) -> None:
    """Write lines into a new file, or to standard output.

    Raises ConfigError where the file exists, and Permanent where it cannot be written.
    """
    try:
        until_the_reader_leaves(lambda: _write(iter(lines), None if output == _STDOUT else output))
    except FileExistsError:
        raise ConfigError(f"{output} exists, and is left as it is; name another file, or remove it first") from None
    except OSError as error:
        raise Permanent(f"{output or 'standard output'}: {error.strerror}") from error


def _write(lines: Iterator[bytes], target: Path | None) -> int:
    lines = chain(list(islice(lines, 1)), lines)  # what cannot be read leaves no new file
    if target is None:
        _write_into(sys.stdout.buffer, lines)
        return 0
    special = target.exists() and not target.is_file()
    with target.open("wb" if special else "xb", _WRITE_BYTES) as stream:
        try:
            _write_into(stream, lines)
        except BaseException:
            if not special:
                target.unlink()
            raise
    return 0


def _write_into(stream: BinaryIO, lines: Iterable[bytes]) -> None:
    stream.writelines(line + b"\n" for line in lines)
    stream.flush()
