"""A real HAProxy, made to speak of itself in all its headers, and to stderr: it says nothing that is not understood."""

from __future__ import annotations

import os
import signal
import socket
import socketserver
import subprocess
import threading
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Self

import pytest

from tests.free_ports import free_ports
from tests.haproxy.lines import interpreted
from tests.haproxy_process import HAProxyProcess, UdpRecorder, _program

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

pytestmark = [pytest.mark.haproxy, pytest.mark.timeout(60)]

STRUCTURED = {
    "well-formed": r"[haproxy@1\ status=\"%ST\"\ client=\"%ci\"]",
    "unquoted": r"[haproxy@1\ status=%ST\ client=%ci]",
    "half quoted": r"[haproxy@1\ ua=\"%ST\"quoted\"]",
    "no brackets": r"status=%ST\ client=%ci",
}
FORMATS = ("local", "rfc3164", "rfc5424", "priority", "short", "timed", "iso", "raw")
CONFIG = """
global
    stats socket {folder}/admin.sock level admin
    {logs}
defaults
    mode http
    log global
    timeout connect 300ms
    timeout client 1s
    timeout server 1s
frontend www
    option httplog
    bind "127.0.0.1:${{HTTP_PORT}}"
    http-request return status 200
frontend behind
    bind "127.0.0.1:${{PROXIED_PORT}}" accept-proxy
    default_backend shop
backend shop
    option log-health-checks
    server alive "127.0.0.1:${{HTTP_PORT}}" check inter 50ms rise 1 fall 1
    server dead 127.0.0.1:1 check inter 50ms fall 1
    server steered "127.0.0.1:${{HTTP_PORT}}" agent-check agent-port {agent} agent-inter 50ms
    server following "127.0.0.1:${{HTTP_PORT}}" track shop/alive backup
backend quiet
    server alive "127.0.0.1:${{HTTP_PORT}}" check inter 50ms
    server dead 127.0.0.1:1 check inter 50ms fall 1
"""
COMMANDS = (
    "disable server shop/alive",
    "enable server shop/alive",
    "set server shop/alive state drain",
    "disable server shop/alive",
    "enable server shop/alive",
    "set server shop/alive state ready",
    "set server shop/alive health down",
    "set server shop/alive health stopping",
    "set server shop/alive health up",
    "set weight shop/alive 50%",
    "set server shop/alive addr 127.0.0.2",
    "set server quiet/alive state maint",
    "disable frontend www",
    "enable frontend www",
    "shutdown frontend behind",
)
AGENT = (
    (b"drain", b"Server shop/steered enters drain state"),
    (b"ready", b"Server shop/steered is UP (leaving forced drain)"),
    (b"up", b"Agent check for server shop/steered succeeded"),
    (b"maint", b"Server shop/steered is going DOWN for maintenance"),
)
SAID = {
    "connect",
    "connection_failed",
    "health_check_failed",
    "health_check_succeeded",
    "no_server_available",
    "proxy_paused",
    "proxy_resumed",
    "proxy_stopped",
    "server_down",
    "server_drain",
    "server_maintenance",
    "server_up",
}


