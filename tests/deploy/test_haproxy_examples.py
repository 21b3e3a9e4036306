"""The examples of haproxy.cfg: HAProxy takes each, shipper finds nothing to better in it, and understands its lines."""

from __future__ import annotations

import re
import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest

from shipper.config import Interpretation, Listener
from shipper.haproxy.cfg import advice, formats, read
from shipper.haproxy.formats import Format
from shipper.haproxy.understand import Context, understand
from tests.haproxy_process import HAProxyProcess, check_config, haproxy_version
from tests.provoke.clients import certificate, connected, get, tls
from tests.receive.running import running

if TYPE_CHECKING:
    from collections.abc import Iterator

FOLDER: Final = Path(__file__).parents[2] / "deploy" / "haproxy"
EXAMPLES: Final = sorted(FOLDER.glob("*.cfg"))
LISTENERS: Final = {"ring.cfg": "tcp://127.0.0.1:5140", "unix.cfg": "unix-dgram:///run/shipper/haproxy.sock"}
"""Where shipper listens for the lines of an example; of all others, at UDP port 5140."""
UNDERSTOOD_AS: Final = {
    "http.cfg": "httplog",
    "https.cfg": "httpslog",
    "tcp.cfg": "tcplog",
    "http-clf.cfg": "httpclf",
    "custom.cfg": "www",
    "json.cfg": "www",
    "cbor.cfg": "www",
    "ring.cfg": "httplog",
    "unix.cfg": "httplog",
}
PATH: Final = b"/cart?q=1"


def listener(file: Path) -> Listener:
    return Listener(url=LISTENERS.get(file.name, "udp://127.0.0.1:5140"))


def needed(file: Path) -> tuple[int, int]:
    found = re.search(r"needs HAProxy (\d)\.(\d) or later", file.read_text(encoding="utf-8"))
    return (int(found[1]), int(found[2])) if found else (2, 6)


@pytest.fixture
def folder() -> Iterator[Path]:
    """Give a folder with a short path, which a unix socket needs."""
    with tempfile.TemporaryDirectory(prefix="hap-") as path:
        yield Path(path)


def test_every_format_has_its_example() -> None:
    assert {file.name for file in EXAMPLES} == set(UNDERSTOOD_AS)
    page = (FOLDER.parents[1] / "docs" / "haproxy.md").read_text(encoding="utf-8")
    assert re.findall(r"^\| \[(\S+\.cfg)\]\(\.\./deploy/haproxy/\1\)", page, flags=re.MULTILINE) == list(UNDERSTOOD_AS)


@pytest.mark.parametrize("file", EXAMPLES, ids=lambda file: file.name)
def test_shipper_has_nothing_to_better_in_it(file: Path) -> None:
    config = read([(file.name, file.read_text(encoding="utf-8"))], {})
    assert advice(config, [listener(file).at]) == ()


@pytest.mark.haproxy
@pytest.mark.parametrize("file", EXAMPLES, ids=lambda file: file.name)
def test_haproxy_takes_it_without_a_warning(file: Path, folder: Path) -> None:
    if haproxy_version() < needed(file):
        pytest.skip(f"needs HAProxy {needed(file)}")
    text = file.read_text(encoding="utf-8").replace("/etc/haproxy/site.pem", str(certificate(folder)))
    assert check_config(text) == ""


@pytest.mark.haproxy
@pytest.mark.parametrize("file", EXAMPLES, ids=lambda file: file.name)
def test_its_lines_are_understood(file: Path, folder: Path) -> None:
    if haproxy_version() < needed(file):
        pytest.skip(f"needs HAProxy {needed(file)}")
    url = listener(file).url.replace("/run/shipper", str(folder)).replace(":5140", ":0")
    text = file.read_text(encoding="utf-8").replace("/run/shipper", str(folder))
    text = text.replace("/etc/haproxy/site.pem", str(certificate(folder)))
    text = re.sub(r"bind :\d+", 'bind "127.0.0.1:${HTTP_PORT}"', text)
    with running(Listener(url=url)) as receiver:
        receiver.start()
        if not url.startswith("unix"):
            text = text.replace("127.0.0.1:5140", f"127.0.0.1:{receiver.port()}")
        with HAProxyProcess(text) as haproxy:
            ask(haproxy.ports["HTTP_PORT"], encrypted=" ssl crt " in text)
            (line,) = receiver.wait_for(1)
    derived = tuple(
        Format.model_validate(each, from_attributes=True)
        for each in formats(read([(file.name, text)], {"HTTP_PORT": str(haproxy.ports["HTTP_PORT"])}))[0]
    )
    understood = understand(line, Context("UTC", 0), Interpretation(formats=derived))
    record = understood.record
    assert record.log_format == UNDERSTOOD_AS[file.name]
    assert record.error_message is None
    assert record.truncated is None
    assert record.syslog_hostname
    if file.name != "tcp.cfg":
        assert record.url_original == PATH.decode()


def ask(port: int, *, encrypted: bool) -> None:
    """Send one request; nobody serves it, and that is an answer too."""
    with ExitStack() as stack:
        client = stack.enter_context(connected(("127.0.0.1", port)))
        if encrypted:
            client = stack.enter_context(tls().wrap_socket(client))
        client.sendall(get(PATH))
        while client.recv(4096):
            pass
