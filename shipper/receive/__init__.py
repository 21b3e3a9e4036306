"""Sockets and files in, journal out."""

from __future__ import annotations

from shipper.receive._lanes import Journal
from shipper.receive._look import Look, look
from shipper.receive._loop import Stop, receive
from shipper.receive._passed import passed_sockets
from shipper.receive._sockets import doubled, open_sources
from shipper.receive._source import Source
from shipper.receive._speed import ReadingSpeed

__all__ = [
    "Journal",
    "Look",
    "ReadingSpeed",
    "Source",
    "Stop",
    "doubled",
    "look",
    "open_sources",
    "passed_sockets",
    "receive",
]
