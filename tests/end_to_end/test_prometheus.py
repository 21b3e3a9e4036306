"""A real Prometheus: it scrapes a running shipper, takes the rules, and answers what the dashboard asks."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.error import URLError
from urllib.parse import urlencode
from urllib.request import urlopen

import pytest
import yaml

from tests.end_to_end.traffic import Sender
from tests.free_ports import free_ports
from tests.shipper_process import until

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.end_to_end.conftest import World

ROOT: Final = Path(__file__).parents[2]
BOARD: Final = json.loads((ROOT / "dashboards" / "grafana" / "shipper.json").read_text(encoding="utf-8"))
ONLY_IN_TROUBLE: Final = {"shipper_delivery_paused", "shipper_index_held", "shipper_config_last_reload_successful"}
pytestmark = pytest.mark.skipif(shutil.which("prometheus") is None, reason="no prometheus here")


def expressions() -> list[str]:
    """Give every query of the dashboard, as Grafana sends it for all shippers."""
    found = [target["expr"] for panel in BOARD["panels"] for target in panel["targets"]]
    found += [each["expr"] for each in BOARD["annotations"]["list"]]
    return [expr.replace("$instance", ".*").replace("$__rate_interval", "1m") for expr in found]


class Prometheus:
    def __init__(self, port: int) -> None:
        self._port = port

    def ask(self, path: str, **parameters: str) -> Any:  # noqa: ANN401 -- JSON can be anything
        with urlopen(f"http://127.0.0.1:{self._port}/api/v1/{path}?{urlencode(parameters)}", timeout=10) as answer:
            return json.load(answer)["data"]

    def value(self, expr: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.ask("query", query=expr)["result"]
        return found

    def is_up(self) -> bool:
        try:
            return bool(self.value("up == 1"))
        except (URLError, ConnectionError):
            return False


@contextmanager
def prometheus(folder: Path, target: int) -> Iterator[Prometheus]:
    """Run it on the committed configuration, but for the addresses and the pace."""
    told = yaml.safe_load((ROOT / "deploy" / "prometheus" / "prometheus.yml").read_text(encoding="utf-8"))
    told["global"] = {"scrape_interval": "1s", "evaluation_interval": "1s"}
    told["rule_files"] = [str(ROOT / "deploy" / "prometheus" / "shipper.rules.yml")]
    told["scrape_configs"] = [told["scrape_configs"][0] | {"static_configs": [{"targets": [f"127.0.0.1:{target}"]}]}]
    (folder / "prometheus.yml").write_text(json.dumps(told))
    (port,) = free_ports(1)
    command = ["prometheus", f"--web.listen-address=127.0.0.1:{port}", "--log.level=warn"]
    command += [f"--config.file={folder / 'prometheus.yml'}", f"--storage.tsdb.path={folder / 'data'}"]
    process = subprocess.Popen(command)
    try:
        yield Prometheus(port)
    finally:
        process.terminate()
        process.wait(20)


def test_the_dashboard_and_the_rules_find_their_counters(world: World, tmp_path: Path) -> None:
    (port,) = free_ports(1)
    senders = [{"network": "127.0.0.1/32", "silent_after_s": 600.0}]
    shipper = world.started(metrics={"listen": f"http://127.0.0.1:{port}"}, senders=senders)
    with prometheus(tmp_path, port) as asked, Sender(shipper.port, 200):
        until(asked.is_up, "it is scraped")
        until(lambda: asked.value("rate(shipper_settled_lines_total[1m]) > 0"), "lines are settled")
        until(
            lambda: asked.value("histogram_quantile(0.5, rate(shipper_settling_duration_seconds_bucket[1m])) > 0"), ""
        )
        for expr in expressions():
            found = asked.value(expr)
            if "ALERTS" not in expr and "!= 0" not in expr and not ONLY_IN_TROUBLE & set(re.findall(r"\w+", expr)):
                assert found, expr
        rules = [rule for group in asked.ask("rules")["groups"] for rule in group["rules"]]
        assert {rule["health"] for rule in rules} == {"ok"}
        firing = {rule["name"] for rule in rules if rule["state"] == "firing"}
    assert not firing


def test_the_dashboard_offers_every_shipper() -> None:
    source, instance = BOARD["templating"]["list"]
    assert (source["type"], source["query"]) == ("datasource", "prometheus")
    assert instance["query"] == "label_values(shipper_build_info, instance)"
    assert len({panel["id"] for panel in BOARD["panels"]}) == len(BOARD["panels"])
    for panel in BOARD["panels"]:
        refs = [target["refId"] for target in panel["targets"]]
        assert len(refs) == len(set(refs))
        assert panel["datasource"] == {"type": "prometheus", "uid": "${datasource}"}
