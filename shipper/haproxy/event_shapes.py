"""The shapes of the lines in which HAProxy speaks of itself: servers, checks, proxies, processes, connections.

1. A shape ends where HAProxy ends. So what comes short of it was cut, or is the wording of another version.
2. A group of a shape is followed by what ends it, so that a cut number or reason is never taken for a whole one.
3. ``_WORDINGS`` know only how a message begins: they are for messages that no version known here writes.
4. Each shape is literal text between names and numbers; what may be anything is bounded or ends the line: linear.

The words are those of HAProxy 1.4 to 3.x: checked against a running 2.6, and for the rest against its sources
(`server.c`, `check.c`, `connection.c`, `proxy.c`, `listener.c`, `session.c`, `mworker.c`, `haproxy.c`).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final, TypeAlias

from shipper.haproxy.beginnings import with_beginnings

DATE_GROUP: Final = "date"
"""The group of a shape that holds a date as `%t` has it."""

# -- grammar ---------------------------------------------------------------------------------------------------------

_NAME: Final = rb"[A-Za-z0-9._:<>-]{1,255}"
_NUMBER: Final = rb"[0-9]{1,18}"
_DATE: Final = rb"[0-9]{2}/[A-Z][a-z]{2}/[0-9]{4}:[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{3}"
_ADDRESS: Final = rb"unix|[0-9A-Fa-f:.]{2,45}"
_CLIENT: Final = rb"(?P<client>" + _ADDRESS + rb"):(?P<client_port>[0-9]{1,10})"
_OF: Final = rb"(?P<backend>" + _NAME + rb")/(?P<server>" + _NAME + rb")"
_SERVER: Final = rb"(?:Backup )?Server " + _OF + rb"(?: \('[^']*+'\))? "
_CHECKED: Final = rb"(?:Health|Agent) check for (?:backup )?server " + _OF + rb" "
_PROXY: Final = rb"(?:frontend|proxy|listener) (?P<frontend>" + _NAME + rb")"
_WORKER: Final = rb"(?:worker|program '[^']*+')(?: #[0-9]{1,9})? \([0-9]{1,10}\)"
_EXIT: Final = rb"(?P<exit>[0-9]{1,9})"
_WHY: Final = (
    rb"(?: (?P<via>via [^ /]{1,255}/[^ ]{0,254}[^ .]))?"
    rb"(?: \((?P<why>[^)]*+)\))?(?:, (?P<changed>changed from [^.,]++))?"
)  # fmt: skip
_CHECK: Final = (
    rb"(?:, reason: (?P<reason>[^,.]++)(?:, code: (?P<code>[0-9]{1,9}))?"
    rb'(?:, info: "(?P<info>.{0,1024}?)")?(?:, check duration: (?P<duration>' + _NUMBER + rb")ms)?)?"
)
_SERVERS_LEFT: Final = rb"\. (?P<active>" + _NUMBER + rb") active and (?P<backup>" + _NUMBER + rb") backup servers "
_LEFT: Final = (
    rb"(?:" + _SERVERS_LEFT + rb"(?:left\.(?: Running on backup\.)? (?P<sessions>" + _NUMBER + rb") sessions active, "
    rb"(?P<moved>" + _NUMBER + rb") requeued, (?P<waiting>" + _NUMBER + rb") remaining in queue"
    rb"|online\.(?: Running on backup\.)? (?P<requeued>" + _NUMBER + rb") sessions requeued, "
    rb"(?P<queued>" + _NUMBER + rb") total in queue))?"
)  # fmt: skip
_TAIL: Final = _WHY + _CHECK + _LEFT + rb"\."
_STATUS: Final = rb"(?:, status: [0-9]{1,9}/[0-9]{1,9} [A-Z]{1,9})?\."
_BEFORE_REQUEST: Final = (
    rb"(?=[^\]]{1,99}\] [^ /]{1,255}/)(?:" + _CLIENT + rb"|unknown) \[(?P<date>" + _DATE + rb")\] "
    rb"(?P<frontend>" + _NAME + rb")/(?P<bind>[^ ]{1,255}): "
)  # fmt: skip
"""A line of traffic has no `/` behind its frontend."""
_HEADER: Final = rb"(?:PROXY protocol|NetScaler Client IP) header"
_TLS: Final = (
    rb"(?P<error>SSL handshake failure(?: after heartbeat)?(?: \(.*\))?"
    rb"|(?:Connection closed|Connection error|Timeout) during SSL handshake"
    rb"|SSL client (?:CA chain cannot be verified|certificate not trusted)"
    rb"|Out of memory when initializing an SSL connection|Rejected a client-initiated SSL renegociation attempt"
    rb"|Stopped a TLSv1 heartbeat attack \(CVE-2014-0160\))"
)
_BROKEN: Final = (
    rb"(?P<error>(?:Connection closed|Connection error|Timeout) while waiting for " + _HEADER + rb""
    rb"|Truncated " + _HEADER + rb" received|Received something which does not look like a PROXY protocol header"
    rb"|Received an invalid (?:PROXY protocol header|NetScaler Client IP magic number)"
    rb"|Received an unhandled protocol in the " + _HEADER + rb""
    rb"|Too many (?:sockets on the (?:process|system)|SSL connections)|Reached configured maxconn value"
    rb"|unknown connection error \(code=[^)]{1,99}\))"
)  # fmt: skip

# -- shapes ----------------------------------------------------------------------------------------------------------

_Shapes: TypeAlias = tuple[tuple[str, bytes], ...]

_CONNECTIONS: Final[_Shapes] = (
    (
        "connect",
        rb"Connect (?:from " + _CLIENT + rb" to (?P<to>" + _ADDRESS + rb"):(?P<to_port>[0-9]{1,10})"
        rb"|(?:from unknown source to listener |to unix:)(?P<bind>[0-9]{1,10}))"
        rb" \((?P<frontend>" + _NAME + rb")/(?P<mode>HTTP|TCP)\)",
    ),
    ("tls_handshake_failed", _BEFORE_REQUEST + _TLS),
    ("connection_failed", _BEFORE_REQUEST + _BROKEN),
    (
        "response_blocked",
        rb"Blocking .* in response from instance (?P<backend>" + _NAME + rb"), server (?P<server>" + _NAME + rb")\.",
    ),
)  # fmt: skip
_SERVERS: Final[_Shapes] = (
    (
        "server_maintenance",
        _SERVER + rb"(?:is going DOWN for|was DOWN and now enters|is DOWN for) maintenance" + _TAIL,
    ),
    (
        "server_maintenance",
        _SERVER + rb"(?:(?:is leaving (?:forced )?maintenance|resolves again) but )?remains in (?:forced )?maintenance"
        + _TAIL,
    ),
    (
        "server_drain",
        _SERVER + rb"(?:enters drain state|is stopping|is UP/DRAIN|is DOWN/DRAIN"
        rb"|(?:is leaving (?:forced )?drain but )?remains in (?:forced )?drain mode)" + _TAIL,
    ),
    ("server_up", _SERVER + rb"is UP(?:/READY)?" + _TAIL),
    ("server_down", _SERVER + rb"is DOWN(?:/READY)?" + _TAIL),
    ("server_changed", _SERVER + rb"administratively READY thanks to valid DNS answer\."),
    (
        "server_address_changed",
        rb"(?=[^ ]{1,512} changed its |[^ ]{1,512}: IP changed |[^ ]{1,512}: port changed )" + _OF
        + rb"(?: changed its (?:IP|FQDN|port)|: (?:IP|port) changed) from [^ ]{1,255} to [^ ]{1,255}"
        rb"(?: port changed from [^ ]{1,255} to [^ ]{1,255})?"
        rb"(?:\.| by (?:(?P<known>DNS cache|'[^']{1,255}')\.?|(?P<by>[^ ]{1,255})\.))?",
    ),
    ("health_check_failed", _CHECKED + rb"failed" + _CHECK + _STATUS),
    ("health_check_succeeded", _CHECKED + rb"(?:conditionally )?succeeded" + _CHECK + _STATUS),
    (
        "health_check_not_run",
        rb"Starting \[(?P<backend>" + _NAME + rb"):(?P<server>" + _NAME + rb")\] check: (?P<error>.*\.)",
    ),
    ("health_check_not_run", rb"(?P<error>Failed to [a-z ]{1,64} external health check: .*\. Aborting\.)"),
    ("health_check_not_run", rb"(?P<error>(?:External check: |Starting \[).*\.)"),
    ("no_server_available", rb"(?:backend|proxy|listen) '?(?P<backend>" + _NAME + rb")'? has no server available!"),
)  # fmt: skip
_PROXIES: Final[_Shapes] = (
    ("proxy_started", rb"Proxy (?P<proxy>" + _NAME + rb") started\."),
    ("proxy_stopped", rb"Proxy (?P<proxy>" + _NAME + rb") (?:hard-)?stopped \(.*\)\."),
    ("proxy_stopping", rb"Stopping (?:" + _PROXY + rb"|backend (?P<backend>" + _NAME + rb"))(?: in [0-9]++ ms)?\."),
    ("proxy_paused", rb"Paus(?:ed|ing) " + _PROXY + rb"\."),
    ("proxy_resumed", rb"(?:Resumed|Enabling) " + _PROXY + rb"\."),
    (
        "proxy_limit_reached",
        rb"Proxy (?P<proxy>" + _NAME + rb") reached (?P<reached>[^.(]{1,99}[^.( ])(?: \([^)]*+\))?\..*",
    ),
    ("state_reported", rb"SIGHUP: Server " + _OF + rb" is .*"),
    ("state_reported", rb"SIGHUP: Proxy (?P<proxy>" + _NAME + rb") .*"),
    ("state_reported", rb"SIGHUP received, dumping servers states for proxy (?P<proxy>" + _NAME + rb")\."),
    ("spoe_processed", rb"SPOE: \[[^\]]{1,255}\] <(?:EVENT|GROUP|TYPE):[^>]{1,255}> .*"),
)  # fmt: skip
_PROCESSES: Final[_Shapes] = (
    ("worker_started", rb"New " + _WORKER + rb" forked|Initializing new worker \([0-9]{1,10}\)"),
    ("worker_exited", rb"(?:Former|Current) " + _WORKER + rb" exited with code " + _EXIT + rb" \((?P<why>[^)]*+)\)"),
    ("master_reloading", rb"Reloading HAProxy.*|Re-?executing Master process.*"),
    ("master_exiting", rb"Exiting Master process.*|All workers (?:exited|are dead)\. Exiting.*\(" + _EXIT + rb"\)"),
    ("configuration_loaded", rb"Loading success\."),
    ("configuration_refused", rb"Loading failure!|(?:config : )?(?:Error\(s\)|Fatal errors) found in configuration.*"),
    ("configuration_reported", rb"Configuration file is valid"),
    ("version_reported", rb"(?:haproxy|HAProxy) version is (?P<version>[^ ]{1,255})|path to executable is .*"),
    ("process_reported", rb"Some (?:proxies|tasks) (?:refused|resisted) .*|soft-stop running for too long.*"),
    ("message_repeated", rb"(?:last )?message repeated (?P<repeated>" + _NUMBER + rb") times?(?:\.|: \[.*\])?"),
)  # fmt: skip
_OTHER: Final[_Shapes] = (
    ("tls_handshake_failed", _BEFORE_REQUEST + rb"(?P<error>(?:[A-Z][A-Za-z ]{0,60} )?SSL .*)"),
    ("connection_failed", _BEFORE_REQUEST + rb"(?P<error>[A-Z].*)"),
    ("server_down", _SERVER + rb"is DOWN" + _WHY + _CHECK + rb"[,./ ].*\."),
    ("server_up", _SERVER + rb"is UP" + _WHY + _CHECK + rb"[,./ ].*\."),
    ("server_changed", _SERVER + rb"(?:is|was|enters|leaves|remains|resolves|changed|administratively) .*\."),
    ("health_check_failed", _CHECKED + rb"failed" + _CHECK + rb"[,. ].*"),
    ("health_check_succeeded", _CHECKED + rb"(?:conditionally )?succeeded" + _CHECK + rb"[,. ].*"),
    ("configuration_reported", rb"(?:config : .*|[Pp]arsing \[[^\]]{1,4096}\].*)"),
    ("process_reported", rb"(?:SPOE|exit-on-failure|haproxy-systemd-wrapper): .*"),
)


@dataclass(frozen=True, slots=True)
class Shape:
    """What a kind of message looks like."""

    action: str
    whole: re.Pattern[bytes]
    cut: re.Pattern[bytes]
    """Matches beginnings of the message, too. A group may then be empty, or end with the text."""


def _compiled(shapes: _Shapes) -> tuple[Shape, ...]:
    return tuple(
        Shape(action, re.compile(shape, re.DOTALL), re.compile(with_beginnings(shape), re.DOTALL))
        for action, shape in shapes
    )


SHAPES: Final = _compiled(_CONNECTIONS + _SERVERS + _PROXIES + _PROCESSES)
WORDINGS: Final = _compiled(_OTHER)
ENDS: Final = {"info": len(b'", check duration: ')}
"""How much of what follows a group must be seen, where one byte leaves a doubt: a check's words may have quotes."""
