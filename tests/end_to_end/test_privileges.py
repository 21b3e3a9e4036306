from __future__ import annotations

import os
import pwd
import shutil
import socket
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
import pytest

from shipper.errors import ConfigError
from shipper.journal import StateFolder
from shipper.privileges import acting_as, become
from tests.shipper_process import ShipperProcess, until

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.end_to_end.conftest import World

NOBODY = "nobody"
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")


def low_port() -> int:
    """Give a port below 1024 that is free."""
    for port in range(1023, 512, -1):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise AssertionError("no port below 1024 is free")


@pytest.fixture
def reachable() -> Iterator[Path]:
    """Yield a folder that everybody can look into; pytest's own are private."""
    folder = Path(tempfile.mkdtemp(prefix="shipper-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


def readable_by_all(path: str) -> bool:
    return all(each.stat().st_mode & 0o005 for each in (Path(path), *Path(path).parents))


@needs_root
def test_who_has_become_another_user_has_nothing_left_of_root() -> None:
    nobody = pwd.getpwnam(NOBODY)
    child = os.fork()
    if child == 0:
        with suppress(ConfigError):  # pytest's Python may be where only root can read it
            become(NOBODY)
        with suppress(PermissionError):
            os.setuid(0)
        ids = {*os.getresuid(), *os.getresgid(), *os.getgroups()}
        os._exit(0 if ids <= {nobody.pw_uid, nobody.pw_gid, *os.getgrouplist(NOBODY, nobody.pw_gid)} else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


@needs_root
def test_who_acts_as_another_user_has_that_users_groups_and_root_has_its_own_again() -> None:
    nobody, groups = pwd.getpwnam(NOBODY), os.getgroups()
    with acting_as(NOBODY):
        assert (os.geteuid(), os.getegid()) == (nobody.pw_uid, nobody.pw_gid)
        assert set(os.getgroups()) == set(os.getgrouplist(NOBODY, nobody.pw_gid))
    assert (os.geteuid(), os.getegid(), os.getgroups()) == (0, 0, groups)


@needs_root
@pytest.mark.parametrize("file", ["key", "haproxy.cfg"])
def test_a_file_that_only_root_may_read_is_an_error_at_the_start_and_not_only_at_a_reload(
    reachable: Path, file: str
) -> None:
    secret = reachable / file
    secret.touch(mode=0o600)
    secret.write_text("a key that is long enough for any rule\n" if file == "key" else "defaults\n  mode http\n")
    settings: dict[str, dict[str, object]] = {
        "key": {"privacy": {"key_file": str(secret), "parameters": {"token": "hash"}}},
        "haproxy.cfg": {"haproxy_cfg": [str(secret)]},
    }
    shutil.chown(reachable, NOBODY)
    shipper = ShipperProcess(reachable, "http://127.0.0.1:9", "never", user=NOBODY, **settings[file])
    try:
        shipper.launch()
        until(lambda: shipper.exit is not None, "shipper ended")
    finally:
        shipper.kill()
    (said,) = shipper.said().splitlines()
    assert str(secret) in said
    todo = {"key": "; let the user read it that shipper runs as", "haproxy.cfg": ""}
    assert f"Permission denied{todo[file]}" in said


@needs_root
@pytest.mark.skipif(readable_by_all(os.__file__), reason="everybody can read Python here")
def test_a_user_who_cannot_read_python_is_refused_at_the_start(world: World, reachable: Path) -> None:
    shutil.chown(reachable, NOBODY)
    shipper = world.shipper(user=NOBODY, state_dir=str(reachable / "state"))
    shipper.launch()
    until(lambda: shipper.exit is not None, "shipper ended")
    assert f"user '{NOBODY}' cannot read {os.__file__}; install" in shipper.said()


@needs_root
@pytest.mark.skipif(not readable_by_all(os.__file__), reason="only root can read Python here")
def test_root_opens_a_low_port_and_is_gone_before_the_first_line(world: World, reachable: Path) -> None:
    port = low_port()
    nobody = pwd.getpwnam(NOBODY)
    folder = reachable / "shipper"
    folder.mkdir()
    shutil.chown(folder, NOBODY)
    settings = {"user": NOBODY, "listeners": [{"url": f"udp://127.0.0.1:{port}"}]}
    shipper = ShipperProcess(reachable, world.url, world.prefix, state_dir=str(folder), **settings)
    shipper.state = StateFolder(folder)
    with shipper:
        _is_nobody(shipper, nobody)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
            sender.sendto(b"<134>a line", ("127.0.0.1", port))
        until(lambda: shipper.commit().indexed == 1, "the line is indexed")
        assert shipper.stop() == 0
    assert {path.stat().st_uid for path in folder.rglob("*")} == {nobody.pw_uid}


def _is_nobody(shipper: ShipperProcess, nobody: pwd.struct_passwd) -> None:
    parent = psutil.Process(shipper.pid)
    for process in (parent, *parent.children()):
        assert set(process.uids()) == {nobody.pw_uid}
        assert set(process.gids()) == {nobody.pw_gid}
        status = Path(f"/proc/{process.pid}/status").read_text()
        assert "CapEff:\t0000000000000000" in status
        assert "Groups:\t0" not in status


@needs_root
def test_a_state_folder_that_the_user_may_not_write_is_an_error_at_the_start(world: World) -> None:
    shipper = world.shipper(user=NOBODY)
    shipper.state.root.mkdir(mode=0o700)
    shipper.launch()
    until(lambda: shipper.exit is not None, "shipper ended")
    assert "Permission denied; choose another with state_dir" in shipper.said()


def test_a_user_who_is_not_there_is_an_error() -> None:
    with pytest.raises(ConfigError, match="user 'no-such-user': there is no such user"):
        become("no-such-user")


def test_to_become_whom_one_is_changes_nothing() -> None:
    me = pwd.getpwuid(os.geteuid()).pw_name
    before = os.getgroups()
    with acting_as(me), acting_as(None):
        become(me)
    assert os.getgroups() == before
