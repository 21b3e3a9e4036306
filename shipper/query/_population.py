"""Which lines a number is about: phases, filters, a span of time, and the Elasticsearch query of all that.

1. Only traffic counts. Of a request that has several lines (`log-steps`, HAProxy 3.1) only the closing one does: its
   timers are the whole ones.
2. The population of a phase are the lines that have its timer. HAProxy's -1, a phase that was never reached, is absent
   from the documents, and so from every statistic (manual, 8.4).
3. Of one filter's values any may fit; of several filters all must.
4. ``Filters.fit``, ``Span.holds`` and ``counts`` say of a document what the query says of the index.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final, Self, TypeAlias

from shipper.errors import ConfigError
from shipper.haproxy.timestamps import TIMESTAMP_US_MAX, format_timestamp
from shipper.query._compare import value_at

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from shipper.query._findings import Document

Clause: TypeAlias = "Mapping[str, Any]"

_STEP: Final = "haproxy.log_step"
_CLOSING: Final = ("txn_close", "close")
"""What `%OG` says of the last line of a request, and the name of that step in a configuration."""
_STATUS_CLASS: Final = re.compile(r"([1-5])xx", re.ASCII | re.IGNORECASE)
_STATUS: Final = re.compile(r"[1-9][0-9]{2}", re.ASCII)
NO_STATUS: Final = "none"
"""The status of a request that got no answer, as a filter."""


class Phase(StrEnum):
    """A part of a request's time, in the order in which they come, and the whole."""

    REQUEST = "request"
    QUEUE = "queue"
    CONNECT = "connect"
    RESPONSE = "response"
    DATA = "data"
    TOTAL = "total"
    """`%Ta`, or what stands for it: `%Tt` in TCP mode and before 1.7, or `%Tu`."""

    @property
    def field(self) -> str:
        """The field of its timer, in milliseconds."""
        return f"haproxy.time.{self.value}_ms"


class Dimension(StrEnum):
    """What lines are told apart by."""

    FRONTEND = "frontend"
    BACKEND = "backend"
    SERVER = "server"
    STATUS = "status"
    METHOD = "method"
    PATH = "path"
    TERMINATION = "termination"

    @property
    def field(self) -> str:
        """Its field."""
        return _FIELDS[self]


_FIELDS: Final = {
    Dimension.FRONTEND: "haproxy.frontend_name",
    Dimension.BACKEND: "haproxy.backend_name",
    Dimension.SERVER: "haproxy.server_name",
    Dimension.STATUS: "http.response.status_code",
    Dimension.METHOD: "http.request.method",
    Dimension.PATH: "url.path_pattern",
    Dimension.TERMINATION: "haproxy.termination_state",
}


@dataclass(frozen=True, slots=True)
class Filters:
    """The values that are wanted of each dimension: exact ones; of the status a class like `5xx` or `none` too."""

    wanted: Mapping[Dimension, tuple[str, ...]] = field(default_factory=dict)

    @classmethod
    def of(cls, parameters: Mapping[str, Sequence[str]]) -> Self:
        """Take the filters among the parameters of a URL. Raises ConfigError for a status that is none."""
        found = {by: tuple(dict.fromkeys(parameters.get(by.value, ()))) for by in Dimension}
        for status in found[Dimension.STATUS]:
            _check_status(status)
        return cls({by: values for by, values in found.items() if values})

    @classmethod
    def parse(cls, texts: Iterable[str]) -> Self:
        """Read filters like `status:5xx` and `backend:shop`. Raises ConfigError, which says what is expected."""
        parameters: dict[str, list[str]] = {}
        for text in texts:
            name, colon, value = text.partition(":")
            if not (colon and value) or name not in list(Dimension):
                names = ", ".join(Dimension)
                raise ConfigError(f"filter {text}: NAME:VALUE is expected, like status:5xx; the names are {names}")
            parameters.setdefault(name, []).append(value)
        return cls.of(parameters)

    def clauses(self) -> Iterator[Clause]:
        """Give what Elasticsearch is to filter by."""
        for by, values in self.wanted.items():
            if by is not Dimension.STATUS:
                yield {"terms": {by.field: list(values)}}
            elif len(values) == 1:
                yield _status_clause(values[0])
            else:
                yield {"bool": {"should": [_status_clause(value) for value in values], "minimum_should_match": 1}}

    def fit(self, document: Document) -> bool:
        """Tell whether a document is wanted."""
        for by, values in self.wanted.items():
            value = value_at(document, by.field)
            if not (_status_fits(value, values) if by is Dimension.STATUS else value in values):
                return False
        return True


@dataclass(frozen=True, slots=True)
class Span:
    """From a moment on and before another, in microseconds since 1970; None is open."""

    from_us: int | None = None
    until_us: int | None = None

    def clauses(self) -> Iterator[Clause]:
        """Give what Elasticsearch is to filter by, within what its dates can hold."""
        bounds = {"gte": self.from_us, "lt": self.until_us}
        found = {
            name: format_timestamp(min(max(us, 0), TIMESTAMP_US_MAX)) for name, us in bounds.items() if us is not None
        }
        if found:
            yield {"range": {"@timestamp": found}}

    def holds(self, us: int) -> bool:
        """Tell whether a moment is within."""
        return (self.from_us is None or self.from_us <= us) and (self.until_us is None or us < self.until_us)


def population_query(filters: Filters, span: Span, phase: Phase | None = None) -> Clause:
    """Give the query of the lines that count, or of those that have a phase's timer."""
    wanted: list[Clause] = [{"term": {"haproxy.line": "traffic"}}, *span.clauses(), *filters.clauses()]
    if phase is not None:
        wanted.append({"exists": {"field": phase.field}})
    a_step = {"bool": {"filter": {"exists": {"field": _STEP}}, "must_not": {"terms": {_STEP: list(_CLOSING)}}}}
    return {"bool": {"filter": wanted, "must_not": [a_step]}}


def counts(document: Document) -> bool:
    """Tell whether a document is of a line that counts."""
    step = value_at(document, _STEP)
    return value_at(document, "haproxy.line") == "traffic" and (step is None or step in _CLOSING)


def _check_status(text: str) -> None:
    if not (_STATUS_CLASS.fullmatch(text) or _STATUS.fullmatch(text) or text == NO_STATUS):
        raise ConfigError(f"status {text}: a code like 503, a class like 5xx, or {NO_STATUS} is expected")


def _status_clause(text: str) -> Clause:
    name = Dimension.STATUS.field
    if text == NO_STATUS:
        return {"bool": {"must_not": {"exists": {"field": name}}}}
    one = _STATUS_CLASS.fullmatch(text)
    if one is None:
        return {"term": {name: int(text)}}
    first = int(one[1]) * 100
    return {"range": {name: {"gte": first, "lt": first + 100}}}


def _status_fits(status: int | None, wanted: Sequence[str]) -> bool:
    if status is None:
        return NO_STATUS in wanted
    return str(status) in wanted or f"{status // 100}xx" in map(str.lower, wanted)
