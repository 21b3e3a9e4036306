"""`shipper percentiles` as a user runs it, on files and standard input. Elasticsearch has its own test of agreement."""

from __future__ import annotations

import csv
import io
import json
from typing import TYPE_CHECKING, Any

import pytest
import zstandard
from rich.console import Console

from shipper.cli._percentiles_report import Report, show
from shipper.query import Question, Span, Tally
from tests.cli.commands import shipper

if TYPE_CHECKING:
    from pathlib import Path

HEADER = "<134>Nov 21 05:02:17 haproxy[8474]: "
NOBODY = "http://127.0.0.1:9"


def line(backend: str, timers: str, *, status: int = 200, at: str = "05:02:17.873") -> bytes:
    return (
        f"{HEADER}192.0.2.44:51822 [21/Nov/2026:{at}] www {backend}/s1 {timers} {status} 1894 - - ---- 1/1/0/0/0 0/0 "
        f'"GET /cart/{len(timers)} HTTP/1.1"\n'
    ).encode()


SHOP = [line("shop", f"1/0/{n}/10/{100 * n}") for n in range(1, 5)]
API = [line("api", "0/0/-1/-1/7", status=503, at="06:00:00.000"), line("api", "0/0/0/2/+9", at="06:00:01.000")]
NO_TRAFFIC = [f"{HEADER}Proxy www started.\n".encode(), b"something else\n"]
LINES = b"".join([*SHOP, *NO_TRAFFIC, *API])


def found(*arguments: str | Path, stdin: bytes = LINES) -> dict[str, Any]:
    done = shipper("percentiles", "--timezone", "UTC", "--json", *arguments, "-", stdin=stdin)
    assert done.returncode == 0, done.stderr
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def test_percentiles_are_exact_and_of_traffic_only() -> None:
    answer = found("--percents", "50,75,99.9")
    assert answer["whole"]["lines"] == 6
    assert answer["whole"]["phases"] == {"total": {"population": 6, "50": 100, "75": 300, "99.9": 400, "max": 400}}
    assert (answer["significant_digits"], answer["lower_bounds"], answer["files"]) == (None, 1, ["-"])


def test_each_phase_has_its_own_population() -> None:
    phases = found("--phase", "connect,response", "--phase", "total")["whole"]["phases"]
    assert {name: phase["population"] for name, phase in phases.items()} == {"connect": 5, "response": 5, "total": 6}


def test_groups_have_the_most_lines_first() -> None:
    rows = found("--by", "backend,status")["rows"]
    assert [(*row["group"].values(), row["lines"]) for row in rows] == [
        ("shop", 200, 4),
        ("api", 200, 1),
        ("api", 503, 1),
    ]


@pytest.mark.parametrize(
    ("flags", "lines"),
    [
        (("--filter", "status:5xx"), 1),
        (("--filter", "backend:shop", "--filter", "backend:api"), 6),
        (("--filter", "backend:shop", "--filter", "status:503"), 0),
        (("--from", "2026-11-21T06:00:01"), 1),
        (("--until", "2026-11-21T06:00"), 4),
        (("--since", "5000w"), 6),
    ],
)
def test_filters_and_times_choose_the_lines(flags: tuple[str, ...], lines: int) -> None:
    assert found(*flags)["whole"]["lines"] == lines


def test_several_files_are_read_as_one_population(tmp_path: Path) -> None:
    (tmp_path / "a.log").write_bytes(b"".join(SHOP))
    (tmp_path / "b.zst").write_bytes(zstandard.compress(b"".join(API)))
    done = shipper("percentiles", "--json", tmp_path / "a.log", tmp_path / "b.zst", "--elasticsearch", NOBODY)
    assert done.returncode == 2
    done = shipper("percentiles", "--json", tmp_path / "a.log", tmp_path / "b.zst")
    assert json.loads(done.stdout)["whole"]["lines"] == 6


def test_a_table_shows_the_population_beside_the_percentiles() -> None:
    done = shipper("percentiles", "--by", "backend", "--phase", "response", "--percents", "50,99", "-", stdin=LINES)
    words = [row.split()[:6] for row in done.stdout.decode().splitlines()[1:5]]
    assert words == [
        ["backend", "lines", "with", "timer", "p50", "p99"],
        ["shop", "4", "4", "10", "10", "10"],
        ["api", "2", "1", "2", "2", "2"],
        ["all", "6", "5", "10", "10", "10"],
    ]


