"""Why there is no answer, in words for whoever looks at the page: what happened, and what to do."""

from __future__ import annotations

from typing import Any, Final, Literal, TypeAlias

from shipper.errors import ShipperError

Kind: TypeAlias = Literal["bad_request", "no_index", "refused", "unreachable", "too_slow"]

_REASON_CHARS_MAX: Final = 300
"""Of what Elasticsearch says: it may quote a whole query."""
_UNAUTHORIZED: Final = (401, 403)
_NOT_FOUND: Final = 404
_TOO_MANY: Final = (408, 429, 503, 504)
_OVERLOADED: Final = ("circuit_breaking", "rejected", "timeout", "time_exceeded", "task_cancelled", "too_many_buckets")


class UnansweredError(ShipperError):
    """A question has no answer; ``kind`` is for programs, ``what`` and ``todo`` are sentences."""

    def __init__(self, kind: Kind, what: str, todo: str) -> None:
        super().__init__(f"{what} {todo}")
        self.kind: Kind = kind
        self.what = what
        self.todo = todo


def sentence(reason: str) -> str:
    """Make a sentence of a reason."""
    return f"{reason[:1].upper()}{reason[1:]}."


def bad_request(what: str) -> UnansweredError:
    """Say what is wrong with the parameters."""
    return UnansweredError("bad_request", what, "Go back to the page without parameters, and choose again.")


def no_index(pattern: str) -> UnansweredError:
    """Say that there is nothing to look at."""
    return UnansweredError(
        "no_index",
        f"There is no index {pattern} in this Elasticsearch.",
        "Does shipper run, and ship there, under this index prefix? `shipper status` says what it does.",
    )


def too_slow() -> UnansweredError:
    """Say that the deadline passed, or that Elasticsearch has too much to do."""
    return UnansweredError(
        "too_slow",
        "Elasticsearch did not answer in time, or has too much to do.",
        "Choose a shorter time range or a filter. If nothing is ever answered: can this machine reach it?",
    )


def unreachable(reason: str) -> UnansweredError:
    """Say that no answer came."""
    return UnansweredError("unreachable", sentence(reason), "Is Elasticsearch up, and reachable from this machine?")


def refusal(status: int, answer: Any, pattern: str) -> UnansweredError:  # noqa: ANN401 -- JSON can be anything
    """Say what an answer other than 200 means."""
    kinds, reason = _said(answer)
    if status in _UNAUTHORIZED:
        return UnansweredError(
            "refused",
            f"Elasticsearch refused to let the dashboard read {pattern} (status {status}).",
            f"Give it credentials that may read {pattern}: docs/dashboard.md.",
        )
    if any(word in kinds for word in _OVERLOADED) or (status in _TOO_MANY and "all shards failed" not in reason):
        return too_slow()
    if status == _NOT_FOUND:
        return no_index(pattern)
    if status in _TOO_MANY:
        return unreachable(f"Elasticsearch could not search all shards of {pattern}")
    return UnansweredError(
        "refused",
        f"Elasticsearch refused the question (status {status}): {reason or 'no reason given'}.",
        "Do the indices have shipper's template? `shipper setup` puts it in place, for indices made from then on.",
    )


def _said(answer: Any) -> tuple[str, str]:  # noqa: ANN401 -- JSON can be anything
    """Give the types of an error and its causes, and the reason that says most."""
    error = answer.get("error") if isinstance(answer, dict) else None
    if not isinstance(error, dict):
        return "", ""
    causes = [error, *error.get("root_cause", ()), error.get("caused_by") or {}]
    causes += [failed.get("reason") or {} for failed in error.get("failed_shards", ())]
    kinds = " ".join(str(cause.get("type")) for cause in causes)
    reasons = [str(cause["reason"]) for cause in (*causes[1:], error) if cause.get("reason")]
    return kinds, reasons[0][:_REASON_CHARS_MAX] if reasons else ""
