"""Which files there are, and what is in them."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from deploy.dashboards import _kibana

FOLDER: Final = Path(__file__).parents[2] / "dashboards"


def files() -> dict[Path, str]:
    """Give the text of every file, by its path."""
    return {FOLDER / "kibana" / "haproxy.ndjson": _kibana.ndjson()}
