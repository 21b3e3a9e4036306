"""HAProxy's configuration for the provoking, and what shipper must be told of it.

Each set of frontends begins with a `defaults` section of its own, which holds the log targets of its format.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from shipper.haproxy.formats import Format

if TYPE_CHECKING:
    from pathlib import Path

    from tests.provoke._loggers import Loggers

GLOBAL: Final = """
global
    log-send-hostname lb-1.example
    tune.http.logurilen 100
    tune.http.cookielen 100
    tune.ssl.default-dh-param 2048
    ssl-default-bind-options ssl-min-ver TLSv1.2
    stats socket {folder}/admin.sock level admin
    hard-stop-after 1s
"""
DEFAULTS: Final = """
defaults {name}
    mode {mode}
    option abortonclose
    timeout connect 200ms
    timeout client 500ms
    timeout server 400ms
    timeout http-request 300ms
    timeout queue 100ms
    timeout tarpit 150ms
    retries 1
    option redispatch 1
{loggers}{more}
"""

HTTPLOG: Final = """
frontend www
    bind "127.0.0.1:${HTTP_PORT}"
    bind "[::1]:${IPV6_PORT}"
    bind unix@{folder}/www.sock
    bind "127.0.0.1:${TLS_PORT}" ssl crt {folder}/certificate.pem alpn h2,http/1.1
    capture request header Host len 40
    capture request header User-Agent len 40
    capture response header Content-Type len 40
    capture cookie S= len 90
    http-request deny if { path /denied }
    http-request tarpit if { path /tarpit }
    http-request redirect location /new if { path /moved }
    http-request return status 200 content-type text/plain string ok if { path /direct }
    use_backend none if { path /none }
    use_backend refusing if { path /refused }
    use_backend dead if { path /dead }
    use_backend full if { path /full }
    use_backend single if { path_beg /slow }
    use_backend status if { path /status }
    use_backend rewriting if { hdr(X-Cookie) rewrite }
    use_backend passing if { hdr(X-Cookie) pass }
    use_backend deleting if { hdr(X-Cookie) delete }
    use_backend aging if { hdr(X-Cookie) age }
    use_backend killed if { hdr(X-Kill) active }
    use_backend backup if { hdr(X-Kill) backup }
    default_backend shop
frontend asked
    bind "127.0.0.1:${ASKED_PORT}"
    capture request header Host len 40
    capture request header Referer len 40
    default_backend shop
frontend eu:answered.v-2_x
    bind "127.0.0.1:${ANSWERED_PORT}"
    capture response header Content-Type len 40
    default_backend shop
frontend plain
    bind "127.0.0.1:${PLAIN_PORT}"
    option accept-invalid-http-request
    http-request return status 200 content-type text/plain string ok
frontend asap
    bind "127.0.0.1:${ASAP_PORT}"
    option logasap
    default_backend shop
frontend tagged
    bind "127.0.0.1:${TAGGED_PORT}"
    log-tag shop-log
    default_backend shop
frontend structured
    bind "127.0.0.1:${STRUCTURED_PORT}"
    log-format-sd "%{+Q,+E}o [exampleSDID@1234 header=%[capture.req.hdr(0)] from=%ci]"
    capture request header User-Agent len 40
    default_backend shop
frontend malformed
    bind "127.0.0.1:${MALFORMED_PORT}"
    log-format-sd "[no sd: %ci] "
    default_backend shop
backend none
backend refusing
    balance first
    server dead1 "127.0.0.1:1"
    server alive "127.0.0.1:${ORIGIN_PORT}"
backend dead
    server dead1 "127.0.0.1:1"
backend full
    server full1 "127.0.0.1:${FULL_PORT}"
backend single
    server single1 "127.0.0.1:${ORIGIN_PORT}" maxconn 1
backend shop
    cookie SRV insert
    use-server shop1 if { path /unused }
    http-response return status 200 if { capture.req.uri /replaced }
    server shop1 "127.0.0.1:${ORIGIN_PORT}" cookie s1
    server gone "127.0.0.1:1" cookie s2 disabled
    server other "127.0.0.1:${ORIGIN_PORT}" cookie s3 weight 0
backend status
    stats enable
    stats uri /status
backend rewriting
    cookie SRV rewrite
    server shop1 "127.0.0.1:${ORIGIN_PORT}" cookie s1
backend passing
    cookie SRV insert preserve
    server shop1 "127.0.0.1:${ORIGIN_PORT}" cookie s1
backend deleting
    cookie SRV insert indirect
    server shop1 "127.0.0.1:${ORIGIN_PORT}" cookie s1
backend aging
    cookie SRV insert indirect maxidle 1h maxlife 8h
    server shop1 "127.0.0.1:${ORIGIN_PORT}" cookie s1
