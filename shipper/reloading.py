"""What a reload may change: everything that closes no socket and moves no folder; anything else is refused, as a whole.

1. A new configuration is read and checked before any process hears of it. One that is wrong changes nothing at all.
2. The receiving process goes on with its sockets and connections, and begins a segment with the new interpretation:
   each line keeps the one under which it came.
3. The shipping process leaves, and is started again with the new configuration; lines wait in the journal meanwhile.
4. What came of the last reload stands in the state folder, for `shipper reload` and for the metrics.
"""

from __future__ import annotations

import time
from contextlib import suppress
from typing import TYPE_CHECKING, Final

import structlog
from pydantic import BaseModel, ConfigDict, SecretStr, ValidationError

from shipper.config import Interpretation, Journal, Listener
from shipper.errors import ConfigError
from shipper.haproxy.privacy import hider_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from shipper.config import Config
    from shipper.haproxy.privacy import Hider

_log = structlog.get_logger()

NAME: Final = "reloaded.json"
_FIXED: Final = ("state_dir", "user", "metrics", "engine")
"""Settings that hold until shipper is started again."""
_FIXED_OF_LISTENERS: Final = ("url", "receive_buffer_bytes", "reuse_port", "socket_mode", "read_from")


class Reception(BaseModel):
    """What the receiving process is told: all that it takes of a configuration."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    listeners: tuple[Listener, ...]
    journal: Journal
    interpretation: Interpretation
    log_level: str
    hides: bool
    """What is to be hidden must not come to the journal."""
    privacy_key: str | None
    """It is told, and never written."""

    @classmethod
    def of(cls, config: Config) -> Reception:
        """Take it of a configuration. Raises ConfigError where a haproxy.cfg or the key's file cannot be read."""
        key = config.privacy.secret()
        return cls(
            listeners=config.listeners,
            journal=config.journal,
            interpretation=config.interpretation(),
            log_level=config.log_level,
            hides=config.privacy.at == "receive",
            privacy_key=None if key is None else key.get_secret_value(),
        )

    def hider(self) -> Hider | None:
        """Make what hides before the journal, where that is wanted."""
        key = None if self.privacy_key is None else SecretStr(self.privacy_key)
        return hider_of(self.interpretation.with_key(key)) if self.hides else None


class Outcome(BaseModel):
    """What came of a reload."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    at_s: float
    """Seconds since 1970."""
    refused: str | None
    """Why nothing was changed; None: it was."""

    @classmethod
    def read(cls, state_dir: Path) -> Outcome | None:
        """Give the last one; None where there was none yet."""
        with suppress(OSError, ValidationError):
            return cls.model_validate_json((state_dir / NAME).read_bytes())
        return None

    def write(self, state_dir: Path) -> None:
        """Leave it in the state folder; where that cannot be, say so and go on."""
        new = state_dir / f"{NAME}.new"
        try:
            new.write_text(self.model_dump_json())
            new.replace(state_dir / NAME)
        except OSError as error:
            _log.warning("reload_not_noted", error=str(error))


def told(state_dir: Path, refused: str | None) -> None:
    """Say what came of a reload, in the log and in the state folder."""
    if refused is None:
        _log.info("configuration_reloaded")
    else:
        _log.error("reload_refused", reason=refused)
    Outcome(at_s=time.time(), refused=refused).write(state_dir)


def must_stay(before: Config, after: Config) -> None:
    """Hold ``after`` to what a reload may change. Raises ConfigError, which names each setting that it may not."""
    changed = list(_changed(before, after))
    if changed:
        raise ConfigError(
            f"{', '.join(changed)}: what was changed there needs a restart of shipper; nothing was reloaded"
        )


def _changed(before: Config, after: Config) -> Iterator[str]:
    yield from (name for name in _FIXED if getattr(before, name) != getattr(after, name))
    if before.journal.when_full != after.journal.when_full:
        yield "journal.when_full"
    if len(before.listeners) != len(after.listeners):
        yield "listeners"
        return
    for number, (old, new) in enumerate(zip(before.listeners, after.listeners, strict=True)):
        yield from (f"listeners.{number}.{k}" for k in _FIXED_OF_LISTENERS if getattr(old, k) != getattr(new, k))
