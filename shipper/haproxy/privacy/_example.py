"""A made-up line that has something for every rule, and what becomes of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from shipper.haproxy.formats import Format
from shipper.haproxy.privacy._lines import Hider
from shipper.haproxy.privacy_rules import OTHERS

if TYPE_CHECKING:
    from shipper.haproxy.privacy_rules import ByName, Rules

_LINE: Final = (
    "192.0.2.77:51234 [21/Nov/2026:01:02:03.004] www shop/s1 1/0/2/30/33 200 1234 {cookie}=abc - "
    '---- 9/8/7/6/0 0/0 {{{headers}}} "GET /search?{query} HTTP/1.1"'
)
_UNPARSED: Final = b"192.0.2.77 asked for token=abc, says a line that nothing understands"


def example(rules: Rules, key: bytes | None) -> list[tuple[bytes, bytes]]:
    """Give lines, each before and after: one of traffic, with names from the rules, and one that nobody understands."""
    headers = ("X-Forwarded-For", *_names(rules.headers))
    line = _LINE.format(
        cookie=_names(rules.cookies, "SESSION")[0],
        headers="|".join(("198.51.100.7", *("abc" for _ in headers[1:]))),
        query="&".join(f"{name}=abc" for name in ("q", *_names(rules.parameters))),
    )
    known = Format(name="example", log_format="httplog", request_captures=headers, response_captures=())
    hider = Hider(rules, key, (known,))
    return [(raw, hider.line(raw)) for raw in (line.encode(), _UNPARSED)]


def _names(rules: ByName, otherwise: str = "") -> tuple[str, ...]:
    return tuple(name for name in rules if name != OTHERS) or ((otherwise,) if otherwise else ())
