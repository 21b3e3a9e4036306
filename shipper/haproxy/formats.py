"""A format in use: its plan, which lines it is for, and what its values give to the record.

1. A configured format and a stock one are the same thing; a stock one is for all lines.
2. A configured format is tried before the stock ones; a frontend that it is not for leaves the line to the next.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Annotated, Final, Literal

from pydantic import Field as ModelField
from pydantic import model_validator

from shipper.closed import Closed
from shipper.errors import Permanent
from shipper.haproxy.clock import Clock
from shipper.haproxy.headers import Names, pairs_of, read_captures, read_headers
from shipper.haproxy.kinds import ALIASES, ENCODED, TEXT
from shipper.haproxy.logformat import compile_plan
from shipper.haproxy.parts import parts_of
from shipper.haproxy.plan import Plan
from shipper.haproxy.request import REQUEST_ATTRIBUTES
from shipper.haproxy.samples import label_name
from shipper.haproxy.steps import Decode, Field
from shipper.haproxy.stock import MANUAL_NAMES, NEVER_GUESSED, STOCK_FORMATS
from shipper.haproxy.structured import StructuredPlan
from shipper.haproxy.words import MalformedError, words
from shipper.limits import LABELS_MAX

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from shipper.haproxy.fields import Part
    from shipper.haproxy.record import Attributes

TRAFFIC: Final[dict[str, Attributes]] = {
    "http": {
        "event_kind": "event",
        "event_category": "web",
        "event_type": "access",
        "line": "traffic",
        "mode": "http",
    },
    "tcp": {
        "event_kind": "event",
        "event_category": "network",
        "event_type": "connection",
        "line": "traffic",
        "mode": "tcp",
    },
}
"""What every line of a mode has."""


class Format(Closed):
    """A log format beside the stock ones, and which lines it is for."""

    name: Annotated[str, ModelField(pattern=r"^[A-Za-z0-9._:-]{1,64}$")]
    """What `haproxy.log_format` says of its lines."""
    log_format: str
    """A log-format string as it stands in haproxy.cfg, or a stock format's name: `httplog`, …"""
    frontends: tuple[str, ...] = ()
    """The frontends whose lines have it; empty: all. Needs `%f` or `%ft` in the format."""
    tags: tuple[str, ...] = ()
    """The syslog tags (`log-tag`) whose lines have it; empty: all."""
    mode: Literal["http", "tcp"] | None = None
    """`http` or `tcp`; by default what the format's fields tell."""
    request_captures: tuple[str, ...] | None = None
    """The names of the captured request headers in their order, `""` where there is none; absent: not known."""
    response_captures: tuple[str, ...] | None = None
    """The same of the response."""

    @model_validator(mode="after")
    def _check(self) -> Format:
        try:
            compile_format(self)
        except Permanent as error:
            raise ValueError(str(error)) from error
        return self


NO_NAMES: Final = Names()


@dataclass(frozen=True, eq=False)
class CompiledFormat:
    """A format that lines can be read by."""

    plan: Plan | StructuredPlan
    parts: tuple[Part, ...]
    clock: Clock
    names: Names = NO_NAMES
    frontends: frozenset[bytes] = frozenset()
    tags: frozenset[str] = frozenset()

    @property
    def name(self) -> str:
        """What the lines say of their format."""
        return self.plan.name

    @property
    def constants(self) -> Attributes:
        """What every line of this format has."""
        return TRAFFIC[self.plan.mode] | {"log_format": self.plan.name}

    def claims(self, values: Mapping[str, bytes]) -> bool:
        """Tell whether a line is of a frontend that this format is for."""
        return any(alias in values and frontend_of(values[alias]) in self.frontends for alias in _FRONTEND)

    @property
    def quotes_request(self) -> bool:
        """Tell whether `%r` stands in quotes, which say where it ends."""
        return any(field.alias == "r" and field.kind.pattern == ENCODED.pattern for field in self.plan.fields)

    def read_cut_captures(self, request: bytes, response: bytes) -> Attributes:
        """Read the request's captures of a line that was cut within the response's, or right before."""
        found = read_captures(request, response, self.names, both=True)
        found.pop("response_captures", None)
        headers = read_headers(pairs_of(self.names.request, found.get("request_captures")))
        return found | {name: value for name, value in headers.items() if name not in REQUEST_ATTRIBUTES}


_FRONTEND: Final = frozenset({"f", "ft"})


class FormatGroup:
    """Formats that read alike, so that a line is read once for all of them; its frontend tells which one it has."""

    def __init__(self, formats: Sequence[CompiledFormat]) -> None:
        self.first = formats[0]
        self.plan = self.first.plan
        self.tags = self.first.tags
        self.by_frontend = {name: known for known in reversed(formats) for name in known.frontends}
        places = (place for place, alias in enumerate(self.plan.aliases) if alias in _FRONTEND)
        self.place = next(places, 0) if self.by_frontend else None
        """Where the frontend stands among the values; None when the format is for all."""

    def is_for(self, tag: str) -> bool:
        """Tell whether lines with this syslog tag may have one of these formats."""
        return not self.tags or tag in self.tags

    def match(self, line: bytes, start: int) -> tuple[CompiledFormat, Sequence[bytes | None]] | None:
        """Read a complete line from ``start``: its format and values; None when it has none of these formats."""
        found = self.plan.match(line, start)
        if found is None:
            return None
        known = self.first if self.place is None else self.by_frontend.get(frontend_of(found[self.place]))
        return None if known is None else (known, found)

    def may_be(self, values: Mapping[str, bytes]) -> CompiledFormat | None:
        """Give the format of a line that ends too soon, by the frontend where it is in sight; None for another's."""
        names = [frontend_of(values[alias]) for alias in _FRONTEND if alias in values]
        return self.first if self.place is None or not names else self.by_frontend.get(names[0])


