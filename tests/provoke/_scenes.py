"""What is done to HAProxy so that it writes each kind of line: one request a scene, most with what it provokes."""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from typing import Final

from tests.provoke.clients import get, get_h2, tls

FORGED: Final = b'S=a b - ---- 1/1/0/0/0 0/0 {x} "GET /forged HTTP/1.1"'
FORGED_SNI: Final = 'a/TLSv1.3/X - - ---- 1/1/0/0/0 0/0 {x} "GET /forged HTTP/1.1" 0/0000000000000000/0/0/0 b'


@dataclass(frozen=True, slots=True)
class Scene:
    """One request to a ``port`` of the configuration (or a unix socket, by its file's name).

    ``state`` is the termination state that it provokes, where that is what it is for.
    """

    port: str
    request: bytes
    state: str = ""
    leave_s: float | None = None
    context: ssl.SSLContext | None = None
    sni: str | None = None


def _www(request: bytes, state: str = "", leave_s: float | None = None) -> Scene:
    return Scene("HTTP_PORT", request, state, leave_s)


HTTPLOG: Final = (
    _www(get(b"/items/17?q=a%20b", b"User-Agent: curl/8.5 {x|y} #1"), "--NI"),
    _www(get(b"/direct"), "LR--"),
    _www(get(b"/moved"), "LR--"),
    _www(get(b"/status"), "LR--"),
    _www(get(b"/denied"), "PR--"),
    _www(get(b"/tarpit"), "PT--"),
    _www(get(b"/none"), "SC--"),
    _www(get(b"/dead"), "SC--"),
    _www(get(b"/refused"), "----"),
    _www(get(b"/full"), "sC--"),
    _www(get(b"/full"), "CC--", leave_s=0.05),
    _www(get(b"/silent"), "sHNN"),
    _www(get(b"/silent"), "CHNN", leave_s=0.05),
    _www(get(b"/shut"), "SHNN"),
    _www(get(b"/garbage"), "PHNN"),
    _www(get(b"/half"), "SDNI"),
    _www(get(b"/stall"), "sDNI"),
    _www(get(b"/stall"), "CDNI", leave_s=0.05),
    _www(get(b"/large"), "cDNI", leave_s=0.6),
    _www(get(b"/error")),
    _www(get(b"/cookie", b"Cookie: S=plain")),
    _www(get(b"/cookie", b"Cookie: SRV=s1; S=two words"), "--VN"),
    _www(get(b"/shop", b"Cookie: SRV=s9"), "--II"),
    _www(get(b"/shop", b"Cookie: SRV=s2"), "--DI"),
    _www(get(b"/real", b"Cookie: " + FORGED), "--NI"),
    _www(get(b"/server-cookie", b"X-Cookie: rewrite"), "--NR"),
    _www(get(b"/server-cookie", b"X-Cookie: pass"), "--NP"),
    _www(get(b"/server-cookie", b"Cookie: SRV=s1", b"X-Cookie: delete"), "--VD"),
    _www(get(b"/shop", b"Cookie: SRV=s1|Y0000", b"X-Cookie: age"), "--EI"),
    _www(get(b"/shop", b"Cookie: SRV=s1|Y0000|Y0000", b"X-Cookie: age"), "--OI"),
    _www(get(b"/unused", b"Cookie: SRV=s3"), "--UN"),
    _www(get(b"/replaced"), "LHNN"),
    _www(get(b"/agent", b'User-Agent: "quoted" \xff\xc3\xa9 \x09tab')),
    _www(get(b"/a{b}|c'd")),
    _www(get(b"/deadbeef01/6f1c2a4e-0000-4000-8000-0123456789ab")),
    _www(get(b"/long/" + b"x" * 200)),
    _www(get(b"http://b.example:8080/absolute?x", host=b"b.example:8080")),
    _www(get(b"*", method=b"OPTIONS")),
    _www(get(b"c.example:443", method=b"CONNECT", host=b"c.example:443")),
    _www(get(b'/quo"te')),
    _www(get(b"/with blank")),
    _www(b"GET /old\r\n\r\n"),
    _www(b"\x16\x03\x01 no http\r\n\r\n", "PR--"),
    _www(b"GET /unfinished HTTP/1.1\r\nHost: a", "cR--"),
    _www(b"GET /gone HTTP/1.1\r\n", "CR--", leave_s=0.05),
    Scene("IPV6_PORT", get(b"/six")),
    Scene("www.sock", get(b"/unix")),
    Scene("TLS_PORT", get(b"/tls"), context=tls()),
    Scene("TLS_PORT", get_h2(b"/h2?x=1"), context=tls("h2")),
    Scene("HTTP_PORT", get_h2(b"/h2c", scheme=b"http")),
    Scene("ASKED_PORT", get(b"/asked", b"Referer: http://a.example/")),
    Scene("ANSWERED_PORT", get(b"/answered")),
    Scene("PLAIN_PORT", get(b"/plain", b"Cookie: S=uncaptured")),
    Scene("PLAIN_PORT", get(b"/frag#ment")),
    Scene("PLAIN_PORT", get(b"/\x01\xff")),
    Scene("PLAIN_PORT", get(b"/with blank")),
    Scene("PLAIN_PORT", b"GET /old\r\n\r\n"),
    Scene("ASAP_PORT", get(b"/asap")),
    Scene("TAGGED_PORT", get(b"/tagged")),
    Scene("STRUCTURED_PORT", get(b"/structured", b'User-Agent: a "b" \\ ] c')),
    Scene("MALFORMED_PORT", get(b"/malformed")),
)

