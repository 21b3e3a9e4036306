"""The alert rules, by Prometheus' own promtool: each fires for what it is about and for nothing else."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest
import yaml
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.parser import text_string_to_metric_families

from shipper.reloading import Outcome
from shipper.service import Metrics, Timed
from shipper.service._histogram import Histogram
from tests.service.statuses import FINE, NOON
from tests.service.test_metrics import Cluster, Published

if TYPE_CHECKING:
    from collections.abc import Mapping

    from shipper.service import Status

FOLDER: Final = Path(__file__).parents[2] / "deploy" / "prometheus"
RULES: Final[list[dict[str, Any]]] = [
    rule
    for group in yaml.safe_load((FOLDER / "shipper.rules.yml").read_text(encoding="utf-8"))["groups"]
    for rule in group["rules"]
]
WELL: Final = FINE.model_copy(update={"parked": 0, "pending": 10, "parsed": 1_000})
OLD: Final = Outcome(at_s=NOON.timestamp(), refused=None)
needs_promtool = pytest.mark.skipif(shutil.which("promtool") is None, reason="no promtool here")


def after(**changed: Any) -> Status:  # noqa: ANN401 -- fields of the status
    """Give the status of a shipper that was well, and is not any more."""
    return WELL.model_copy(update={"received": 215, "journaled": 210, "indexed": 190, **changed})


SENDER: Final = WELL.senders[0]
CASES: Final[dict[str, tuple[Status | None, str | None, set[str]]]] = {
    "all is well": (after(), None, set()),
    "it is stopped": (None, None, {"ShipperDown"}),
    "the journal is full": (
        after(received=216, dropped_full=4, journal_room_bytes=0),
        None,
        {"ShipperDropsLines", "ShipperJournalFills", "ShipperJournalNearlyFull"},
    ),
    "the kernel drops": (after(kernel_drops=1), None, {"ShipperKernelDrops"}),
    "the journal is damaged": (after(indexed=189, journal_lost=2), None, {"ShipperJournalDamaged"}),
    "a sender is silent": (
        after(expected=tuple(each.model_copy(update={"silent": True}) for each in WELL.expected)),
        None,
        {"ShipperSenderSilent"},
    ),
    "Elasticsearch is away": (
        after(reachable=False, oldest_pending_age_s=900.0),
        None,
        {"ShipperElasticsearchAway"},
    ),
    "Elasticsearch is slow": (after(oldest_pending_age_s=900.0), None, {"ShipperLags"}),
    "the journal fills": (after(journal_room_bytes=3 * 1024**3), None, {"ShipperJournalFills"}),
    "credentials are wrong": (after(paused={"refused": "401"}), None, {"ShipperDeliveryPaused"}),
    "the fuse has blown": (after(held={"haproxy-2026.11.21": "too many"}), None, {"ShipperIndexHeld"}),
    "documents are parked": (after(parked=3), None, {"ShipperParks"}),
    "a document is refused": (after(indexed=189, dead_lettered=5), None, {"ShipperDeadLetters"}),
    "a zone is wrong": (
        after(senders=(SENDER.model_copy(update={"off_by_s": 3600}),)),
        None,
        {"ShipperSenderZoneWrong"},
    ),
    "a format is unknown": (after(parsed=1_800, unparsed=200), None, {"ShipperLinesNotUnderstood"}),
    "few lines are unknown": (after(parsed=1_990, unparsed=10), None, set()),
    "a stranger sends": (after(received=225, refused_sender=11), None, {"ShipperSenderRefused"}),
    "a reload is refused": (after(), "wrong", {"ShipperReloadRefused"}),
    "the sums fail": (after(indexed=188), None, {"ShipperDoesNotAddUp"}),
    "the journal is still counted": (after(indexed=188, counted=False), None, set()),
}
AT_MINUTE: Final = 10
MINUTES: Final = 40


def series(status: Status, refused: str | None) -> Mapping[str, float]:
    """Give what a scrape of this status has, by the name and the labels."""
    registry = CollectorRegistry()
    outcome = OLD.model_copy(update={"refused": refused})
    registry.register(Metrics(Published(status), Histogram(), Timed(Cluster(), lambda: 0.0), lambda: outcome))
    found = {}
    for family in text_string_to_metric_families(generate_latest(registry).decode()):
        for sample in family.samples:
            labels = {"job": "shipper", "instance": "edge:9899", **sample.labels}
            told = ",".join(f"{name}={json.dumps(value)}" for name, value in labels.items())
            found[f"{sample.name}{{{told}}}"] = sample.value
    return found


def case(status: Status | None, refused: str | None, expected: set[str]) -> dict[str, Any]:
    """Write a test of promtool: well for ten minutes, then as given; which alerts have fired at the end?"""
    before, then = series(WELL, None), {} if status is None else series(status, refused)
    values = {
        name: f"{before.get(name, '_')}x{AT_MINUTE - 1} {then.get(name, '_')}x{MINUTES - AT_MINUTE}"
        for name in {**before, **then}
    }
    values['up{job="shipper",instance="edge:9899"}'] = f"1x{AT_MINUTE - 1} {int(status is not None)}x{MINUTES}"
    fired = f'count by (alertname) (count_over_time(ALERTS{{alertstate="firing"}}[{MINUTES}m]))'
    return {
        "interval": "1m",
        "input_series": [{"series": name, "values": each} for name, each in values.items()],
        "promql_expr_test": [
            {
                "expr": f"count by (alertname) ({fired})",
                "eval_time": f"{MINUTES - 5}m",
                "exp_samples": [{"labels": f'{{alertname="{name}"}}', "value": 1} for name in sorted(expected)],
            }
        ],
    }


def promtool(*arguments: str | Path) -> None:
    done = subprocess.run(["promtool", *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@needs_promtool
def test_promtool_finds_nothing_wrong() -> None:
    promtool("check", "rules", FOLDER / "shipper.rules.yml")
    promtool("check", "config", FOLDER / "prometheus.yml")


@needs_promtool
@pytest.mark.parametrize("name", CASES)
def test_an_alert_fires_for_what_it_is_about_and_no_other_does(name: str, tmp_path: Path) -> None:
    tests = tmp_path / "tests.yml"
    told = {
        "rule_files": [str(FOLDER / "shipper.rules.yml")],
        "evaluation_interval": "1m",
        "tests": [case(*CASES[name])],
    }
    tests.write_text(json.dumps(told))
    promtool("test", "rules", tests)


def test_every_alert_is_tried() -> None:
    assert {rule["alert"] for rule in RULES} == {name for _, _, names in CASES.values() for name in names}


@pytest.mark.parametrize("rule", RULES, ids=[rule["alert"] for rule in RULES])
def test_every_alert_says_what_to_do(rule: dict[str, Any]) -> None:
    assert set(rule["annotations"]) == {"summary", "description", "todo"}
    assert rule["labels"]["severity"] in {"warning", "critical"}


def test_the_rules_ask_for_counters_that_there_are() -> None:
    known = {name.partition("{")[0] for name in series(after(held={"i": "closed"}, paused={"k": "401"}), None)}
    asked = {name for rule in RULES for name in re.findall(r"\bshipper_\w+", rule["expr"])}
    assert asked <= known


def test_the_page_lists_every_alert() -> None:
    page = (FOLDER.parents[1] / "docs" / "metrics.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `(Shipper\w+)` \| (\w+) \|", page, flags=re.MULTILINE)
    assert rows == [(rule["alert"], rule["labels"]["severity"]) for rule in RULES]
