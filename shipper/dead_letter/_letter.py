"""One dead letter as a line of NDJSON, written and read back. Pure but for ``read`` and ``whole_lines``.

1. A letter is complete: the reason in Elasticsearch's words, the line's exact bytes (base64; the text beside it is for
   people, with U+FFFD where it is not UTF-8) and the document as it was sent.
2. Everything is ASCII, so that no terminal and no tool breaks a letter.
3. A crash can tear only the last line of a file; reading passes over what is no whole letter.
"""

from __future__ import annotations

import base64
import json
from contextlib import suppress
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, Final

from shipper.haproxy.timestamps import format_timestamp

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from shipper.refusal import Refusal

FILES: Final = "dead-letters-*.ndjson"


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A letter as it stands in its file."""

    time: str
    id: str
    index: str
    type: str
    reason: str
    caused_by: str
    field: str | None
    status: int
    tries: int
    received: str
    sender: str
    line: str
    line_base64: str
    document: Any

    @property
    def raw(self) -> bytes:
        """The line's exact bytes."""
        return base64.b64decode(self.line_base64)


NAMES: Final = frozenset(field.name for field in fields(DeadLetter))


def letter(refusal: Refusal, time_us: int) -> bytes:
    """Write ``refusal`` as a line of NDJSON."""
    line = refusal.line
    content = {
        "time": format_timestamp(time_us),
        "id": refusal.id,
        "index": refusal.index,
        "type": refusal.type,
        "reason": refusal.reason,
        "caused_by": refusal.caused_by,
        "field": refusal.field,
        "status": refusal.status,
        "tries": refusal.tries,
        "received": format_timestamp(line.received_us),
        "sender": line.origin.address,
        "line": line.raw.decode("utf-8", "replace"),
        "line_base64": base64.b64encode(line.raw).decode("ascii"),
        "document": _document(refusal.document),
    }
    return json.dumps(content, separators=(",", ":")).encode("ascii") + b"\n"


def _document(sent: bytes) -> Any:  # noqa: ANN401 -- JSON can be anything
    """Give the document, or its text when it was refused for being no JSON."""
    try:
        return json.loads(sent)
    except (ValueError, RecursionError):
        return sent.decode("utf-8", "replace")


def read(folder: Path) -> Iterator[DeadLetter]:
    """Give every letter in ``folder``, oldest file first."""
    for path in sorted(folder.glob(FILES)):
        yield from filter(None, map(_read_line, whole_lines(path)))


def whole_lines(path: Path) -> Iterator[bytes]:
    """Give the lines of a file but for one without its end; none once somebody has removed the file."""
    with suppress(FileNotFoundError), path.open("rb") as file:
        yield from (line for line in file if line.endswith(b"\n"))


def _read_line(line: bytes) -> DeadLetter | None:
    try:
        content = json.loads(line)
    except (ValueError, RecursionError):
        return None
    if not isinstance(content, dict) or not content.keys() >= NAMES:
        return None
    return DeadLetter(**{name: content[name] for name in NAMES})
