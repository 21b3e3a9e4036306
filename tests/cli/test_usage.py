"""The command line itself: help, versions, and mistakes that a person makes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.cli.commands import shipper

if TYPE_CHECKING:
    from pathlib import Path

COMMANDS = ("run", "setup", "check", "parse", "explain", "replay", "verify", "version")


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help_that_says_how_it_is_used(command: str) -> None:
    done = shipper(command, "--help")
    assert done.returncode == 0
    assert f"Usage: shipper {command}".encode() in done.stdout


@pytest.mark.parametrize("command", [name for name in COMMANDS if name != "version"])
def test_the_help_of_a_command_with_settings_gives_examples(command: str) -> None:
    assert b"Examples:" in shipper(command, "-h").stdout


def test_the_bare_command_lists_the_commands() -> None:
    done = shipper()
    assert done.returncode == 2
    for command in COMMANDS:
        assert f" {command} ".encode() in done.stdout + done.stderr


def test_the_version_is_told_by_flag_and_by_command() -> None:
    by_flag, by_command = shipper("--version"), shipper("version")
    assert by_flag.returncode == by_command.returncode == 0
    assert by_flag.stdout == by_command.stdout
    assert by_flag.stdout.startswith(b"shipper 0.1.0 (build checkout, Python 3.")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["run", "--port", "5140"], "No such option"),
        (["ship"], "No such command"),
        (["run", "--listen", "http://127.0.0.1:5140"], "the scheme must be one of"),
        (["run", "--listen", "udp://localhost:5140"], "like udp://0.0.0.0:5140"),
        (["run", "--elasticsearch", "127.0.0.1:9200"], "a URL like http://127.0.0.1:9200 is expected"),
        (["setup", "--index-prefix", "Proxy"], "prefix 'Proxy'"),
        (["check", "--timezone", "Berlin"], "did you mean 'Europe/Berlin'?"),
        (["run", "--log-level", "loud"], "'debug', 'info', 'warning' or 'error'"),
        (["check", "-c", "/nowhere/shipper.toml"], "/nowhere/shipper.toml: no such file"),
    ],
)
def test_a_wrong_flag_exits_2_and_says_what_is_expected(arguments: list[str], said: str) -> None:
    done = shipper(*arguments)
    assert done.returncode == 2
    assert said in done.stderr.decode()
    assert "Traceback" not in done.stderr.decode()
    assert done.stdout == b""


def test_an_unknown_key_in_the_file_exits_2_and_names_the_file_and_the_nearest_key(tmp_path: Path) -> None:
    file = tmp_path / "shipper.toml"
    file.write_text('[elasticsearch]\nurl = "http://127.0.0.1:9200"\n')
    done = shipper("run", "-c", file)
    assert done.returncode == 2
    assert f"in {file}" in done.stderr.decode()
    assert "elasticsearch.url: unknown key; did you mean 'urls'?" in done.stderr.decode()


def test_the_configuration_file_may_be_named_by_the_environment(tmp_path: Path) -> None:
    file = tmp_path / "shipper.toml"
    file.write_text('timezone = "Nowhere"\n')
    done = shipper("parse", SHIPPER_CONFIG=str(file))
    assert done.returncode == 2
    assert "unknown time zone 'Nowhere'" in done.stderr.decode()


def test_a_state_folder_that_cannot_be_made_is_one_message_and_exit_1(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    done = shipper("run", "--state-dir", tmp_path / "file" / "state", "--listen", "udp://127.0.0.1:0")
    assert done.returncode == 1
    assert "choose another with state_dir" in done.stderr.decode()
    assert "Traceback" not in done.stderr.decode()


@pytest.mark.parametrize(
    ("typed", "place", "offered"), [("dead", 1, b"dead-letters"), ("config s", 2, b"show\nschema")]
)
def test_bash_completes_commands(typed: str, place: int, offered: bytes) -> None:
    asked = {"COMP_WORDS": f"shipper {typed}", "COMP_CWORD": str(place), "_SHIPPER_COMPLETE": "complete_bash"}
    assert shipper(stdin=b"", **asked).stdout.strip() == offered
