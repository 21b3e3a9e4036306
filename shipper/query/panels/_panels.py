"""Asks Elasticsearch for what a panel shows."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

from shipper.errors import ConnectionFailed, TimedOut
from shipper.limits import PANEL_QUERY_S_MAX
from shipper.query.panels import _backends, _events, _latency, _lines, _tables, _traffic
from shipper.query.panels._unanswered import UnansweredError, bad_request, no_index, refusal, too_slow, unreachable
from shipper.query.panels._view import View

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

    from shipper.config import Index
    from shipper.query._reading import Client
    from shipper.query.panels._search import JSON
    from shipper.query.panels._view import Parameters

SEARCHES: Final = {
    **_latency.PANELS,
    **_traffic.PANELS,
    **_backends.PANELS,
    **_tables.PANELS,
    **_events.PANELS,
    **_lines.PANELS,
}
"""All panels that are a search, by their names."""
_LINE: Final = "line"
_OK: Final = 200
_NOT_FOUND: Final = 404
_ID: Final = re.compile(r"[A-Za-z0-9_-]{1,512}", re.ASCII)
_OF_AN_ANSWER: Final = "timed_out,_shards.total,_shards.failed,hits.total.value,hits.hits,aggregations,error,status"


@dataclass(frozen=True, slots=True)
class Asked:
    """A question: where ``text`` is the same, so is the answer. ``answer`` blocks, and raises UnansweredError."""

    text: str
    answer: Callable[[], JSON]


class Panels:
    """Asks for panels, from any number of threads. ``aliases`` are those of each known log format, by its name."""

    def __init__(
        self,
        client: Client,
        index: Index,
        now_ms: Callable[[], int],
        aliases: Mapping[str, Collection[str]],
    ) -> None:
        self._client = client
        self._pattern = index.pattern
        self._daily = re.compile(rf"{re.escape(index.prefix)}-[0-9._-]{{1,30}}", re.ASCII)
        self._now_ms = now_ms
        self._aliases = aliases

    def ask(self, name: str, parameters: Parameters) -> Asked | None:
        """Read what is asked for; None where no panel has that name. Raises UnansweredError for wrong parameters."""
        if name == _LINE:
            return self._line(parameters)
        panel = SEARCHES.get(name)
        if panel is None:
            return None
        view = View.of(parameters, self._now_ms())
        body = json.dumps(panel.search(view))
        return Asked(f"{name} {body}", lambda: _framed(view, panel.read(view, self._search(json.loads(body)))))

    def _search(self, body: JSON) -> JSON:
        cached = "true" if body["size"] == 0 else "false"
        answer = self._get(
            "POST",
            f"/{quote(self._pattern)}/_search?filter_path={_OF_AN_ANSWER}&request_cache={cached}"
            "&allow_partial_search_results=false",
            {**body, "timeout": f"{PANEL_QUERY_S_MAX:g}s"},
        )
        if answer.get("timed_out"):
            raise too_slow()
        if not answer.get("_shards", {}).get("total"):
            raise no_index(self._pattern)
        return answer

    def _line(self, parameters: Parameters) -> Asked:
        index, id_ = (parameters.get(name, ("",))[-1] for name in ("index", "id"))
        if not self._daily.fullmatch(index) or not _ID.fullmatch(id_):
            raise bad_request("Parameters index and id: those of a line that the page has listed are expected.")
        path = f"/{quote(index)}/_doc/{quote(id_)}"
        return Asked(path, lambda: read_answer(self._get("GET", path), self._aliases))

    def _get(self, method: str, path: str, body: Mapping[str, object] | None = None) -> JSON:
        try:
            status, answer = self._client.request(method, path, body)
        except TimedOut as error:
            raise too_slow() from error
        except ConnectionFailed as error:
            raise unreachable(str(error)) from error
        if status == _OK and isinstance(answer, dict):
            return answer
        if status == _NOT_FOUND and isinstance(answer, dict) and answer.get("found") is False:
            raise UnansweredError("no_index", "This line is not there any more.", "Was its day's index made anew?")
        raise refusal(status, answer, self._pattern)


def read_answer(found: JSON, aliases: Mapping[str, Collection[str]]) -> JSON:
    """Read the answer to a request for one document."""
    source: dict[str, Any] = found.get("_source", {})
    return _lines.read_line(source, aliases)


def _framed(view: View, data: JSON) -> JSON:
    window = view.window
    return {"window": {"from": window.from_ms, "to": window.to_ms, "interval_ms": window.interval_ms}, **data}
