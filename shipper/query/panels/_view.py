"""What a person looks at: a window, filters, and what one panel alone wants to know.

1. Read from the parameters of a URL. Unknown ones are left alone: they are the page's own.
2. How many there are, and how long they are, is bounded before anything is read.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Self, TypeVar

from shipper.errors import ConfigError
from shipper.limits import PANEL_FILTERS_MAX, PANEL_ROWS_MAX, PANEL_VALUE_CHARS_MAX
from shipper.query._population import Dimension, Filters, Phase, population_query
from shipper.query._window import DAY_MS, Window, read_time
from shipper.query.panels._unanswered import bad_request, sentence

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import TypeAlias

    from shipper.query._population import Clause

    Parameters: TypeAlias = Mapping[str, Sequence[str]]

_T = TypeVar("_T")

_SHIFTS_MS: Final = {"none": 0, "day": DAY_MS, "week": 7 * DAY_MS}
_ORDERS: Final = {name: name for name in ("latest", "slowest", "p99", "requests")}
_PHASES: Final = {phase.value: phase for phase in Phase}
_FIELDS: Final = {by.value: by for by in Dimension}
_LIMITS: Final = {str(number): number for number in range(1, PANEL_ROWS_MAX + 1)}
_LATEST_MS: Final = 4_102_444_800_000
"""The year 2100: what comes later is a mistake."""
_MS_DIGITS_MAX: Final = 12


@dataclass(frozen=True, slots=True)
class View:
    """What a panel shows. ``window`` is where the page's time axis is; the data are of ``shift_ms`` earlier."""

    window: Window
    filters: Filters = field(default_factory=Filters)
    phase: Phase = Phase.TOTAL
    shift_ms: int = 0
    order: str = ""
    limit: int = 50
    by: Dimension = Dimension.BACKEND
    """The field whose values are wanted."""
    at_least_ms: int | None = None
    """Of the phase's timer, for lines; ``below_ms`` too."""
    below_ms: int | None = None

    @classmethod
    def of(cls, parameters: Parameters, now_ms: int) -> Self:
        """Read the parameters of a URL. Raises UnansweredError, which says what is wrong."""
        _check_size(parameters)
        try:
            window = Window.around(
                read_time("from", _last(parameters, "from", "now-1h"), now_ms),
                read_time("to", _last(parameters, "to", "now"), now_ms),
            )
            filters = Filters.of(parameters)
        except ConfigError as error:
            raise bad_request(sentence(str(error))) from error
        if not 0 <= window.from_ms < window.to_ms <= _LATEST_MS:
            raise bad_request("The time range must lie between 1970 and 2100.")
        return cls(
            window,
            filters,
            phase=_chosen(parameters, "phase", _PHASES, Phase.TOTAL),
            shift_ms=_chosen(parameters, "shift", _SHIFTS_MS, 0),
            order=_chosen(parameters, "order", _ORDERS, ""),
            limit=_chosen(parameters, "limit", _LIMITS, 50),
            by=_chosen(parameters, "field", _FIELDS, Dimension.BACKEND),
            at_least_ms=_milliseconds(parameters, "at_least_ms"),
            below_ms=_milliseconds(parameters, "below_ms"),
        )

    @property
    def asked(self) -> Window:
        """The window that the data are of."""
        return self.window.earlier(self.shift_ms)

    @property
    def seconds(self) -> float:
        """How long it is."""
        return (self.window.to_ms - self.window.from_ms) / 1_000

    def query(self, phase: Phase | None = None) -> Clause:
        """Give the query of the lines that it is about, or of those that have a phase's timer."""
        return population_query(self.filters, self.asked.span, phase)


def _check_size(parameters: Parameters) -> None:
    filters = [value for by in Dimension for value in parameters.get(by.value, ())]
    if len(filters) > PANEL_FILTERS_MAX:
        raise bad_request(f"There are {len(filters)} filter values; {PANEL_FILTERS_MAX} are the most.")
    if any(len(value) > PANEL_VALUE_CHARS_MAX for values in parameters.values() for value in values):
        raise bad_request(f"A parameter has more than {PANEL_VALUE_CHARS_MAX} characters.")


def _last(parameters: Parameters, name: str, default: str) -> str:
    values = parameters.get(name)
    return values[-1] if values else default


def _chosen(parameters: Parameters, name: str, known: Mapping[str, _T], default: _T) -> _T:
    given = parameters.get(name)
    if not given:
        return default
    if given[-1] not in known:
        names = ", ".join(list(known)[:6])
        raise bad_request(f"Parameter {name}: one of {names}{', …' if len(known) > 6 else ''} is expected.")  # noqa: PLR2004 -- as many as are named
    return known[given[-1]]


def _milliseconds(parameters: Parameters, name: str) -> int | None:
    text = _last(parameters, name, "")
    if not text:
        return None
    if not (text.isascii() and text.isdigit() and len(text) <= _MS_DIGITS_MAX):
        raise bad_request(f"Parameter {name}: a number of milliseconds is expected.")
    return int(text)
