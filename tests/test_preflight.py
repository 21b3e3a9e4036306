"""`check`: each look is a finding, and a look that fails keeps none of the others back."""

from __future__ import annotations

import errno
import os
import socket
from dataclasses import replace
from pathlib import Path

import pytest

from shipper import preflight
from shipper.config import Config, Elasticsearch, Listener, Privacy, Sender
from shipper.errors import ConfigError
from shipper.journal import StateFolder
from shipper.receive import open_sources
from tests.free_ports import free_udp_port

NOBODY = Elasticsearch(urls=("http://127.0.0.1:1",))


def _config(state_dir: Path, port: int = 0) -> Config:
    listener = Listener(url=f"udp://127.0.0.1:{port}", receive_buffer_bytes=4_096)
    return Config(state_dir=state_dir, timezone="Europe/Berlin", listeners=(listener,), elasticsearch=NOBODY)


def _of(subject: str, config: Config) -> list[preflight.Finding]:
    return [finding for finding in preflight.check(config) if finding.subject == subject]


def test_a_state_folder_that_is_not_there_yet_is_well_and_is_not_made(tmp_path: Path) -> None:
    (finding,) = _of("state", _config(tmp_path / "a" / "b"))
    assert finding.good
    assert "the journal may hold" in finding.text
    assert list(tmp_path.iterdir()) == []


def test_a_state_folder_that_may_not_be_looked_into_is_one_fault_and_the_other_looks_go_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "private" / "state"
    folder.mkdir(parents=True)
    (folder / "lock").touch()
    folder.parent.chmod(0)

    def forbidden(path: Path, *_: object, **__: object) -> None:
        raise PermissionError(errno.EACCES, "Permission denied", str(path))

    if os.geteuid() == 0:  # who may enter every folder
        monkeypatch.setattr(os, "open", forbidden)
        monkeypatch.setattr(os, "access", lambda *_, **__: False)
        monkeypatch.setattr(Path, "exists", forbidden)
    found = list(preflight.check(_config(folder)))
    folder.parent.chmod(0o700)
    (state,) = (finding for finding in found if finding.subject == "state")
    assert (state.good, "lock: Permission denied; look as the user of shipper" in state.text) == (False, True)
    assert found[-1].subject == "elasticsearch"


def _listed(tmp_path: Path, *listeners: Listener) -> list[str]:
    config = _config(tmp_path).model_copy(update={"listeners": listeners})
    return [finding.text for finding in _of("listener", config) if not finding.good]


@pytest.mark.parametrize("scheme", ["udp", "tcp"])
@pytest.mark.parametrize(("one", "other"), [("127.0.0.1", "127.0.0.1"), ("0.0.0.0", "127.0.0.1"), ("[::1]", "[::]")])
def test_a_listener_that_is_listed_twice_is_named(tmp_path: Path, scheme: str, one: str, other: str) -> None:
    port = free_udp_port()
    first, second = (Listener(url=f"{scheme}://{host}:{port}", receive_buffer_bytes=4_096) for host in (one, other))
    (text,) = _listed(tmp_path, first, second)
    assert text.startswith(f"{second.url} is listed twice in [[listeners]]")
    assert (first.url in text.removeprefix(second.url)) == (one != other)


def test_listeners_that_share_or_have_addresses_of_their_own_are_not_twice(tmp_path: Path) -> None:
    port = free_udp_port()
    urls = [
        "udp://127.0.0.1:0",
        "udp://127.0.0.1:0",
        f"udp://0.0.0.0:{port}",
        f"udp://[::]:{port}",
        f"tcp://[::]:{port}",
    ]
    assert _listed(tmp_path, *(Listener(url=url, receive_buffer_bytes=4_096) for url in urls)) == []
    shared = Listener(url=f"udp://127.0.0.1:{port}", receive_buffer_bytes=4_096, reuse_port=True)
    assert _listed(tmp_path, shared, shared) == []


@pytest.mark.parametrize("other", ["*.log", "a.log"])
def test_a_file_that_is_listed_twice_is_named(tmp_path: Path, other: str) -> None:
    listeners = [Listener(url=f"file://{tmp_path}/{name}") for name in ("*.log", other)]
    (text,) = _listed(tmp_path, *listeners)
    with pytest.raises(ConfigError) as refused:
        open_sources(listeners)
    assert str(refused.value) == f"listener {text}"


def test_the_zone_of_each_listener_and_sender_is_named(tmp_path: Path) -> None:
    config = _config(tmp_path).model_copy(update={"senders": (Sender(network="10.0.0.0/8", timezone="Asia/Tokyo"),)})
    listener, sender = _of("zone", config)
    assert listener.text.endswith("udp://127.0.0.1:0 are taken to be Europe/Berlin")
    assert sender.text.endswith("10.0.0.0/8 are taken to be Asia/Tokyo")


