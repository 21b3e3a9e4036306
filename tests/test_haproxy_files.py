"""The files and folders that HAProxy's -f takes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from structlog.testing import capture_logs

from shipper import haproxy_files, limits
from shipper.errors import ConfigError

if TYPE_CHECKING:
    from pathlib import Path


def frontend(name: str) -> str:
    return f"frontend {name}\n    log 192.0.2.1 local0\n    option tcplog\n"


def test_files_and_folders_are_read_in_the_order_in_which_haproxy_reads_them(tmp_path: Path) -> None:
    folder = tmp_path / "conf.d"
    folder.mkdir()
    for name in ("b.cfg", "B.cfg", "a.cfg", "10.cfg", "9.cfg", ".hidden.cfg", "a.cfg.bak", "ä.cfg"):
        (folder / name).write_text(frontend(name.removesuffix(".cfg").replace("ä", "umlaut").strip(".")))
    (folder / "folder.cfg").mkdir()
    (tmp_path / "last").write_text(frontend("last"))
    config = haproxy_files.read([folder, tmp_path / "last"], {})
    assert [each.name for each in config.frontends] == ["10", "9", "B", "a", "b", "umlaut", "last"]
    assert config.frontends[0].place == f"{folder}/10.cfg:1"


def test_what_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"missing\.cfg: No such file"):
        haproxy_files.read([tmp_path / "missing.cfg"], {})


def test_a_file_that_is_far_too_large_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(haproxy_files, "HAPROXY_CFG_BYTES_MAX", 10)
    file = tmp_path / "haproxy.cfg"
    file.write_text(frontend("a"))
    with pytest.raises(ConfigError, match="more than 10 bytes"):
        haproxy_files.read([file], {})
    assert limits.HAPROXY_CFG_BYTES_MAX > 10


def test_formats_that_cannot_be_read_are_announced(tmp_path: Path) -> None:
    file = tmp_path / "haproxy.cfg"
    file.write_text(frontend("a") + frontend("b") + '    log-format "%ci%cp"\n')
    with capture_logs() as events:
        haproxy_files.announce([file], {})
    assert [event["event"] for event in events] == ["haproxy_cfg_read", "haproxy_format_doubtful"]
    assert events[0]["formats"] == ["tcplog"]
    assert events[1]["place"] == f"{file}:4"
    assert [known.name for known in haproxy_files.formats([file], {})] == ["tcplog"]


def test_without_files_there_is_nothing_to_say() -> None:
    with capture_logs() as events:
        haproxy_files.announce([], {})
    assert events == []
    assert haproxy_files.formats([], {}) == ()
