"""What a document says beyond its line: where an address is and whose, what a user agent is.

1. Each value is looked up once while it is remembered; a batch of thousands of lines asks for its distinct ones.
2. What a file does not know, or cannot say because it is damaged, is absent. Nothing here raises for a value.
3. Files are opened once: a newer one counts from the next start or reload on.
4. The libraries are an extra: nobody else waits for them, or needs to have them.
"""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Final, Protocol

import structlog

from shipper.errors import ConfigError
from shipper.limits import ENRICHED_REMEMBERED_MAX

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence
    from types import ModuleType

    from shipper.config import Enrichment
    from shipper.haproxy.record import Attributes

_log = structlog.get_logger()

EXTRA: Final = "enrichment"


class Knowledge(Protocol):
    """One source of what is added."""

    of: str
    """The attribute that it is asked with."""
    gives: tuple[str, ...]
    """The attributes that it may give."""
    about: str
    """What it is, for people."""

    def read(self, value: str) -> Attributes:
        """Give what is known of a value. May raise anything where the file is damaged."""


@dataclass(frozen=True, slots=True)
class _Asked:
    """A source that is asked once for each value, and its answers."""

    source: Knowledge
    read: Callable[[str], Attributes]


class Enricher:
    """Adds what ``sources`` know."""

    def __init__(self, sources: Sequence[Knowledge]) -> None:
        self._asked = [_Asked(source, _remembered(source)) for source in sources]
        self.about = tuple(source.about for source in sources)

    def gives(self, names: Collection[str]) -> tuple[str, ...]:
        """Name the attributes that may be added where these are."""
        return tuple(name for asked in self._asked if asked.source.of in names for name in asked.source.gives)

    def fields(self, attributes: Attributes) -> Attributes:
        """Give what is to be added to these attributes."""
        added: Attributes = {}
        for asked in self._asked:
            value = attributes.get(asked.source.of)
            if isinstance(value, str):
                added |= asked.read(value)
        return added


def _remembered(source: Knowledge) -> Callable[[str], Attributes]:
    broken = False

    def read(value: str) -> Attributes:
        nonlocal broken
        try:
            return source.read(value)
        except Exception as error:  # noqa: BLE001 -- a damaged file may fail in any way, and no line may stop at it
            if not broken:
                _log.warning("enrichment_failed", source=source.about, error=repr(error))
            broken = True
            return {}

    return lru_cache(ENRICHED_REMEMBERED_MAX)(read)


def open_enrichment(settings: Enrichment) -> Enricher | None:
    """Open what the settings name; None where that is nothing. Raises ConfigError."""
    sources: list[Knowledge] = []
    for name, file, kind in (("geo_file", settings.geo_file, "Places"), ("asn_file", settings.asn_file, "Networks")):
        if file is not None:
            try:
                sources.append(getattr(_module("_maxmind"), kind)(file))
            except (OSError, ValueError) as error:
                raise ConfigError(f"enrichment.{name} {file}: {error}") from error
    if settings.user_agents:
        sources.append(_module("_agents").Agents())
    return Enricher(sources) if sources else None


def _module(name: str) -> ModuleType:
    """Import a module of this package when it is needed: what it imports is not there in every installation."""
    try:
        return importlib.import_module(f"{__name__}.{name}")
    except ModuleNotFoundError as error:
        raise ConfigError(f"[enrichment] needs {error.name}: pip install 'shipper[{EXTRA}]'") from error