_OLD_TLS: Final = tls(newest=ssl.TLSVersion.TLSv1_2)
HTTPSLOG: Final = (
    Scene("SECURE_PORT", get(b"/secure"), context=tls(), sni="a.example"),
    Scene("SECURE_PORT", get(b"/no-sni"), context=tls()),
    Scene("SECURE_PORT", get(b"/tls-1.2"), context=_OLD_TLS, sni="a.example"),
    Scene("SECURE_PORT", get(b"/forged-sni"), context=tls(), sni=FORGED_SNI),
    Scene("SECURE_PORT", get(b"/blank-sni"), context=tls(), sni="two words"),
    Scene("SECURE_PORT", get_h2(b"/h2?x=1"), context=tls("h2"), sni="a.example"),
    Scene("SECURE_PORT", b"no http\r\n\r\n", "PR--", context=tls(), sni="a.example"),
    Scene("SECURE_PORT", get(b"/silent"), "sH--", context=tls(), sni="a.example"),
    Scene("UNSECURE_PORT", get(b"/plain")),
    Scene("SECURE_CAPTURED_PORT", get(b"/captured"), context=tls(), sni="a.example"),
    Scene("SECURE_CAPTURED_PORT", get(b"/real", b"Cookie: " + FORGED), context=tls(), sni="a.example"),
    Scene("SECURE_CAPTURED_PORT", get(b"/real"), context=tls(), sni=FORGED_SNI),
)
RESUMED: Final = Scene("SECURE_PORT", get(b"/resumed"), context=_OLD_TLS, sni="a.example")
"""Made twice, the second time with the session of the first."""

TCPLOG: Final = (
    Scene("TCP_PORT", get(b"/tcp"), "--"),
    Scene("relay.sock", get(b"/unix"), "--"),
    Scene("TCP_TLS_PORT", get(b"/tls"), "--", context=tls()),
    Scene("TCP_PORT", get(b"/reset")),
    Scene("TCP_PORT", get(b"/silent"), "sD"),
    Scene("TCP_PORT", get(b"/large"), "cD", leave_s=0.6),
    Scene("TCP_PORT", get(b"/large"), "CD", leave_s=0.05),
    Scene("TCP_REFUSING_PORT", get(b"/"), "SC"),
    Scene("TCP_FULL_PORT", get(b"/"), "sC"),
    Scene("TCP_FULL_PORT", get(b"/"), "CC", leave_s=0.05),
    Scene("TCP_DENYING_PORT", get(b"/"), "PR"),
    Scene("TCP_ASAP_PORT", get(b"/asap"), "--"),
)

