"""`--haproxy-cfg`: HAProxy's own configuration says what the lines mean."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from shipper import haproxy_files
from shipper.config import Config
from shipper.errors import ConfigError
from shipper.haproxy.cfg import DerivedFormat
from tests.cli.commands import shipper

if TYPE_CHECKING:
    from pathlib import Path

LINE = (
    b"Nov 21 05:02:17 haproxy[1]: 192.0.2.7:5 [21/Nov/2026:05:02:17.873] www shop/s 0/0/1/2/3 200 504 - - ---- "
    b'1/1/0/0/0 0/0 {yes} "GET / HTTP/1.1"\n'
)
CONFIG = """
global
    log 127.0.0.1:5140 local0
frontend www
    mode http
    log global
    option httplog
    capture response header X-Served len 20
"""


@pytest.fixture
def cfg(tmp_path: Path) -> Path:
    file = tmp_path / "haproxy.cfg"
    file.write_text(CONFIG)
    return file


def test_captures_have_the_side_and_the_names_of_the_configuration(cfg: Path) -> None:
    done = shipper("parse", "--timezone", "UTC", "--haproxy-cfg", str(cfg), stdin=LINE)
    haproxy = json.loads(done.stdout)["haproxy"]
    assert done.returncode == 0
    assert haproxy["http"]["response"]["captured_headers"] == ["yes"]
    assert "captures_ambiguous" not in haproxy
    assert "captures_ambiguous" in json.loads(shipper("parse", "--timezone", "UTC", stdin=LINE).stdout)["haproxy"]


def test_files_may_be_several(cfg: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.cfg"
    other.write_text("frontend api\n")
    flags = ("--haproxy-cfg", str(cfg), "--haproxy-cfg", str(other), "--elasticsearch", "http://127.0.0.1:1")
    shown = shipper("check", *flags, "--listen", "udp://127.0.0.1:0", "--state-dir", str(tmp_path)).stdout.decode()
    assert f"ok    haproxy  {cfg}:4: www (http) logs httplog to 127.0.0.1:5140; of the response: X-Served" in shown
    assert f"warn  haproxy  {other}:1: frontend api: nothing is logged" in shown


@pytest.mark.parametrize("command", ["run", "parse"])
def test_one_that_cannot_be_read_is_a_wrong_configuration(cfg: Path, tmp_path: Path, command: str) -> None:
    cfg.write_text("frontend www\n    log-format %ci %cp\n")
    flags = ("--state-dir", str(tmp_path / "state")) if command == "run" else ()
    done = shipper(command, *flags, "--haproxy-cfg", str(cfg), stdin=LINE)
    assert done.returncode == 2
    assert f"shipper: {cfg}:2: log-format: one argument is expected" in done.stderr.decode()


def test_what_happens_to_the_file_later_does_not_count_until_the_next_start(cfg: Path) -> None:
    config = Config(haproxy_cfg=(cfg,), timezone="UTC").resolved()
    cfg.unlink()
    (known,) = config.interpretation().formats
    assert (known.name, known.frontends, known.response_captures) == ("httplog", ("www",), ("X-Served",))


def test_a_log_profile_of_any_name_is_read(cfg: Path) -> None:
    profile = 'log-profile "my profile"\n    on close format "%ci %ft %ST"\n'
    cfg.write_text(CONFIG.replace("5140 local0", '5140 profile "my profile" local0') + profile)
    done = shipper("parse", "--timezone", "UTC", "--haproxy-cfg", str(cfg), stdin=LINE + b"192.0.2.7 www 200\n")
    formats = [json.loads(line)["haproxy"]["log_format"] for line in done.stdout.splitlines()]
    assert (done.returncode, formats) == (0, ["httplog", "my_profile-close"])


def test_a_derived_format_that_cannot_be_used_is_a_wrong_configuration(monkeypatch: pytest.MonkeyPatch) -> None:
    wrong = DerivedFormat("no name", "%ci %ST", place="haproxy.cfg:7")
    monkeypatch.setattr(haproxy_files, "formats", lambda *_: (wrong,))
    with pytest.raises(ConfigError, match=r"haproxy\.cfg:7: the format 'no name' cannot be used: name: "):
        Config().resolved()
