"""Provoke lines from a real HAProxy, and read them.

`python -m tests.provoke` writes `samples/`: `SET-local.log` with all lines of a set, `every-HEADER.log` with a few of
each set under another header, and beside each the documents that it gives. The lines are kept as they came: dates,
ports and process ids are those of the day they were made. `python -m tests.provoke documents` leaves the lines as they
are. Read each document against its line before you commit it.
"""

from __future__ import annotations

from pathlib import Path

from shipper.config import Interpretation
from shipper.encode import CapturedEncoder
from tests.provoke._configuration import FORMATS
from tests.provoke._provoking import provoke
from tests.provoke._scenes import FORGED, STATES

__all__ = ["FORGED", "FORMATS", "INTERPRETATION", "SAMPLES", "STATES", "documents", "provoke"]

SAMPLES = Path(__file__).parents[2] / "samples"
INTERPRETATION = Interpretation(keep_original="unparsed", formats=FORMATS)
_FALLBACK_US = 1_795_222_923_000_000


def documents(raws: list[bytes]) -> list[str]:
    """Give the documents of a sample's lines."""
    return [captured.json for captured in CapturedEncoder(INTERPRETATION, _FALLBACK_US).documents(raws)]
