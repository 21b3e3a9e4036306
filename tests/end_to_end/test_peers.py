"""Another shipper under too much load: rsyslog, as docs/verify.md sets it up, and what is said that it lost."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

import pytest
from elasticsearch import Elasticsearch
from elasticsearch.helpers import scan

from shipper.haproxy.syslog import match_header
from shipper.replay.kernel_drops import drops_at
from shipper.replay.senders import read_target
from tests.cli.commands import shipper
from tests.end_to_end.traffic import Sender
from tests.free_ports import free_udp_port
from tests.shipper_process import until

if TYPE_CHECKING:
    from collections.abc import Iterator

LINES: Final = 5_000
END: Final = b"<134>Nov 21 05:02:19 haproxy[1]: this is the end"
SMALL_BUFFER: Final = {'rcvbufSize="1m"': 'rcvbufSize="8k"'}
SMALL_QUEUE: Final = {
    'queue.size="50000"': 'queue.size="100"',
    'queue.dequeueBatchSize="500"': 'queue.dequeueBatchSize="50"',
}
WHOLE_LINES: Final = {'name="msg"': 'name="rawmsg"'}


def program() -> str:
    """Find rsyslogd, or skip: nothing else needs it, so it is not among what is installed for the tests."""
    found = shutil.which("rsyslogd", path="/usr/sbin:/sbin:/usr/local/sbin:/usr/bin")
    if found is None:
        pytest.skip("there is no rsyslogd; install it (Debian: apt-get install rsyslog rsyslog-elasticsearch)")
    return found


def documented() -> str:
    """Give the configuration that the documentation shows."""
    page = (Path(__file__).parents[2] / "docs" / "verify.md").read_text(encoding="utf-8")
    (block,) = re.findall(r"^```rsyslog\n(.*?)^```", page, flags=re.DOTALL | re.MULTILINE)
    return str(block)


def changed(text: str, changes: dict[str, str]) -> str:
    for old, new in changes.items():
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    return text


@contextmanager
def rsyslog(text: str, port: int, folder: Path) -> Iterator[None]:
    """Run rsyslogd with a configuration; it is ready when its socket is bound."""
    file = folder / "rsyslog.conf"
    file.write_text(text, encoding="utf-8")
    checked = subprocess.run([program(), "-N1", "-f", file], capture_output=True, text=True, timeout=10, check=False)
    if "could not load module" in checked.stderr:
        pytest.skip("rsyslogd has no omelasticsearch; install it (Debian: apt-get install rsyslog-elasticsearch)")
    assert checked.returncode == 0, checked.stderr
    with subprocess.Popen([program(), "-n", "-f", file, "-i", folder / "rsyslog.pid"], cwd=folder) as process:
        try:
            until(lambda: drops_at(read_target(f"udp://127.0.0.1:{port}")) is not None, "rsyslogd listens")
            yield
        finally:
            process.terminate()


@dataclass(frozen=True)
class Peer:
    """Rsyslog's socket, and what it put into Elasticsearch."""

    port: int
    client: Elasticsearch
    index: str

    def finish(self) -> None:
        """Wait until all that it took in is there: it is done in order, and one more line comes last."""
        sender = Sender(self.port)

        def last_line_is_there() -> bool:
            sender.send([END])
            self.client.indices.refresh(index=self.index, ignore_unavailable=True)
            the_end = {"match_phrase": {"message": "this is the end"}}
            return bool(self.client.count(index=self.index, query=the_end, ignore_unavailable=True)["count"])

        until(last_line_is_there, "rsyslog was through")
        sender.close()

    def messages(self) -> Counter[bytes]:
        """Give its lines without their headers, and how often each is there."""
        self.client.indices.refresh(index=self.index)
        hits = scan(self.client, index=self.index, size=LINES)
        there = Counter(message(hit["_source"]["message"].encode()) for hit in hits)
        del there[message(END)]
        return there


def message(raw: bytes) -> bytes:
    return raw[len(match_header(raw)) :].strip()


@pytest.mark.parametrize(
    ("header", "changes"),
    [("local", SMALL_BUFFER), ("raw", SMALL_QUEUE | WHOLE_LINES)],
    ids=["in front of its socket", "at its queue"],
)
def test_every_line_that_rsyslog_lost_is_named(
    elasticsearch_url: str, index_prefix: str, tmp_path: Path, header: str, changes: dict[str, str]
) -> None:
    url = urlsplit(elasticsearch_url)
    if url.scheme != "http" or url.username:
        pytest.skip("rsyslog is set up here for an Elasticsearch without TLS and passwords")
    index, port, capture, report = f"{index_prefix}-test", free_udp_port(), tmp_path / "capture", tmp_path / "report"
    here = {
        'port="5514"': f'port="{port}"',
        'server="127.0.0.1" serverPort="9200"': f'server="{url.hostname}" serverPort="{url.port or 80}"',
        "rsyslog-test": index,
        "/var/tmp": str(tmp_path),  # noqa: S108 -- what the documentation has
    }
    own_state = ("--state-dir", tmp_path / "state")
    shipper("generate", "--lines", str(LINES), "--header", header, "-o", capture)
    with rsyslog(changed(documented(), here | changes), port, tmp_path), Elasticsearch(elasticsearch_url) as client:
        shipper("replay", "--to", f"udp://127.0.0.1:{port}", "--max", *own_state, "--report", report, capture)
        peer = Peer(port, client, index)
        peer.finish()
        by_field = ("--by", "message", "--all", "--json")
        done = shipper("verify", *by_field, "-e", elasticsearch_url, "--index-prefix", index_prefix, capture)
        there = peer.messages()
    replayed = json.loads(report.read_text())
    *findings, counts = [json.loads(text) for text in done.stdout.splitlines()]
    named = Counter(message(each["line"].encode()) for each in findings if each["finding"] == "missing")
    assert replayed["lines"]["sent"] == LINES
    assert 0 < there.total() < LINES
    assert (counts["way"], counts["found"], counts["missing"]) == ("field", there.total(), LINES - there.total())
    assert Counter(message(raw) for raw in capture.read_bytes().splitlines()) - there == named
    assert counts["missing"] >= replayed["receiver"]["kernel_drops"]
    assert done.returncode == 1
