"""The server's jars and the compiled launcher, in a cache that outlives runs and clones.

``$XDG_CACHE_HOME/shipper/elasticsearch-VERSION/`` holds ``jars/server`` (the class path), ``jars/modules`` (the
transport, which the server loads itself) and ``launcher-HASH`` (compiled from this checkout's ``Launcher.java``).

1. A folder appears in the cache whole or not at all: it is built beside its place and renamed.
2. One process builds, the others wait for it: a lock file, released by the kernel when its holder dies.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from deploy.local_elasticsearch._errors import Unavailable
from deploy.local_elasticsearch._java import Jdk, find_jdk

if TYPE_CHECKING:
    from collections.abc import Callable

VERSIONS = {"8.19.5": 17, "9.2.0": 21}
"""The versions that are tried, and the JDK each needs at least."""
DEFAULT_VERSION = "8.19.5"

_HERE = Path(__file__).parent
_MAVEN_TIMEOUT_S = 900
"""40 MB over a slow line."""
_DESCRIPTOR = "META-INF/es-plugins/transport-netty4/plugin-descriptor.properties"


@dataclass(frozen=True, slots=True)
class Distribution:
    """Everything a node is started from; shared by all nodes and never written to by one."""

    version: str
    jdk: Jdk
    jars: Path
    launcher: Path

    @property
    def class_path(self) -> str:
        """The class path of the launcher and the server, as ``java -cp`` takes it."""
        return f"{self.launcher}{os.pathsep}{self.jars / 'server'}/*"

    @property
    def modules(self) -> Path:
        """The folder of modules that the server loads itself."""
        return self.jars / "modules"


def fetch(version: str = DEFAULT_VERSION, cache: Path | None = None) -> Distribution:
    """Return the distribution, fetched and compiled when the cache lacks it; ``Unavailable`` says what is missing."""
    jdk = find_jdk(_jdk_min(version))
    folder = (cache or _default_cache()) / f"elasticsearch-{version}"
    source = _HERE / "Launcher.java"
    launcher = f"launcher-{hashlib.sha256(source.read_bytes()).hexdigest()[:12]}"
    jars = _once(folder / "jars", lambda target: _download(version, target))
    classes = _once(folder / launcher, lambda target: _compile(jdk, source, jars, target))
    return Distribution(version, jdk, jars, classes)


def _jdk_min(version: str) -> int:
    if version not in VERSIONS:
        raise Unavailable(f"Elasticsearch {version} is not one of {', '.join(VERSIONS)}; choose one of those.")
    return VERSIONS[version]


def _default_cache() -> Path:
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "shipper"


def _once(target: Path, build: Callable[[Path], None]) -> Path:
    """Have ``build`` fill the folder ``target``, unless it is there or another process makes it meanwhile."""
    if target.is_dir():
        return target
    target.parent.mkdir(parents=True, exist_ok=True)
    with (target.parent / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not target.is_dir():
            with tempfile.TemporaryDirectory(prefix=".unfinished-", dir=target.parent) as scratch:
                made = Path(scratch) / target.name
                made.mkdir()
                build(made)
                made.rename(target)
    return target


def _download(version: str, target: Path) -> None:
    """Fill ``target/server`` and ``target/modules`` from Maven Central or the mirror that Maven is set up with."""
    maven = shutil.which("mvn")
    if maven is None:
        raise Unavailable(
            f"the jars of Elasticsearch {version} are fetched with Maven, and there is no mvn. "
            "Install it (Debian: apt-get install maven)."
        )
    print(f"fetching the jars of Elasticsearch {version} (40 MB, once)", file=sys.stderr)
    server = target / "server"
    command = [maven, "--batch-mode", "--quiet", "--file", f"{_HERE / 'pom.xml'}", f"-Delasticsearch.version={version}"]
    done = subprocess.run(
        [*command, "dependency:copy-dependencies", f"-DoutputDirectory={server}"],
        cwd=target,
        capture_output=True,
        text=True,
        timeout=_MAVEN_TIMEOUT_S,
        check=False,
        stdin=subprocess.DEVNULL,
    )
    if done.returncode != 0:
        said = next((line for line in done.stdout.splitlines() if "ERROR" in line), done.stderr.strip()[-500:])
        raise Unavailable(
            f"Maven could not fetch the jars of Elasticsearch {version}: {said[:500]} "
            "Check the network, or the mirror in ~/.m2/settings.xml, and run it again."
        )
    _separate_transport(version, server, target / "modules" / "transport-netty4")


def _separate_transport(version: str, server: Path, module: Path) -> None:
    """Move the transport's jars into a module folder of their own: on the class path as well, they would clash."""
    module.mkdir(parents=True)
    for jar in [*server.glob("netty-*.jar"), *server.glob("transport-netty4-*.jar")]:
        jar.rename(module / jar.name)
    with zipfile.ZipFile(module / f"transport-netty4-{version}.jar") as archive:
        descriptor = archive.read(_DESCRIPTOR).decode().splitlines(keepends=True)
    # Everything runs on the class path, and a named module would not be found there.
    kept = (line for line in descriptor if not line.startswith("modulename"))
    (module / "plugin-descriptor.properties").write_text("".join(kept), encoding="utf-8")


def _compile(jdk: Jdk, source: Path, jars: Path, target: Path) -> None:
    oldest = str(min(VERSIONS.values()))
    command = [f"{jdk.javac}", "--release", oldest, "-cp", f"{jars / 'server'}/*", "-d", f"{target}", f"{source}"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)
    if done.returncode != 0:
        raise Unavailable(f"{jdk.javac} cannot compile {source}:\n{done.stderr.strip()}")
