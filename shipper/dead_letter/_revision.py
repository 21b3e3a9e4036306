"""Takes letters out of a file, or puts newer ones in their place.

1. The new file is complete and on disk before it takes the old one's name, so that a crash leaves the one or the other.
2. Whatever is no letter stays as it is. A file without anything left is removed.
3. The file keeps its owner and its mode: the shipper that appends to it can go on.
"""

from __future__ import annotations

import os
from contextlib import ExitStack
from typing import TYPE_CHECKING, Final

from shipper.dead_letter._letter import encode, id_of
from shipper.dead_letter._turn import turn

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from shipper.dead_letter._letter import DeadLetter

_NEW: Final = ".new"


def revise(path: Path, changes: Mapping[str, DeadLetter | None]) -> int:
    """Replace the letters with these ids in one file, or take them out where there is None; give how many there were.

    Nothing is changed when it raises Retryable (somebody else's turn does not end) or OSError (the disk).
    """
    with turn(path.parent) as folder, ExitStack() as undo:
        try:
            old = undo.enter_context(path.open("rb"))
        except FileNotFoundError:
            return 0
        new_path = path.with_name(path.name + _NEW)
        undo.callback(new_path.unlink, missing_ok=True)
        new = undo.enter_context(new_path.open("wb"))
        found = 0
        for line in old:
            id_ = id_of(line)
            if id_ is None or id_ not in changes:
                new.write(line)
                continue
            found += 1
            letter = changes[id_]
            if letter is not None:
                new.write(encode(letter))
        if found:
            new.flush()
            status = os.fstat(old.fileno())
            os.fchmod(new.fileno(), status.st_mode & 0o777)
            os.fchown(new.fileno(), status.st_uid, status.st_gid)
            os.fsync(new.fileno())
            new_path.replace(path) if new.tell() else path.unlink()
            os.fsync(folder)
        return found
