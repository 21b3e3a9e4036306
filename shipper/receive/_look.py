"""What `shipper check` says of a listener: whether it could be opened now, and what to know of it. Changes nothing."""

from __future__ import annotations

import os
import socket
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING

from shipper.errors import ConfigError
from shipper.limits import UNIX_DATAGRAMS_MIN
from shipper.receive._datagrams import UdpSource
from shipper.receive._files import is_compressed, matches
from shipper.receive._passed import Passed
from shipper.receive._sockets import LENGTHEN_QUEUE, datagram_queue, open_source
from shipper.receive._unix_path import is_stale

if TYPE_CHECKING:
    from collections.abc import Iterator

    from shipper import config


@dataclass(frozen=True, slots=True)
class Look:
    """What was found; ``taken`` when another process has it, which may be the running shipper."""

    text: str
    good: bool = True
    taken: bool = False
    doubtful: bool = False


def look(listener: config.Listener) -> Iterator[Look]:
    """Look at one listener."""
    match listener.at.scheme:
        case "udp" | "tcp":
            yield _look_at_port(listener)
        case "unix-dgram" | "unix":
            yield from _look_at_path(listener)
        case "file":
            yield from _look_at_files(listener)
        case "stdin":
            yield Look("standard input is read to its end, and then shipper ends")


def _look_at_port(listener: config.Listener) -> Look:
    try:
        source = open_source(0, listener, Passed())
    except ConfigError as error:
        return Look(str(error), good=False, taken=True)
    asked = listener.receive_buffer_bytes
    granted = source.granted_bytes if isinstance(source, UdpSource) else None
    source.close()
    if granted is None:
        return Look(f"{listener.url} is free")
    if granted < asked:
        return Look(
            f"{listener.url}: the kernel gives {granted} bytes of receive buffer instead of {asked}; "
            f"run: sysctl -w net.core.rmem_max={asked}",
            good=False,
        )
    return Look(f"{listener.url} is free; receive buffer {granted} bytes")


def _look_at_path(listener: config.Listener) -> Iterator[Look]:
    path, datagrams = Path(listener.at.path), listener.at.scheme == "unix-dgram"
    kind = socket.SOCK_DGRAM if datagrams else socket.SOCK_STREAM
    if not os.access(path.parent, os.W_OK | os.X_OK):
        yield Look(f"{listener.url}: {path.parent} is not there or cannot be written by this user", good=False)
        return
    try:
        stale = is_stale(str(path), kind)
    except OSError as error:
        yield Look(f"{listener.url}: {error.strerror}; choose another path, or remove it", good=False)
        return
    if path.exists() and not stale:
        yield Look(f"{listener.url}: somebody listens there; choose another path, or end it", good=False, taken=True)
    else:
        left = "; the file of one that is gone will be replaced" if stale else ""
        yield Look(f"{listener.url} is free{left}; may be written with mode {listener.socket_mode}")
    if datagrams and datagram_queue() < UNIX_DATAGRAMS_MIN:
        yield Look(
            f"{listener.url}: the kernel holds {datagram_queue()} datagrams, and HAProxy drops what does not fit; "
            f"run: {LENGTHEN_QUEUE}",
            doubtful=True,
        )


def _look_at_files(listener: config.Listener) -> Iterator[Look]:
    folder, pattern = Path(listener.at.path).parent, Path(listener.at.path).name
    try:
        names = sorted(file.name for file in folder.iterdir())
    except OSError as error:
        yield Look(f"{listener.url}: folder {folder}: {error.strerror}; mend the path or its permissions", good=False)
        return
    found = [folder / name for name in names if matches(name, pattern)]
    for file in found:
        if not os.access(file, os.R_OK):
            yield Look(f"{listener.url}: {file} cannot be read by this user; mend its permissions", good=False)
    none = "no file has this name yet; it is read once it appears, so see whether the name is right"
    now = f"matching now: {len(found)}" if found else none
    yield Look(
        f"{listener.url}: {now}. Rotation by renaming loses nothing; with copytruncate, what is written between copy "
        "and truncation is lost",
        doubtful=not found,
    )
    compressed = [name for name in names if fnmatchcase(name, pattern) and is_compressed(name)]
    if compressed:
        yield Look(f"{listener.url}: compressed files are skipped: {compressed[0]}")
