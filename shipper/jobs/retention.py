"""Deletes days that are over for long enough: when somebody asks, and by the clock in the running shipper."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

import structlog

from shipper.errors import ConfigError, ShipperError
from shipper.setup import Problem, clock_of, days, overdue, prune

if TYPE_CHECKING:
    from collections.abc import Callable

    from shipper.config import Config
    from shipper.elastic import Client
    from shipper.setup import Change, Day

_log = structlog.get_logger()

INTERVAL_S: Final = 3_600.0
"""Between two looks at which days are over for long enough."""


def due(client: Client, config: Config, keep_days: int | None, now: datetime) -> list[Day]:
    """Give the days to be deleted: over for long enough by both clocks, ``now`` and that of Elasticsearch.

    Raises ConfigError when nobody says how long days are kept, Retryable or Permanent when they cannot be listed.
    """
    keep = keep_days if keep_days is not None else config.retention.keep_days
    if keep is None:
        raise ConfigError("how long days are kept is not said: --keep 30d, or retention.keep_days")
    return overdue(days(client, config.index), keep, min(now, clock_of(client)))


def delete(client: Client, found: list[Day]) -> list[Change | Problem]:
    """Delete the indices of these days."""
    return prune(client, found)


def prune_for_ever(client: Client, config: Config, sleep: Callable[[float], None] = time.sleep) -> None:
    """Delete what is due once an hour; what goes wrong is said, and tried again an hour later."""
    while True:
        try:
            for result in delete(client, due(client, config, None, datetime.now(UTC))):
                say = _log.warning if isinstance(result, Problem) else _log.info
                say("day_pruned", result=str(result))
        except ShipperError as error:
            _log.warning("days_not_pruned", error=str(error))
        sleep(INTERVAL_S)
