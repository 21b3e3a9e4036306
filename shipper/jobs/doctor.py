"""`shipper doctor`: where datagrams are lost on this machine, and which line of configuration mends it.

1. UDP loses without a word. Every place that loses keeps a counter: HAProxy, the kernel, the socket. All are read.
2. What can be measured is measured: a datagram is sent through each listener, and reading is timed.
3. Nothing is changed and no line is indexed: what is sent is blank, which a receiver counts and drops.
"""

from __future__ import annotations

import socket
import time
from contextlib import closing, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final

from shipper.encode import choose_engine
from shipper.errors import ConfigError
from shipper.preflight import Finding, haproxy, look_at
from shipper.receive import ReadingSpeed
from shipper.replay.kernel_drops import udp_sockets
from shipper.service import NoStatusError, Status, fetch

if TYPE_CHECKING:
    from collections.abc import Iterator

    from shipper.config import Config, Listener

_RMEM_MAX: Final = Path("/proc/sys/net/core/rmem_max")
_SNMP: Final = Path("/proc/net/snmp")
_BLANK: Final = b"\n"
_ARRIVES_S: Final = 5.0
"""A blank datagram is counted within a second, and told within some more."""
_LOOK_S: Final = 0.1
_MEASURED_S: Final = 0.5
_HELD_MIN: Final = 7_000
"""Lines that a receive buffer should hold: a second of a busy HAProxy."""
_LINE_BYTES: Final = 400
"""An httplog line with its header."""
_KERNEL_LINE_BYTES: Final = 1280
"""What such a datagram takes of a receive buffer: the kernel counts its own bookkeeping."""
_ANSWER_BYTES_MAX: Final = 65_536
_ANSWER_S: Final = 3.0


def examine(config: Config, haproxy_socket: Path | None = None) -> Iterator[Finding]:
    """Look at HAProxy, the kernel, each listener, and how fast this machine reads, in the order of a line's way."""
    yield from haproxy(config)
    if haproxy_socket is not None:
        yield from _dropped_by_haproxy(haproxy_socket)
    running = None
    try:
        running = fetch(config.state_dir)
    except NoStatusError as error:
        yield Finding("shipper", f"{error}; its counters are not looked at", doubtful=True)
    datagrams = [listener for listener in config.listeners if listener.at.scheme == "udp"]
    if datagrams:
        yield from _kernel(datagrams)
    for listener in config.listeners:
        yield from _listener(listener, running=running is not None)
    if running is not None:
        yield from _counted(running)
        for listener in datagrams:
            yield _through(listener, config.state_dir)
    if datagrams:
        yield _reading_speed(max(listener.receive_buffer_bytes for listener in datagrams), config)


def _dropped_by_haproxy(path: Path) -> Iterator[Finding]:
    try:
        info = show_info(path)
        dropped = int(info["DroppedLogs"])
    except (OSError, KeyError, ValueError) as error:
        reason = (error.strerror if isinstance(error, OSError) else None) or "it does not answer `show info`"
        todo = "give the path of a `stats socket` in haproxy.cfg that this user may write to"
        yield Finding("haproxy", f"{path}: {reason}; {todo}", good=False)
        return
    version, uptime_s = info.get("Version", "?"), info.get("Uptime_sec", "?")
    who = f"HAProxy {version}, up for {uptime_s} s,"
    if not dropped:
        yield Finding("haproxy", f"{who} dropped no line")
        return
    todo = "its log socket was full: log by UDP instead of a unix datagram socket, or to a ring over TCP, with a buffer"
    yield Finding("haproxy", f"{who} dropped {dropped} lines; {todo}", good=False)


def show_info(path: Path) -> dict[str, str]:
    """Give what HAProxy answers to `show info` on the stats socket ``path``. Raises OSError."""
    with socket.socket(socket.AF_UNIX) as asking:
        asking.settimeout(_ANSWER_S)
        asking.connect(str(path))
        asking.sendall(b"show info\n")
        answer = b"".join(iter(lambda: asking.recv(_ANSWER_BYTES_MAX), b"")).decode("utf-8", "replace")
    return dict(line.split(": ", 1) for line in answer.splitlines() if ": " in line)


