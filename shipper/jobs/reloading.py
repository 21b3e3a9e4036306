"""`shipper reload`: asks the running shipper to read its configuration anew, and waits for what comes of it."""

from __future__ import annotations

import os
import signal
import time
from typing import TYPE_CHECKING, Final

from shipper.errors import AS_SHIPPER, Permanent, Retryable, StateError
from shipper.journal import StateFolder
from shipper.reloading import Outcome

if TYPE_CHECKING:
    from pathlib import Path

RELOAD_S_MAX: Final = 15.0
"""A configuration is read within a second; a haproxy.cfg of megabytes takes some more."""
_LOOK_S: Final = 0.05


def reload(state_dir: Path) -> None:
    """Have the shipper in ``state_dir`` reload. Raises Permanent where it refuses, and StateError where none runs."""
    holder = StateFolder(state_dir).holder()
    if holder is None or not holder.isdecimal():
        raise StateError(f"no shipper runs in the state folder {state_dir}; another one is chosen with --state-dir")
    before = Outcome.read(state_dir)
    try:
        os.kill(int(holder), signal.SIGHUP)
    except (PermissionError, ProcessLookupError) as error:
        raise StateError(f"process {holder}: {error.strerror}; reload {AS_SHIPPER}") from error
    deadline_s = time.monotonic() + RELOAD_S_MAX
    while (outcome := Outcome.read(state_dir)) == before:
        if time.monotonic() >= deadline_s:
            raise Retryable(f"process {holder} has not said within {RELOAD_S_MAX:g} s what came of it; see its log")
        time.sleep(_LOOK_S)
    if outcome is not None and outcome.refused is not None:
        raise Permanent(f"the running shipper refuses, and goes on as before: {outcome.refused}")
