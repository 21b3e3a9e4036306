"""Damaged bytes of the journal, kept aside for a look.

Named by segment and offset, so that damage that is met again is not kept twice; bounded, the oldest damage stays.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import structlog

from shipper.journal import _segments
from shipper.limits import QUARANTINE_BYTES_MAX

if TYPE_CHECKING:
    from pathlib import Path

_log = structlog.get_logger()


def keep(folder: Path, segment: bytes, offset: int, data: bytes) -> None:
    """Keep ``data``, which stood at ``offset`` of ``segment``, as far as the bound allows."""
    path = folder / f"{segment.hex()}-{offset:08x}.damaged"
    try:
        folder.mkdir(mode=0o750, parents=True, exist_ok=True)
        if not path.exists() and _segments.size(folder) < QUARANTINE_BYTES_MAX:
            path.write_bytes(data[: QUARANTINE_BYTES_MAX - _segments.size(folder)])
    except OSError as error:  # reading on matters more than the copy
        _log.warning("damaged_bytes_not_kept", path=str(path), error=str(error))