backend killed
    server active "127.0.0.1:${ORIGIN_PORT}" on-marked-down shutdown-sessions
backend backup
    server active "127.0.0.1:${ORIGIN_PORT}" disabled on-marked-up shutdown-backup-sessions
    server spare "127.0.0.1:${ORIGIN_PORT}" backup
"""

HTTPSLOG: Final = """
frontend secure
    bind "127.0.0.1:${SECURE_PORT}" ssl crt {folder}/certificate.pem alpn h2,http/1.1
    bind "127.0.0.1:${UNSECURE_PORT}"
    default_backend secured
frontend secure-captured
    bind "127.0.0.1:${SECURE_CAPTURED_PORT}" ssl crt {folder}/certificate.pem
    capture request header Host len 40
    capture response header Content-Type len 40
    capture cookie S= len 90
    default_backend secured
backend secured
    server shop1 "127.0.0.1:${ORIGIN_PORT}"
"""

TCPLOG: Final = """
frontend relay
    bind "127.0.0.1:${TCP_PORT}"
    bind "127.0.0.1:${TCP_TLS_PORT}" ssl crt {folder}/certificate.pem
    bind unix@{folder}/relay.sock
    default_backend relayed
frontend refusing-relay
    bind "127.0.0.1:${TCP_REFUSING_PORT}"
    default_backend unreachable
frontend full-relay
    bind "127.0.0.1:${TCP_FULL_PORT}"
    default_backend overfull
frontend denying-relay
    bind "127.0.0.1:${TCP_DENYING_PORT}"
    tcp-request content reject
    default_backend relayed
frontend queueing-relay
    bind "127.0.0.1:${TCP_QUEUE_PORT}"
    default_backend queueing
frontend hasty-relay
    bind "127.0.0.1:${TCP_ASAP_PORT}"
    option logasap
    default_backend relayed
backend relayed
    server shop1 "127.0.0.1:${ORIGIN_PORT}"
backend unreachable
    server dead1 "127.0.0.1:1"
backend overfull
    server full1 "127.0.0.1:${FULL_PORT}"
backend queueing
    server single1 "127.0.0.1:${ORIGIN_PORT}" maxconn 1
"""

HTTPCLF: Final = """
frontend apache
    bind "127.0.0.1:${CLF_PORT}"
    default_backend apaches
frontend apache-captured
    bind "127.0.0.1:${CLF_CAPTURED_PORT}"
    bind unix@{folder}/apache.sock
    capture request header Host len 40
    capture request header User-Agent len 40
    capture response header Content-Type len 40
    capture response header Location len 40
    capture cookie S= len 90
    default_backend apaches
backend apaches
    server shop1 "127.0.0.1:${ORIGIN_PORT}"
"""

ERROR: Final = """
frontend failing
    bind "127.0.0.1:${FAILING_PORT}" ssl crt {folder}/certificate.pem
    bind "127.0.0.1:${PROXY_PORT}" accept-proxy
    bind unix@{folder}/failing.sock ssl crt {folder}/certificate.pem
    http-request return status 200
"""

EVENTS: Final = """
frontend greeting
    bind "127.0.0.1:${GREETING_PORT}"
    bind "127.0.0.1:${GREETING_TLS_PORT}" ssl crt {folder}/certificate.pem
    bind "127.0.0.1:${GREETING_PROXY_PORT}" accept-proxy
    bind unix@{folder}/greeting.sock
    http-request return status 200
frontend greeting-tcp
    mode tcp
    bind "127.0.0.1:${GREETING_TCP_PORT}"
    tcp-request content reject
"""

SAMPLED: Final = (
    '%ci:%cp [%tr] %ft %ST id=%ID host="%[capture.req.hdr(0)]" agent=%{+Q,+E}[capture.req.hdr(1)] '
    "%{+Q}r %Ta/%TR/%Tw/%Tc/%Tr %B %U sni=%[ssl_fc_sni] weight=%[int(42)] %tsc"
)
QUOTED: Final = "%{+Q}o %f %ci %cp %t %b %s %HM %HP %HQ %{-Q}HV %ST %B %Tt %ID %CC %[var(txn.none)]"
OLD: Final = "%ci:%cp [%t] %ft %b/%s %Tq/%Tw/%Tc/%Tr/%Tt %ST %B %CC %CS %tsc %ac/%fc/%bc/%sc/%rc %sq/%bq %hr %hs %{+Q}r"
JSON: Final = (
    '{"time":"%Tl","front":"%f","client":"%ci","port":%cp,"status":%ST,"bytes":%B,"ms":%Ta,"uri":"%{+E}HU",'
    '"method":"%HM","agent":"%{+E}[capture.req.hdr(0)]"}'
)
TCP: Final = "%f %ci:%cp > %bi:%bp > %si:%sp %ts %Th/%Tw/%Tc/%Td/%Tt up=%U down=%B %sslv %sslc %{+X}rt %Ts.%ms"

CUSTOM: Final = f"""
frontend sampled
    bind "127.0.0.1:${{SAMPLED_PORT}}"
    bind "127.0.0.1:${{SAMPLED_TLS_PORT}}" ssl crt {{folder}}/certificate.pem
    capture request header Host len 40
    capture request header User-Agent len 60
    unique-id-format "%{{+X}}o%ci-%cp-%Ts"
    log-format '{SAMPLED}'
    default_backend customs