class Agent(socketserver.ThreadingTCPServer):
    """Says in one word what HAProxy's agent check shall hear."""

    word = b"up"
    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Answer)

    def __enter__(self) -> Self:
        threading.Thread(target=self.serve_forever, args=(0.01,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.shutdown()
        self.server_close()


class _Answer(socketserver.BaseRequestHandler):
    def handle(self) -> None:
        assert isinstance(self.server, Agent)
        self.request.sendall(self.server.word + b"\n")


def command(folder: Path, text: str) -> None:
    with socket.socket(socket.AF_UNIX) as admin:
        admin.connect(str(folder / "admin.sock"))
        admin.sendall(text.encode() + b"\n")
        admin.recv(4096)


def send(port: int, text: bytes) -> None:
    with socket.create_connection(("127.0.0.1", port)) as client, suppress(ConnectionResetError):
        client.sendall(text)
        client.recv(4096)


def wait_until(reached: Callable[[], bool]) -> None:
    end = time.monotonic() + 10
    while not reached():
        assert time.monotonic() < end
        time.sleep(0.02)


def understood(lines: list[bytes]) -> list[dict[str, Any]]:
    """Give the documents of lines, none of which may be left unparsed."""
    documents = [interpreted(line.removesuffix(b"\n")) for line in lines]
    assert [line for line, d in zip(lines, documents, strict=True) if d["haproxy.line"] == "unparsed"] == []
    return documents


def test_nothing_that_haproxy_says_by_syslog_is_left_unparsed(tmp_path: Path) -> None:
    with UdpRecorder() as recorder, Agent() as agent:
        logs = "\n    ".join(f"log {recorder.address} format {name} local0" for name in FORMATS)
        config = CONFIG.format(folder=tmp_path, logs=logs, agent=agent.server_address[1])
        with HAProxyProcess(config, ports=("HTTP_PORT", "PROXIED_PORT")) as haproxy:
            recorder.wait_for(len(FORMATS), holding=b"Server quiet/dead is DOWN, reason")
            send(haproxy.ports["HTTP_PORT"], b"GET / HTTP/1.0\r\n\r\n")
            send(haproxy.ports["PROXIED_PORT"], b"no proxy header\r\n\r\n")
            send(haproxy.ports["PROXIED_PORT"], b"PROXY TCP4 192.0.2.9 127.0.0.1 1234 80\r\nGET / HTTP/1.0\r\n\r\n")
            for word, said in AGENT:
                agent.word = word
                recorder.wait_for(1, holding=said)
            for text in COMMANDS:
                command(tmp_path, text)
                time.sleep(0.1)
            haproxy.stop(signal.SIGUSR1)
        lines = recorder.wait_for(1)
    documents = understood(lines)
    assert {document.get("event.action") for document in documents} - {None} >= SAID
    messages = [document["message"] for document in documents if document["haproxy.line"] == "event"]
    assert {messages.count(each) % len(FORMATS) for each in set(messages)} == {0}
    graded = [document for document in documents if "log.syslog.severity.code" in document]
    assert len(graded) * len(FORMATS) == len(documents) * (len(FORMATS) - len({"iso", "raw"}))


@pytest.mark.parametrize("structured", STRUCTURED)
def test_structured_data_of_any_shape_hides_no_request(structured: str) -> None:
    with UdpRecorder() as recorder:
        config = f"""
global
    log {recorder.address} format rfc5424 local0
defaults
    mode http
    log global
    option httplog
    timeout client 1s
frontend www
    bind "127.0.0.1:${{HTTP_PORT}}"
    log-format-sd {STRUCTURED[structured]}
    http-request return status 204
"""
        with HAProxyProcess(config) as haproxy:
            send(haproxy.ports["HTTP_PORT"], b"GET /structured HTTP/1.0\r\n\r\n")
            (document,) = understood(recorder.wait_for(1, holding=b"GET /structured"))
    assert (document["url.path"], document["http.response.status_code"]) == ("/structured", 204)
    assert document["log.syslog.appname"] == "haproxy"


def test_nothing_that_haproxy_says_to_stderr_is_left_unparsed(tmp_path: Path) -> None:
    good = f"""
defaults
    mode http
    timeout connect 300ms
    timeout client 1s
    timeout server 1s
frontend www
    bind 127.0.0.1:{free_ports(1)[0]}
    http-request return status 200
backend shop
    server dead 127.0.0.1:1 check inter 50ms fall 1
"""
    config, said = tmp_path / "haproxy.cfg", tmp_path / "stderr"
    config.write_text(good)
    with said.open("wb") as stderr:
        process = subprocess.Popen([_program(), "-W", "-db", "-f", config], stderr=stderr, env=os.environ)

    def reload_until(text: str) -> None:
        """Reload, again and again: a master that is about to start itself anew misses the signal."""
        end = time.monotonic() + 20
        while text not in said.read_text():
            assert time.monotonic() < end, said.read_text()
            process.send_signal(signal.SIGUSR2)
            time.sleep(0.5)

    try:
        wait_until(lambda: "has no server available" in said.read_text())
        reload_until("Former worker")
        config.write_text(good + "    nonsense\n")
        reload_until("Loading failure")
    finally:
        process.terminate()
        process.wait()
    documents = understood(said.read_bytes().splitlines())
    assert {document["event.action"] for document in documents} == {
        "configuration_loaded",
        "configuration_refused",
        "configuration_reported",
        "master_exiting",
        "master_reloading",
        "no_server_available",
        "proxy_stopped",
        "server_down",
        "version_reported",
        "worker_exited",
        "worker_started",
    }
    assert {document["log.level"] for document in documents} == {"alert", "warning", "notice"}
    assert all(document["process.pid"] for document in documents)
