"""`make demo`: everything for real on this machine, and a dashboard to look at; then documents are compared with lines.

1. Stopped in the order in which lines flow (visitors, HAProxy, shipper), each when the one before it is done, so that
   nothing is on the way when it is counted.
2. Whatever happens, what was started ends, and what was made is removed. A failure leaves its folder, and says where.
3. Exit code 0: the documents are exactly the lines. 1: they are not. 2: the demo could not run.

DEMO_SECONDS=20 ends by itself; DEMO_RATE=150 is the number of requests a second; DEMO_KEEP=1 keeps the folder.
ELASTICSEARCH_URL=… uses an Elasticsearch that is there, after a question (DEMO_YES=1 answers it).
"""

from __future__ import annotations

import os
import secrets
import shutil
import signal
import socket
import sys
import tempfile
import time
import webbrowser
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from rich.console import Console, Group
from rich.live import Live

from deploy.demo import _parts, _screen
from deploy.demo._children import Child, DemoFailed
from deploy.demo._comparison import Comparison, compare
from deploy.demo._indexed import Indexed
from deploy.demo._traffic import Traffic
from deploy.local_elasticsearch import LocalElasticsearch
from shipper import config, journal
from shipper.elastic import Client
from shipper.errors import ShipperError
from shipper.journal.commit import COUNTERS
from shipper.journal.state import StateFolder

if TYPE_CHECKING:
    from collections.abc import Iterator

_RATE: Final = 150.0
_SETTLE_S: Final = 60.0
_QUIET_S: Final = 1.0


@dataclass(frozen=True, slots=True)
class Running:
    """Everything that runs, while it runs."""

    console: Console
    folder: Path
    prefix: str
    url: str
    page: str
    indexed: Indexed
    shipper: Child
    dashboard: Child
    witness: _parts.Recorder
    haproxy: _parts.HAProxy
    traffic: Traffic

    def check(self) -> None:
        """Raise DemoFailed when a part is gone."""
        for child in (self.shipper, self.dashboard, self.witness.child, self.haproxy.child):
            child.check()


def main() -> int:
    """Run the demo; give its exit code."""
    console = Console()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        seconds, rate = _number("DEMO_SECONDS"), _number("DEMO_RATE") or _RATE
        with _folder(console) as folder:
            exact = _demo(console, folder, seconds, rate)
            if exact and not os.environ.get("DEMO_KEEP"):
                shutil.rmtree(folder)
    except (DemoFailed, ShipperError) as error:
        console.print(f"The demo cannot run: {error}", style="red", markup=False)
        return 2
    except KeyboardInterrupt:
        console.print("Interrupted; everything is stopped.")
        return 130
    return 0 if exact else 1


def _demo(console: Console, folder: Path, seconds: float | None, rate: float) -> bool:
    with _running(console, folder, rate) as running:
        try:
            _watch(running, seconds)
        except KeyboardInterrupt:
            console.print("Stopping: the last lines are being shipped. Ctrl-C again leaves at once.")
        found = _settle(running)
        _show(running)
        console.print(_screen.verdict(found))
    return found.exact


@contextmanager
def _running(console: Console, folder: Path, rate: float) -> Iterator[Running]:
    with ExitStack() as stack:
        url, prefix = stack.enter_context(_elasticsearch(console))
        client = Client(config.load(flags={"elasticsearch": {"urls": [url]}}).elasticsearch)
        stack.callback(client.close)
        indexed = Indexed(client, prefix)
        if "ELASTICSEARCH_URL" in os.environ:
            stack.callback(indexed.delete)
        arguments = ["--elasticsearch", url, "--index-prefix", prefix]
        console.print(_parts.set_up(arguments).strip(), markup=False, style="dim")
        port, page_port = _parts.free_port(5140, socket.SOCK_DGRAM), _parts.free_port(8899)
        shipper = stack.enter_context(_parts.shipper(folder, port, arguments))
        dashboard = stack.enter_context(_parts.dashboard(folder, page_port, arguments))
        witness = stack.enter_context(_parts.recorder(folder))
        haproxy = stack.enter_context(_parts.haproxy(folder, port, witness))
        traffic = Traffic(haproxy.shop, rate)
        console.print(f"HAProxy serves the shop at http://127.0.0.1:{haproxy.shop.http_port}, shipper ships to {url}.")
        page = f"http://127.0.0.1:{page_port}/?from=now-5m&refresh=5"
        running = Running(console, folder, prefix, url, page, indexed, shipper, dashboard, witness, haproxy, traffic)
        with traffic:
            console.print(_screen.look_here(page))
            yield running


@contextmanager
def _elasticsearch(console: Console) -> Iterator[tuple[str, str]]:
    """Give the URL of an Elasticsearch, and the prefix to use there."""
    url = os.environ.get("ELASTICSEARCH_URL")
    if url is None:
        console.print("Starting a local Elasticsearch …")
        with LocalElasticsearch() as local:
            yield local.url, "haproxy"
        return
    prefix = f"demo-{secrets.token_hex(4)}"
    _ask(console, f"Use the Elasticsearch at {url}, with indices {prefix}-*, which are deleted at the end?")
    yield url, prefix