def _kernel(listeners: list[Listener]) -> Iterator[Finding]:
    wanted = max(listener.receive_buffer_bytes for listener in listeners)
    with suppress(OSError, ValueError):
        bound = int(_RMEM_MAX.read_text())
        if bound < wanted:
            text = (
                f"a receive buffer of {wanted} bytes is asked for (receive_buffer_bytes), and the kernel gives at most "
                f"{bound} (net.core.rmem_max) to who does not start as root"
            )
            todo = f"run: sysctl -w net.core.rmem_max={wanted}, and put it into /etc/sysctl.d/"
            yield Finding("kernel", f"{text}; {todo}", doubtful=True)
        else:
            yield Finding("kernel", f"net.core.rmem_max is {bound}: buffers of {wanted} bytes are to be had")
    with suppress(OSError, KeyError, ValueError):
        dropped = _udp_counters()["RcvbufErrors"]
        text = f"since boot {dropped} datagrams did not fit into the buffer of their socket, whosever that was"
        yield Finding("kernel", text, doubtful=dropped > 0)


def _udp_counters() -> dict[str, int]:
    names, values = [line.split()[1:] for line in _SNMP.read_text().splitlines() if line.startswith("Udp:")]
    return dict(zip(names, map(int, values), strict=True))


def _listener(listener: Listener, *, running: bool) -> Iterator[Finding]:
    yield from look_at(listener, running=running)
    if listener.at.scheme != "udp":
        return
    for known in udp_sockets():
        if known.port == listener.port and known.drops:
            text = f"{listener.url}: the kernel dropped {known.drops} datagrams at its socket since it was opened"
            todo = f"raise receive_buffer_bytes (now {listener.receive_buffer_bytes}) and net.core.rmem_max with it"
            yield Finding("listener", f"{text}; {todo}", good=False)


def _counted(status: Status) -> Iterator[Finding]:
    lost = {
        "kernel_drops": "the kernel dropped; see above for its buffers",
        "dropped_full": "came while the journal was full; raise bytes_max of [journal], or see what delivery waits for",
        "journal_lost": "stood in damaged bytes of the journal; look at the disk",
    }
    for name, what in lost.items():
        count = getattr(status, name)
        if count:
            yield Finding("counters", f"{count} lines {what} (`{name}`, since the state folder was made)", good=False)
    if not any(getattr(status, name) for name in lost):
        yield Finding("counters", f"{status.received} lines received, none of them lost")


def _through(listener: Listener, state_dir: Path) -> Finding:
    """Send a blank datagram, and wait until the running shipper has counted it.

    Where others share its port, send more: the kernel chooses who gets each.
    """
    try:
        before = fetch(state_dir).empty
        _send_blank(listener)
        deadline_s = time.monotonic() + _ARRIVES_S
        while time.monotonic() < deadline_s:
            if fetch(state_dir).empty > before:
                return Finding("through", f"a datagram to {listener.url} came through to the counters")
            time.sleep(_LOOK_S)
            if listener.reuse_port:
                _send_blank(listener)
    except (OSError, NoStatusError) as error:
        return Finding("through", f"{listener.url}: {error}", good=False)
    if listener.allow:
        return Finding("through", f"{listener.url}: not tried, `allow` may not have this machine", doubtful=True)
    todo = "see whether a firewall stands between (nft list ruleset), and `shipper status`"
    lost = f"a datagram to {listener.url} was not counted within {_ARRIVES_S:g} s"
    return Finding("through", f"{lost}; {todo}", good=False)


def _send_blank(listener: Listener) -> None:
    family = socket.AF_INET6 if ":" in listener.host else socket.AF_INET
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(listener.host, listener.host)  # noqa: S104 -- compared, not bound
    with socket.socket(family, socket.SOCK_DGRAM) as sender:
        sender.sendto(_BLANK, (host, listener.port))


def _reading_speed(buffer_bytes: int, config: Config) -> Finding:
    """Time reading on a socket of its own, and say what its buffer means at that rate."""
    try:
        engine = choose_engine(config.engine)
        with closing(ReadingSpeed(buffer_bytes, engine)) as measured:
            lines_per_s = measured.lines_per_s(b"x" * _LINE_BYTES, _MEASURED_S)
            granted = measured.granted_bytes
    except (OSError, ConfigError) as error:
        return Finding("speed", f"reading could not be timed: {error}", doubtful=True)
    held = 2 * granted // _KERNEL_LINE_BYTES
    text = f"one core reads {lines_per_s:,.0f} lines of {_LINE_BYTES} bytes a second here, with the {engine} engine"
    return Finding(
        "speed",
        f"{text}; a receive buffer of {granted} bytes holds about {held:,} more while it is away",
        doubtful=held < _HELD_MIN,
    )
