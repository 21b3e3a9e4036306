"""The numbers of failed connections in words: `fc_err`, `ssl_fc_err`, `ssl_c_err`, and how a health check fails.

Sources: HAProxy's manual, 7.3.3 (`fc_err_str`) and management.txt (`check_status`); OpenSSL's x509 verification codes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from shipper.haproxy.explain._model import Finding

if TYPE_CHECKING:
    from collections.abc import Iterator

    from shipper.haproxy.record import Record

SECTION: Final = "8.2.4"
TLS_LIBRARY: Final = 20
"""OpenSSL's number for its own TLS routines, among its libraries."""

_LIMITS: Final = "Look at the limits of HAProxy's process and of the machine."
_PROXY_PROTOCOL: Final = "Does whoever stands in front of HAProxy speak the PROXY protocol, as `accept-proxy` expects?"
_NETSCALER: Final = "Does the device in front send its client IP header, as `accept-netscaler-cip` expects?"
_HANDSHAKE: Final = (
    "Versions or ciphers that do not meet, plain HTTP on a TLS port, or a scan: `ssl_fc_err` and the client tell which."
)
_CLIENT_LEFT: Final = "Probes, load balancers' checks and clients that do not like the certificate do that."
_CLIENT_CERTIFICATE: Final = "`ssl_c_err` and `ssl_c_ca_err` say why; look at `ca-file` and the client's certificate."
_SERVER_CERTIFICATE: Final = "Look at the server's certificate, and at `verifyhost` and `sni` of its `server` line."
_SOCKS: Final = "Look at the SOCKS4 proxy on the way to the server."

FC_ERR: Final[dict[int, tuple[str, str]]] = {
    1: ("a configured `maxconn` was reached", "Raise it, or find out who holds the connections."),
    2: ("the process has no socket left", _LIMITS),
    3: ("the system has no socket left", _LIMITS),
    4: ("the system has no buffers left", _LIMITS),
    5: ("the protocol or address family is not supported", "Is IPv6 switched off on this machine?"),
    6: ("a socket failed in a way that has no name of its own", "HAProxy's own log may say more."),
    7: ("the configured range of source ports is used up", "Widen the range of `source`."),
    8: ("the source address could not be bound", "Is the address of `source` on this machine?"),
    9: ("the system has no local ports left", "Look at net.ipv4.ip_local_port_range, and at idle connections."),
    10: ("the local source address is in use", "Who else uses it?"),
    11: ("the connection was closed before its PROXY protocol header came", _PROXY_PROTOCOL),
    12: ("the connection broke before its PROXY protocol header came", _PROXY_PROTOCOL),
    13: ("no PROXY protocol header came in time", _PROXY_PROTOCOL),
    14: ("the PROXY protocol header ended too early", _PROXY_PROTOCOL),
    15: ("what came first was no PROXY protocol header", _PROXY_PROTOCOL),
    16: ("the PROXY protocol header is not valid", _PROXY_PROTOCOL),
    17: ("the PROXY protocol header tells of a protocol that HAProxy does not handle", _PROXY_PROTOCOL),
    18: ("the connection was closed before its NetScaler header came", _NETSCALER),
    19: ("the connection broke before its NetScaler header came", _NETSCALER),
    20: ("no NetScaler header came in time", _NETSCALER),
    21: ("the NetScaler header ended too early", _NETSCALER),
    22: ("the NetScaler header's magic number is another one", _NETSCALER),
    23: ("the NetScaler header tells of a protocol that HAProxy does not handle", _NETSCALER),
    24: ("the client closed the connection during the TLS handshake", _CLIENT_LEFT),
    25: ("the connection broke during the TLS handshake", _CLIENT_LEFT),
    26: ("the TLS handshake took too long", "A slow or dead client; `timeout client` bounds the handshake."),
    27: ("there are too many TLS connections", "Raise `maxsslconn`, or find out who holds them."),
    28: ("no memory was left for a TLS connection", _LIMITS),
    29: ("the client asked to renegotiate TLS, which HAProxy refuses", "Old clients and attacks do that."),
    30: ("the authorities of the client's certificate could not be verified", _CLIENT_CERTIFICATE),
    31: ("the client's certificate is not trusted", _CLIENT_CERTIFICATE),
    32: ("the server showed another certificate than the configured one", _SERVER_CERTIFICATE),
    33: ("the server showed another certificate than the expected one", _SERVER_CERTIFICATE),
    34: ("the TLS handshake failed", _HANDSHAKE),
    35: ("the TLS handshake failed after a heartbeat", "A client that tries Heartbleed looks like this."),
    36: ("a Heartbleed attack (CVE-2014-0160) was stopped", "The client is an attacker or a scanner."),
    37: ("TLS was tried with a target that HAProxy does not know", "This is a bug of HAProxy: report it."),
    38: ("the server refused early data", "`retry-on 0rtt-rejected` sends the request again."),
    39: ("writing to the SOCKS4 proxy failed", _SOCKS),
    40: ("reading from the SOCKS4 proxy failed", _SOCKS),
    41: ("the SOCKS4 proxy denied the request", _SOCKS),
    42: ("the SOCKS4 proxy broke the handshake off", _SOCKS),
    43: ("TLS failed for good after the handshake", _HANDSHAKE),
}
"""Why a connection failed, and what to look at, by `fc_err`."""

