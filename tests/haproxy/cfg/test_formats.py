"""Which formats follow from a configuration, and how a line's own is told."""

from __future__ import annotations

import pytest

from shipper.haproxy.cfg import DerivedFormat, formats
from shipper.haproxy.stock import STOCK_FORMATS
from tests.haproxy.cfg.texts import config

HEAD = "global\n    log 192.0.2.1 local0\ndefaults\n    mode http\n    log global\n"


def derived(text: str) -> tuple[DerivedFormat, ...]:
    return formats(config(HEAD + text))[0]


def notes(text: str) -> list[str]:
    return [note.text for note in formats(config(HEAD + text))[1]]


def test_frontends_of_one_format_and_captures_share_it() -> None:
    assert derived("""
frontend a
    option httplog
frontend b
    option httplog
frontend c
    option httplog
    capture request header Host len 10
frontend d
    mode tcp
    option httplog
""") == (
        DerivedFormat("httplog", "httplog", ("a", "b"), (), "http", (), ()),
        DerivedFormat("httplog", "httplog", ("c",), (), "http", ("Host",), ()),
        DerivedFormat("tcplog", "tcplog", ("d",), (), "tcp", (), ()),
    )


def test_a_log_format_of_its_own_is_named_after_the_frontend() -> None:
    (known,) = derived('frontend a\n    log-format "%ci %ft %ST"\nfrontend b\n    log-format "%ci %ft %ST"\n')
    assert (known.name, known.log_format, known.frontends) == ("a", "%ci %ft %ST", ("a", "b"))


def test_a_frontend_without_a_target_or_a_format_needs_none() -> None:
    assert derived("frontend a\n    option httplog\n    no log\nfrontend b\n") == ()


def test_lines_without_the_frontend_are_told_by_a_tag_of_their_own() -> None:
    text = "frontend a\n    log-format %ci:%cp\n    log-tag own\nfrontend b\n    option httplog\n"
    stock, known = derived(text)
    assert (stock.name, known.name, known.frontends, known.tags) == ("httplog", "a", (), ("own",))
    assert notes(text) == []


def test_a_header_without_a_tag_tells_nothing() -> None:
    text = """
frontend a
    no log
    log 192.0.2.1 format raw local0
    log-format %ci:%cp
    log-tag own
frontend b
"""
    (known,) = derived(text)
    assert (known.frontends, known.tags) == ((), ())
    assert notes(text) == ["the lines of a do not tell their frontend"]


def test_lines_that_nothing_tells_apart_come_last_and_have_no_names_that_may_be_wrong() -> None:
    text = """
frontend a
    log-format "%ci %hr"
    capture request header Host len 10
frontend b
    log-format "%ci %hr"
    capture request header Referer len 10
frontend c
    option httplog
"""
    assert derived(text) == (
        DerivedFormat("httplog", "httplog", ("c",), (), "http", (), ()),
        DerivedFormat("a", "%ci %hr", (), (), "http", None, None),
    )
    assert notes(text) == ["the lines of a, b do not tell their frontend"]


def test_an_error_log_format_is_a_format_of_its_own() -> None:
    found = derived(f"""
frontend a
    error-log-format "{STOCK_FORMATS["error"]}"
frontend b
    error-log-format "%ci:%cp %ft"
""")
    assert [(known.name, known.log_format, known.frontends) for known in found] == [
        ("error", "error", ("a",)),
        ("b-error", "%ci:%cp %ft", ("b",)),
    ]


def test_the_steps_of_a_log_profile_have_formats_of_their_own() -> None:
    text = """
log-profile p
    on close format "%ci %ft"
frontend a
    log 192.0.2.1 profile p local0
    option httplog
"""
    assert [(known.name, known.frontends) for known in derived(text)] == [("httplog", ("a",)), ("p-close", ("a",))]


def test_a_format_that_cannot_be_read_is_left_out_with_its_place() -> None:
    text = 'frontend a\n    log-format "%ft%b"\nfrontend b\n    option httplog\n'
    assert [known.name for known in derived(text)] == ["httplog"]
    (note,) = formats(config(HEAD + text))[1]
    assert note.place == "haproxy.cfg:6"
    assert "cannot be told apart" in note.text


def test_what_the_compiler_warns_of_is_noted_but_not_of_stock_formats_which_nobody_can_change() -> None:
    assert notes("frontend a\n    option httplog clf\n    capture cookie A len 5\n") == []
    (note,) = notes('frontend a\n    log-format "%ft %[req.hdr(x)] %s"\n')
    assert "column 5" in note


TWO = "frontend a\n    log-format %ci:%cp\n    log-tag {}\nfrontend b\n    option httplog\n"


@pytest.mark.parametrize(
    ("tag", "hostname", "tags"),
    [
        ("edge:1", False, ("edge:1",)),
        ("edge.1", False, ("edge.1",)),
        ('"my app"', True, ("my app",)),
        ('"my app"', False, ()),
        ("a[1]", False, ()),
    ],
)
def test_a_tag_tells_a_format_only_where_the_header_gives_it_back(tag: str, *, hostname: bool, tags: object) -> None:
    text = (HEAD.replace("local0", "local0\n    log-send-hostname") if hostname else HEAD) + TWO.format(tag)
    found, told = formats(config(text))
    assert [known.tags for known in found if known.name == "a"] == [tags]
    assert any("where it ends cannot be seen" in note.text for note in told) != bool(tags)


def test_a_format_has_a_name_that_a_configuration_may_say() -> None:
    text = """
log-profile "my \u00fc profile"
    on close format "%ci %ft"
frontend a
    log 192.0.2.1 profile "my \u00fc profile" local0
frontend {}
    log-format "%ci %ft %ST"
""".format("long" * 30)
    assert [known.name for known in derived(text)] == ["my___profile-close", ("long" * 16)]


@pytest.mark.parametrize(("text", "reason"), [("\\n", "a line break"), ("\\xe9", "not UTF-8")])
def test_a_format_that_no_line_can_have_is_left_out_with_a_note(text: str, reason: str) -> None:
    text = f'frontend a\n    log-format "%ci{text}%ft %ST"\n'
    assert derived(text) == ()
    (note,) = notes(text)
    assert reason in note
