"""A record becomes a person's reading of it: pure, without a word on how that is shown.

1. Everything that is said follows from the record, and from which aliases its format has; nothing is guessed.
2. A finding's ``id`` is stable. Words may get better at any time.
3. The words are our own; the section of HAProxy's manual that has the whole story stands beside them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from shipper.haproxy.explain._document import read_document
from shipper.haproxy.explain._fields import headline, read_fields
from shipper.haproxy.explain._findings import read_findings
from shipper.haproxy.explain._model import Explanation, Finding, Phase, Reading
from shipper.haproxy.explain._timers import read_phases, read_timers

if TYPE_CHECKING:
    from collections.abc import Collection

    from shipper.haproxy.record import Record

__all__ = ["Explanation", "Finding", "Phase", "Reading", "explain", "read_document"]


def explain(record: Record, aliases: Collection[str] = ()) -> Explanation:
    """Read a record as a person would. ``aliases`` are those of its format: what is logged and absent was -1 or `-`."""
    phases = read_phases(record, aliases)
    findings = (*read_findings(record), *read_timers(record, phases))
    return Explanation(headline(record), phases, findings, read_fields(record, aliases))