TLS: Final = {
    0x09C: ("it was plain HTTP, not TLS", "Somebody uses http:// with this port."),
    0x0C1: (
        "the client and HAProxy have no cipher in common",
        "Compare `ciphers` and `ciphersuites` with the client's.",
    ),
    0x0C7: ("the client showed no certificate", "`verify required` asks for one."),
    0x102: (
        "the client's version of TLS is not supported",
        "Compare `ssl-min-ver` and `ssl-max-ver` with the client's.",
    ),
    0x10B: ("the version of TLS is wrong, or it was not TLS at all", "Old clients, scans, other protocols."),
    0x126: ("the client left in the middle of the handshake", "Usual of probes and load balancers."),
    0x412: ("the client says that HAProxy's certificate is bad", "Look at the certificate and its chain."),
    0x415: ("the client says that HAProxy's certificate has expired", "Renew it."),
    0x416: ("the client does not accept HAProxy's certificate", "Look at its names and its chain."),
    0x418: ("the client does not know who signed HAProxy's certificate", "Is the chain complete in the `crt` file?"),
}
"""What the client's handshake failed of, by the reason in OpenSSL's error (`ssl_fc_err`): its last 12 bits."""

X509: Final = {
    2: "its issuer is not known",
    7: "its signature is wrong",
    9: "it is not valid yet",
    10: "it has expired",
    12: "the list of revoked certificates has expired",
    18: "it signed itself",
    19: "the chain ends in an authority that signed itself and is not known",
    20: "its issuer is not known here",
    21: "its chain is incomplete",
    22: "its chain is too long",
    23: "it was revoked",
    24: "its issuer is no authority",
    26: "it was not made for this purpose",
    27: "it is not trusted",
}
"""Why a certificate was refused, by OpenSSL's code (`ssl_c_err`, `ssl_c_ca_err`)."""

CHECKS: Final = (
    ("Layer4 connection problem", "Nothing listens there, or something refuses: is the service running?"),
    ("Layer4 timeout", "No answer to the connection: is the machine up, or a firewall dropping packets?"),
    ("Layer6 timeout", "The TLS handshake of the check took too long: is the server overloaded?"),
    ("Layer6 invalid response", "The TLS handshake of the check failed: look at certificates and `check-ssl`."),
    ("Layer7 timeout", "The check was taken and not answered in time: the application is saturated or stuck."),
    ("Layer7 wrong status", "The application answers, but not with the status that the check wants: see the code."),
    ("Layer7 invalid response", "The answer to the check is not of the expected protocol: is the port right?"),
    ("Socket error", "HAProxy could not even open a socket for the check: look at its own limits."),
    ("Health analyze", "Live traffic failed too often (`observe`): look at the application."),
    ("External check", "The program of `external-check command` failed or took too long: run it by hand."),
)
"""What to look at, by how the reason of a failed check begins."""


def _tls(error: int) -> tuple[str, str] | None:
    """Read an error of OpenSSL's TLS routines; the library's number moved by a bit from version 1 to 3."""
    return TLS.get(error & 0xFFF) if TLS_LIBRARY in {error >> 23, error >> 24} else None


def read_errors(record: Record) -> Iterator[Finding]:
    """Give what the numbers of a failed connection mean."""
    if record.fc_err:
        text, advice = FC_ERR.get(record.fc_err, ("`fc_err_str` in a log-format names it", ""))
        yield Finding(
            "connection.fc_err", f"The connection failed: {text} (fc_err {record.fc_err}).", advice, SECTION, "fault"
        )
    if record.ssl_fc_err:
        number = f"{record.ssl_fc_err:08X}"
        text, advice = _tls(record.ssl_fc_err) or (f"`openssl errstr {number}` names it", "")
        yield Finding("connection.ssl_fc_err", f"OpenSSL reported {number}: {text}.", advice, SECTION, "fault")
    for identity, code, whose in (
        ("ssl_c_err", record.ssl_c_err, "The client's certificate"),
        ("ssl_c_ca_err", record.ssl_c_ca_err, "An authority above the client's certificate"),
    ):
        if code:
            why = X509.get(code, f"`man openssl-verification-options` has code {code}")
            yield Finding(f"connection.{identity}", f"{whose} was refused: {why} ({code}).", "", SECTION, "fault")
