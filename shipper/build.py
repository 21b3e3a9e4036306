"""Which version of shipper this is, and what it was built from."""

from __future__ import annotations

from importlib import metadata, resources
from typing import Final

CHECKOUT: Final = "checkout"
"""Of what is not installed from a wheel: it changes with every edit."""


def version() -> str:
    """Give the version, as of semantic versioning."""
    return metadata.version("shipper")


def commit() -> str:
    """Give the commit that the wheel was built from, with `-dirty` where more was in it; `unknown` without git."""
    written = resources.files("shipper") / "build.txt"
    return written.read_text(encoding="utf-8").strip() if written.is_file() else CHECKOUT
