"""Write samples/ anew, or with `documents` only what the lines there give today."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from tests.provoke import SAMPLES, documents, provoke
from tests.provoke._loggers import HEADERS

FULL = "local"
EACH = 2
"""So many lines of each set are kept for every other header."""
HEADED = (b" tagged ", b" structured ", b" malformed ")
"""Frontends whose lines are kept as well: what is special of them is the header."""


def write_lines() -> None:
    """Provoke, and write the lines that are kept."""
    with tempfile.TemporaryDirectory(prefix="provoke-") as folder:
        lines = provoke(Path(folder))
    kept = {f"{name}-{FULL}": raws for (name, header), raws in lines.items() if header == FULL}
    for header in HEADERS.keys() - {FULL}:
        sets = [raws for (_, each), raws in lines.items() if each == header]
        kept[f"every-{header}"] = [raw for raws in sets for number, raw in enumerate(raws) if _is_kept(number, raw)]
    for old in SAMPLES.iterdir():
        old.unlink()
    for name, raws in kept.items():
        (SAMPLES / f"{name}.log").write_bytes(b"".join(raw + b"\n" for raw in raws))


def write_documents() -> None:
    """Write the documents beside the lines."""
    for log in SAMPLES.glob("*.log"):
        raws = log.read_bytes().removesuffix(b"\n").split(b"\n")
        log.with_suffix(".ndjson").write_text("".join(f"{line}\n" for line in documents(raws)))


def _is_kept(number: int, raw: bytes) -> bool:
    return number < EACH or any(frontend in raw for frontend in HEADED)


if __name__ == "__main__":
    if sys.argv[1:] != ["documents"]:
        write_lines()
    write_documents()
