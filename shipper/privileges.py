"""Root only as long as a port below 1024 needs it: the state folder is taken, and all is read and sent, as a user.

1. What lies in the state folder belongs to that user from the first byte on.
2. There is no way back: the real, the effective and the saved ids are all given up, and so are root's groups.
"""

from __future__ import annotations

import os
import pwd
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from shipper.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterator

_ROOT: Final = 0


@contextmanager
def acting_as(user: str | None) -> Iterator[None]:
    """Act as ``user``, with that user's groups, within the block (a name; None: as whom we run). Raises ConfigError."""
    entry = _to_become(user)
    if entry is None:
        yield
        return
    groups = os.getgroups()
    os.initgroups(entry.pw_name, entry.pw_gid)
    os.setegid(entry.pw_gid)
    os.seteuid(entry.pw_uid)
    try:
        yield
    finally:
        os.seteuid(_ROOT)
        os.setegid(_ROOT)
        os.setgroups(groups)


def become(user: str | None) -> None:
    """Be ``user`` from now on, with that user's groups, in this process and all that it starts. Raises ConfigError."""
    entry = _to_become(user)
    if entry is not None:
        os.initgroups(entry.pw_name, entry.pw_gid)
        os.setgid(entry.pw_gid)
        os.setuid(entry.pw_uid)
        for file in (os.__file__, __file__):
            if not os.access(file, os.R_OK):  # modules are loaded when they are needed
                raise ConfigError(f"user {user!r} cannot read {file}; install Python and shipper where everybody can")


def _to_become(user: str | None) -> pwd.struct_passwd | None:
    """Give who we have to become, None where we are that already."""
    if user is None:
        return None
    try:
        entry = pwd.getpwnam(user)
    except KeyError:
        raise ConfigError(f"user {user!r}: there is no such user on this machine; make it, or leave user out") from None
    if entry.pw_uid == os.geteuid():
        return None
    if os.geteuid() != _ROOT:
        raise ConfigError(f"user {user!r}: only root can become another user; start as root or as {user}")
    return entry
