"""What is said about lines: the right thing, about every line, and never more than the line tells."""

from __future__ import annotations

import itertools
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shipper.config import Interpretation
from shipper.haproxy import event_shapes, termination
from shipper.haproxy.explain import Explanation, Phase, _events, explain, read_document
from shipper.haproxy.explain._fields import UNSAID, WORDS
from shipper.haproxy.record import PATHS, Record
from shipper.haproxy.understand import Context, understand
from tests.haproxy.lines import RECEIVED_US, Values, headers, values

HTTPLOG = ("ci", "cp", "tr", "ft", "b", "s", "TR", "Tw", "Tc", "Tr", "Ta", "ST", "B", "tsc", "rc", "sq", "bq", "r")
PAGE = (Path(__file__).parents[2] / "docs" / "explain.md").read_text(encoding="utf-8")
SURE = "The server did not send response headers in time; it is saturated or stuck."


def record_of(raw: bytes) -> Record:
    return understand(raw, Context("UTC", RECEIVED_US), Interpretation()).record


def explained(raw: bytes) -> Explanation:
    return explain(record_of(raw), HTTPLOG)


def told(line: Values | bytes) -> dict[str, str]:
    """Give the findings of a line, by their ids."""
    found = explained(line.line() if isinstance(line, Values) else line).findings
    assert len({finding.id for finding in found}) == len(found)
    return {finding.id: finding.text for finding in found}


# -- the end ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("by", termination.BY)
@pytest.mark.parametrize("phase", termination.PHASE)
def test_every_termination_state_has_words_that_end_in_a_full_stop(by: str, phase: str) -> None:
    meaning = termination.read_state(by + phase)
    assert meaning is not None
    assert meaning.text.endswith(".")


@pytest.mark.parametrize("cookies", [sent + done for sent in "NIDVEOU67-" for done in "NPDIRU67-"])
def test_every_state_of_the_cookies_has_words_but_their_absence(cookies: str) -> None:
    meaning = termination.read_cookies("--" + cookies)
    assert (meaning is None) == (cookies == "--")


def test_a_state_of_two_characters_says_nothing_of_cookies() -> None:
    assert termination.read_cookies("sH") is None


def test_a_state_that_no_haproxy_writes_is_said_to_be_none() -> None:
    assert "termination.unknown" in told(Values(tsc=b"zz--"))


def test_a_server_that_did_not_answer_in_time_is_said_to_be_saturated_or_stuck() -> None:
    line = Values(timers=(b"1", b"0", b"2", b"-1", b"30003"), status=b"504", tsc=b"sH--")
    found = told(line)
    assert found["termination.sH"] == SURE
    assert found["timers.no_response"].endswith("It was given up after 30000 ms.")
    assert found["status.of_haproxy"].startswith("The 504 is HAProxy's own")
    assert "timers.longest.response" not in found


def test_a_backend_without_servers_is_not_said_to_have_refused() -> None:
    line = Values(s=b"<NOSRV>", timers=(b"0", b"-1", b"-1", b"-1", b"0"), status=b"503", tsc=b"SC--")
    assert told(line)["termination.SC"].startswith("The backend had no server")
    assert told(Values(status=b"503", tsc=b"SC--"))["termination.SC"].startswith("The server, or something")


def test_a_rule_that_denied_is_told_from_a_malformed_request() -> None:
    refused = (b"0", b"-1", b"-1", b"-1", b"0")
    denied = told(Values(s=b"<NOSRV>", timers=refused, status=b"403", tsc=b"PR--"))
    malformed = told(Values(s=b"<NOSRV>", timers=refused, status=b"400", tsc=b"PR--", r=b"<BADREQ>"))
    assert denied["termination.PR"] == "HAProxy refused the request: a rule denied it."
    assert "request.unreadable" not in denied
    assert "malformed" in malformed["termination.PR"]
    assert "request.unreadable" in malformed


