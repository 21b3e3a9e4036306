"""Finds a JDK: ``JAVA_HOME`` first, then ``PATH``, then the folders where distributions put them.

1. Nothing is started to ask for a version: every JDK since 9 says it in its ``release`` file.
2. A JRE alone is not enough, because the launcher is compiled here.
"""

from __future__ import annotations

import os
import re
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from deploy.local_elasticsearch._errors import Unavailable

if TYPE_CHECKING:
    from collections.abc import Iterator

_JVM_FOLDERS = ("/usr/lib/jvm", "/opt/java", "/opt")


@dataclass(frozen=True, slots=True)
class Jdk:
    """A Java development kit: its home folder and its major version (17, 21, ...)."""

    home: Path
    major: int

    @property
    def java(self) -> Path:
        """The virtual machine."""
        return self.home / "bin" / "java"

    @property
    def javac(self) -> Path:
        """The compiler."""
        return self.home / "bin" / "javac"


def find_jdk(major_min: int) -> Jdk:
    """Return the first JDK of at least that version, or raise ``Unavailable`` with those that were seen."""
    seen = [jdk for home in _homes() if (jdk := _read(home)) is not None]
    for jdk in seen:
        if jdk.major >= major_min:
            return jdk
    found = ", ".join(f"{jdk.major} in {jdk.home}" for jdk in seen) or "none"
    raise Unavailable(
        f"no JDK of version {major_min} or later was found (found: {found}). "
        f"Install one (Debian: apt-get install openjdk-{major_min}-jdk-headless) or set JAVA_HOME to it."
    )


def _homes() -> Iterator[Path]:
    """Every place a JDK may be, in order of preference; each real folder once."""
    candidates = [Path(os.environ["JAVA_HOME"])] if os.environ.get("JAVA_HOME") else []
    candidates += [Path(javac).resolve().parent.parent for javac in [shutil.which("javac")] if javac]
    for folder in _JVM_FOLDERS:
        candidates += sorted(Path(folder).glob("*"))
    yield from dict.fromkeys(home.resolve() for home in candidates)


def _read(home: Path) -> Jdk | None:
    try:
        release = (home / "release").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    version = re.search(r'^JAVA_VERSION="(\d+)', release, re.MULTILINE)
    if version is None or not (home / "bin" / "javac").is_file():
        return None
    return Jdk(home, int(version[1]))
