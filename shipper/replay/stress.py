"""How far a receiver can be pushed: the rates of a stress test, what is asked of each (the SLO), and what gave way.

1. Pure: numbers in, verdict out. Who sends and who measures is elsewhere.
2. A rate holds when it was reached and every term of the SLO holds. What could not be measured does not hold.
3. What gave way is told in order: each cause before those that it brings about, the nearest to the sender first.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

from shipper.errors import ConfigError
from shipper.replay.pace import read_duration_s

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

REACHED_SHARE_MIN: Final = 0.99
"""A sender that reaches less of its rate is itself what gave way."""
CORE_FULL: Final = 0.9
"""A process of one core's work that used so much of it had no time to spare."""
MACHINE_FULL: Final = 0.95
"""The same of all cores together."""
BESIDE_REFRESH_S: Final = 1.5
"""What a line takes to be found beside the refresh interval, when nothing is behind: sending, and our looks."""
STEPS_MAX: Final = 1_000

_LOSS: Final = "loss"
_LATENCIES: Final = {"p50_index_latency": "p50_s", "p99_index_latency": "p99_s", "max_index_latency": "max_s"}
_TERM: Final = re.compile(r"(?P<name>\w+)\s*(?P<comparison><=|<|=)\s*(?P<number>[0-9]+(?:\.[0-9]+)?)(?P<unit>%|[a-z]*)")
_EXPECTED: Final = "terms like loss=0, loss<0.1%, p50_index_latency<1s, p99_index_latency<5s or max_index_latency<=30s"

What: TypeAlias = Literal[
    "sender",
    "receive_cpu",
    "machine_cpu",
    "kernel_buffer",
    "refresh",
    "elasticsearch",
    "ship_cpu",
    "journal",
    "unknown",
]


# -- what was measured -----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Step:
    """What was measured at one rate. None, and a name that is missing, is not known."""

    rate: float
    """Lines a second that were asked for."""
    reached: float
    """Lines a second that the kernel took."""
    offered: int
    arrived: int | None = None
    """Lines that became documents."""
    p50_s: float | None = None
    """From sending to being found; likewise the next two."""
    p99_s: float | None = None
    max_s: float | None = None
    patient: bool = False
    """Whether the receiver sets the sender's pace, as that of a stream does."""
    untaken: int = 0
    """Lines that the sender's own kernel did not take."""
    unreachable: int = 0
    """Answers that nobody listens."""
    counters: Mapping[str, int] = field(default_factory=dict)
    """The receiver's."""
    unsettled: int = 0
    """Lines of which the receiver did not say what became of them until nothing more came."""
    rejections: int | None = None
    """Bulk requests, or parts of them, that Elasticsearch turned away for now."""
    refresh_s: float | None = None
    """The longest refresh interval of the indices."""
    cores: Mapping[str, float] = field(default_factory=dict)
    """Cores' worth of time that ``sender``, ``receive`` and ``ship`` used; of ``machine`` the share of all cores."""

    @property
    def loss(self) -> int | None:
        """Lines that did not become documents."""
        return None if self.arrived is None else max(self.offered - self.arrived, 0)

    @property
    def behind(self) -> bool:
        """Whether the rate was not reached."""
        return self.reached < self.rate * REACHED_SHARE_MIN

    @property
    def held_up(self) -> bool:
        """Whether that was for want of a receiver that takes more."""
        return self.behind and self.patient and self.cores.get("sender", 0.0) < CORE_FULL