def test_an_error_that_the_server_sent_itself_is_laid_at_its_door() -> None:
    assert "status.of_server" in told(Values(status=b"500"))
    assert "status.of_server" not in told(Values(status=b"404"))


def test_the_cookies_of_a_visitors_first_request_are_said_to_be_that() -> None:
    assert "first request" in told(Values(tsc=b"--NI"))["cookies.NI"]


# -- the timers ------------------------------------------------------------------------------------------------------


def test_phases_follow_each_other_to_scale() -> None:
    assert explained(Values(timers=(b"1", b"2", b"3", b"4", b"15")).line()).phases == (
        Phase("request", "%TR", 0, 1),
        Phase("queue", "%Tw", 1, 2),
        Phase("connect", "%Tc", 3, 3),
        Phase("response", "%Tr", 6, 4),
        Phase("data", "Td", 10, 5),
    )


def test_the_phase_in_which_a_session_ended_has_the_time_that_is_left() -> None:
    line = Values(timers=(b"1", b"2", b"-1", b"-1", b"5003"), status=b"503", tsc=b"sC--").line()
    assert explained(line).phases[2:] == (
        Phase("connect", "%Tc", 3, 5000, ended_here=True),
        Phase("response", "%Tr", 5003, None),
    )


def test_a_phase_after_the_one_that_the_state_names_was_never_reached() -> None:
    line = Values(timers=(b"7", b"-1", b"-1", b"-1", b"7"), status=b"403", tsc=b"PR--").line()
    assert [phase.lasted_ms for phase in explained(line).phases] == [7, None, None, None]


def test_what_a_format_does_not_log_is_not_said_to_be_never_reached() -> None:
    record = record_of(Values(timers=(b"7", b"-1", b"-1", b"-1", b"7"), tsc=b"PR--").line())
    assert explain(record).phases == (Phase("request", "%TR", 0, 7),)


def test_timers_behind_a_cut_are_not_said_to_be_never_reached() -> None:
    whole = Values(timers=(b"1", b"2", b"3", b"4", b"15")).line()
    for end in range(whole.index(b" 1/2/3/4"), whole.index(b"15 ")):
        phases = explained(whole[:end]).phases
        assert all(phase.lasted_ms is not None for phase in phases)


@pytest.mark.parametrize(
    ("timers", "identity"),
    [
        ((b"-1", b"-1", b"-1", b"-1", b"50"), "timers.no_request"),
        ((b"0", b"-1", b"-1", b"-1", b"50"), "timers.no_queue"),
        ((b"0", b"0", b"-1", b"-1", b"50"), "timers.no_connection"),
        ((b"0", b"0", b"0", b"-1", b"50"), "timers.no_response"),
    ],
)
def test_the_first_timer_that_is_missing_is_the_signature(timers: tuple[bytes, ...], identity: str) -> None:
    line = Values(timers=(timers[0], timers[1], timers[2], timers[3], timers[4]), tsc=b"CD--")
    assert [known for known in told(line) if known.startswith("timers.")] == [identity]


def test_an_answer_of_haproxy_itself_lacks_nothing() -> None:
    line = Values(s=b"<NOSRV>", timers=(b"0", b"-1", b"-1", b"-1", b"0"), tsc=b"LR--", queues=(b"0", b"0"))
    assert list(told(line)) == ["termination.LR", "connect.retried"]


@pytest.mark.parametrize("connect", [b"1003", b"3001", b"2990", b"6010", b"12120"])
def test_a_connect_time_near_a_retransmission_tells_of_lost_packets(connect: bytes) -> None:
    timers = (b"0", b"0", connect, b"1", b"20000")
    assert "timers.syn_lost" in told(Values(timers=timers, connections=(b"1", b"1", b"1", b"1", b"0")))
    assert "timers.syn_lost" not in told(Values(timers=timers, connections=(b"1", b"1", b"1", b"1", b"2")))


