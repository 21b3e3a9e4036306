"""Formats that read alike are read once, and a line's frontend tells which of them it has."""

from __future__ import annotations

import pytest

from shipper.config import Interpretation
from shipper.haproxy.formats import STOCK, Format, formats_in_use, groups_in_use
from shipper.haproxy.understand import Context, understand
from tests.haproxy.lines import RECEIVED_US, Values, flat

OWN = "%ci:%cp [%tr] %ft %ST"


def form(name: str, log_format: str = "httplog", *frontends: str, tag: str = "") -> Format:
    captures = (f"X-{name}",)
    tags = (tag,) if tag else ()
    return Format(name=name, log_format=log_format, frontends=frontends, tags=tags, request_captures=captures)


@pytest.mark.parametrize(
    ("known", "groups"),
    [
        ((), 0),
        ((form("a", "httplog", "a"), form("b", "httplog", "b")), 1),
        ((form("a", "httplog", "a"), form("o", OWN, "o"), form("b", "httplog", "b")), 2),
        ((form("a", "httplog", "a"), form("all"), form("b", "httplog", "b")), 3),
        ((form("a", "httplog", "a"), form("o", OWN, "b"), form("b", "httplog", "b")), 3),
        ((form("a", "httplog", "a", tag="x"), form("b", "httplog", "b", tag="y")), 2),
    ],
)
def test_formats_that_may_be_read_together_are(known: tuple[Format, ...], groups: int) -> None:
    assert len(groups_in_use(known)) == groups + len(STOCK)
    assert len(formats_in_use(known)) == len(known) + len(STOCK)


def document(line: bytes, *known: Format) -> dict[str, object]:
    context = Context("UTC", RECEIVED_US, RECEIVED_US)
    return flat(understand(line, context, Interpretation(formats=known)).record.document())


KNOWN = (form("a", "httplog", "a"), form("b", "httplog", "b"), form("c", OWN, "c"))


@pytest.mark.parametrize(("frontend", "name"), [(b"a", "a"), (b"b~", "b"), (b"c", "httplog"), (b"other", "httplog")])
def test_the_frontend_decides(frontend: bytes, name: str) -> None:
    found = document(Values(ft=frontend, hr=b"{v}").line(), *KNOWN)
    assert found["haproxy.log_format"] == name
    assert found.get(f"haproxy.http.request.headers.x_{name}") == (None if name == "httplog" else "v")


def test_a_cut_line_has_the_format_of_its_frontend() -> None:
    line = Values(ft=b"b", hr=b"{v}").line()
    found = document(line[: line.index(b"}") + 2], *KNOWN)
    assert (found["haproxy.log_format"], found["haproxy.http.request.headers.x_b"]) == ("b", "v")


def test_a_line_cut_before_its_frontend_is_of_no_certain_format() -> None:
    line = Values(ft=b"b").line()
    assert "haproxy.log_format" not in document(line[: line.index(b"]") + 1], *KNOWN)


def test_a_format_is_for_its_tags() -> None:
    header = b"<134>Nov 21 01:02:03 %s[1]: "
    line = b"10.0.0.1:1 [21/Nov/2026:01:02:03.004] www 200"
    assert document(header % b"edge" + line, form("o", OWN, tag="edge"))["haproxy.log_format"] == "o"
    assert document(header % b"other" + line, form("o", OWN, tag="edge"))["haproxy.truncated"] == "line"


@pytest.mark.parametrize("text", [OWN, f'"{OWN}"', f"'{OWN}'", OWN.replace(" ", "\\ ")])
def test_a_string_may_stand_as_in_haproxy_cfg(text: str) -> None:
    assert groups_in_use((form("o", text),))[0].plan.fields == groups_in_use((form("o", OWN),))[0].plan.fields


def test_quotes_that_belong_to_the_line_stay() -> None:
    text = '"%ci" "%[src]" %ST'
    line = b'"10.0.0.1" "10.0.0.1" 200'
    assert document(line, form("o", text))["source.ip"] == "10.0.0.1"
