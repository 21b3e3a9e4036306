"""Flags that are said once and stand for one argument of a command."""

from __future__ import annotations

from typing import Annotated

import pytest
import typer
from typer.testing import CliRunner

from shipper.cli._flags import Group, taking

SIZE = Group({"width": Annotated[int | None, typer.Option()], "height": Annotated[int | None, typer.Option()]}, dict)
app = typer.Typer()


@app.command()
@taking(size=SIZE)
def draw(size: dict[str, int], name: str, *, twice: bool = False) -> None:
    """Draw a box."""
    typer.echo(f"{name} {size} {twice}")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["box"], "box {} False"),
        (["--width", "3", "box", "--twice"], "box {'width': 3} True"),
        (["box", "--width", "3", "--height", "2"], "box {'width': 3, 'height': 2} False"),
    ],
)
def test_a_command_gets_those_of_a_group_that_were_given_as_one_argument(arguments: list[str], said: str) -> None:
    assert CliRunner().invoke(app, arguments).output.strip() == said


def test_the_help_names_the_flags_of_a_group_and_not_the_argument() -> None:
    helped = CliRunner().invoke(app, ["--help"], env={"COLUMNS": "100", "TERM": "dumb"}).output
    assert "--height" in helped
    assert "--size" not in helped
    assert "Draw a box." in helped
