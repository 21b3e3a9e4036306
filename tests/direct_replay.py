"""A direct replay in a process of its own, to be killed, stopped, or short of memory.

``python -m tests.direct_replay SETTINGS FILE…`` takes a file of settings as JSON, says ``progress`` on standard error
whenever it is told, prints the outcome as JSON, and exits as a shell expects.
"""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from shipper import telemetry
from shipper.config import Config
from shipper.jobs.replaying import replay_direct
from shipper.replay.feed import Selection
from shipper.replay.stopping import stoppable

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from shipper.replay.direct import Progress

ROOT: Final = Path(__file__).parents[1]
QUICK: Final[dict[str, Any]] = {
    "timezone": "UTC",
    "delivery": {
        "batch_lines_max": 200,
        "requests_in_flight_max": 2,
        "retry_delay_s_min": 0.02,
        "retry_delay_s_max": 0.5,
        "pause_delay_s": 0.3,
    },
}


def settings(folder: Path, url: str, prefix: str, **more: Any) -> dict[str, Any]:  # noqa: ANN401 -- as in TOML
    """Give settings; what a test does not name is quick."""
    own = {"state_dir": str(folder / "state"), "elasticsearch": {"urls": [url]}, "index": {"prefix": prefix}}
    delivery = QUICK["delivery"] | more.pop("delivery", {})
    return {**QUICK, **own, "require_template": False, **more, "delivery": delivery}


def launch(
    folder: Path, given: dict[str, Any], files: Sequence[Path], before: Callable[[], None] | None = None
) -> subprocess.Popen[str]:
    """Start a replay; ``before`` is called in the process first."""
    file = folder / "settings.json"
    file.write_text(json.dumps(given))
    return subprocess.Popen(
        [sys.executable, "-m", "tests.direct_replay", str(file), *map(str, files)],
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=before,  # noqa: PLW1509 -- it only sets a limit
    )


def main() -> int:
    """Replay as the command line says."""
    telemetry.configure("warning")
    config = Config(**json.loads(Path(sys.argv[1]).read_text(encoding="utf-8")))

    def show(_: Progress) -> None:
        sys.stderr.write("progress\n")
        sys.stderr.flush()

    with stoppable() as stopping:
        selection = Selection(tuple(map(Path, sys.argv[2:])))
        outcome = replay_direct(config, selection, progress=show, stop=stopping.is_set)
    sys.stdout.write(json.dumps(asdict(outcome)))
    return stopping.exit_code or int(not outcome.finished)


if __name__ == "__main__":
    sys.exit(main())