@pytest.mark.parametrize("connect", [b"0", b"900", b"2000", b"4500"])
def test_another_connect_time_tells_of_none(connect: bytes) -> None:
    line = Values(timers=(b"0", b"0", connect, b"1", b"20000"), connections=(b"1", b"1", b"1", b"1", b"0"))
    assert "timers.syn_lost" not in told(line)


def test_where_most_of_the_time_went_is_said() -> None:
    text = told(Values(timers=(b"2", b"0", b"1", b"37", b"41")))["timers.longest.response"]
    assert text == "Most of the time, 37 of 41 ms, went into waiting for the server's response headers."


def test_the_tarpit_is_no_queue() -> None:
    line = Values(s=b"<NOSRV>", timers=(b"-1", b"153", b"-1", b"-1", b"152"), tsc=b"PT--", queues=(b"0", b"0"))
    assert explained(line.line()).phases == (Phase("tarpit", "%Tw", 0, 153),)
    found = told(line)
    assert found["timers.tarpit"] == "The request was held for 153 ms."
    assert not {"queue.waited", "timers.no_request", "timers.longest.queue"} & set(found)


def test_the_pause_before_a_retry_is_no_queue() -> None:
    line = Values(timers=(b"0", b"202", b"-1", b"-1", b"202"), tsc=b"SC--", queues=(b"0", b"0"))
    found = told(line)
    assert "queue.waited" not in found
    assert found["timers.longest.queue"].endswith("pausing before connecting was tried again.")


# -- the rest --------------------------------------------------------------------------------------------------------


def test_queues_and_retries_are_told() -> None:
    found = told(Values(timers=(b"0", b"120", b"1", b"1", b"130"), queues=(b"3", b"0")))
    assert found["queue.waited"] == "It waited 120 ms for a free slot, behind 3 in the queue of the server."
    assert found["connect.retried"] == "Connecting to the server was tried again once."
    assert "connect.redispatched" in told(Values(connections=(b"1", b"1", b"1", b"1", b"+3")))


def test_what_a_line_lacks_is_told() -> None:
    assert "captures.ambiguous" in told(Values(hr=b"{a}"))
    assert "truncated.line" in told(Values().line()[:-20])
    assert "truncated.request" in told(Values(r=b"GET /" + b"x" * 80))
    assert "timers.lower_bound" in told(Values(timers=(b"0", b"0", b"0", b"0", b"+0")))
    assert "haproxy.bytes_read" in told(Values(size=b"99999999999999999999"))["fields.unfit"]


def test_the_headline_says_who_asked_whom_for_what() -> None:
    line = Values(ft=b"www~", r=b"GET /cart HTTP/1.1", size=b"12").line()
    assert explained(line).headline == (
        "10.0.0.1 port 4711 sent GET /cart to www over TLS; shop/shop1 took it, status 200, 12 bytes, 15 ms."
    )


def test_a_server_that_was_never_reached_did_not_take_the_request() -> None:
    line = Values(timers=(b"1", b"2", b"-1", b"-1", b"5003"), status=b"503", tsc=b"sC--").line()
    assert "shop/shop1 was to take it, status 503" in explained(line).headline


def test_an_event_is_explained_with_what_its_reason_points_to() -> None:
    found = told(b"Server shop/shop1 is DOWN, reason: Layer4 timeout, check duration: 2001ms. 0 active servers left.")
    assert list(found) == ["event.server_down", "event.reason"]


def test_every_event_has_words_of_its_own() -> None:
    assert {shape.action for shape in (*event_shapes.SHAPES, *event_shapes.WORDINGS)} <= set(_events._EVENTS)


def test_the_last_server_of_a_backend_is_said_to_be_that() -> None:
    down = b"Server shop/a is DOWN, reason: Layer4 timeout, check duration: 2001ms. "
    left = b" backup servers left. 0 sessions active, 0 requeued, 0 remaining in queue."
    assert "event.last_server" in told(down + b"0 active and 0" + left)
    assert "event.last_server" not in told(down + b"0 active and 1" + left)


