"""What each field of a document is called in a log-format string, and what it means to a person."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from shipper.haproxy.explain._model import Reading
from shipper.haproxy.record import DEFAULTS, PATHS

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from shipper.haproxy.record import Record

WORDS: Final[dict[str, tuple[str, str]]] = {
    "@timestamp": ("%tr %t %trg %trl %T %Tl %Ts", "when it began, in UTC"),
    "message": ("", "what HAProxy says"),
    "event.created": ("", "when shipper received the line"),
    "event.category": ("", "web or network"),
    "event.type": ("", "access or connection"),
    "event.action": ("", "what happened"),
    "event.reason": ("", "why, in HAProxy's words"),
    "event.outcome": ("", "whether it went well"),
    "event.duration": ("%Ta %Tt %Tu", "how long it took, in nanoseconds"),
    "error.message": ("", "what was expected, and where"),
    "log.level": ("", "how severe, in HAProxy's words"),
    "log.syslog.priority": ("", "facility and severity in one number"),
    "log.syslog.facility.code": ("", "who logs: 16 is local0"),
    "log.syslog.severity.code": ("", "6 is traffic; 3 and lower is trouble"),
    "log.syslog.hostname": ("%H", "the machine of HAProxy"),
    "log.syslog.appname": ("", "the tag (`log-tag`)"),
    "log.syslog.procid": ("", "the process, as it stands in the header"),
    "log.source.address": ("", "who sent the line"),
    "log.file.path": ("", "the file in which the line stood"),
    "process.name": ("", "the tag (`log-tag`)"),
    "process.pid": ("%pid", "HAProxy's process"),
    "process.exit_code": ("", "how the process ended"),
    "observer.hostname": ("%H", "the machine of HAProxy, as it calls itself"),
    "observer.version": ("", "the version of HAProxy"),
    "observer.name": ("", "the machine of HAProxy, or who sent the line"),
    "source.address": ("%ci", "the client, or the proxy in front of HAProxy"),
    "source.ip": ("%ci", "the same, as an address"),
    "source.port": ("%cp", "its port"),
    "source.nat.ip": ("%bi", "the address that HAProxy connected to the server from"),
    "source.nat.port": ("%bp", "its port"),
    "source.geo.continent_code": ("", "the continent that the client's network is in"),
    "source.geo.continent_name": ("", "its name"),
    "source.geo.country_iso_code": ("", "the country that the client's network is in"),
    "source.geo.country_name": ("", "its name"),
    "source.geo.region_iso_code": ("", "the region"),
    "source.geo.region_name": ("", "its name"),
    "source.geo.city_name": ("", "the city"),
    "source.geo.postal_code": ("", "its postal code"),
    "source.geo.timezone": ("", "the time zone there"),
    "source.geo.location": ("", "latitude and longitude"),
    "source.as.number": ("", "the number of the client's network (ASN)"),
    "source.as.organization.name": ("", "whose network that is"),
    "client.address": ("", "the captured X-Forwarded-For"),
    "client.ip": ("", "the first address in it"),
    "destination.address": ("%fi", "where the client connected to"),
    "destination.ip": ("%fi", "the same, as an address"),
    "destination.port": ("%fp", "its port"),
    "server.address": ("%si", "the server's address"),
    "server.ip": ("%si", "the same, as an address"),
    "server.port": ("%sp", "its port"),
    "haproxy.pid": ("%pid", "HAProxy's process"),
    "haproxy.request_counter": ("%rt", "the number of the request in this process"),
    "haproxy.log_counter": ("%lc", "the number of the line in this frontend"),
    "haproxy.log_format": ("", "the format that the line has"),
    "haproxy.log_step": ("%OG", "which of several lines of one request this is"),
    "haproxy.mode": ("", "http or tcp"),
    "haproxy.frontend_name": ("%ft %f", "where the request came in"),
    "haproxy.backend_name": ("%b", "the group of servers that was chosen"),
    "haproxy.server_name": ("%s", "the server, `<NOSRV>`, or a service of HAProxy"),
    "haproxy.bind_name": ("", "the listener of the frontend"),
    "haproxy.proxy_name": ("", "the proxy, which may be a frontend or a backend"),
    "haproxy.servers.active": ("", "active servers that are left"),
    "haproxy.servers.backup": ("", "backup servers that are left"),
    "haproxy.sessions.active": ("", "sessions that the server still has"),
    "haproxy.sessions.requeued": ("", "requests that wait for another server now"),
    "haproxy.sessions.queued": ("", "requests that wait in the queue"),
    "haproxy.repeated": ("", "how often the message was repeated"),
    "haproxy.check.info": ("", "what the health check got to read"),
    "haproxy.check.code": ("", "the status that the health check got"),
    "haproxy.check.duration_ms": ("", "how long the health check took"),
    "haproxy.error_message": ("%[fc_err_str]", "why the connection failed"),
    "haproxy.time.handshake_ms": ("%Th", "PROXY protocol and TLS, before anything else"),
    "haproxy.time.idle_ms": ("%Ti", "nothing came: waiting for the request's first byte"),
    "haproxy.time.request_ms": ("%TR", "until the request's headers were complete"),
    "haproxy.time.queue_ms": ("%Tw", "waiting for a free slot of a server"),
    "haproxy.time.connect_ms": ("%Tc", "connecting to the server, retries included"),
    "haproxy.time.response_ms": ("%Tr", "until the response's headers were complete"),
    "haproxy.time.total_ms": ("%Ta %Tt %Tu", "from the first byte to the last"),
    "haproxy.time.session_ms": ("%Tt", "the whole session, handshake and idle time too"),
    "haproxy.time.user_ms": ("%Tu", "as the client saw it, without idle time"),
    "haproxy.time.data_ms": ("%Td", "from there to the last byte"),
    "haproxy.partial": ("", "the line came before the end: time and bytes are lower bounds"),
    "haproxy.bytes_read": ("%B", "bytes to the client, headers included"),
    "haproxy.bytes_uploaded": ("%U", "bytes from the client, headers included"),
    "haproxy.http.request.captured_cookie": ("%CC", "the captured cookie that the client sent"),
    "haproxy.http.request.captured_headers": ("%hr %hrl", "captured headers of the request"),
    "haproxy.http.request.headers": ("%hr %hrl", "captured headers of the request, by name"),
    "haproxy.http.request.raw_request_line": ("%r", "the request, which could not be read"),
    "haproxy.http.response.captured_cookie": ("%CS", "the captured cookie that the server set"),
    "haproxy.http.response.captured_headers": ("%hs %hsl", "captured headers of the response"),
    "haproxy.http.response.headers": ("%hs %hsl", "captured headers of the response, by name"),
    "haproxy.captures_ambiguous": ("", "there is one block of captured headers, perhaps of the other side"),
    "haproxy.termination_state": ("%tsc %ts", "how the session ended, and what of cookies"),
    "haproxy.termination.by": ("%tsc %ts", "who or what ended the session"),
    "haproxy.termination.phase": ("%tsc %ts", "what the session was doing at its end"),
    "haproxy.connections.active": ("%ac", "connections of the process at that moment"),
    "haproxy.connections.frontend": ("%fc", "those of the frontend"),
    "haproxy.connections.backend": ("%bc", "those of the backend, queued ones too"),
    "haproxy.connections.server": ("%sc", "those of the server"),
    "haproxy.connections.retries": ("%rc", "how often connecting was tried again"),
    "haproxy.connections.fc_err": ("%[fc_err]", "why the client's connection failed; 0: it did not"),
    "haproxy.connections.ssl_fc_err": ("%[ssl_fc_err]", "OpenSSL's last error there"),
    "haproxy.connections.ssl_c_err": ("%[ssl_c_err]", "why the client's certificate was refused"),
    "haproxy.connections.ssl_c_ca_err": ("%[ssl_c_ca_err]", "the same, of the authorities above it"),
    "haproxy.redispatched": ("%rc", "another server than the first got the request"),
    "haproxy.server_queue": ("%sq", "requests before this one in the server's queue"),
    "haproxy.backend_queue": ("%bq", "requests before this one in the backend's queue"),
    "haproxy.replay_id": ("", "the replay that sent the line"),
    "haproxy.truncated": ("", "`line` or `request`: what was cut off"),
    "haproxy.time_suspect": ("", "the date is far from the receipt"),
    "haproxy.field_errors": ("", "fields whose value does not fit; they are left out"),
    "http.request.method": ("%r %HM", "what the client wants done"),
    "http.request.id": ("%ID", "the identity of the request"),
    "http.request.referrer": ("", "the captured Referer"),
    "http.response.status_code": ("%ST", "the answer's status"),
    "http.version": ("%r %HV", "the version of HTTP"),
    "url.original": ("%r %HU", "what was asked for, as it came"),
    "url.scheme": ("%r %HU", "its scheme"),
    "url.domain": ("%r %HU", "its host"),
    "url.port": ("%r %HU", "its port"),
    "url.path": ("%r %HU %HP %HPO", "its path"),
    "url.path_pattern": ("", "the path, for grouping"),
    "url.query": ("%r %HU %HQ", "what follows the question mark"),
    "user_agent.original": ("", "the captured User-Agent"),
    "user_agent.name": ("", "the browser or program that it names"),
    "user_agent.version": ("", "its version"),
    "user_agent.device.name": ("", "the device"),
    "user_agent.os.name": ("", "the operating system"),
    "user_agent.os.version": ("", "its version"),
    "user_agent.os.full": ("", "both"),
    "tls.established": ("%ft", "whether the client's side was encrypted (`~`)"),
    "tls.resumed": ("%[ssl_fc_is_resumed]", "whether an earlier session was taken up again"),
    "tls.client.server_name": ("%[ssl_fc_sni]", "the name that the client asked for"),
    "tls.version": ("%sslv", "the version of TLS"),
    "tls.version_protocol": ("%sslv", "tls or ssl"),
    "tls.cipher": ("%sslc", "the cipher"),
    "labels": ("", "constants, and values that have no field of their own"),
}
"""The alias and the meaning of each field, by its path."""

UNSAID: Final = frozenset(
    {
        *(PATHS[name] for name in DEFAULTS),
        "event.kind",
        "event.category",
        "event.type",
        "event.duration",
        "event.original",
        "event.original_base64",
        "haproxy.line",
        "log.syslog.priority",
        "log.syslog.appname",
        "log.syslog.procid",
        "source.ip",
        "destination.ip",
        "server.ip",
    }
)
"""Fields that are the same in every document, the line itself, and what another field says as well."""


def read_fields(record: Record, aliases: Collection[str]) -> tuple[Reading, ...]:
    """Name every field that has a value, with its alias in the format at hand, or the usual one when none is known."""
    known = aliases if record.line == "traffic" else ("",)
    values = record.model_dump(by_alias=True, exclude_none=True)
    return tuple(
        Reading(path, _value(value), _alias(path, known), WORDS.get(path, ("", ""))[1])
        for path, value in values.items()
        if path not in UNSAID
    )


def _alias(path: str, known: Collection[str]) -> str:
    names = WORDS.get(path, ("", ""))[0].split()
    return next((name for name in names if not known or name.strip("%[]") in known), "")


def _value(value: Any) -> str:  # noqa: ANN401 -- a field holds any of several types
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list):
        return " | ".join(f"{part}" for part in value)
    if isinstance(value, dict):
        return ", ".join(f"{key}={part}" for key, part in value.items())
    return f"{value}"


def headline(record: Record) -> str:
    """Say in one sentence who asked whom for what, and what came of it."""
    if record.line == "unparsed":
        return "No format fits this line."
    if record.line == "event":
        return record.message or f"HAProxy says: {record.event_action}"
    came = ", ".join(_outcome(record))
    return f"{_client(record)} {_asked(record)} {_where(record)}{'; ' if came else ''}{came}."


def _client(record: Record) -> str:
    if record.source_address == "unix":
        return "A client on a unix socket"
    if record.source_address is None:
        return "A client"
    port = f" port {record.source_port}" if record.source_port is not None else ""
    return f"{record.source_address}{port}"


def _asked(record: Record) -> str:
    if record.http_request_method is not None:
        return " ".join(filter(None, ["sent", record.http_request_method, record.url_original, "to"]))
    return "sent no readable request to" if record.raw_request_line is not None else "connected to"


def _where(record: Record) -> str:
    frontend = record.frontend_name or "HAProxy"
    return f"{frontend} over TLS" if record.tls_established else frontend


def _outcome(record: Record) -> Iterator[str]:
    server = record.server_name
    if record.fc_err:
        yield "the connection failed"
    if server == "<NOSRV>":
        yield "no server was chosen"
    elif server is not None and server.startswith("<"):
        yield f"HAProxy's own service {server} took it"
    elif server is not None:
        came = "was to take it" if record.termination_phase in {"queue", "connect"} else "took it"
        yield f"{'/'.join(filter(None, [record.backend_name, server]))} {came}"
    if record.http_response_status is not None:
        yield f"status {record.http_response_status}"
    if record.bytes_read is not None:
        yield f"{record.bytes_read} bytes"
    if record.total_ms is not None:
        yield f"{record.total_ms} ms"
