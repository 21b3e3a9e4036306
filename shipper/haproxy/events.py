"""Lines in which HAProxy speaks of itself: servers, health checks, proxies, connections that never were a request.

1. A message is an event when one of ``_SHAPES`` matches all of it; what a shape names becomes an attribute.
2. Shapes begin with words, or with an address and a date in front of `/BIND: `, as no traffic line does.
3. Each shape is literal text between names and numbers, and reads a message in linear time.
"""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from shipper.haproxy.fields import text
from shipper.haproxy.record import LONG_MAX

if TYPE_CHECKING:
    from collections.abc import Mapping

    from shipper.haproxy.record import Attributes

_NAME: Final = rb"[A-Za-z0-9._:<>-]++"
_SERVER: Final = rb"(?P<backend>" + _NAME + rb")/(?P<server>" + _NAME + rb")"
_CLIENT: Final = rb"(?P<client>unix|[0-9A-Fa-f:.]{2,45}):(?P<client_port>[0-9]{1,10})"
_CHECK: Final = (
    rb"(?:, reason: (?P<reason>[^,.]++))?(?:, code: (?P<code>[0-9]{1,9}))?"
    rb'(?:, info: "(?P<info>[^"]*+)")?(?:, check duration: (?P<duration>[0-9]{1,18})ms)?'
)
_REST: Final = rb"(?:[.,] ?.*)?"


@dataclass(frozen=True, slots=True)
class Event:
    """What a message says: the attributes, and the date in it where it has one of its own."""

    attributes: Attributes
    date: bytes


def _shape(action: str, pattern: bytes) -> tuple[str, re.Pattern[bytes]]:
    return action, re.compile(pattern, re.DOTALL)


_SHAPES: Final = (
    _shape("connect", rb"Connect from " + _CLIENT + rb" to (?P<to>unix|[0-9A-Fa-f:.]{2,45}):(?P<to_port>[0-9]{1,10}) "
           rb"\((?P<frontend>" + _NAME + rb")/(?P<mode>[A-Z]{2,8})\)"),
    _shape("server_up", rb"(?:Backup )?Server " + _SERVER + rb" is UP(?:/READY)?(?: \((?P<why>[^)]*+)\))?" + _CHECK + _REST),
    _shape("server_down", rb"(?:Backup )?Server " + _SERVER + rb" is DOWN(?:, changed from (?P<changed>[^.,]++))?" + _CHECK + _REST),
    _shape("server_maintenance", rb"(?:Backup )?Server " + _SERVER + rb" (?:is going DOWN for maintenance|was DOWN and now enters maintenance)"
           rb"(?: \((?P<why>[^)]*+)\))?" + _REST),
    _shape("server_drain", rb"(?:Backup )?Server " + _SERVER + rb" (?:enters drain state|is stopping|remains in drain mode)"
           rb"(?: \((?P<why>[^)]*+)\))?" + _CHECK + _REST),
    _shape("server_changed", rb"(?:Backup )?Server " + _SERVER + rb" (?:is|was|remains|enters|leaves|leaving|changed|administratively)\b.*"),
    _shape("health_check_failed", rb"(?:Health|Agent) check for (?:backup )?server " + _SERVER + rb" failed" + _CHECK + _REST),
    _shape("health_check_succeeded", rb"(?:Health|Agent) check for (?:backup )?server " + _SERVER + rb" (?:conditionally )?succeeded" + _CHECK + _REST),
    _shape("no_server_available", rb"(?:backend|proxy|frontend|listener) (?P<backend>" + _NAME + rb") has no server available!"),
    _shape("proxy_started", rb"Proxy (?P<frontend>" + _NAME + rb") started\."),
    _shape("proxy_stopped", rb"Proxy (?P<frontend>" + _NAME + rb") stopped \(.*\)\."),
    _shape("proxy_stopping", rb"Stopping (?:frontend|backend|proxy|listener) (?P<frontend>" + _NAME + rb") in [0-9]++ ms\."),
    _shape("proxy_paused", rb"Paus(?:ed|ing) (?:frontend|backend|proxy|listener) (?P<frontend>" + _NAME + rb")\."),
    _shape("proxy_resumed", rb"(?:Resumed|Enabling) (?:frontend|backend|proxy|listener) (?P<frontend>" + _NAME + rb")\."),
    _shape("tls_handshake_failed", _CLIENT + rb" \[(?P<date>[0-9A-Za-z/:.]{23,24})\] (?P<frontend>" + _NAME + rb")/(?P<bind>[^ ]++): "
           rb"(?P<error>[^:]*SSL handshake.*)"),
    _shape("connection_failed", _CLIENT + rb" \[(?P<date>[0-9A-Za-z/:.]{23,24})\] (?P<frontend>" + _NAME + rb")/(?P<bind>[^ ]++): "
           rb"(?P<error>[A-Z].*)"),
)
