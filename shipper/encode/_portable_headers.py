"""The readers of captured headers, as the native engine gets them; ``haproxy.headers`` says what they give.

1. Which side a single block of captures is of hangs on the configured names alone, not on the line.
2. Names that stand twice, or more of them than fit a document, are Python's.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from shipper.haproxy.headers import GIVES
from shipper.haproxy.samples import label_name
from shipper.limits import LABELS_MAX

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shipper.haproxy.headers import Names

_OF: Final = ["hr", "hs"]
_READS: Final = {
    "url_domain": "host_domain",
    "url_port": "host_port",
    "user_agent_original": "header",
    "http_request_referrer": "header",
    "client_address": "client_address",
    "client_ip": "client_ip",
    "http_request_id": "header",
}


def header_readers(names: Names) -> dict[str, dict[str, Any]] | None:
    """Give the readers of what two blocks of captures with these names give; None when Python has to read them."""
    of_request = {"of": _OF, "of_request": True, "alone_of_request": names.response is None or names.request != ()}
    of_response = {**of_request, "of_request": False}
    readers: dict[str, dict[str, Any]] = {
        "request_captures": {"read": "captures", **of_request},
        "response_captures": {"read": "captures", **of_response},
    }
    if names.request is None or names.response is None or (names.request and names.response):
        readers["captures_ambiguous"] = {"read": "ambiguous", "of": _OF}
    others: list[tuple[str, int]] = []
    count = len(names.request or ())
    for place, name in enumerate(names.request or ()):
        key = name.lower()
        for attribute in GIVES.get(key, ()):
            if attribute in readers:
                return None
            readers[attribute] = {"read": _READS[attribute], **of_request, "at": place, "count": count}
        if key and key not in GIVES:
            others.append((label_name(key), place))
    responses = [(label_name(name), place) for place, name in enumerate(names.response or ()) if name]
    if not (_fit(others) and _fit(responses)):
        return None
    if others:
        readers["request_headers"] = {"read": "headers", **of_request, "count": count, "headers": others}
    if responses:
        readers["response_headers"] = {
            "read": "headers",
            **of_response,
            "count": len(names.response or ()),
            "headers": responses,
        }
    return readers


def _fit(headers: Sequence[tuple[str, int]]) -> bool:
    return len({name for name, _ in headers}) == len(headers) <= LABELS_MAX
