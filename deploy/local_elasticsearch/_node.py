"""One node: its home folder and its process.

1. The home folder is laid out at every start from the distribution; only ``data`` and ``logs`` are kept.
2. The process ends when the write end of its standard input closes, that is, with this process at the latest.
3. ``stop`` lets the node close its indices, ``kill`` does not; both return when the process is gone.
"""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from deploy.local_elasticsearch._errors import Unavailable

if TYPE_CHECKING:
    from collections.abc import Mapping

    from deploy.local_elasticsearch._distribution import Distribution

_HERE = Path(__file__).parent
_STOP_TIMEOUT_S = 20
_JDK_WITH_NATIVE_ACCESS = 21
_LIBRARY_FOLDERS = ("/usr/lib", "/usr/lib64", "/lib", "/usr/local/lib")


@dataclass(slots=True)
class Node:
    """A node that can be started again in the same place, after ``stop`` as after ``kill``."""

    distribution: Distribution
    home: Path
    settings: Mapping[str, str]
    jvm_flags: tuple[str, ...]
    _process: subprocess.Popen[bytes] | None = field(default=None, init=False)

    @property
    def log(self) -> Path:
        """Where the node's own log goes, one start after the other."""
        return self.home / "logs" / "node.log"

    @property
    def url(self) -> str:
        """Where it answers."""
        return f"http://127.0.0.1:{self.settings['http.port']}"

    @property
    def pid(self) -> int:
        """The process id of the virtual machine."""
        if self._process is None:
            raise Unavailable(f"the node in {self.home} was not started")
        return self._process.pid

    @property
    def running(self) -> bool:
        """Whether the process is alive; it need not answer yet."""
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        """Start the process; it answers some seconds later."""
        self._lay_out()
        command = [f"{self.distribution.jdk.java}", *self._flags(), "-cp", self.distribution.class_path, "Launcher"]
        settings = [f"{key}={value}" for key, value in self.settings.items()]
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [*command, f"{self.home}", *settings],
                cwd=self.home,
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=subprocess.STDOUT,
                process_group=0,  # Ctrl-C on the terminal is for the one who started us, who then stops it in order
            )

    def stop(self) -> None:
        """End it in order, or by force when it takes too long."""
        if self._process is None:
            return
        self._process.terminate()
        try:
            self._process.wait(_STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            pass
        finally:
            self.kill()

    def kill(self) -> None:
        """End it with SIGKILL, as a crash would."""
        if self._process is None:
            return
        self._process.kill()
        self._process.communicate()

    def last_words(self) -> str:
        """Return the end of its log, for the message about a failure."""
        return self.log.read_text(encoding="utf-8", errors="replace")[-2000:]

    def _lay_out(self) -> None:
        for name in ("config", "native"):
            shutil.rmtree(self.home / name, ignore_errors=True)
        for name in ("config", "native", "data", "logs"):
            (self.home / name).mkdir(parents=True, exist_ok=True)
        (self.home / "config" / "elasticsearch.yml").touch()
        shutil.copy(_HERE / "log4j2.properties", self.home / "config")
        (self.home / "native" / "libzstd.so").symlink_to(_find_zstd())
        modules = self.home / "modules"
        modules.unlink(missing_ok=True)
        modules.symlink_to(self.distribution.modules)

    def _flags(self) -> list[str]:
        flags = [
            *self.jvm_flags,
            "-Dio.netty.noUnsafe=true",
            f"-Des.nativelibs.path={self.home / 'native'}",
            "-Dorg.elasticsearch.nativeaccess.enableVectorLibrary=false",  # its library is not published
        ]
        if self.distribution.jdk.major >= _JDK_WITH_NATIVE_ACCESS:
            flags.append("--enable-native-access=ALL-UNNAMED")
        return flags


def _find_zstd() -> Path:
    """Return the system's libzstd: 9.x writes ``best_compression`` with it, and the jars do not hold it."""
    for folder in _LIBRARY_FOLDERS:
        for pattern in ("libzstd.so.1", "*/libzstd.so.1"):
            for found in Path(folder).glob(pattern):
                return found.resolve()
    raise Unavailable("Elasticsearch compresses with libzstd.so.1. Install it (Debian: apt-get install libzstd1).")
