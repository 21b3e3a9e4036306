"""Sockets in, journal out."""

from __future__ import annotations

from shipper.receive._loop import Journal, Stop, receive
from shipper.receive._sockets import BoundListener, DropCount, open_listeners

__all__ = ["BoundListener", "DropCount", "Journal", "Stop", "open_listeners", "receive"]