def frontend_of(value: bytes | None) -> bytes:
    """Give the name in the value of `%f` or `%ft`."""
    return (value or b"").removesuffix(b"~")


def compile_format(known: Format) -> CompiledFormat:
    """Make a configured format ready for use. Raises Permanent when it cannot be read unambiguously."""
    strings = STOCK_FORMATS | NEVER_GUESSED
    if known.log_format not in strings and "%" not in known.log_format:
        raise Permanent(
            f"log format {known.name!r}: {known.log_format!r} is neither a log-format string nor one of "
            f"{', '.join(strings)}"
        )
    sides = (known.request_captures, known.response_captures)
    captures = None if None in sides else sum(len(side or ()) for side in sides)
    string = strings.get(known.log_format) or _unquoted(known.log_format)
    plan = compile_plan(known.name, string, known.mode, captures)
    if known.frontends and _FRONTEND.isdisjoint(plan.aliases):
        raise Permanent(
            f"log format {known.name!r} has neither %f nor %ft, so frontends cannot be told by it; use tags"
        )
    return _compiled(
        plan,
        Names(known.request_captures, known.response_captures),
        frozenset(name.encode() for name in known.frontends),
        frozenset(known.tags),
    )


def _unquoted(text: str) -> str:
    """Take off the quotes or backslashes with which a string stands in haproxy.cfg as one word, if it has them."""
    if "\\" not in text and text[:1] not in {"'", '"'}:
        return text
    try:
        found, unset = words(text, lambda _: None)
    except MalformedError:
        return text
    return found[0] if len(found) == 1 and not unset else text


def _compiled(
    plan: Plan | StructuredPlan,
    names: Names,
    frontends: frozenset[bytes] = frozenset(),
    tags: frozenset[str] = frozenset(),
) -> CompiledFormat:
    return CompiledFormat(plan, parts_of(plan.fields, names), _clock(plan), names, frontends, tags)


def _clock(plan: Plan | StructuredPlan) -> Clock:
    return Clock(plan.aliases, {field.alias for field in plan.fields if field.decode is Decode.HEX})


STOCK: Final = tuple(_compiled(compile_plan(name, string), NO_NAMES) for name, string in STOCK_FORMATS.items())
"""Tried in this order; a test proves that no line fits two of them."""


@lru_cache(maxsize=64)
def groups_in_use(known: tuple[Format, ...]) -> tuple[FormatGroup, ...]:
    """Give the formats that a line may have, in the order in which they are tried: configured ones, stock ones.

    Neighbours that are for different frontends, and read alike, are one group: no line can be of two of them.
    """
    groups: list[list[CompiledFormat]] = []
    alike: dict[object, list[CompiledFormat]] = {}
    for each in (*map(compile_format, known), *STOCK):
        if not each.frontends:
            alike.clear()
        key = (
            (each.plan.steps, each.plan.captures, each.tags)
            if isinstance(each.plan, Plan) and each.frontends
            else object()
        )
        taken = {name for others in alike.values() for other in others for name in other.frontends}
        if not taken.isdisjoint(each.frontends):
            alike.clear()
        if key in alike:
            alike[key].append(each)
        else:
            alike[key] = [each]
            groups.append(alike[key])
    return tuple(map(FormatGroup, groups))


def formats_in_use(known: tuple[Format, ...]) -> tuple[CompiledFormat, ...]:
    """Give every format that a line may have."""
    groups = groups_in_use(known)
    return tuple(dict.fromkeys(each for group in groups for each in (*group.by_frontend.values(), group.first)))


# -- lines of named values without a configuration -------------------------------------------------------------------


KNOWN_NAMES_MIN: Final = 3
_TELLING: Final = frozenset({"ci", "f", "ft", "b", "s", "ST", "r", "HM", "HU", "ts", "tsc"})
"""A line of named values that no configuration knows is HAProxy's with so many names of the manual, one of these."""


@lru_cache(maxsize=256)
def named_format(encoding: str, keys: tuple[bytes, ...]) -> CompiledFormat | None:
    """Give the format of a line of named values by the names; None when they are not HAProxy's.

    Of members with other names, which become labels, the first LABELS_MAX count.
    """
    fields = [_named_field(key.decode("ascii", "replace")) for key in keys]
    known = [field for field in fields if not field.label]
    if len(known) < KNOWN_NAMES_MIN or _TELLING.isdisjoint(field.alias for field in known):
        return None
    others = [field for field in fields if field.label][:LABELS_MAX]
    return _compiled(StructuredPlan(encoding, (*known, *others), encoding, partly=True), NO_NAMES)


def _named_field(name: str) -> Field:
    alias = MANUAL_NAMES.get(name, name)
    plan = compile_plan(name, f"%{{+json}}o %({name}){alias}") if alias in ALIASES else None
    return plan.fields[0] if plan else Field(f"[{name}]", TEXT, printed=name, name=name, label=label_name(name))