@dataclass(frozen=True, slots=True)
class Cause:
    """What gave way, and how that can be seen."""

    what: What
    words: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a rate held; otherwise which terms did not, and what gave way, the first first."""

    broken: tuple[str, ...] = ()
    gave_way: tuple[Cause, ...] = ()

    @property
    def held(self) -> bool:
        """Whether nothing broke."""
        return not self.broken


# -- what is asked for -----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Term:
    """One bound."""

    text: str
    name: str
    strict: bool
    bound: float
    """Lines, or the share of the lines; seconds."""
    of_all: bool = False
    """Whether ``bound`` is a share."""

    def holds(self, step: Step) -> bool:
        """Tell whether ``step`` keeps within it."""
        value = self.value(step)
        return value is not None and (value < self.bound if self.strict else value <= self.bound)

    def value(self, step: Step) -> float | None:
        """Give what it is about."""
        if self.name in _LATENCIES:
            latency: float | None = getattr(step, _LATENCIES[self.name])
            return latency
        return step.loss if step.loss is None or not self.of_all else step.loss / max(step.offered, 1)

    def broken(self, step: Step) -> str:
        """Say what was there instead."""
        value = self.value(step)
        if value is None:
            return f"{self.text}: could not be measured"
        if self.name in _LATENCIES:
            return f"{self.text}: was {value:.2f} s"
        return f"{self.text}: {step.loss:,} of {step.offered:,} lines did not arrive"


@dataclass(frozen=True, slots=True)
class Slo:
    """All that is asked for."""

    terms: tuple[Term, ...]

    def verdict(self, step: Step) -> Verdict:
        """Judge a step."""
        broken = [term for term in self.terms if not term.holds(step)]
        words = [term.broken(step) for term in broken]
        if step.behind:
            words.insert(0, f"rate {step.rate:,.0f} lines/s: {step.reached:,.0f} were reached")
        late = any(term.name in _LATENCIES for term in broken)
        return Verdict(tuple(words), tuple(_causes(step, late=late)) if words else ())


def read_slo(text: str) -> Slo:
    """Read `loss=0,p99_index_latency<5s`. Raises ConfigError, which says what would be right."""
    terms: dict[str, Term] = {}
    for part in text.split(","):
        term = _read_term(text, part.strip())
        if term.name in terms:
            raise ConfigError(f"--slo {text}: {term.name} stands there twice; give its one bound")
        terms[term.name] = term
    return Slo(tuple(terms.values()))


def _read_term(text: str, part: str) -> Term:
    match = _TERM.fullmatch(part)
    if match is None or match["name"] not in {_LOSS, *_LATENCIES}:
        raise ConfigError(f"--slo {text}: {part!r} is no term; expected are {_EXPECTED}, with commas between them")
    name, comparison, number, unit = match["name"], match["comparison"], match["number"], match["unit"]
    if name == _LOSS:
        bound, right = float(number), "loss=0, loss<=100 (lines) or loss<0.1%"
        if unit not in {"", "%"}:
            raise ConfigError(f"--slo {text}: {part}: lines or a share are expected, like {right}")
    else:
        right = f"{name}<5s"
        try:
            bound = read_duration_s(number + unit)
        except ValueError as error:
            raise ConfigError(f"--slo {text}: {part}: a time above 0 is expected, like {right}") from error
    if comparison == "=" and (bound or name != _LOSS):
        raise ConfigError(f"--slo {text}: {part} would ask for exactly that much; a bound is expected, like {right}")
    if comparison == "<" and not bound:
        raise ConfigError(f"--slo {text}: {part} can never hold; expected is {right}")
    share = unit == "%"
    return Term(part, name, comparison == "<", bound / 100 if share else bound, share)


def read_rates(first: float, last: float, step: float) -> list[float]:
    """Give the rates of the steps, rising. Raises ConfigError."""
    for option, value in (("--from-rate", first), ("--to-rate", last), ("--step", step)):
        if not 0 < value < math.inf:
            raise ConfigError(f"{option} {value:g}: more than 0 is expected")
    if first > last:
        raise ConfigError(f"--from-rate {first:g} is above --to-rate {last:g}: the rate is raised")
    steps = int((last - first) / step + 1e-9) + 1
    if steps > STEPS_MAX:
        raise ConfigError(
            f"--step {step:g} makes {steps:,} steps; take a larger one: at most {STEPS_MAX:,} are expected"
        )
    return [first + number * step for number in range(steps)]


# -- what gave way ---------------------------------------------------------------------------------------------------


def _causes(step: Step, *, late: bool) -> Iterator[Cause]:
    known = [*_on_the_machine(step), *_at_the_sender(step), *_at_the_socket(step), *_behind_it(step, late=late)]
    yield from known
    if not known:
        yield Cause("unknown", "nothing tells why; a shipper on this machine would, with this state_dir")


def _on_the_machine(step: Step) -> Iterator[Cause]:
    if step.cores.get("machine", 0.0) >= MACHINE_FULL:
        yield Cause(
            "machine_cpu", f"its cores were busy, {step.cores['machine']:.0%}, with the sender and all else on it"
        )


def _at_the_sender(step: Step) -> Iterator[Cause]:
    if step.unreachable:
        yield Cause("sender", "nobody listens where it sends to")
    elif step.untaken:
        yield Cause("sender", f"its own kernel did not take {step.untaken:,} lines")
    elif step.behind and not step.held_up:
        yield Cause("sender", f"it reached {step.reached:,.0f} lines/s{_used(step, 'sender')}")


def _at_the_socket(step: Step) -> Iterator[Cause]:
    drops = step.counters.get("kernel_drops", 0)
    if not drops and not step.held_up:
        return
    if step.cores.get("receive", 0.0) >= CORE_FULL:
        yield Cause("receive_cpu", f"the receiving process had no time to spare{_used(step, 'receive')}")
    if drops:
        yield Cause("kernel_buffer", f"the socket's receive buffer was full: {drops:,} datagrams dropped")


def _behind_it(step: Step, *, late: bool) -> Iterator[Cause]:
    counters, rejections = step.counters, step.rejections or 0
    full = counters.get("dropped_full", 0) + counters.get("journal_lost", 0)
    refused = counters.get("dead_lettered", 0)
    if refused:
        yield Cause("elasticsearch", f"it refused {refused:,} documents for good: see the dead letters")
    if late or full or step.unsettled:
        if not full and step.refresh_s and (step.max_s or math.inf) <= step.refresh_s + BESIDE_REFRESH_S:
            yield Cause(
                "refresh", f"of {step.refresh_s:g} s: no document is sure to be found sooner; ask for more time"
            )
        elif rejections:
            yield Cause("elasticsearch", f"it turned {rejections:,} bulk requests away for now")
        elif step.cores.get("ship", 0.0) >= CORE_FULL:
            yield Cause("ship_cpu", f"the shipping process had no time to spare{_used(step, 'ship')}")
        elif step.unsettled:
            yield Cause(
                "elasticsearch", f"{step.unsettled:,} lines were still waiting for it when nothing more arrived"
            )
        elif not step.counters.get("kernel_drops", 0) or full:
            yield Cause("elasticsearch", "it took, or showed, documents more slowly than they came")
    if full:
        yield Cause("journal", f"it was full: {full:,} lines dropped")


def _used(step: Step, name: str) -> str:
    return f", with {step.cores[name]:.0%} of a core" if name in step.cores else ""