def test_a_table_says_that_totals_are_lower_bounds() -> None:
    done = shipper("percentiles", "-", stdin=LINES)
    assert b"1 lines were logged before their end (logasap): their totals are lower bounds." in done.stdout


def test_csv_has_a_line_for_each_group_and_phase() -> None:
    done = shipper("percentiles", "--csv", "--by", "backend", "--phase", "all", "--percents", "50", "-", stdin=LINES)
    rows = list(csv.DictReader(done.stdout.decode().splitlines()))
    assert len(rows) == 2 * 6
    assert rows[3] == {
        "backend": "shop",
        "phase": "response",
        "lines": "4",
        "population": "4",
        "p50": "10",
        "max": "10",
    }
    assert {row["p50"] for row in rows if row["population"] == "0"} <= {""}


def test_a_name_in_a_line_can_do_nothing_to_a_terminal() -> None:
    raw = line("shop", "1/0/1/10/20").replace(b"/cart/11", b"/#1B[2J<script>\xc2\x9b5m")
    for flags in ((), ("--csv",), ("--json",)):
        done = shipper("percentiles", "--by", "path", *flags, "-", stdin=raw)
        assert b"script" in done.stdout
        assert b"\x1b" not in done.stdout
        assert b"\xc2\x9b" not in done.stdout


def test_without_a_fitting_line_it_says_so() -> None:
    unfit = shipper("percentiles", "--filter", "backend:nobody", "-", stdin=line("shop", "1/0/1/10/20"))
    unread = shipper("percentiles", "-", stdin=NO_TRAFFIC[0])
    assert b"refresh" not in unfit.stdout
    assert (unfit.returncode, b"No line fits: widen" in unfit.stdout) == (0, True)
    assert (unread.returncode, b"No line is of traffic: shipper parse" in unread.stdout) == (0, True)


def test_of_an_index_without_a_fitting_line_it_says_that_new_ones_take_a_moment() -> None:
    question = Question(span=Span(0))
    out = io.StringIO()
    show(Report("haproxy-*", question, Tally(question).breakdown(), ()), Console(file=out, width=200))
    assert "New documents are found after their index's refresh, some seconds later." in out.getvalue()


def test_what_stands_before_a_damage_counts_and_the_damage_is_said(tmp_path: Path) -> None:
    file = tmp_path / "cut.zst"
    file.write_bytes(zstandard.compress(LINES) + zstandard.compress(LINES)[:-8])
    done = shipper("percentiles", "--json", file)
    assert done.returncode == 1
    assert b"cut.zst: damaged" in done.stderr
    answer = json.loads(done.stdout)
    assert answer["whole"]["lines"] == 6
    assert "damaged" in answer["faults"][0]


@pytest.mark.parametrize(
    ("flags", "told"),
    [
        (("--by", "colour", "-"), "--by colour: one of frontend, backend"),
        (("--phase", "", "-"), "--phase : one of request"),
        (("--percents", "0", "-"), "above 0 and up to 100"),
        (("--filter", "status:quick", "-"), "a class like 5xx"),
        (("--since", "yesterday", "-"), "like 90s, 30m"),
        (("--since", "1h", "--from", "2026-11-21", "-"), "--since goes up to now"),
        (("--from", "2026-11-21", "--until", "2026-11-21", "-"), "--until must come after --from"),
        (("--json", "--csv", "-"), "exclude each other"),
        (("--format", "tcplog"), "name a FILE"),
        (("--index-prefix", "x", "-"), "of files or of Elasticsearch"),
    ],
)
def test_mistakes_in_flags_are_told(flags: tuple[str, ...], told: str) -> None:
    done = shipper("percentiles", *flags)
    assert done.returncode == 2
    assert told in done.stderr.decode()


def test_an_elasticsearch_that_is_away_is_told() -> None:
    done = shipper("percentiles", "--elasticsearch", NOBODY)
    assert done.returncode == 1
    assert b"no answer from Elasticsearch (http://127.0.0.1:9): Connection refused" in done.stderr
