"""What loses information, and what to do about it."""

from __future__ import annotations

import pytest

from shipper.haproxy.cfg import advice
from shipper.listen_url import ListenUrl
from tests.haproxy.cfg.texts import config

GOOD = """
global
    log 192.0.2.1:5140 len 8192 format rfc5424 local0
    log-send-hostname
defaults
    mode http
    log global
    option httplog
frontend a
"""


def told(text: str) -> list[str]:
    return [f"{note.place}: {note.text}" for note in advice(config(text))]


def test_the_zone_is_asked_for_only_where_it_is_not_set() -> None:
    without_offset = config(GOOD.replace("rfc5424", "local"))
    (unset,), (known,) = advice(without_offset), advice(without_offset, zone_is_set=True)
    assert unset.advice == "write `format rfc5424`; or tell shipper the zone (`timezone`)"
    assert known.advice == "write `format rfc5424`"


def test_a_good_configuration_needs_no_advice() -> None:
    assert told(GOOD) == []


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("    log global\n", "", "haproxy.cfg:7: frontend a: nothing is logged"),
        ("    option httplog\n", "", "haproxy.cfg:7: frontend a: no line for a request, only `Connect from`"),
        ("local0", "local0 notice", "haproxy.cfg:8: frontend a: no target takes the level of traffic, which is info"),
        ("frontend a\n", "frontend a\n    option dontlog-normal\n", "requests that went well are not logged"),
        ("frontend a\n", "frontend a\n    option logasap\n", "total times and bytes are lower bounds"),
        ("frontend a\n", "frontend a\n    log-steps all\n", "several lines a request"),
        (
            "frontend a\n",
            "frontend a\n    capture cookie A len 99\n",
            "the captured cookie is cut at 63 bytes, not at 99",
        ),
        ("len 8192", "len 1324", None),
        ("len 8192", "len 1323", "haproxy.cfg:2: log 192.0.2.1:5140: cut at 1323 bytes, while a line may have 1324"),
        ("frontend a\n", "frontend a\n    capture request header A len 7000\n", "while a line may have 8324"),
        ("global\n", "global\n    tune.http.logurilen 8000\n", "while a line may have 8300"),
        ("rfc5424", "local", "haproxy.cfg:2: log 192.0.2.1:5140: no offset from UTC and no microseconds"),
        ("    log-send-hostname\n", "", "haproxy.cfg:2: log 192.0.2.1:5140: no host's name"),
        ("rfc5424", "iso", "`format iso` has no place for the host's name"),
        ("len 8192", "len 8192 sample 1:10", "only a sample of the lines is sent (1:10)"),
    ],
)
def test_what_loses_information_is_told_with_its_place(old: str, new: str, expected: str | None) -> None:
    found = told(GOOD.replace(old, new))
    assert (len(found) == 1 and expected in found[0]) if expected else found == []


def test_silence_on_purpose_is_no_loss() -> None:
    assert told(GOOD.replace("    log global\n", "    no log\n")) == []


def test_a_format_that_prints_the_offset_and_the_host_needs_no_header_for_them() -> None:
    text = GOOD.replace("format rfc5424", "format raw").replace("option httplog", 'log-format "%H %ft %trg %{+Q}r"')
    assert told(text) == []


def test_a_ring_has_the_length_and_the_header_of_its_section() -> None:
    text = GOOD.replace("192.0.2.1:5140 len 8192 format rfc5424", "ring@buffer")
    assert "cut at 1024 bytes" in told(text + "ring buffer\n    format rfc5424\n")[0]
    assert told(text.replace("local0", "len 8192 local0") + "ring buffer\n    format rfc5424\n    maxlen 8192\n") == []


def test_only_targets_that_lead_here_are_looked_at_if_there_are_any() -> None:
    known = config(GOOD.replace("global\n    log 1", "global\n    log /dev/log local0\n    log 1", 1))
    assert {note.place for note in advice(known)} == {"haproxy.cfg:2"}
    assert advice(known, [ListenUrl("file", path="/log"), ListenUrl("udp", "0.0.0.0", 5140)]) == ()


@pytest.mark.parametrize(
    ("address", "listener", "leads"),
    [
        ("192.0.2.1:5140", ListenUrl("udp", "192.0.2.1", 5140), True),
        ("192.0.2.1:5140", ListenUrl("udp", "127.0.0.1", 5140), False),
        ("192.0.2.1:5140", ListenUrl("udp", "::", 5140), True),
        ("192.0.2.1:5140", ListenUrl("tcp", "0.0.0.0", 5140), False),
        ("192.0.2.1", ListenUrl("udp", "0.0.0.0", 514), True),
        ("shipper.example:5140", ListenUrl("udp", "192.0.2.9", 5140), True),
        ("udp@[::1]:5140", ListenUrl("udp", "::1", 5140), True),
        ("ring@shipper:5140", ListenUrl("udp", "0.0.0.0", 5140), False),
        ("/run/shipper.sock", ListenUrl("unix-dgram", path="/run/shipper.sock"), True),
        ("/dev/log", ListenUrl("unix-dgram", path="/run/shipper.sock"), False),
    ],
)
def test_that_no_line_leads_here_is_told_where_it_can_be_seen(address: str, listener: ListenUrl, leads: bool) -> None:  # noqa: FBT001 -- an expectation
    found = [note.text for note in advice(config(GOOD.replace("192.0.2.1:5140", address)), [listener])]
    elsewhere = [text for text in found if text.startswith("no `log` line leads to ")]
    assert bool(elsewhere) == (not leads and listener.scheme != "tcp")
    assert all(f"shipper gets nothing of what goes to {address}" in text for text in elsewhere)
