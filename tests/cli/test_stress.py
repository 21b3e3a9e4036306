"""`shipper stress`: what is refused, and what its report says."""

from __future__ import annotations

import io
import json
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from rich.console import Console

from shipper.cli import _stress_report as reports
from shipper.jobs.live_replay import LivePlan
from shipper.jobs.stressing import Judged, StressPlan
from shipper.replay.feed import Selection
from shipper.replay.pace import Unpaced
from shipper.replay.senders import read_target
from shipper.replay.stress import Step, read_slo
from tests.cli.commands import shipper

LIVE = LivePlan(Selection((Path("haproxy.log"),)), read_target("udp://127.0.0.1:5140"), Unpaced())
PLAN = StressPlan(LIVE, read_slo("loss=0,p99_index_latency<10s"), first=1_000, last=9_000, step=1_000, seconds=10)


def judged(rate: float, lost: int) -> Judged:
    offered = round(rate * 10)
    step = Step(rate, rate, offered, offered - lost, 2.0, 5.1, 5.2, counters={"kernel_drops": lost})
    return Judged(step, PLAN.slo.verdict(step))


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--slo", "loss>0"], "expected are terms like loss=0"),
        (["--from-rate", "5000", "--to-rate", "1000"], "the rate is raised"),
        (["--report", "limit.pdf"], ".json or .html"),
        (["--to", "file:///x"], "udp://HOST:PORT"),
        (["--framing", "octet"], "--framing is for streams"),
    ],
)
def test_what_makes_no_sense_is_refused_with_what_would_be_right(arguments: list[str], said: str) -> None:
    done = shipper("stress", *arguments, "haproxy.log")
    assert done.returncode == 2
    assert said in done.stderr.decode()


def test_stdin_is_refused_for_it_cannot_be_sent_again() -> None:
    done = shipper("stress", "-")
    assert done.returncode == 2
    assert "keep them in a file" in done.stderr.decode()


def test_the_highest_rate_and_what_gave_way_are_told_with_a_plot() -> None:
    report = reports.of_stress(PLAN, [judged(1_000, 0), judged(2_000, 0), judged(3_000, 7)])
    assert report["highest_rate"] == 2_000
    assert [cause["what"] for cause in report["gave_way"]] == ["kernel_buffer"]
    screen = Console(file=io.StringIO(), width=120, record=True)
    reports.show(report, screen)
    said = screen.export_text()
    assert "2,000 lines/s is the highest rate that held; 3,000 lines/s broke." in said
    assert "loss=0: 7 of 30,000 lines did not arrive" in said
    assert "gave way first: the kernel's buffer" in said
    assert "█" in said


def test_a_test_without_a_limit_and_one_without_a_step_say_so() -> None:
    assert "no higher rate was tried" in reports.found(reports.of_stress(PLAN, [judged(1_000, 0)]))
    assert "Not even 1,000" in reports.found(reports.of_stress(PLAN, [judged(1_000, 1)]))
    assert "Stopped" in reports.found(reports.of_stress(PLAN, []))


def test_the_report_is_json_or_a_page_that_loads_nothing(tmp_path: Path) -> None:
    report = reports.of_stress(PLAN, [judged(1_000, 0), judged(2_000, 3)]) | {"to": "udp://<script>"}
    reports.write(report, tmp_path / "limit.json")
    assert json.loads((tmp_path / "limit.json").read_text()) == report
    reports.write(report, tmp_path / "limit.html")
    page = (tmp_path / "limit.html").read_text()
    assert "<script" not in page
    assert "src=" not in page
    assert "href=" not in page
    assert "url(" not in page
    assert page.count("<svg") == page.count("</svg>") == 2
    for begin in [at for at in range(len(page)) if page.startswith("<svg", at)]:
        ET.fromstring(page[begin : page.index("</svg>", begin) + 6])  # noqa: S314 -- we wrote it
