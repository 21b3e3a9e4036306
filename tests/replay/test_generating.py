"""Made-up captures: exactly HAProxy's grammar, the same for the same seed, and with what makes real ones hard."""

from __future__ import annotations

import tracemalloc
from collections import Counter
from itertools import pairwise
from typing import Any, Final

import pytest

from shipper.config import Interpretation
from shipper.errors import Permanent
from shipper.haproxy.formats import Format
from shipper.haproxy.understand import Context, understand
from shipper.replay.generating import HEADERS, Scenario, generate
from tests.haproxy.lines import flat

START_US: Final = 1_795_222_930_000_000
"""2026-11-21T01:02:10Z."""
FORMATS: Final = (
    *("httplog", "httpslog", "tcplog", "httpclf", "tcpclf", "error", "httplog-1.6"),
    "%ci %ID %HM %HP %HQ %HV %ST %{+X}Ts.%ms %Ta",
    '%{+Q}o %ci %cp [%trl] %ft %s %hr %hs %ST %{-Q}B "%HU"',
    "%{+json}o %(at)tr %(client)ci %(status)ST %(path)HP %(captured)hr %(all)hsl %(n)rt %(sni)[ssl_fc_sni]",
    "%ci:%cp [%tr] %ft %b/%s %ST %hrl",
)


def documents(scenario: Scenario) -> list[dict[str, Any]]:
    settings = Interpretation(formats=(scenario.log_format,), listener_zones=(scenario.zone,))
    context = Context(scenario.zone, scenario.start_us)
    return [flat(understand(line, context, settings).record.document()) for line in generate(scenario)]


def named(log_format: str) -> Format:
    return Format(name="mine", log_format=log_format)


@pytest.mark.parametrize("log_format", FORMATS)
def test_every_line_is_one_of_its_format_or_an_event(log_format: str) -> None:
    made = documents(Scenario(START_US, seed=3, lines=1_500, rate=2, log_format=named(log_format)))
    kinds = Counter((each["haproxy.line"], each.get("haproxy.log_format")) for each in made)
    assert kinds.keys() <= {("traffic", "mine"), ("event", None)}
    assert kinds["traffic", "mine"] > 1_000
    assert not [each for each in made if "haproxy.field_errors" in each or "haproxy.truncated" in each]


@pytest.mark.parametrize("header", HEADERS)
@pytest.mark.parametrize("zone", ["UTC", "America/St_Johns"])
def test_every_header_is_read_and_tells_the_same_time(header: str, zone: str) -> None:
    made = documents(Scenario(START_US, lines=300, header=header, zone=zone))
    plain = documents(Scenario(START_US, lines=300, header="raw", zone="UTC"))
    times = [[each["@timestamp"] for each in some if each["haproxy.line"] == "traffic"] for some in (made, plain)]
    assert times[0] == times[1]
    assert all(("log.syslog.severity.code" in each) == (header != "raw") for each in made)


def test_the_same_seed_gives_the_same_lines_and_another_gives_others() -> None:
    first, again, other = (list(generate(Scenario(START_US, seed=seed, lines=200))) for seed in (1, 1, 2))
    assert first == again != other


def test_lines_come_in_the_order_of_their_ends() -> None:
    made = documents(Scenario(START_US, lines=3_000, header="raw", rate=50))
    ends = [
        _us(each["@timestamp"]) + each["haproxy.time.total_ms"] * 1_000
        for each in made
        if each["haproxy.line"] == "traffic"
    ]
    assert all(after >= before - 1_000 for before, after in pairwise(ends))


def test_servers_fall_and_rise_and_requests_feel_it() -> None:
    made = documents(Scenario(START_US, seed=5, seconds=86_400, rate=0.1))
    actions = Counter(each.get("event.action") for each in made)
    for action in ("health_check_failed", "server_down", "server_up", "no_server_available", "proxy_started"):
        assert actions[action]
    assert actions["tls_handshake_failed"]
    states = Counter(each.get("haproxy.termination_state", "")[:2] for each in made)
    assert states["SC"]
    assert any(each.get("haproxy.redispatched") for each in made)
    assert len({each["process.pid"] for each in made}) > 1


def test_days_have_a_height_and_answers_a_long_tail() -> None:
    made = documents(Scenario(START_US, lines=8_000, rate=0.1))
    hours = Counter(each["@timestamp"][:13] for each in made)
    busy = sorted(hours.values())[2:-2]
    assert busy[-1] > 2 * busy[0]
    took = sorted(each["haproxy.time.response_ms"] for each in made if "haproxy.time.response_ms" in each)
    assert took[-1] > 50 * took[len(took) // 2]


def test_the_rate_is_that_of_the_day_on_average() -> None:
    lines = list(generate(Scenario(START_US, seconds=86_400, rate=0.1)))
    traffic = [line for line in lines if b" HTTP/" in line]
    assert len(traffic) == pytest.approx(0.1 * 86_400, rel=0.1)


def test_without_captures_there_is_no_block() -> None:
    assert not any(b"{" in line for line in generate(Scenario(START_US, lines=500, captures=False)))


def test_more_lines_need_no_more_memory() -> None:
    lines = generate(Scenario(START_US, rate=1_000))
    sizes = []
    tracemalloc.start()
    for number, _ in enumerate(lines):
        if number % 2_000 == 0:
            sizes.append(tracemalloc.get_traced_memory()[0])
        if number == 12_000:
            break
    tracemalloc.stop()
    assert sizes[-1] < sizes[2] + 300_000


@pytest.mark.parametrize("log_format", ["%ci %[var(txn.x)]", "%{+cbor}o %(client)ci"])
def test_a_format_of_unknown_values_is_refused(log_format: str) -> None:
    with pytest.raises(Permanent, match="shipper generate"):
        generate(Scenario(START_US, log_format=named(log_format)))


def _us(timestamp: str) -> int:
    hours, minutes, seconds = timestamp[11:-1].split(":")
    return (
        int(timestamp[8:10]) * 86_400_000_000
        + int(hours) * 3_600_000_000
        + int(minutes) * 60_000_000
        + int(float(seconds) * 1_000_000)
    )
