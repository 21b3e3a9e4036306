"""What `shipper status` prints: a page for people, an object for programs. It asks nothing and counts nothing."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, Final

from rich import box
from rich.console import Group
from rich.filesize import decimal
from rich.table import Column, Table
from rich.text import Text

from shipper.cli._screen import visible

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.console import RenderableType

    from shipper.service import Sender, Status

SENDERS_SHOWN_MAX: Final = 20
"""The most recent ones; `--json` has all."""
_UNITS: Final = (("d", 86_400), ("h", 3_600), ("min", 60))
_TENTHS_BELOW_S: Final = 10


def as_object(status: Status) -> dict[str, Any]:
    """Give a status as one object, with what it comes to."""
    return status.model_dump(mode="json") | {"unexplained": status.unexplained, "attention": status.attention}


def page(status: Status) -> RenderableType:
    """Give a status as a page: the verdict first, the lines, what they wait for, and who sends."""
    parts: list[RenderableType] = [_headline(status), *_verdict(status), Text(), _lines(status), Text(), _rest(status)]
    if status.senders:
        parts += [Text(), _senders(status)]
    return Group(*parts)


def _headline(status: Status) -> Text:
    up_s = (status.taken_at - status.started_at).total_seconds()
    return Text.assemble(
        (f"shipper {status.version}", "bold"),
        f" (engine {status.engine}), process {status.pid}, up {span(up_s)}",
        (f"   {status.taken_at:%Y-%m-%d %H:%M:%S} UTC", "dim"),
    )


def _verdict(status: Status) -> Iterator[Text]:
    if not status.counted:
        yield Text("The journal is being counted: what is pending is more than what is said here.", style="yellow")
    elif status.unexplained == 0:
        yield Text("Every line is accounted for.", style="green")
    for sentence in status.attention:
        yield Text(f"! {visible(sentence)}", style="red")


def _lines(status: Status) -> Table:
    """Give the two sums, each with its terms below it; what should be 0 is dim while it is, and then yellow."""
    indexed, received = f"{status.indexed_per_s:,.1f}/s", f"{status.received_per_s:,.1f}/s"
    table = Table.grid(Column(), Column(justify="right"), Column(), padding=(0, 2))
    for what, lines, more, usual in (
        ("received", status.received, received, True),
        ("  dropped, the journal was full", status.dropped_full, "", False),
        ("  refused, the sender may not send", status.refused_sender, "", False),
        ("  empty", status.empty, "", True),
        ("  journaled", status.journaled, "", True),
        ("    indexed", status.indexed, indexed, True),
        ("    already there, after a retry", status.already_there, "", True),
        ("    dead letters", status.dead_lettered, "", False),
        ("    lost in a damaged journal", status.journal_lost, "", False),
        ("    pending", status.pending, _waiting(status), True),
        ("dropped by the kernel before that", status.kernel_drops, "", False),
        ("not understood since the start", status.unparsed, "indexed all the same" * bool(status.unparsed), False),
    ):
        style = "" if usual else "yellow" if lines else "dim"
        table.add_row(what, f"{lines:,}", Text(more, "dim"), style=style)
    return table


def _waiting(status: Status) -> str:
    oldest = status.oldest_pending_age_s
    said = [] if oldest is None else [f"the oldest for {span(oldest)}"]
    return ", ".join([*said, *([f"{status.parked:,} of them parked"] if status.parked else [])])


def _answers(status: Status) -> str:
    if status.reachable is None:
        return "not asked yet"
    if not status.reachable:
        return "does not answer"
    asked = status.lag_s is not None or status.unsettled_bytes
    return "answers" if asked else "not asked in the last minute"


def _rest(status: Status) -> Table:
    answers = _answers(status)
    flying = f"{status.requests_in_flight} of {status.requests_in_flight_max} requests in flight"
    waiting = (
        f"{flying}, of at most {decimal(status.request_bytes_max)}; {decimal(status.unsettled_bytes)} without a verdict"
    )
    lag = "nothing was settled in the last minute"
    if status.lag_s is not None:
        lag = f"{span(status.lag_s)} from receipt to verdict"
    table = Table.grid(padding=(0, 2))
    table.add_row("lag", lag)
    table.add_row("Elasticsearch", f"{answers}; {waiting}")
    table.add_row("journal", f"{decimal(status.journal_bytes)} of {decimal(status.journal_bytes_max)}")
    for known in status.expected:
        if not known.silent:
            sends = "it sends" if known.last_seen else "nothing yet"
            table.add_row("expected", f"{known.network}, at least every {span(known.silent_after_s)}: {sends}")
    return table


def _senders(status: Status) -> RenderableType:
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, padding=(0, 1, 0, 0))
    for heading in ("sender", "lines", "per s", "not understood", "last format", "zone", "last seen"):
        table.add_column(heading, justify="right" if heading in {"lines", "per s", "not understood"} else "left")
    places = Counter(sender.address for sender in status.senders)
    for sender in status.senders[:SENDERS_SHOWN_MAX]:
        place = f" at {sender.listener}" if places[sender.address] > 1 else ""
        table.add_row(
            Text((visible(sender.address) or "(standard input)") + place),
            f"{sender.lines:,}",
            f"{sender.lines_per_s:,.1f}",
            Text(f"{sender.unparsed:,}", "yellow" if sender.unparsed else ""),
            Text(visible(sender.log_format or "-")),
            _zone(sender),
            f"{span((status.taken_at - sender.last_seen).total_seconds())} ago",
        )
    more, others = len(status.senders) - SENDERS_SHOWN_MAX, status.lines_of_other_senders
    beyond = [f"{more} more senders: see --json"] if more > 0 else []
    beyond += [f"{others:,} lines of senders beyond these"] if others else []
    return Group(table, *(Text(each, "dim") for each in beyond))


def _zone(sender: Sender) -> Text:
    if not sender.off_by_s:
        return Text(sender.timezone)
    return Text(f"{sender.timezone}, off by {sender.off_by_s / 3600:+g} h", "yellow")


def span(seconds: float) -> str:
    """Give a time in its largest unit, and one more."""
    seconds = max(0.0, seconds)
    if seconds < _TENTHS_BELOW_S:
        return f"{seconds:.1f} s"
    for (unit, size), (smaller, smaller_size) in zip(_UNITS, (*_UNITS[1:], ("s", 1)), strict=True):
        if seconds >= size:
            rest = int(seconds % size) // smaller_size
            return f"{int(seconds // size)} {unit}" + (f" {rest} {smaller}" if rest else "")
    return f"{seconds:.0f} s"
