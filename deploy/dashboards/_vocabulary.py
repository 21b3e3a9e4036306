"""What both kinds of dashboards show: the phases, percentiles, classes, and who is to blame.

What a number is about (which lines count, HDR histograms, nearest rank) is defined in `shipper.query`; here it is only
given a colour and a name. Colours stay apart in any kind of colour blindness, on light and on dark.
"""

from __future__ import annotations

from typing import Final

from shipper.haproxy.termination import BY, PHASE, read_state
from shipper.query import USUAL, Phase, percentiles_aggregation

INDEX: Final = "haproxy-*"
"""Stands for the index pattern in the committed files."""

PHASES: Final = {
    Phase.TOTAL: ("Response time", "from the first byte of the request to the last of the response (%Ta, %Tt)"),
    Phase.REQUEST: ("Request", "until the client had sent the whole request (%TR, %Tq)"),
    Phase.QUEUE: ("Queue", "waiting for a free place at a server (%Tw)"),
    Phase.CONNECT: ("Connect", "until the connection to the server stood (%Tc)"),
    Phase.RESPONSE: ("Response", "until the server had sent its response headers (%Tr)"),
    Phase.DATA: ("Data", "sending the response (%Td)"),
}
"""Title and meaning of each phase."""

PERCENT_COLORS: Final = dict(
    zip(
        (*USUAL.names, "max"),
        ("#5ab4ac", "#3a8fb7", "#5b6fc0", "#8a5cc2", "#c8518f", "#e8743b", "#9aa5b1"),
        strict=True,
    )
)

STATUS_CLASSES: Final = {
    "1xx": ("[100 TO 199]", "#9aa5b1"),
    "2xx": ("[200 TO 299]", "#4c9f70"),
    "3xx": ("[300 TO 399]", "#4a90c2"),
    "4xx": ("[400 TO 499]", "#e0a030"),
    "5xx": ("[500 TO 599]", "#d1495b"),
}
"""Range of codes and colour of each class."""
NO_STATUS_COLOR: Final = "#6b4e71"

BLAME: Final = {
    "client": (("client", "client_timeout"), "#e0a030"),
    "server": (("server", "server_timeout", "server_down"), "#d1495b"),
    "proxy": (("proxy", "resource", "internal", "admin", "backup_up"), "#5b6fc0"),
}
"""Who ended a session that did not end as it should: the values of haproxy.termination.by, and the colour."""

BOUNDS_MS: Final = (0, 1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000, 20_000, 50_000, 100_000)
"""Lower bounds of the rows of the heat map."""

EVENTS: Final = {
    "down": (("server_down", "no_server_available"), "#d1495b"),
    "up": (("server_up",), "#4c9f70"),
    "reload": (
        (
            "proxy_started",
            "proxy_stopping",
            "proxy_stopped",
            "worker_started",
            "worker_exited",
            "master_reloading",
            "master_exiting",
            "configuration_loaded",
            "configuration_refused",
        ),
        "#4a90c2",
    ),
}
"""The values of event.action that are marks on every time axis, and their colour."""

ROWS_MAX: Final = 20
PATHS_MAX: Final = 100
"""Percentiles are counted for so many of the most requested paths: each costs a histogram in Elasticsearch's memory."""
LINES_MAX: Final = 25

HDR: Final = percentiles_aggregation("", USUAL)["percentiles"]["hdr"]
"""How Elasticsearch is to count."""

NOTE: Final = (
    "Percentiles are those of single requests, counted in HDR histograms of "
    f"{HDR['number_of_significant_value_digits']} significant digits. A phase's "
    "population are the lines that have its timer: where HAProxy logged -1, the phase was never reached."
)


def states() -> dict[str, str]:
    """Put the first two characters of every termination state into words, the known ones and the composed."""
    pairs = [f"{by}{phase}" for by in BY for phase in PHASE]
    return {pair: meaning.text for pair in pairs if (meaning := read_state(pair)) is not None}
