"""The files and folders of a HAProxy's configuration, as its `-f` takes them.

1. Of a folder come the regular files named `*.cfg`, in the order of their bytes; hidden ones do not count.
2. Whatever is wrong with a file is a ConfigError that names it.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import structlog

from shipper.errors import ConfigError
from shipper.haproxy import cfg
from shipper.limits import HAPROXY_CFG_BYTES_MAX

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

_log = structlog.get_logger()


def read(paths: Sequence[Path], environment: Mapping[str, str]) -> cfg.HAProxyConfig:
    """Read files and folders in the given order; ``environment`` should be HAProxy's. Raises ConfigError."""
    files = []
    room = HAPROXY_CFG_BYTES_MAX
    for file in _files(paths):
        text = _text(file, room)
        room -= len(text)
        files.append((str(file), text.decode("utf-8", "surrogateescape")))
    return cfg.read(files, environment)


def formats(paths: Sequence[Path], environment: Mapping[str, str]) -> tuple[cfg.DerivedFormat, ...]:
    """Give the formats that these files tell of, in the order in which they should be tried. Raises ConfigError."""
    return cfg.formats(read(paths, environment))[0] if paths else ()


def announce(paths: Sequence[Path], environment: Mapping[str, str]) -> None:
    """Say what was understood, and warn of formats that shipper cannot read or tell apart. Raises ConfigError."""
    if not paths:
        return
    found, notes = cfg.formats(read(paths, environment))
    _log.info("haproxy_cfg_read", files=[str(path) for path in paths], formats=[known.name for known in found])
    for note in notes:
        _log.warning("haproxy_format_doubtful", place=note.place, reason=note.text, advice=note.advice)


def _files(paths: Sequence[Path]) -> Iterator[Path]:
    for path in paths:
        try:
            inside = sorted(path.iterdir(), key=lambda file: os.fsencode(file.name)) if path.is_dir() else None
        except OSError as error:
            raise _unreadable(path, error) from error
        if inside is None:
            yield path
        else:
            cfgs = (file for file in inside if file.suffix == ".cfg" and not file.name.startswith("."))
            yield from (file for file in cfgs if file.is_file())


def _text(file: Path, bytes_max: int) -> bytes:
    try:
        with file.open("rb") as stream:
            text = stream.read(bytes_max + 1)
    except OSError as error:
        raise _unreadable(file, error) from error
    if len(text) > bytes_max:
        raise ConfigError(f"{file}: more than {HAPROXY_CFG_BYTES_MAX} bytes in all; is that HAProxy's configuration?")
    return text


def _unreadable(path: Path, error: OSError) -> ConfigError:
    return ConfigError(f"haproxy.cfg {path}: {error.strerror}; name a file or folder that this user can read")
