"""A configuration file to begin with: every setting, each with its default and what it is for."""

from __future__ import annotations

import re
from importlib import resources
from pathlib import Path
from typing import Final

_HEAD: Final = """\
# shipper's configuration. Every setting stands here with its default, behind a "#": take that away to change it.
# `shipper check -c FILE` says what would go wrong, `shipper config show -c FILE` what holds and what set it.
"""
_SETTING: Final = re.compile(r"^[a-z_]+ = .*$", re.MULTILINE)
_NAME: Final = "shipper.example.toml"


def example() -> str:
    """Give the text of a file that changes nothing until a person does."""
    _, _, settings = _file().partition("\n\n")
    return f"{_HEAD}\n{_SETTING.sub(_behind_a_hash, settings)}"


def _behind_a_hash(setting: re.Match[str]) -> str:
    return "#" + setting[0].replace("  #", " #", 1)  # what follows stays in its column


def _file() -> str:
    """Read it: inside the package when installed from a wheel, in `docs/` of a checkout."""
    installed = resources.files("shipper") / _NAME
    found = installed if installed.is_file() else Path(__file__).parents[2] / "docs" / _NAME
    return found.read_text(encoding="utf-8")