HTTPCLF: Final = (
    Scene("CLF_PORT", get(b"/clf?x=1")),
    Scene("CLF_PORT", b"no http\r\n\r\n", "PR--"),
    Scene("CLF_PORT", get(b"/silent"), "sH--"),
    Scene("CLF_CAPTURED_PORT", get(b"/cookie", b'User-Agent: "a" b', b"Cookie: S=two words")),
    Scene("CLF_CAPTURED_PORT", get(b"/real", b"Cookie: " + FORGED)),
    Scene("CLF_CAPTURED_PORT", get(b'/quo"te')),
    Scene("CLF_CAPTURED_PORT", b"no http\r\n\r\n", "PR--"),
    Scene("apache.sock", get(b"/unix")),
)

ERROR: Final = (
    Scene("FAILING_PORT", get(b"/no-tls")),
    Scene("FAILING_PORT", b"\x16\x03\x01", leave_s=0.05),
    Scene("FAILING_PORT", b""),
    Scene("PROXY_PORT", b"PROXY NONSENSE\r\n\r\n"),
    Scene("PROXY_PORT", b"GET / HTTP/1.1\r\n\r\n"),
    Scene("failing.sock", get(b"/no-tls")),
)

EVENTS: Final = (
    Scene("GREETING_PORT", get(b"/")),
    Scene("greeting.sock", get(b"/")),
    Scene("GREETING_TCP_PORT", get(b"/")),
    Scene("GREETING_TLS_PORT", get(b"/no-tls")),
    Scene("GREETING_TLS_PORT", b"\x16\x03\x01", leave_s=0.05),
    Scene("GREETING_TLS_PORT", b""),
    Scene("GREETING_PROXY_PORT", b"PROXY NONSENSE\r\n\r\n"),
    Scene("GREETING_PROXY_PORT", b"PROXY UNKNOWN\r\n" + get(b"/")),
)

_ODD: Final = (b'User-Agent: a "b" \\c ]d {e|f} #g \xff', b"Cookie: S=two words")
CUSTOM: Final = (
    Scene("SAMPLED_PORT", get(b"/sampled?x=1", *_ODD), "----"),
    Scene("SAMPLED_TLS_PORT", get(b"/tls"), context=tls(), sni="a.example"),
    Scene("SAMPLED_PORT", b"no http\r\n\r\n", "PR--"),
    Scene("QUOTED_PORT", get(b'/quoted"/x?y="z"', *_ODD)),
    Scene("QUOTED_PORT", get(b"/no-query")),
    Scene("QUOTED_PORT", b"no http\r\n\r\n"),
    Scene("OLD_PORT", get(b"/old", *_ODD)),
    Scene("OLD_PORT", get(b"/silent"), "sH--"),
    Scene("JSON_PORT", get(b'/json?q="', *_ODD)),
    Scene("JSON_PORT", get(b"/json")),
    Scene("TUNNEL_PORT", get(b"/tunnel"), "--"),
    Scene("TUNNEL_TLS_PORT", get(b"/tunnel"), context=tls()),
    Scene("TUNNEL_PORT", get(b"/silent"), "sD"),
)

SCENES: Final = (*HTTPLOG, *HTTPSLOG, *TCPLOG, *HTTPCLF, *ERROR, *EVENTS, *CUSTOM)

MORE_STATES: Final = frozenset({"sQ--", "CQ--", "KH--", "DH--", "UH--", "CQ", "sQ"})
"""States that take more than one request: queues, and what is done on the stats socket."""
STATES: Final = frozenset({scene.state for scene in SCENES} - {""}) | MORE_STATES
"""Every termination state that is provoked."""
