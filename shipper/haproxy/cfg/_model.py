"""What is known of a HAProxy from its configuration, as far as its log is concerned."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

LENGTH_DEFAULT: Final = 1024
"""Bytes of a message, where a `log` line does not say it."""


@dataclass(frozen=True, slots=True)
class Note:
    """Something that costs information, or could not be told for sure."""

    place: str
    """`FILE:LINE`."""
    text: str
    advice: str


@dataclass(frozen=True, slots=True)
class Capture:
    """A slot of captured values, or the captured cookie."""

    name: str
    """The header's; of another expression something readable; empty where it is not known."""
    length: int
    """Bytes of the value that are kept."""


@dataclass(frozen=True, slots=True)
class LogTarget:
    """One `log` line: where the lines of a section go."""

    place: str
    address: str
    facility: str
    level: str = "debug"
    """The least severe that is sent."""
    level_min: str = "emerg"
    """More severe ones are sent as this."""
    length: int = LENGTH_DEFAULT
    """Bytes of a message, at most; header included."""
    format: str = ""
    """Of the header; empty: the default, which is `local`, or that of the ring."""
    sample: str | None = None
    """`RANGES:SIZE`: which lines of how many are sent."""
    profile: str | None = None
    """The log profile that says what is written (3.1)."""


@dataclass(frozen=True, slots=True)
class Profile:
    """A section `log-profile`."""

    name: str
    tag: str | None
    steps: tuple[tuple[str, str], ...]
    """Each step that has a log format of its own, with it."""


@dataclass(frozen=True, slots=True)
class Frontend:
    """A section `frontend` or `listen` that is not disabled, with all that it inherits."""

    place: str
    name: str
    mode: str
    format_name: str
    """The stock format's name; `custom`; empty: only `Connect from` is written."""
    log_format: str
    """The log-format string; empty for none."""
    error_log_format: str
    """Empty for none: errors are then written as events."""
    request_captures: tuple[Capture, ...]
    response_captures: tuple[Capture, ...]
    cookie: Capture | None
    tag: str
    targets: tuple[LogTarget, ...]
    options: frozenset[str]
    """Those of `dontlognull`, `dontlog-normal`, `logasap`, `log-separate-errors` that are set."""
    muted: bool
    """A `no log` stands in it, or in its defaults."""
    steps: str
    """What `log-steps` says (3.1); empty for nothing."""


@dataclass(frozen=True, slots=True)
class HAProxyConfig:
    """What a set of configuration files says."""

    frontends: tuple[Frontend, ...]
    profiles: tuple[Profile, ...]
    rings: tuple[LogTarget, ...]
    """Each section `ring`, with the header format and length that it gives to `ring@NAME`."""
    hostname: bool
    """`log-send-hostname` is there."""
    uri_length: int
    """Bytes of a request line that are logged (`tune.http.logurilen`)."""
    cookie_length: int
    """Bytes of a captured cookie that are logged (`tune.http.cookielen`)."""
    notes: tuple[Note, ...]
    """What could not be told for sure."""
