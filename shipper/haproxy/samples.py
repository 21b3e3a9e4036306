"""Sample expressions, `%[fetch,converter]` (HAProxy manual, 7.3): what the known ones print and mean.

1. An expression that says the same as an alias is read as that alias.
2. What an expression prints hangs on its last converter, or else on its fetch; of unknown ones nothing is assumed: they
   print anything, as it came from whoever sent it.
3. A value without a field of its own becomes a label, named as in `%(name)[…]`, or else after the expression.
"""

from __future__ import annotations

import re
from typing import Final

from shipper.haproxy.kinds import (
    ADDRESS,
    ALIASES,
    DIGITS,
    EPOCH,
    FLAG,
    HEX_OR_NONE,
    INTEGER,
    SERVER_NAME,
    TEXT,
    Kind,
)
from shipper.haproxy.steps import Field
from shipper.limits import LABELS_MAX

SAME_AS_ALIAS: Final = {
    "be_name": "b",
    "dst": "fi",
    "dst_port": "fp",
    "fe_name": "f",
    "hostname": "H",
    "pid": "pid",
    "src": "ci",
    "src_port": "cp",
    "srv_name": "s",
    "ssl_fc_cipher": "sslc",
    "ssl_fc_protocol": "sslv",
    "status": "ST",
    "unique-id": "ID",
}
"""Expressions that print what an alias prints, `-` for what is not there."""

KNOWN: Final[dict[str, tuple[str, Kind]]] = {
    "accept_date": ("accept_date_s", EPOCH),
    "accept_date(s)": ("accept_date_s", EPOCH),
    "accept_date(ms)": ("accept_date_ms", EPOCH),
    "accept_date(us)": ("accept_date_us", EPOCH),
    "request_date": ("request_date_s", EPOCH),
    "request_date(s)": ("request_date_s", EPOCH),
    "request_date(ms)": ("request_date_ms", EPOCH),
    "request_date(us)": ("request_date_us", EPOCH),
    "fc_err": ("fc_err", INTEGER),
    "ssl_c_err": ("ssl_c_err", INTEGER),
    "ssl_c_ca_err": ("ssl_c_ca_err", INTEGER),
    "ssl_fc_err,hex": ("ssl_fc_err", HEX_OR_NONE),
    "ssl_fc": ("ssl_fc", FLAG),
    "ssl_fc_is_resumed": ("ssl_fc_is_resumed", FLAG),
    "ssl_fc_sni": ("ssl_fc_sni", SERVER_NAME),
    "txn.timer.user": ("Tu", INTEGER),
}
"""Other expressions that have a field, by the key that the value then has."""

_HEADER: Final = re.compile(r"(?:req\.)?f?hdr\((?P<name>[A-Za-z0-9_-]+)(?:,-?[0-9]+)?\)(?:,lower|,upper)?")
_RESPONSE_HEADER: Final = re.compile(
    r"(?:res|resp)\.(?:f?hdr)\((?P<name>[A-Za-z0-9_-]+)(?:,-?[0-9]+)?\)(?:,lower|,upper)?"
)
_CAPTURE: Final = re.compile(r"capture\.(?P<side>req|res)\.hdr\((?P<slot>[0-9]+)\)")
_ADDRESS_FETCHES: Final = frozenset({"bc_src", "bc_dst", "fc_src", "fc_dst", "src", "dst"})
_INTEGER_FETCHES: Final = re.compile(
    r"(?:[a-z_]+_(?:conn|conns|rate|cnt|size|cur|kbytes_(?:in|out))|bytes_(?:in|out)|(?:req|res)\.(?:body_)?len"
    r"|(?:be|fe|srv)_(?:id|sess_rate|req_rate|queue)|queue|nbsrv|rand|req_ssl_ver|http_(?:err|fail|req)_(?:cnt|rate)"
    r"|bc_err|bc_http_major|fc_http_major|ssl_bc_err|ssl_fc_use_keysize|ssl_fc_alg_keysize|txn\.timer\.[a-z_]+)"
)
_INTEGER_CONVERTERS: Final = frozenset(
    {"length", "strlen", "crc32", "djb2", "sdbm", "wt6", "xxh32", "xxh64", "add", "sub", "mul", "div", "mod"}
)
_HEX_CONVERTERS: Final = frozenset({"hex"})
_LABEL: Final = re.compile(r"[^a-z0-9_]+")


def read_sample(expression: str, name: str, kind: str) -> Field:
    """Give the field of `%(name:kind)[expression]`."""
    plain = re.sub(r"\s+", "", expression)
    printed = f"%[{expression}]"
    if plain in SAME_AS_ALIAS:
        alias = SAME_AS_ALIAS[plain]
        return Field(alias, ALIASES[alias], printed=printed, name=name, sample=True)
    if plain in KNOWN:
        key, grammar = KNOWN[plain]
        return Field(key, grammar, printed=printed, name=name, sample=True)
    grammar = INTEGER if kind in {"sint", "bool"} else _grammar(plain)
    for pattern, prefix in ((_HEADER, "req.hdr"), (_RESPONSE_HEADER, "res.hdr")):
        header = pattern.fullmatch(plain)
        if header is not None:
            return Field(f"{prefix}:{header['name'].lower()}", grammar, printed=printed, name=name, sample=True)
    capture = _CAPTURE.fullmatch(plain)
    if capture is not None:
        return Field(f"capture.{capture['side']}:{capture['slot']}", grammar, printed=printed, name=name, sample=True)
    return Field(f"[{plain}]", grammar, printed=printed, name=name, label=label_name(name or plain), sample=True)


def _grammar(expression: str) -> Kind:
    """Tell what an expression prints: by its last converter, or else by its fetch."""
    fetch, *converters = (re.sub(r"\(.*\)", "", part) for part in _split(expression))
    last = converters[-1] if converters else ""
    if last in _HEX_CONVERTERS:
        return DIGITS
    if last in _INTEGER_CONVERTERS or (not last and _INTEGER_FETCHES.fullmatch(fetch)):
        return INTEGER
    if last == "ipmask" or (not last and fetch in _ADDRESS_FETCHES):
        return ADDRESS
    return TEXT


def _split(expression: str) -> list[str]:
    """Split at the commas that stand outside of parentheses."""
    parts, depth = [""], 0
    for char in expression:
        depth += (char == "(") - (char == ")")
        if char == "," and depth == 0:
            parts.append("")
        else:
            parts[-1] += char
    return parts


def label_name(text: str) -> str:
    """Make a label's name of a text: lower case, `_` for what is not a letter or a digit, at most 64 characters."""
    return _LABEL.sub("_", text.lower()).strip("_")[:LABELS_MAX] or "value"