def _ask(console: Console, question: str) -> None:
    """Go on only when the answer is yes."""
    if os.environ.get("DEMO_YES") == "1":
        return
    if not sys.stdin.isatty():
        raise DemoFailed("ELASTICSEARCH_URL is set, and nobody is there to ask; DEMO_YES=1 says yes to its use")
    if console.input(f"{question} \\[y/N] ").strip().lower() not in {"y", "yes"}:
        raise DemoFailed("unset ELASTICSEARCH_URL to get a local Elasticsearch")


def _watch(running: Running, seconds: float | None) -> None:
    """Let the traffic flow for ``seconds``, or until Ctrl-C with the table in view."""
    if seconds is not None:
        running.console.print(f"Sending requests for {seconds:g} s …")
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            running.check()
            time.sleep(max(0.0, min(0.5, end - time.monotonic())))
        return
    running.console.print(_screen.to_try(_commands(running)), soft_wrap=True)
    _open(running.page)
    with Live(console=running.console, refresh_per_second=2) as live:
        while True:
            running.check()
            found = _screen.counts("Documents", running.indexed.counts())
            live.update(Group(found, _screen.response_times(running.indexed.backends()), "Ctrl-C ends the demo."))
            time.sleep(1)


def _open(page: str) -> None:
    """Show the page where there is a desktop to show it on."""
    if any(os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY")):
        webbrowser.open(page)


def _commands(running: Running) -> list[tuple[str, str]]:
    shop, indices = running.haproxy.shop, f"{running.url}/{running.prefix}-*"
    shipper = os.path.relpath(Path(sys.executable).with_name("shipper"))
    where = f"--elasticsearch {running.url} --index-prefix {running.prefix}"
    return [
        ("what comes in, live, without Elasticsearch", f"{shipper} top --state-dir {running.folder / 'state'}"),
        ("percentiles in the terminal", f"{shipper} percentiles --by backend,server --percents 50,75,99.9 {where}"),
        ("a request of your own", f"curl -A me 'http://127.0.0.1:{shop.http_port}/shop/items/42?colour=green'"),
        ("and its document", f"curl '{indices}/_search?pretty&q=url.query:*green'"),
        ("the failed ones", f"curl '{indices}/_search?pretty&q=http.response.status_code:>=500'"),
        ("documents per index", f"curl '{running.url}/_cat/indices/{running.prefix}-*?v'"),
        ("is all well?", f"{shipper} status --state-dir {running.folder / 'state'}"),
        ("a line becomes a document", f"tail -n 1 {running.witness.file} | {shipper} parse"),
    ]


def _settle(running: Running) -> Comparison:
    """Stop what sends, wait for what is on the way, and compare."""
    running.traffic.stop()
    dropped = running.haproxy.dropped()
    running.haproxy.finish()
    lines = _until_quiet(running.witness)
    end = time.monotonic() + _SETTLE_S
    while sum(running.indexed.counts().values()) < len(lines) and time.monotonic() < end:
        running.shipper.check()
        time.sleep(0.25)
    if code := running.shipper.stop():
        raise DemoFailed(f"shipper was stopped and ended with code {code}:\n{running.shipper.said}")
    if dropped:
        running.console.print(f"HAProxy itself dropped {dropped} lines, because a socket was full.", style="yellow")
    running.indexed.counts()
    return compare(lines, running.indexed.documents())


def _until_quiet(witness: _parts.Recorder) -> list[bytes]:
    """Give the recorded lines when no more come."""
    lines = witness.lines()
    while True:
        time.sleep(_QUIET_S)
        now = witness.lines()
        if len(now) == len(lines):
            return now
        lines = now


def _show(running: Running) -> None:
    show = running.console.print
    sample = running.indexed.sample()
    if sample is not None:
        show(_screen.document(sample))
    show(_screen.counts("Documents per index", running.indexed.counts()))
    show(_screen.response_times(running.indexed.backends()))
    commit = journal.load(StateFolder(running.folder / "state").commit)
    show(_screen.counts("Shipper's counts", {name: getattr(commit, name) for name in ("received", *COUNTERS)}))


@contextmanager
def _folder(console: Console) -> Iterator[Path]:
    """Make the folder of state and logs; its path is said when it is left behind."""
    folder = Path(tempfile.mkdtemp(prefix="shipper-demo-"))
    try:
        yield folder
    except KeyboardInterrupt:
        shutil.rmtree(folder)
        raise
    finally:
        with suppress(OSError):
            folder.rmdir()  # nothing was started: nothing to look at
        if folder.exists():
            console.print(f"State, logs and the recorded lines are kept in {folder}", style="dim", markup=False)


def _number(variable: str) -> float | None:
    text = os.environ.get(variable)
    if not text:
        return None
    with suppress(ValueError):
        if float(text) > 0:
            return float(text)
    raise DemoFailed(f"{variable}={text}: a number above 0 is expected")


if __name__ == "__main__":
    sys.exit(main())
