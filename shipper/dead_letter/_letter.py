"""One dead letter as a line of NDJSON, written and read back. Pure but for ``read`` and what it is made of.

1. A letter is complete: the reason in Elasticsearch's words, the line's exact bytes (base64; the text beside it is for
   people, with U+FFFD where it is not UTF-8), what else its meaning hangs on, and the document as it was sent.
2. Everything is ASCII, so that no terminal and no tool breaks a letter.
3. A crash can tear only the last line of a file; reading passes over what is no whole letter.
"""

from __future__ import annotations

import base64
import json
import re
from contextlib import suppress
from dataclasses import MISSING, dataclass, fields, replace
from typing import TYPE_CHECKING, Any, Final

from shipper.haproxy.timestamps import format_timestamp
from shipper.journal.entry import Flag

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from shipper.refusal import Refusal

FILES: Final = "dead-letters-*.ndjson"
_ID: Final = re.compile(rb'"id":"([A-Za-z0-9_-]+)"')
"""The first of a letter's strings that looks like this is its id: only the time stands before it."""


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A letter as it stands in its file."""

    time: str
    """When it was given up."""
    id: str
    index: str
    type: str
    reason: str
    caused_by: str
    field: str | None
    status: int
    tries: int
    """Requests that carried it, those of retries with them."""
    received: str
    sender: str
    line: str
    line_base64: str
    document: Any
    retried: str | None = None
    """When it was refused again; the reason is then of that time."""
    listener: int = 0
    """The number of the listener that it came to, from 0."""
    cut: bool = False
    """The line's end was missing when it came."""

    @property
    def raw(self) -> bytes:
        """The line's exact bytes."""
        return base64.b64decode(self.line_base64)


_ALL: Final = tuple(field.name for field in fields(DeadLetter))
_NEEDED: Final = frozenset(field.name for field in fields(DeadLetter) if field.default is MISSING)


def letter(refusal: Refusal, time_us: int) -> bytes:
    """Write ``refusal`` as a line of NDJSON."""
    return encode(letter_of(refusal, time_us))


def refused_again(old: DeadLetter, refusal: Refusal, time_us: int) -> DeadLetter:
    """Give the letter of a line that a retry could not bring in: what was said now, and when it was given up first."""
    new = letter_of(refusal, time_us)
    kept = {name: getattr(old, name) for name in ("time", "received", "sender", "listener", "cut")}
    return replace(new, **kept, tries=old.tries + refusal.tries, retried=new.time)


def encode(letter_: DeadLetter) -> bytes:
    """Write a letter as a line of NDJSON."""
    content = {name: getattr(letter_, name) for name in _ALL}
    return json.dumps(content, separators=(",", ":")).encode("ascii") + b"\n"


def decode(line: bytes) -> DeadLetter | None:
    """Read a line; None when it is no letter."""
    try:
        content = json.loads(line)
    except (ValueError, RecursionError):
        return None
    if not isinstance(content, dict) or not content.keys() >= _NEEDED:
        return None
    return DeadLetter(**{name: content[name] for name in _ALL if name in content})


def id_of(line: bytes) -> str | None:
    """Give the id of the letter that ``line`` is; None when it is no whole one."""
    found = _ID.search(line) if line.endswith(b"\n") else None
    return found[1].decode("ascii") if found else None


def read(folder: Path) -> Iterator[DeadLetter]:
    """Give every letter in ``folder``, oldest file first."""
    for path in files(folder):
        yield from read_file(path)


def files(folder: Path) -> list[Path]:
    """Give the files of letters, oldest first."""
    return sorted(folder.glob(FILES))


def read_file(path: Path) -> Iterator[DeadLetter]:
    """Give every letter in one file."""
    yield from filter(None, map(decode, whole_lines(path)))


def whole_lines(path: Path) -> Iterator[bytes]:
    """Give the lines of a file but for one without its end; none once somebody has removed the file."""
    with suppress(FileNotFoundError), path.open("rb") as file:
        yield from (line for line in file if line.endswith(b"\n"))


def letter_of(refusal: Refusal, time_us: int) -> DeadLetter:
    """Give the letter of a refusal that is given up now."""
    line = refusal.line
    return DeadLetter(
        time=format_timestamp(time_us),
        id=refusal.id,
        index=refusal.index,
        type=refusal.type,
        reason=refusal.reason,
        caused_by=refusal.caused_by,
        field=refusal.field,
        status=refusal.status,
        tries=refusal.tries,
        received=format_timestamp(line.received_us),
        sender=line.origin.address,
        line=line.raw.decode("utf-8", "replace"),
        line_base64=base64.b64encode(line.raw).decode("ascii"),
        document=_document(refusal.document),
        listener=line.origin.listener,
        cut=Flag.CUT in line.flags,
    )


def _document(sent: bytes) -> Any:  # noqa: ANN401 -- JSON can be anything
    """Give the document, or its text when it was refused for being no JSON."""
    try:
        return json.loads(sent)
    except (ValueError, RecursionError):
        return sent.decode("utf-8", "replace")
