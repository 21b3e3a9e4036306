"""Where lines come in, as a URL: `[[listeners]] url` and `--listen`.

1. `udp://ADDRESS:PORT` and `tcp://ADDRESS:PORT` bind an address, never a name; IPv6 stands in brackets.
2. `unix-dgram:///PATH`, `unix:///PATH` and `file:///PATH` go on as the path stands in the file system: nothing in it is
   decoded. Only the last part of a `file` path may hold `*`, `?` and `[…]`, because rotated files are looked for in one
   folder.
3. `stdin:` is standard input.
"""

from __future__ import annotations

from dataclasses import dataclass
from fnmatch import fnmatchcase
from ipaddress import ip_address
from pathlib import PurePosixPath
from typing import Final, Literal, TypeAlias, get_args
from urllib.parse import urlsplit

FILE: Final = "file://"
"""What the origin of a line begins with that stood in a followed file: its URL is the origin's address."""

Scheme: TypeAlias = Literal["udp", "tcp", "unix-dgram", "unix", "file", "stdin"]

_SCHEMES: Final = get_args(Scheme)
_WILD: Final = frozenset("*?[")


@dataclass(frozen=True, slots=True)
class ListenUrl:
    """The parts: an address to bind without brackets and its port (0: the kernel chooses), or a path."""

    scheme: Scheme
    host: str = ""
    port: int = 0
    path: str = ""

    def takes_in(self, other: ListenUrl) -> bool:
        """Say whether what comes to ``other`` comes to this one as well. A port that the kernel chooses is its own."""
        if (self.scheme, self.port) != (other.scheme, other.port):
            return False
        if not self.host:
            return self.path == other.path or (self.scheme == "file" and self._matches(PurePosixPath(other.path)))
        mine, its = ip_address(self.host), ip_address(other.host)
        return self.port != 0 and (mine == its or (mine.is_unspecified and mine.version == its.version))

    def _matches(self, file: PurePosixPath) -> bool:
        mine = PurePosixPath(self.path)
        return mine.parent == file.parent and fnmatchcase(file.name, mine.name)


def parse(url: str) -> ListenUrl:
    """Read a URL. Raises ValueError, which says what would be right."""
    scheme, _, rest = url.partition(":")
    match scheme:
        case "udp" | "tcp":
            return _address(url, scheme)
        case "unix-dgram" | "unix" | "file":
            return ListenUrl(scheme, path=_path(url, scheme, rest))
        case "stdin" if rest in {"", "//"}:
            return ListenUrl("stdin")
    raise ValueError(f"{url!r}: the scheme must be one of {', '.join(_SCHEMES)}, like udp://0.0.0.0:5140 or stdin:")


def _address(url: str, scheme: Literal["udp", "tcp"]) -> ListenUrl:
    expected = f"{url!r}: an address and a port are expected, like {scheme}://0.0.0.0:5140"
    try:
        parts = urlsplit(url)
        host, port = str(ip_address(parts.hostname or "")), parts.port
    except ValueError as error:
        raise ValueError(f"{expected} or {scheme}://[::]:5140; no name, and no port above 65535") from error
    if port is None or parts.path not in {"", "/"} or parts.query or parts.fragment or parts.username:
        raise ValueError(f"{expected}, and nothing after them")
    return ListenUrl(scheme, host, port)


def _path(url: str, scheme: str, rest: str) -> str:
    path = rest.removeprefix("//")
    folder, _, name = path.rpartition("/")
    if not rest.startswith("///") or not name or "\0" in path:
        raise ValueError(f"{url!r}: the whole path of a file is expected, like {scheme}:///var/log/haproxy.log")
    if scheme == "file" and _WILD & set(folder):
        raise ValueError(
            f"{url!r}: *, ? and [ may stand in the file's name only, not in its folder; write one per folder"
        )
    return path
