"""`shipper replay`: from what was asked for to what is to be done. Contradictions are refused with what would be right.

1. Nothing is read and nothing is sent here; only names that hold `*`, `?` or `[` are looked up.
2. A replay that makes other documents than the file alone would (moved, looped, again) has an id of its own.
"""

from __future__ import annotations

import math
import random
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from glob import glob, has_magic
from pathlib import Path
from typing import TYPE_CHECKING, Final

from shipper.cli._lines import STDIN
from shipper.cli._moment import read_moment
from shipper.errors import ConfigError
from shipper.jobs.live_replay import LivePlan
from shipper.replay.feed import Selection
from shipper.replay.pace import Evenly, Original, Poisson, Steady, Unpaced, read_burst, read_ramp
from shipper.replay.senders import read_target

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shipper.replay.header import HeaderKind
    from shipper.replay.pace import Curve, Pace
    from shipper.replay.senders import Framing

_REPLAY_ID: Final = re.compile(r"[A-Za-z0-9-]{1,64}")


@dataclass(frozen=True, slots=True)
class Pacing:
    """The options of the pace, as they were given."""

    speed: float | None = None
    rate: float | None = None
    ramp: str | None = None
    burst: str | None = None
    at_full_speed: bool = False
    arrivals: str | None = None
    seed: int = 0

    @property
    def given(self) -> list[str]:
        """The options that tell a pace."""
        options = {
            "--speed": self.speed is not None,
            "--rate": self.rate is not None,
            "--ramp": self.ramp is not None,
            "--burst": self.burst is not None,
            "--max": self.at_full_speed,
        }
        return [option for option, given in options.items() if given]

    @property
    def words(self) -> str:
        """The pace as it was asked for."""
        option = self.given[0] if self.given else "--speed"
        speed, rate = f"{self.speed or 1:g}", f"{self.rate or 0:.15g}"
        values = {"--speed": speed, "--rate": rate, "--ramp": self.ramp, "--burst": self.burst}
        arrivals = ["--arrivals", self.arrivals] if self.arrivals else []
        return " ".join([option, *filter(None, [values.get(option)]), *arrivals])

    def pace(self) -> Pace:
        """Give the schedule; without an option it is that of the capture. Raises ConfigError."""
        if len(self.given) > 1:
            raise ConfigError(f"{' and '.join(self.given)} exclude each other: a replay has one pace")
        if self.arrivals is not None and self.rate is None and self.ramp is None:
            raise ConfigError("--arrivals tells how the lines of a rate come; give --rate or --ramp with it")
        if self.at_full_speed:
            return Unpaced()
        curve: Curve
        if self.rate is not None:
            curve = Steady(_positive("--rate", self.rate))
        elif self.ramp is not None:
            curve = read_ramp(self.ramp)
        elif self.burst is not None:
            return Evenly(read_burst(self.burst))
        else:
            return Original(1.0 if self.speed is None else _positive("--speed", self.speed))
        if self.arrivals == "poisson":
            return Poisson(curve, random.Random(self.seed))  # noqa: S311 -- arrivals, not secrets
        return Evenly(curve)


@dataclass(frozen=True, slots=True)
class Part:
    """The options of how much is replayed, as they were given."""

    first: str | None = None
    until: str | None = None
    limit: int | None = None
    loop: int | None = None

    @property
    def rounds(self) -> int:
        """How often."""
        return self.loop or 1

    def window_us(self, zone: str) -> tuple[int | None, int | None]:
        """Give the begin and the end of the event times. Raises ConfigError."""
        first_us = None if self.first is None else read_moment("--from", self.first, zone)
        until_us = None if self.until is None else read_moment("--until", self.until, zone)
        if first_us is not None and until_us is not None and first_us >= until_us:
            raise ConfigError("--from must be before --until")
        return first_us, until_us


@dataclass(frozen=True, slots=True)
class Moving:
    """The options that move lines to another time, as they were given."""

    shift_to_now: bool = False
    shift_to: str | None = None
    stretch: float | None = None

    def to_us(self, zone: str, now_us: int) -> int | None:
        """Give what the first line's time becomes; None where that stays. Raises ConfigError."""
        if self.shift_to_now:
            return now_us
        return None if self.shift_to is None else read_moment("--shift-to", self.shift_to, zone)


_ALL: Final = Part()
_UNMOVED: Final = Moving()
_AS_CAPTURED: Final = Pacing()


