"""Termination states in words (HAProxy manual, 8.5)."""

from __future__ import annotations

from typing import Final

BY: Final = {
    "C": "client",
    "S": "server",
    "P": "proxy",
    "L": "local",
    "R": "resource",
    "I": "internal",
    "D": "server_down",
    "U": "backup_up",
    "K": "admin",
    "c": "client_timeout",
    "s": "server_timeout",
    "-": "normal",
}
"""The first character: who or what ended the session."""

PHASE: Final = {
    "R": "request",
    "Q": "queue",
    "C": "connect",
    "H": "headers",
    "D": "data",
    "L": "last_data",
    "T": "tarpit",
    "-": "finished",
}
"""The second character: what the session was doing when it ended."""

ERRORS: Final = frozenset("CSPRIDUKcs")
"""First characters of sessions that did not end as they should: all but `-` and `L` (HAProxy answered by itself)."""