def test_a_port_that_somebody_else_has_is_a_fault(tmp_path: Path) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind(("127.0.0.1", 0))
        (finding,) = _of("listener", _config(tmp_path, taken.getsockname()[1]))
    assert not finding.good
    assert "choose another address or port, or free it" in finding.text


def test_what_a_running_shipper_has_is_no_fault(tmp_path: Path) -> None:
    with StateFolder(tmp_path).lock(), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind(("127.0.0.1", 0))
        config = _config(tmp_path, taken.getsockname()[1])
        assert all(finding.good for finding in [*_of("state", config), *_of("listener", config)])
        assert "in use by process" in _of("state", config)[0].text


def test_a_receive_buffer_that_the_kernel_cuts_comes_with_the_sysctl_to_run(tmp_path: Path) -> None:
    listener = Listener(url="udp://127.0.0.1:0", receive_buffer_bytes=2**30 + 1)
    (finding,) = _of("listener", _config(tmp_path).model_copy(update={"listeners": (listener,)}))
    assert finding.good or "sysctl -w net.core.rmem_max=" in finding.text


def test_without_an_elasticsearch_that_is_a_finding(tmp_path: Path) -> None:
    (finding,) = _of("elasticsearch", _config(tmp_path))
    assert not finding.good
    assert "no answer from Elasticsearch (http://127.0.0.1:1)" in finding.text


def test_a_damaged_commit_record_is_told_and_left_where_it_is(tmp_path: Path) -> None:
    (tmp_path / "commit.json").write_text("no record")
    (finding,) = (finding for finding in _of("state", _config(tmp_path)) if not finding.good)
    assert "commit.json is damaged" in finding.text
    assert (tmp_path / "commit.json").read_text() == "no record"


def test_a_look_changes_nothing_in_a_state_folder_that_nobody_has(tmp_path: Path) -> None:
    (tmp_path / "lock").write_text("4711\n")
    assert all(finding.good for finding in _of("state", _config(tmp_path)))
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [("lock", "4711\n")]


def _with_haproxy_cfg(tmp_path: Path, text: str) -> list[preflight.Finding]:
    file = tmp_path / "haproxy.cfg"
    file.write_text(text)
    config = _config(tmp_path / "state").model_copy(update={"haproxy_cfg": (file,)})
    return [replace(finding, text=finding.text.replace(str(tmp_path), "")) for finding in _of("haproxy", config)]


def test_what_was_understood_of_haproxys_configuration_is_shown_frontend_by_frontend(tmp_path: Path) -> None:
    found = _with_haproxy_cfg(
        tmp_path,
        """global
    log 127.0.0.1:0 len 8192 format rfc5424 local0
    log-send-hostname
frontend www
    mode http
    log global
    option httplog
    capture request header Host len 40
    declare capture request len 40
    capture response header Server len 40
    capture cookie S= len 40
    error-log-format %ft/%ci
frontend quiet
    no log
""",
    )
    www, quiet = found
    assert www.text == (
        "/haproxy.cfg:4: www (http) logs httplog to 127.0.0.1:0; of the request: Host, (no name); "
        "of the response: Server; cookie S=; errors have a format of their own"
    )
    assert quiet.text == "/haproxy.cfg:13: quiet (tcp) logs nothing"
    assert all(finding.good and not finding.doubtful for finding in found)


def test_what_loses_information_in_haproxys_configuration_is_a_warning_with_what_to_do(tmp_path: Path) -> None:
    _, *notes = _with_haproxy_cfg(tmp_path, "frontend www\n    mode http\n    option httplog\n")
    assert notes == [
        preflight.Finding(
            "haproxy",
            "/haproxy.cfg:1: frontend www: nothing is logged; add `log global`; or `no log`, if that is meant so",
            doubtful=True,
        )
    ]


def test_a_haproxy_configuration_that_cannot_be_read_is_a_fault(tmp_path: Path) -> None:
    (finding,) = _with_haproxy_cfg(tmp_path, "frontend www\n    log\n")
    assert not finding.good
    assert "/haproxy.cfg:2: log: an address and a facility are expected" in finding.text


def test_the_rules_of_privacy_are_shown_by_an_example(tmp_path: Path) -> None:
    assert _of("privacy", _config(tmp_path)) == []
    privacy = Privacy(mask_addresses=True, parameters={"token": "drop"})
    where, line, unparsed = _of("privacy", _config(tmp_path).model_copy(update={"privacy": privacy}))
    assert "behind the journal" in where.text
    before, _, after = line.text.partition(" becomes ")
    assert ("192.0.2.77" in before, "token=abc" in before) == (True, True)
    assert ("192.0.2.0" in after, "token" in after) == (True, False)
    assert unparsed.text.endswith("(text withheld: privacy.unparsed)")


def test_a_key_that_cannot_be_read_is_a_fault(tmp_path: Path) -> None:
    privacy = Privacy(cookies={"*": "hash"}, key_file=tmp_path / "missing")
    (finding,) = _of("privacy", _config(tmp_path).model_copy(update={"privacy": privacy}))
    assert not finding.good
    assert "missing" in finding.text
