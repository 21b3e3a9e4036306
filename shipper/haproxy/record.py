"""What a line means: one closed, typed record, whose fields are the fields of the document.

1. Every field of a document is declared here once: its attribute, its type and its path. `mappings/`, docs/fields.md
   and both engines are held to this list by tests.
2. A field without a value is absent (None), never empty, -1 or "-".
3. Nothing here can be refused by Elasticsearch: numbers fit their field, addresses are addresses, timestamps have one
   width. What did not fit is absent and named in ``field_errors``.
"""

from __future__ import annotations

from ipaddress import ip_address
from typing import Annotated, Any, Final, Literal, TypeAlias

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

LONG_MAX: Final = 2**63 - 1
ECS_VERSION: Final = "8.17"

Value: TypeAlias = str | int | bool | list[str] | dict[str, str]
Attributes: TypeAlias = dict[str, Value]
"""Values by the name of their attribute in the record."""


def _address(text: str) -> str:
    if "%" in text:
        msg = f"{text!r} has a zone, which Elasticsearch does not read"
        raise ValueError(msg)
    ip_address(text)
    return text


Long = Annotated[int, Field(ge=0, le=LONG_MAX, strict=True)]
Timestamp = Annotated[str, Field(pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{6}Z$")]
Ip = Annotated[str, AfterValidator(_address)]


def _at(path: str) -> Any:  # noqa: ANN401 -- as pydantic's own Field
    """Declare an optional field at ``path`` in the document."""
    return Field(default=None, serialization_alias=path)


class Record(BaseModel):
    """One line, understood or not."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    timestamp: Timestamp = Field(serialization_alias="@timestamp")
    ecs_version: str = Field(default=ECS_VERSION, serialization_alias="ecs.version")
    message: str | None = _at("message")

    event_created: Timestamp | None = _at("event.created")
    event_dataset: str = Field(default="haproxy.log", serialization_alias="event.dataset")
    event_kind: Literal["event", "pipeline_error"] | None = _at("event.kind")
    event_category: str | None = _at("event.category")
    event_type: str | None = _at("event.type")
    event_action: str | None = _at("event.action")
    event_reason: str | None = _at("event.reason")
    event_outcome: Literal["success", "failure"] | None = _at("event.outcome")
    event_duration: Long | None = _at("event.duration")
    event_original: str | None = _at("event.original")
    event_original_base64: str | None = _at("event.original_base64")
    error_message: str | None = _at("error.message")

    log_level: str | None = _at("log.level")
    syslog_priority: Long | None = _at("log.syslog.priority")
    syslog_facility: Long | None = _at("log.syslog.facility.code")
    syslog_severity: Long | None = _at("log.syslog.severity.code")
    syslog_hostname: str | None = _at("log.syslog.hostname")
    syslog_appname: str | None = _at("log.syslog.appname")
    syslog_procid: str | None = _at("log.syslog.procid")
    log_source_address: str | None = _at("log.source.address")
    log_file_path: str | None = _at("log.file.path")
    process_name: str | None = _at("process.name")
    process_pid: Long | None = _at("process.pid")
    process_exit_code: Long | None = _at("process.exit_code")
    observer_name: str | None = _at("observer.name")
    observer_hostname: str | None = _at("observer.hostname")
    observer_vendor: str = Field(default="HAProxy", serialization_alias="observer.vendor")
    observer_product: str = Field(default="HAProxy", serialization_alias="observer.product")
    observer_version: str | None = _at("observer.version")

    source_address: str | None = _at("source.address")
    source_ip: Ip | None = _at("source.ip")
    source_port: Long | None = _at("source.port")
    source_nat_ip: Ip | None = _at("source.nat.ip")
    source_nat_port: Long | None = _at("source.nat.port")
    source_geo_city: str | None = _at("source.geo.city_name")
    source_geo_continent_code: str | None = _at("source.geo.continent_code")
    source_geo_continent: str | None = _at("source.geo.continent_name")
    source_geo_country_code: str | None = _at("source.geo.country_iso_code")
    source_geo_country: str | None = _at("source.geo.country_name")
    source_geo_region_code: str | None = _at("source.geo.region_iso_code")
    source_geo_region: str | None = _at("source.geo.region_name")
    source_geo_postal_code: str | None = _at("source.geo.postal_code")
    source_geo_timezone: str | None = _at("source.geo.timezone")
    source_geo_location: str | None = _at("source.geo.location")
    source_as_number: Long | None = _at("source.as.number")
    source_as_organization: str | None = _at("source.as.organization.name")
    client_address: str | None = _at("client.address")
    client_ip: Ip | None = _at("client.ip")
    destination_address: str | None = _at("destination.address")
    destination_ip: Ip | None = _at("destination.ip")
    destination_port: Long | None = _at("destination.port")
    server_address: str | None = _at("server.address")
    server_ip: Ip | None = _at("server.ip")
    server_port: Long | None = _at("server.port")

    line: Literal["traffic", "event", "unparsed"] = Field(serialization_alias="haproxy.line")
    log_format: str | None = _at("haproxy.log_format")
    log_step: str | None = _at("haproxy.log_step")
    haproxy_pid: Long | None = _at("haproxy.pid")
    request_counter: Long | None = _at("haproxy.request_counter")
    log_counter: Long | None = _at("haproxy.log_counter")
    mode: Literal["http", "tcp"] | None = _at("haproxy.mode")
    frontend_name: str | None = _at("haproxy.frontend_name")
    backend_name: str | None = _at("haproxy.backend_name")
    server_name: str | None = _at("haproxy.server_name")
    bind_name: str | None = _at("haproxy.bind_name")
    check_code: Long | None = _at("haproxy.check.code")
    check_info: str | None = _at("haproxy.check.info")
    check_duration_ms: Long | None = _at("haproxy.check.duration_ms")
    proxy_name: str | None = _at("haproxy.proxy_name")
    servers_active: Long | None = _at("haproxy.servers.active")
    servers_backup: Long | None = _at("haproxy.servers.backup")
    sessions_active: Long | None = _at("haproxy.sessions.active")
    sessions_requeued: Long | None = _at("haproxy.sessions.requeued")
    sessions_queued: Long | None = _at("haproxy.sessions.queued")
    repeated: Long | None = _at("haproxy.repeated")
    connection_error: str | None = _at("haproxy.error_message")
    request_ms: Long | None = _at("haproxy.time.request_ms")
    queue_ms: Long | None = _at("haproxy.time.queue_ms")
    connect_ms: Long | None = _at("haproxy.time.connect_ms")
    response_ms: Long | None = _at("haproxy.time.response_ms")
    total_ms: Long | None = _at("haproxy.time.total_ms")
    data_ms: Long | None = _at("haproxy.time.data_ms")
    handshake_ms: Long | None = _at("haproxy.time.handshake_ms")
    idle_ms: Long | None = _at("haproxy.time.idle_ms")
    session_ms: Long | None = _at("haproxy.time.session_ms")
    user_ms: Long | None = _at("haproxy.time.user_ms")
    partial: bool | None = _at("haproxy.partial")
    bytes_read: Long | None = _at("haproxy.bytes_read")
    bytes_uploaded: Long | None = _at("haproxy.bytes_uploaded")
    request_cookie: str | None = _at("haproxy.http.request.captured_cookie")
    request_captures: list[str] | None = _at("haproxy.http.request.captured_headers")
    raw_request_line: str | None = _at("haproxy.http.request.raw_request_line")
    request_headers: dict[str, str] | None = _at("haproxy.http.request.headers")
    response_cookie: str | None = _at("haproxy.http.response.captured_cookie")
    response_captures: list[str] | None = _at("haproxy.http.response.captured_headers")
    response_headers: dict[str, str] | None = _at("haproxy.http.response.headers")
    captures_ambiguous: bool | None = _at("haproxy.captures_ambiguous")
    termination_state: str | None = _at("haproxy.termination_state")
    termination_by: str | None = _at("haproxy.termination.by")
    termination_phase: str | None = _at("haproxy.termination.phase")
    connections_active: Long | None = _at("haproxy.connections.active")
    connections_frontend: Long | None = _at("haproxy.connections.frontend")
    connections_backend: Long | None = _at("haproxy.connections.backend")
    connections_server: Long | None = _at("haproxy.connections.server")
    connections_retries: Long | None = _at("haproxy.connections.retries")
    fc_err: Long | None = _at("haproxy.connections.fc_err")
    ssl_fc_err: Long | None = _at("haproxy.connections.ssl_fc_err")
    ssl_c_err: Long | None = _at("haproxy.connections.ssl_c_err")
    ssl_c_ca_err: Long | None = _at("haproxy.connections.ssl_c_ca_err")
    redispatched: bool | None = _at("haproxy.redispatched")
    server_queue: Long | None = _at("haproxy.server_queue")
    backend_queue: Long | None = _at("haproxy.backend_queue")
    replay_id: str | None = _at("haproxy.replay_id")
    truncated: Literal["line", "request"] | None = _at("haproxy.truncated")
    time_suspect: bool | None = _at("haproxy.time_suspect")
    field_errors: list[str] | None = _at("haproxy.field_errors")

    http_request_method: str | None = _at("http.request.method")
    http_request_id: str | None = _at("http.request.id")
    http_request_referrer: str | None = _at("http.request.referrer")
    http_response_status: Annotated[int, Field(ge=1, le=999)] | None = _at("http.response.status_code")
    http_version: str | None = _at("http.version")
    url_original: str | None = _at("url.original")
    url_scheme: str | None = _at("url.scheme")
    url_domain: str | None = _at("url.domain")
    url_port: Annotated[int, Field(ge=1, le=65_535)] | None = _at("url.port")
    url_path: str | None = _at("url.path")
    url_path_pattern: str | None = _at("url.path_pattern")
    url_query: str | None = _at("url.query")
    tls_established: bool | None = _at("tls.established")
    tls_resumed: bool | None = _at("tls.resumed")
    tls_client_server_name: str | None = _at("tls.client.server_name")
    tls_version: str | None = _at("tls.version")
    tls_version_protocol: str | None = _at("tls.version_protocol")
    tls_cipher: str | None = _at("tls.cipher")
    user_agent_original: str | None = _at("user_agent.original")
    user_agent_name: str | None = _at("user_agent.name")
    user_agent_version: str | None = _at("user_agent.version")
    user_agent_device: str | None = _at("user_agent.device.name")
    user_agent_os: str | None = _at("user_agent.os.name")
    user_agent_os_version: str | None = _at("user_agent.os.version")
    user_agent_os_full: str | None = _at("user_agent.os.full")
    labels: dict[str, str] | None = _at("labels")

    def document(self) -> dict[str, Any]:
        """Give the document as it is indexed: nested objects, absent fields left out."""
        tree: dict[str, Any] = {}
        for path, value in self.model_dump(by_alias=True, exclude_none=True).items():
            *parents, leaf = path.split(".")
            node = tree
            for parent in parents:
                node = node.setdefault(parent, {})
            node[leaf] = value
        return tree


DEFAULTS: Final[Attributes] = {
    name: field.default for name, field in Record.model_fields.items() if isinstance(field.default, str)
}
"""What every document has."""

PATHS: Final[dict[str, str]] = {
    name: str(field.serialization_alias or name) for name, field in Record.model_fields.items()
}
"""The path of each attribute in the document, in the order of the document."""
