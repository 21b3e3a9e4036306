"""What HAProxy's own messages mean."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from shipper.haproxy.explain._errors import CHECKS
from shipper.haproxy.explain._model import Finding, Level

if TYPE_CHECKING:
    from collections.abc import Iterator

    from shipper.haproxy.record import Record

_EVENTS: Final[dict[str, tuple[Level, str, str]]] = {
    "connect": (
        "note",
        "A connection was accepted; this format tells no more.",
        "`option httplog` or `option tcplog` in the frontend makes lines with times, status and server.",
    ),
    "server_up": ("fine", "The server passed its checks, and gets traffic.", ""),
    "server_down": (
        "fault",
        "The server failed its checks, and gets no traffic.",
        "Look at the reason and the server.",
    ),
    "server_maintenance": ("note", "The server was put into maintenance, and gets no traffic.", ""),
    "server_drain": ("note", "The server gets no new sessions; those bound to it by a cookie go on.", ""),
    "server_address_changed": ("note", "The server has another address or port, by DNS or by hand.", ""),
    "server_changed": ("note", "The state or the address of a server changed.", ""),
    "health_check_failed": ("note", "One check failed; after `fall` of them in a row the server is DOWN.", ""),
    "health_check_succeeded": ("fine", "One check went well; after `rise` of them in a row the server is UP.", ""),
    "health_check_not_run": ("fault", "A health check could not be run at all.", "The message says why."),
    "no_server_available": (
        "fault",
        "The backend has no server left: every request to it is answered with 503.",
        "The events `server_down` just before it tell which servers went, and why.",
    ),
    "proxy_started": ("note", "HAProxy started or was reloaded.", ""),
    "proxy_stopping": ("note", "A proxy takes no new connections, after a reload or a stop.", ""),
    "proxy_stopped": ("note", "A proxy has ended, after a reload or a stop; the new process has taken over.", ""),
    "proxy_paused": ("note", "A proxy takes no new connections for the time being.", ""),
    "proxy_resumed": ("fine", "A proxy takes connections again.", ""),
    "proxy_limit_reached": (
        "fault",
        "A proxy cannot take more: a limit of the process or of the machine is reached.",
        "Look at `maxconn`, `ulimit-n` and memory.",
    ),
    "state_reported": ("note", "HAProxy was asked by a signal to tell the state of its servers.", ""),
    "spoe_processed": ("note", "An agent (SPOE) was asked, and this is how long it took.", ""),
    "response_blocked": (
        "fault",
        "A response was not let through: it had a cacheable cookie, or a rule denied it.",
        "Look at `option checkcache` and the `http-response deny` rules.",
    ),
    "worker_started": ("note", "A worker process was started.", ""),
    "worker_exited": ("note", "A worker process ended; 0 and 143 are usual after a reload or a stop.", ""),
    "master_reloading": ("note", "HAProxy was told to reload its configuration.", ""),
    "master_exiting": ("note", "HAProxy's master process ends, and HAProxy with it.", ""),
    "configuration_loaded": ("fine", "The new configuration is in use.", ""),
    "configuration_refused": (
        "fault",
        "The configuration is wrong, so that the old one, if any, stays in use.",
        "`haproxy -c -f` says what is wrong; so do the lines before.",
    ),
    "configuration_reported": ("note", "HAProxy remarks on its configuration.", "The message names file and line."),
    "version_reported": ("note", "HAProxy tells its version or its program.", ""),
    "process_reported": ("note", "HAProxy remarks on its own process.", ""),
    "message_repeated": ("note", "A relay left out repetitions of the line before.", "Switch that off in the relay."),
    "tls_handshake_failed": (
        "note",
        "The connection ended in its TLS handshake, before there was a request.",
        "Scans and clients with old versions do that; in bulk, look at certificates and ciphers.",
    ),
    "connection_failed": ("note", "The connection ended before there was a request.", "The message says why."),
}


def read_event(record: Record) -> Iterator[Finding]:
    """Give what an event means, and what the reason of a failed check points to."""
    action = record.event_action or "event"
    words = action.replace("_", " ")
    level, text, advice = _EVENTS.get(action, ("note", f"{words[0].upper()}{words[1:]}.", ""))
    section = "8.2.5" if action in {"tls_handshake_failed", "connection_failed"} else ""
    yield Finding(f"event.{action}", text, advice, "8.2.1" if action == "connect" else section, level)
    if action == "server_down" and record.servers_active == 0 and not record.servers_backup:
        yield Finding(
            "event.last_server", "It was the last server of its backend: requests get a 503 now.", level="fault"
        )
    reason = record.event_reason or ""
    hint = next((advice for start, advice in CHECKS if reason.startswith(start)), None)
    if hint is not None and level != "fine":
        yield Finding("event.reason", f"The reason is: {reason}.", hint, "", level)
