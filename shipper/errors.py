"""Errors, named by what the caller does next.

1. ``Retryable``: the same call may succeed later; wait and try again.
2. ``Permanent``: this input will never succeed; put it aside with the reason and go on.
3. ``Fatal``: nothing more can be done in this process; say so and exit with a code other than 0.

A message says what went wrong, where, and what to do about it. No error has a side effect.
"""

from __future__ import annotations

from typing import Final

AS_SHIPPER: Final = "as the user of shipper, or as root"
"""Who may do what the system did not let this user do; stands behind `Permission denied; look`, or ask, or reload."""


class ShipperError(Exception):
    """The root of every error that shipper raises on purpose."""


class Retryable(ShipperError):  # noqa: N818 -- named by what the caller does
    """The same call may succeed later."""


class Permanent(ShipperError):  # noqa: N818 -- named by what the caller does
    """This input can never succeed."""


class Fatal(ShipperError):  # noqa: N818 -- named by what the caller does
    """The process cannot go on."""


class ConfigError(Fatal):
    """The configuration is wrong; the message names the key and what would be right."""


class StateError(Fatal):
    """The state folder cannot be used: another process holds it, or it cannot be written."""


class JournalFull(Retryable):
    """The journal has reached its bound or the disk its reserve; nothing was written."""


class ConnectionFailed(Retryable):
    """No answer came from Elasticsearch: refused, reset, cut in mid-answer, or out of time."""


class TimedOut(ConnectionFailed):
    """Elasticsearch did not answer in time; it may only be busy."""