@dataclass(frozen=True, slots=True)
class Asked:
    """All options of a replay."""

    files: Sequence[Path] = ()
    to: str | None = None
    direct: bool = False
    pacing: Pacing = _AS_CAPTURED
    part: Part = _ALL
    moving: Moving = _UNMOVED
    header: HeaderKind | None = None
    framing: Framing | None = None
    again: bool = False
    resume: str | None = None
    verify: bool | None = None

    def check(self) -> None:
        """Raise ConfigError for options that do not go together."""
        network = self.to is not None
        of_the_network = [*self.pacing.given, *(["--arrivals"] if self.pacing.arrivals else [])]
        of_the_network += ["--header"] * (self.header is not None) + ["--framing"] * (self.framing is not None)
        of_direct = ["--direct"] * self.direct + ["--again"] * self.again + ["--resume"] * (self.resume is not None)
        if not network and of_the_network:
            raise ConfigError(
                f"{of_the_network[0]} is for a replay over the network: name the receiver, like --to udp://host:5140; "
                "a direct replay goes as fast as Elasticsearch takes it"
            )
        if network and of_direct:
            raise ConfigError(
                f"{of_direct[0]} is for a direct replay: leave out --to. Over the network each line is sent anew; "
                "--from goes on at a time"
            )
        if self.moving.shift_to_now and self.moving.shift_to is not None:
            raise ConfigError("--shift-to-now and --shift-to exclude each other: lines move to one time")
        if self.resume is not None:
            self._check_resume(self.resume)
        elif not self.files:
            raise ConfigError("which file? Name captures, or - for stdin")
        self._check_stdin()

    def _check_resume(self, replay_id: str) -> None:
        if not _REPLAY_ID.fullmatch(replay_id):
            raise ConfigError(f"--resume {replay_id}: the id is expected that the replay printed when it began")
        if self.files or self.again or (self.part, self.moving) != (_ALL, _UNMOVED):
            raise ConfigError("--resume goes on with the files and the options of the replay's begin: name no others")

    def _check_stdin(self) -> None:
        if not self.from_stdin:
            return
        if [str(file) for file in self.files].count(STDIN) > 1:
            raise ConfigError("stdin can be read once: name - once")
        if self.part.rounds > 1:
            raise ConfigError("--loop reads the files again, and stdin cannot be: keep the lines in a file")
        if self.verify:
            raise ConfigError("--verify reads the lines again, and stdin cannot be: keep the lines in a file")

    @property
    def from_stdin(self) -> bool:
        """Whether lines come from a pipe."""
        return any(str(file) == STDIN for file in self.files)

    @property
    def changes_documents(self) -> bool:
        """Whether the documents are not those of the files alone."""
        return self.again or self.moving != _UNMOVED or self.part.rounds > 1

    @property
    def verifies(self) -> bool:
        """Whether the replay is to be proved: a direct one is, unless it cannot be."""
        return (self.to is None and not self.from_stdin) if self.verify is None else self.verify

    def selection(self, zone: str, now_us: int) -> Selection:
        """Give what is to be read. Dates without an offset are in ``zone``. Raises ConfigError."""
        first_us, until_us = self.part.window_us(zone)
        stretch = self.moving.stretch
        return Selection(
            tuple(_found(self.files)),
            from_us=first_us,
            until_us=until_us,
            limit=self.part.limit,
            rounds=self.part.rounds,
            to_us=self.moving.to_us(zone, now_us),
            stretch=1.0 if stretch is None else _positive("--stretch", stretch),
            header=self.header,
            timed=self.to is not None and self.pacing.given in ([], ["--speed"]),
        )

    def live_plan(self, selection: Selection) -> LivePlan:
        """Give what is sent where. Raises ConfigError."""
        target = read_target(self.to or "")
        if self.framing is not None and target.by_datagram:
            raise ConfigError(f"--framing is for streams; {target.url} takes each line as one datagram")
        return LivePlan(selection, target, self.pacing.pace(), self.framing or "newline", self.verifies)


def new_replay_id(now_us: int, rng: random.Random) -> str:
    """Make an id: it tells when the replay began, and no other has it."""
    return f"{datetime.fromtimestamp(now_us // 1_000_000, UTC):%Y%m%d-%H%M%S}-{rng.getrandbits(16):04x}"


def _found(files: Sequence[Path]) -> list[Path]:
    """Look up what holds wildcards and is no name itself. Raises ConfigError when there is nothing."""
    found: list[Path] = []
    for file in files:
        if not has_magic(str(file)) or file.exists():
            found.append(file)
            continue
        names = sorted(glob(str(file), recursive=True))  # noqa: PTH207 -- the pattern may be absolute
        if not names:
            raise ConfigError(f"{file}: nothing has such a name")
        found += [path for path in map(Path, names) if path.is_file()]
    return found


def _positive(option: str, value: float) -> float:
    if not 0 < value < math.inf:
        raise ConfigError(f"{option} {value:g}: more than 0 is expected")
    return value
