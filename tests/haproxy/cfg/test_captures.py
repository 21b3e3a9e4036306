"""Slots of captured values, and their names."""

from __future__ import annotations

import pytest

from shipper.errors import ConfigError
from shipper.haproxy.cfg import Capture
from shipper.haproxy.cfg._captures import named
from tests.haproxy.cfg.texts import config, frontend, frontends


def test_slots_count_up_in_the_order_of_their_lines() -> None:
    found = frontend("""
    http-request capture req.hdr(Referer) len 20
    capture request header Host len 64
    declare capture request len 5
    tcp-request content capture req.ssl_sni len 30
    capture request header User-Agent len 128
    capture response header Server len 8
    declare capture response len 9
""")
    assert found.request_captures == (
        Capture("Referer", 20),
        Capture("Host", 64),
        Capture("", 5),
        Capture("req_ssl_sni", 30),
        Capture("User-Agent", 128),
    )
    assert found.response_captures == (Capture("Server", 8), Capture("", 9))


def test_a_declared_slot_is_named_after_what_fills_it() -> None:
    found = frontend("""
    declare capture request len 5
    declare capture request len 5
    declare capture response len 5
    http-request capture req.fhdr(X-A) id 1 if TRUE
    http-request capture req.hdr(X-A,-1),lower id 1
    http-response capture res.hdr(ETag) id 0
""")
    assert [each.name for each in found.request_captures] == ["", "X-A"]
    assert [each.name for each in found.response_captures] == ["ETag"]


def test_a_slot_that_is_filled_with_different_things_has_no_name() -> None:
    found = frontend("capture request header Host len 5\nhttp-request capture req.hdr(X-A) id 0")
    assert found.request_captures == (Capture("", 5),)


def test_the_rules_of_the_backends_that_a_frontend_may_choose_fill_its_slots() -> None:
    found = frontends("""
defaults
    mode http
frontend a
    declare capture request len 5
    default_backend x
frontend b
    declare capture request len 5
    use_backend y if TRUE
frontend c
    declare capture request len 5
    use_backend %[req.hdr(Host)]
listen d
    declare capture request len 5
backend x
    http-request capture req.hdr(X-A) id 0
    http-request capture req.hdr(X-A) id 9
backend y
    http-request capture req.hdr(X-B) id 0
""")
    assert {name: each.request_captures[0].name for name, each in found.items()} == {
        "a": "X-A",
        "b": "X-B",
        "c": "",
        "d": "",
    }


def test_slots_of_a_named_defaults_section_are_inherited() -> None:
    found = frontends("""
defaults named
    mode http
    http-request capture req.hdr(Host) len 10
frontend a
    capture request header X-A len 10
frontend b
""")
    assert [each.name for each in found["a"].request_captures] == ["Host", "X-A"]
    assert [each.name for each in found["b"].request_captures] == ["Host"]


def test_a_frontend_has_one_captured_cookie_the_last() -> None:
    assert frontend("capture cookie A= len 5\ncapture cookie SESS len 48").cookie == Capture("SESS", 48)


@pytest.mark.parametrize(
    ("expression", "name"),
    [
        ("req.hdr(User-Agent)", "User-Agent"),
        ("hdr(Host)", "Host"),
        ('req.fhdr("X-A",1)', "X-A"),
        ("req.hdr(Host),lower", "Host"),
        ("req.hdr(Authorization),field(1,:)", "req_hdr_Authorization_field_1"),
        ("req.cook(SESS)", "req_cook_SESS"),
        ("ssl_fc_sni", "ssl_fc_sni"),
        ("()", ""),
    ],
)
def test_an_expression_is_named_after_its_header_or_readably(expression: str, name: str) -> None:
    assert named(expression) == name


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("defaults\n capture request header A len 5\n", "not allowed in defaults"),
        ("frontend a\n capture request header A\n", "capture request header NAME len N"),
        ("frontend a\n capture cookie A\n", "capture cookie NAME len N"),
        ("frontend a\n capture x\n", "`capture cookie`, `capture request header`"),
        ("frontend a\n declare capture x len 5\n", "declare capture request"),
        ("frontend a\n http-request capture\n", "`len N` or `id N`"),
        ("frontend a\n http-request capture len 5\n", "`len N` or `id N`"),
        ("frontend a\n http-request capture req.hdr(A)\n", "`len N` or `id N`"),
        ("frontend a\n http-request capture req.hdr(A) len\n", "`len N` or `id N`"),
        ("frontend a\n http-response capture res.hdr(A) len 5\n", "belongs into a frontend"),
        ("backend a\n http-request capture req.hdr(A) len 5\n", "belongs into a frontend"),
        ("frontend a\n http-request capture req.hdr(A) id 0\n", "there is no slot 0 of the request"),
    ],
)
def test_what_haproxy_refuses_is_refused(text: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        config(text)