def test_the_numbers_of_a_failed_handshake_are_put_into_words() -> None:
    found = told(b"10.0.1.2:33317 [06/Feb/2026:12:14:14.655] www~ 1/1 34/0A00009C/10/19/0 -/TLSv1.3/-")
    assert found["connection.fc_err"] == "The connection failed: the TLS handshake failed (fc_err 34)."
    assert "plain HTTP" in found["connection.ssl_fc_err"]
    assert "has expired (10)" in found["connection.ssl_c_err"]
    assert "(19)" in found["connection.ssl_c_ca_err"]


@pytest.mark.parametrize("number", [1, 0x0A000999, 2**40])
def test_an_error_that_has_no_words_is_told_as_openssl_would_be_asked(number: int) -> None:
    found = explain(record_of(Values().line()).model_copy(update={"ssl_fc_err": number, "fc_err": 999})).findings
    texts = {finding.id: finding.text for finding in found}
    assert f"`openssl errstr {number:08X}`" in texts["connection.ssl_fc_err"]
    assert "999" in texts["connection.fc_err"]


def test_a_tcp_session_has_the_rest_of_its_time_for_data() -> None:
    record = record_of(b"10.0.1.2:33313 [06/Feb/2026:12:12:51.443] fnt bck/srv1 3/4/5007 212 -- 0/0/0/0/0 0/0")
    assert explain(record, ("Tw", "Tc", "Tt")).phases == (
        Phase("queue", "%Tw", 0, 3),
        Phase("connect", "%Tc", 3, 4),
        Phase("data", "", 7, 5000),
    )


def test_handshake_and_idle_time_come_before_the_time_that_is_counted() -> None:
    record = record_of(Values(timers=(b"1", b"2", b"-1", b"-1", b"53"), tsc=b"sC--").line())
    timed = record.model_copy(update={"handshake_ms": 10, "idle_ms": 20})
    phases = explain(timed, ("Th", "Ti", "TR", "Tw", "Tc", "Tr", "Ta")).phases
    assert [(phase.name, phase.start_ms, phase.lasted_ms) for phase in phases] == [
        ("handshake", 0, 10),
        ("idle", 10, 20),
        ("request", 30, 1),
        ("queue", 31, 2),
        ("connect", 33, 50),
        ("response", 83, None),
    ]


def test_a_line_that_nothing_understands_is_explained_by_what_was_expected() -> None:
    assert "column 1" in told(b"hello")["unparsed"]


def test_every_field_of_a_record_has_words() -> None:
    assert set(PATHS.values()) - UNSAID <= set(WORDS)


def test_aliases_are_those_of_the_format() -> None:
    fields = {field.path: field for field in explained(Values().line()).fields}
    assert fields["haproxy.time.total_ms"].alias == "%Ta"
    assert fields["http.request.method"].alias == "%r"
    assert fields["haproxy.log_format"].alias == ""


@given(header=headers, line=values, cut=st.integers(0, 400))
def test_every_line_can_be_explained_and_its_document_is_a_record_again(header: bytes, line: Values, cut: int) -> None:
    raw = header + line.line()
    for part in (raw, raw[:-cut]):
        record = record_of(part)
        assert read_document(record.document()) == record
        explanation = explain(record, HTTPLOG)
        assert explanation.findings
        assert all(_is_documented(finding.id) for finding in explanation.findings)
        assert explanation.headline
        reached = [phase for phase in explanation.phases if phase.lasted_ms is not None]
        for before, after in itertools.pairwise(reached):
            assert after.start_ms == before.start_ms + (before.lasted_ms or 0)


def _is_documented(identity: str) -> bool:
    """Tell whether the page has an id, or its beginning with a placeholder in capitals."""
    known = re.findall(r"`([a-z_.]+?)\.?(?:XX|PHASE|ACTION)?`", PAGE.partition("| id |")[2])
    return any(identity == prefix or identity.startswith(f"{prefix}.") for prefix in known)
