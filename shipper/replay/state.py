"""The folder of a direct replay: how far it is, its parked documents, and the lock that keeps a second one out.

1. The record is written whole to another name, synced and renamed, so that it is the old one or the new one. An older
   one costs nothing but documents that are there.
2. A record that cannot be read is as good as none: the replay begins anew, and finds its documents there.
3. The locks of replays are their own: they run beside a running shipper with the same state folder.
4. The newest REPLAYS_REMEMBERED_MAX are remembered, and all that are not finished.
"""

from __future__ import annotations

import os
import shutil
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from pydantic import TypeAdapter, ValidationError

from shipper.errors import StateError
from shipper.journal.state import Lock, take
from shipper.limits import REPLAYS_REMEMBERED_MAX
from shipper.replay.direct import State

if TYPE_CHECKING:
    from pathlib import Path

_STATE: Final = TypeAdapter(State)


class ReplayFolder:
    """Where the replay called ``name`` keeps what it needs, under the state folder."""

    def __init__(self, state_dir: Path, name: str) -> None:
        self.path = state_dir / "replays" / name
        self._record = self.path / "state.json"

    @property
    def parked(self) -> Path:
        """The folder of documents that are refused for now."""
        return self.path / "parked"

    def lock(self) -> Lock:
        """Make the folder, and take it. Raises StateError when that fails, or another process has it."""
        try:
            self.path.mkdir(mode=0o750, parents=True, exist_ok=True)
        except OSError as error:
            raise StateError(f"state folder {self.path}: {error.strerror}; choose another with state_dir") from error
        lock = take(self.path / "lock", f"replay {self.path.name}", "wait for it, or stop it")
        self._forget_the_oldest()
        return lock

    def load(self) -> State | None:
        """Read the record; None when there is none that can be read."""
        try:
            return _STATE.validate_json(self._record.read_bytes())
        except (FileNotFoundError, ValidationError):
            return None
        except OSError as error:
            raise StateError(f"{self._record}: {error.strerror}") from error

    def save(self, state: State) -> None:
        """Write the record."""
        new = self._record.with_suffix(".new")
        try:
            with new.open("wb") as file:
                file.write(_STATE.dump_json(state))
                file.flush()
                os.fsync(file.fileno())
            new.replace(self._record)
        except OSError as error:
            raise StateError(f"{self._record}: {error.strerror}; the next start goes on where it last could") from error

    def clear(self) -> None:
        """Forget how far the replay was, and what was parked of it."""
        self._record.unlink(missing_ok=True)
        shutil.rmtree(self.parked, ignore_errors=True)

    def _forget_the_oldest(self) -> None:
        """Remove what is kept of finished replays beyond the bound; what can still go on stays."""
        with suppress(OSError, ValidationError):  # another replay does the same, or it cannot be read
            records = sorted(self.path.parent.glob("*/state.json"), key=lambda record: record.stat().st_mtime_ns)
            for record in records[:-REPLAYS_REMEMBERED_MAX]:
                if _STATE.validate_json(record.read_bytes()).finished:
                    shutil.rmtree(record.parent)
