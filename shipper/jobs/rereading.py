"""Reads the lines of dead letters again: today's parser and configuration, everything else as it was when they came."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from shipper.encode import Bodies, CapturedEncoder, Encoder, HiddenLines, LineContext
from shipper.errors import Permanent
from shipper.haproxy.timestamps import read_iso
from shipper.journal import Flag, Line, Origin, Position
from shipper.journal.entry import SEGMENT_ID_BYTES
from shipper.replay.ids import place_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from shipper.config import Interpretation
    from shipper.dead_letter import DeadLetter
    from shipper.encode import Body, Enricher


class _Letters:
    """Letters as delivery knows lines; their positions only keep their order."""

    def __init__(self, letters: Sequence[DeadLetter]) -> None:
        self._letters = letters

    def lines(self) -> Iterator[Line]:
        """Give the lines in the order of the letters."""
        for number, letter in enumerate(self._letters):
            yield Line(
                raw=letter.raw,
                origin=Origin(letter.listener, letter.sender),
                received_us=_moment(letter.received),
                flags=Flag.CUT if letter.cut else Flag(0),
                position=Position(bytes(SEGMENT_ID_BYTES), number),
            )


class Rereading:
    """Makes documents of letters, each with the `_id` that its line had."""

    def __init__(self, interpretation: Interpretation, enricher: Enricher | None = None) -> None:
        self._interpretation = interpretation
        self._enricher = enricher
        self._encoder = Encoder(interpretation, enricher=enricher)
        self._captured: dict[str | None, CapturedEncoder] = {}

    def bodies(self, letters: Sequence[DeadLetter]) -> tuple[Body, ...]:
        """Give what is to be sent."""
        hider = self._encoder.hider
        known = _Letters(letters)
        bodies = Bodies(HiddenLines(known, hider) if hider else known)
        for letter in letters:
            is_captured = place_of(letter.id) is not None
            index, document = self._reread_captured(letter) if is_captured else self._reread(letter)
            bodies.add(index, letter.id, document)
        return bodies.done()

    def _reread(self, letter: DeadLetter) -> tuple[str, str]:
        received_us = _moment(letter.received)
        line = LineContext(
            self._interpretation,
            zone=self._encoder.zones[Origin(letter.listener, letter.sender)],
            sender=letter.sender,
            near_us=received_us,
            received_us=received_us,
            cut=letter.cut,
        )
        document = self._encoder.document(letter.raw, line)
        return self._encoder.index_of(line.index_us), document

    def _reread_captured(self, letter: DeadLetter) -> tuple[str, str]:
        """Read a line of a captured file: what its date lacks, the refused document tells."""
        sent = letter.document if isinstance(letter.document, Mapping) else {}
        replay_id = (sent.get("haproxy") or {}).get("replay_id")
        near_us = _moment(sent.get("@timestamp", letter.received))
        encoder = self._captured.get(replay_id)
        if encoder is None:
            encoder = self._captured[replay_id] = CapturedEncoder(
                self._interpretation, near_us, replay_id, self._enricher
            )
        encoder.near_us = near_us
        captured = encoder.document(letter.raw, cut=letter.cut)
        return captured.index, captured.json


def _moment(timestamp: str) -> int:
    """Give the microseconds since 1970 of a timestamp that shipper wrote."""
    found = read_iso(timestamp.encode())
    if found is None:
        raise Permanent(f"dead letters: {timestamp!r} is no time; somebody has changed the letter, so take it out")
    wall_us, offset_us = found
    return wall_us - (offset_us or 0)