frontend quoted
    bind "127.0.0.1:${{QUOTED_PORT}}"
    capture cookie S= len 60
    unique-id-format %[uuid()]
    log-format '{QUOTED}'
    default_backend customs
frontend old
    bind "127.0.0.1:${{OLD_PORT}}"
    capture request header Host len 40
    log-format '{OLD}'
    default_backend customs
frontend json
    bind "127.0.0.1:${{JSON_PORT}}"
    capture request header User-Agent len 60
    log-format '{JSON}'
    default_backend customs
frontend tunnel
    mode tcp
    bind "127.0.0.1:${{TUNNEL_PORT}}"
    bind "127.0.0.1:${{TUNNEL_TLS_PORT}}" ssl crt {{folder}}/certificate.pem
    log-format '{TCP}'
    default_backend tunnelled
backend customs
    server shop1 "127.0.0.1:${{ORIGIN_PORT}}"
backend tunnelled
    mode tcp
    server shop1 "127.0.0.1:${{ORIGIN_PORT}}"
"""

FORMATS: Final = (
    Format(name="sampled", log_format=SAMPLED, frontends=("sampled",), request_captures=("Host", "User-Agent")),
    Format(name="quoted", log_format=QUOTED, frontends=("quoted",)),
    Format(name="old", log_format=OLD, frontends=("old",), request_captures=("Host",), response_captures=()),
    Format(name="json", log_format=JSON, frontends=("json",)),
    Format(name="tunnel", log_format=TCP, frontends=("tunnel",), mode="tcp"),
    Format(
        name="httplog",
        log_format="httplog",
        frontends=("eu:answered.v-2_x",),
        request_captures=(),
        response_captures=("Content-Type",),
    ),
    Format(
        name="httpclf",
        log_format="httpclf",
        frontends=("apache-captured",),
        request_captures=("Host", "User-Agent"),
        response_captures=("Content-Type", "Location"),
    ),
)
"""What shipper is told. Of `asked` nothing is said: one block of captures is then a guess."""

_ERROR_LOG_FORMAT: Final = (
    '    error-log-format "%ci:%cp [%tr] %ft %ac/%fc '
    '%[fc_err]/%[ssl_fc_err,hex]/%[ssl_c_err]/%[ssl_c_ca_err]/%[ssl_fc_is_resumed] %[ssl_fc_sni]/%sslv/%sslc"\n'
)
_SECTIONS: Final = {
    "httplog": ("http", "    option httplog\n", HTTPLOG),
    "httpslog": ("http", "    option httpslog\n", HTTPSLOG),
    "tcplog": ("tcp", "    option tcplog\n", TCPLOG),
    "httpclf": ("http", "    option httplog clf\n", HTTPCLF),
    "error": ("http", "    option httpslog\n" + _ERROR_LOG_FORMAT, ERROR),
    "events": ("http", "", EVENTS),
    "custom": ("http", "", CUSTOM),
}
SETS: Final = tuple(_SECTIONS)
"""The sets of lines, each with its own log targets."""

CHECKED: Final = """
backend checked
    option httpchk GET /health
    option log-health-checks
    default-server inter 100ms fastinter 100ms downinter 100ms fall 1 rise 1
    server one "127.0.0.1:${ORIGIN_PORT}" check
    server spare "127.0.0.1:${ORIGIN_PORT}" check backup
backend refused
    default-server inter 100ms fall 1
    server dead1 "127.0.0.1:1" check
frontend greeting
    bind "127.0.0.1:${GREETING_PORT}"
    http-request return status 200
"""


def configuration(loggers: Loggers, folder: Path) -> str:
    """Write the configuration of all frontends."""
    parts = [GLOBAL]
    for name, (mode, more, frontends) in _SECTIONS.items():
        parts.append(_defaults(name, mode, loggers, more) + frontends)
    return "".join(parts).replace("{folder}", str(folder))


def checked(loggers: Loggers, folder: Path) -> str:
    """Write the configuration of servers whose health is checked, logged with the events."""
    return (GLOBAL + _defaults("events", "http", loggers, "") + CHECKED).replace("{folder}", str(folder))


def _defaults(name: str, mode: str, loggers: Loggers, more: str) -> str:
    return DEFAULTS.format(name=name, mode=mode, loggers=loggers.directives(name), more=more)
