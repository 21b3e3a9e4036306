"""Which files there are, and what is in them."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from deploy.dashboards import _grafana, _kibana, _own

FOLDER: Final = Path(__file__).parents[2] / "dashboards"


def files() -> dict[Path, str]:
    """Give the text of every file, by its path."""
    grafana = {FOLDER / "grafana" / name: text for name, text in _grafana.dashboards().items()}
    grafana[FOLDER / "grafana" / "shipper.json"] = _own.dashboard()
    return {**grafana, FOLDER / "kibana" / "haproxy.ndjson": _kibana.ndjson()}
