"""The command line itself: help, versions, and mistakes that a person makes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pytest
from typer import Context
from typer.core import TyperGroup
from typer.main import get_command
from typer.testing import CliRunner

from shipper.cli._app import app
from tests.cli.commands import shipper

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


def commands(group: object, *names: str) -> Iterator[str]:
    """Give the names of every command, behind those of the groups that it stands in."""
    if not isinstance(group, TyperGroup):
        yield " ".join(names)
        return
    context = Context(group)
    for name in group.list_commands(context):
        yield from commands(group.get_command(context, name), *names, name)


COMMANDS: Final = tuple(commands(get_command(app)))


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help_that_says_how_it_is_used_and_gives_an_example(command: str) -> None:
    done = CliRunner().invoke(app, [*command.split(), "-h"], prog_name="shipper", env={"COLUMNS": "200"})
    assert done.exit_code == 0
    assert f"Usage: shipper {command}" in done.output
    assert "Examples:" in done.output or command == "version"


def test_the_bare_command_lists_the_commands_and_says_where_settings_come_from_and_what_exit_codes_mean() -> None:
    done = shipper()
    said = (done.stdout + done.stderr).decode()
    assert done.returncode == 2
    assert {command.split()[0] for command in COMMANDS} - set(said.split()) == set()
    assert "SHIPPER_ELASTICSEARCH__API_KEY" in said
    assert "Exit codes: 0 done; 1 " in said


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
