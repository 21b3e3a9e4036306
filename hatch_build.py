"""Writes into the wheel which commit it was built from: that of the checkout, or what COMMIT says."""

from __future__ import annotations

import os
import subprocess
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class CommitHook(BuildHookInterface[Any]):
    """Adds `shipper/build.txt`, for ``shipper.build``; not to an editable install, which changes with every edit."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Find the commit, before the wheel is put together."""
        if version == "standard":
            self._folder = tempfile.TemporaryDirectory()
            file = Path(self._folder.name) / "build.txt"
            file.write_text(f"{_commit(Path(self.root))}\n", encoding="utf-8")
            build_data["force_include"][str(file)] = "shipper/build.txt"

    def finalize(self, version: str, _build_data: dict[str, Any], _artifact_path: str) -> None:
        """Leave nothing behind."""
        if version == "standard":
            self._folder.cleanup()


def _commit(root: Path) -> str:
    if given := os.environ.get("COMMIT"):
        return given
    command = ["git", "-C", str(root), "describe", "--always", "--dirty", "--abbrev=12", "--exclude=*"]
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
