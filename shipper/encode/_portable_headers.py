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
    from collections.abc import Mapping, Sequence

    from shipper.haproxy.headers import Names

_READS: Final = {
    "url_domain": "host_domain",
    "url_port": "host_port",
    "user_agent_original": "header",
    "http_request_referrer": "header",
    "client_address": "client_address",
    "client_ip": "client_ip",
    "http_request_id": "header",
}


def header_readers(blocks: tuple[str, ...], names: Names) -> dict[str, dict[str, Any]] | None:
    """Give the readers of what these blocks of captures give, with these names; None when Python has to read them."""
    both = len(blocks) > 1
    alone_of_request = names.response is None or names.request != () if both else blocks == ("hr",)
    side = {"of": list(blocks), "alone_of_request": alone_of_request}
    readers: dict[str, dict[str, Any]] = {}
    if "hr" in blocks:
        readers["request_captures"] = {"read": "captures", "of_request": True, **side}
        request = _of_request(names.request or (), {"of_request": True, **side})
        if request is None:
            return None
        readers |= request
    if "hs" in blocks:
        readers["response_captures"] = {"read": "captures", **side}
        headers = [(label_name(name), place) for place, name in enumerate(names.response or ()) if name]
        if not _fit(headers):
            return None
        if headers:
            count = len(names.response or ())
            readers["response_headers"] = {"read": "headers", "count": count, "headers": headers, **side}
    if both and (names.request is None or names.response is None or (names.request and names.response)):
        readers["captures_ambiguous"] = {"read": "ambiguous", "of": list(blocks)}
    return readers


def _of_request(names: Sequence[str], side: Mapping[str, Any]) -> dict[str, dict[str, Any]] | None:
    readers: dict[str, dict[str, Any]] = {}
    others: list[tuple[str, int]] = []
    for place, name in enumerate(names):
        key = name.lower()
        for attribute in GIVES.get(key, ()):
            if attribute in readers:
                return None
            readers[attribute] = {"read": _READS[attribute], "at": place, "count": len(names), **side}
        if key and key not in GIVES:
            others.append((label_name(key), place))
    if others:
        readers["request_headers"] = {"read": "headers", "count": len(names), "headers": others, **side}
    return readers if _fit(others) else None


def _fit(headers: Sequence[tuple[str, int]]) -> bool:
    return len({name for name, _ in headers}) == len(headers) <= LABELS_MAX
