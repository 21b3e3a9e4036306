"""Wires the dashboard: the page's server, the panels that ask Elasticsearch, and the status of the running shipper.

1. Nothing has to be there at the start: an Elasticsearch or a shipper that is away is said on the page, which finds
   it when it comes.
2. Its client is its own, with as many connections as there are searches at a time, and a deadline that a page has.
"""

from __future__ import annotations

import time
from contextlib import closing
from typing import TYPE_CHECKING

import structlog

from shipper import dashboard
from shipper.dashboard import Question, Trouble
from shipper.elastic import Client
from shipper.haproxy.formats import formats_in_use
from shipper.limits import DASHBOARD_QUERIES_MAX, PANEL_ANSWER_S_MAX
from shipper.query.panels import Panels, UnansweredError
from shipper.service import NoStatusError, fetch

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from shipper.config import Config
    from shipper.dashboard import Parameters, Questions
    from shipper.query.panels import Asked

_log = structlog.get_logger()


def run(config: Config, ready: Callable[[str], None]) -> None:
    """Serve the page until a signal ends it; ``ready`` gets its URL. Raises Fatal where it cannot listen."""
    host, port = config.dashboard.address
    names = dashboard.allowed_names(host, config.dashboard.allowed_hosts)
    settings = config.elasticsearch.model_copy(update={"request_timeout_s": PANEL_ANSWER_S_MAX})
    with (
        closing(dashboard.listen(host, port)) as opened,
        closing(Client(settings, connections_max=DASHBOARD_QUERIES_MAX)) as client,
    ):
        app = dashboard.application(questions(config, client), names)
        if not dashboard.is_loopback(host):
            _log.warning("dashboard_exposed", address=host, why="nobody logs in: whoever reaches it reads the logs")
        shown = f"[{host}]" if ":" in host else host
        url = f"http://{shown}:{opened.getsockname()[1]}/"
        dashboard.serve(app, opened, lambda: ready(url))


def questions(config: Config, client: Client) -> Questions:
    """Give all that the page may ask."""
    aliases = {known.name: known.plan.aliases for known in formats_in_use(config.interpretation().formats)}
    panels = Panels(client, config.index, lambda: time.time_ns() // 1_000_000, aliases)
    health = Question("health", lambda: shipper_health(config.state_dir))

    def read(name: str, parameters: Parameters) -> Question | Trouble | None:
        if name == "health":
            return health
        try:
            asked = panels.ask(name, parameters)
        except UnansweredError as error:
            return _trouble(error)
        return None if asked is None else Question(asked.text, lambda: _answer(asked))

    return read


def shipper_health(state_dir: Path) -> Mapping[str, object]:
    """Give how the shipper stands that runs in ``state_dir``, or why that cannot be told."""
    try:
        status = fetch(state_dir)
    except NoStatusError as error:
        return {"available": False, "why": str(error)}
    rates = {"received_per_s": status.received_per_s, "indexed_per_s": status.indexed_per_s}
    said = {"attention": status.attention, "unexplained": status.unexplained}
    return {"available": True, "status": status.model_dump(mode="json"), "rates": rates, **said}


def _answer(asked: Asked) -> Mapping[str, object] | Trouble:
    try:
        return asked.answer()
    except UnansweredError as error:
        return _trouble(error)


def _trouble(error: UnansweredError) -> Trouble:
    return Trouble(error.kind, error.what, error.todo)
