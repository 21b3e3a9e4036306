"""How far a replay is: a bar on a terminal, otherwise a plain line every few seconds. Standard error only.

1. A figure that nobody knows is left out; none is guessed.
2. Showing is cheap, so it may be asked for after each batch: what would come too soon is passed over.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Protocol, TextIO

from rich.console import Console
from rich.progress import BarColumn, TextColumn
from rich.progress import Progress as RichProgress
from rich.table import Column

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

PLAIN_INTERVAL_S: Final = 5.0
BAR_INTERVAL_S: Final = 0.25
_MINUTE_S: Final = 60
_HOUR_S: Final = 3600


@dataclass(frozen=True, slots=True)
class Figures:
    """How things stand; None is not known."""

    lines: int
    """Read so far."""
    bytes_read: int = 0
    """Of the files as they lie there."""
    bytes_size: int | None = None
    lines_limit: int | None = None
    sent: int | None = None
    indexed: int | None = None
    already_there: int | None = None
    refused: int | None = None
    dropped: int | None = None
    troubles: Mapping[str, str] = field(default_factory=dict)
    """What is waited for, and why."""

    @property
    def share(self) -> float | None:
        """How much is done, from 0 to 1."""
        shares = [
            done / whole
            for done, whole in ((self.bytes_read, self.bytes_size), (self.lines, self.lines_limit))
            if whole
        ]
        return min(1.0, max(shares)) if shares else None


class Progress(Protocol):
    """Shows figures."""

    def show(self, figures: Figures) -> None:
        """Show, if it is time to."""

    def say(self, text: str) -> None:
        """Say what comes next."""


@contextmanager
def showing(stream: TextIO, clock_s: Callable[[], float], *, quiet: bool = False) -> Iterator[Progress]:
    """Show figures on ``stream``, as it is fit for; nothing when ``quiet``."""
    if quiet:
        yield _Nothing()
    elif stream.isatty():
        words = TextColumn("{task.description}", markup=False, table_column=Column(ratio=1, no_wrap=False))
        columns = (BarColumn(bar_width=20), TextColumn("{task.percentage:>3.0f}%"), words)
        with RichProgress(*columns, console=Console(file=stream, highlight=False), transient=True, expand=True) as rich:
            yield _Bar(rich, clock_s)
    else:
        yield _Plain(stream, clock_s)


class _Nothing:
    def show(self, figures: Figures) -> None:
        pass

    def say(self, text: str) -> None:
        pass


class _Pacemaker:
    """Tells when it is time, the rate since the last time, and what is left by the rate since the beginning."""

    def __init__(self, clock_s: Callable[[], float], interval_s: float) -> None:
        self._clock_s = clock_s
        self._interval_s = interval_s
        self._begun_s = self._shown_s = clock_s()
        self._lines = 0

    def words(self, figures: Figures) -> str | None:
        """Give the figures in words; None while it is too soon."""
        now_s = self._clock_s()
        passed_s = now_s - self._shown_s
        if passed_s < self._interval_s:
            return None
        if figures.lines < self._lines:  # another replay has begun
            self._begun_s, self._lines = self._shown_s, 0
        rate = (figures.lines - self._lines) / passed_s
        self._shown_s, self._lines = now_s, figures.lines
        words = [f"{figures.lines:,} lines", _bytes(figures), f"{rate:,.0f} lines/s", self._left(figures, now_s)]
        counts = {
            "sent": figures.sent,
            "indexed": figures.indexed,
            "already there": figures.already_there,
            "refused": figures.refused,
            "dropped": figures.dropped,
        }
        words += [f"{count:,} {name}" for name, count in counts.items() if count is not None]
        words += [f"waits for {name}: {reason}" for name, reason in figures.troubles.items()]
        return ", ".join(filter(None, words))

    def _left(self, figures: Figures, now_s: float) -> str:
        share = figures.share
        if not share or share == 1:
            return ""
        return f"{_duration((now_s - self._begun_s) * (1 - share) / share)} left"


class _Bar:
    def __init__(self, rich: RichProgress, clock_s: Callable[[], float]) -> None:
        self._rich = rich
        self._task = rich.add_task("", total=None)
        self._pacemaker = _Pacemaker(clock_s, BAR_INTERVAL_S)

    def show(self, figures: Figures) -> None:
        words = self._pacemaker.words(figures)
        if words is not None:
            share = figures.share
            total = None if share is None else 1.0
            self._rich.update(self._task, total=total, completed=share or 0.0, description=words)

    def say(self, text: str) -> None:
        self._rich.console.print(text, markup=False)


class _Plain:
    def __init__(self, stream: TextIO, clock_s: Callable[[], float]) -> None:
        self._stream = stream
        self._pacemaker = _Pacemaker(clock_s, PLAIN_INTERVAL_S)

    def show(self, figures: Figures) -> None:
        words = self._pacemaker.words(figures)
        if words is not None:
            share = figures.share
            self._stream.write(f"{words}\n" if share is None else f"{share:4.0%}  {words}\n")
            self._stream.flush()

    def say(self, text: str) -> None:
        self._stream.write(f"{text}\n")
        self._stream.flush()


def _bytes(figures: Figures) -> str:
    if not figures.bytes_read:
        return ""
    of = "" if figures.bytes_size is None else f" of {figures.bytes_size / 1e6:,.1f}"
    return f"{figures.bytes_read / 1e6:,.1f}{of} MB"


def _duration(seconds: float) -> str:
    whole = round(seconds)
    return f"{whole // _HOUR_S}:{whole % _HOUR_S // _MINUTE_S:02}:{whole % _MINUTE_S:02}"
