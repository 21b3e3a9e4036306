"""How the demo looks on a terminal. It shows; it asks and decides nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from rich import box
from rich.console import Group
from rich.json import JSON
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from deploy.demo._indexed import PERCENTS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from rich.console import RenderableType

    from deploy.demo._comparison import Comparison
    from deploy.demo._indexed import Backend
    from deploy.demo._requests import Request

_SHOWN_MAX: Final = 5


def counts(title: str, rows: Mapping[str, int]) -> Table:
    """Show names and numbers."""
    table = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD, show_header=False)
    table.add_column(no_wrap=True)
    table.add_column(justify="right")
    for name, count in rows.items():
        table.add_row(name, f"{count:,}", style=None if count else "dim")
    return table


def response_times(backends: Sequence[Backend]) -> Table:
    """Show the percentiles of each backend."""
    table = Table(
        title="Response time by backend, in ms (haproxy.time.total_ms)", title_justify="left", box=box.SIMPLE_HEAD
    )
    table.add_column("backend", no_wrap=True)
    for heading in ("requests", "5xx", *(f"p{percent:g}" for percent in PERCENTS)):
        table.add_column(heading, justify="right", no_wrap=True)
    for backend in backends:
        failed = Text(f"{backend.failed:,}", style="red" if backend.failed else "dim")
        table.add_row(backend.name, f"{backend.requests:,}", failed, *map(_milliseconds, backend.percentiles_ms))
    return table


def document(hit: Mapping[str, Any]) -> Panel:
    """Show a document as it is stored."""
    title = f"One document: {hit['_index']} / {hit['_id']}"
    return Panel(JSON.from_data(hit["_source"], ensure_ascii=False), title=title, title_align="left", expand=False)


def look_here(page: str) -> Panel:
    """Show where the dashboard is."""
    text = Text.assemble("The dashboard: ", (page, "bold underline"), "\nIt fills as the requests come in.")
    return Panel(text, style="green", expand=False)


def to_try(commands: Iterable[tuple[str, str]]) -> Group:
    """Show what to type into another terminal; without a frame, so that it can be copied."""
    parts: list[RenderableType] = [Text("Try in another terminal:", style="bold")]
    for what, command in commands:
        parts += [Text(f"  # {what}", style="dim"), Text(f"  {command}")]
    return Group(*parts)


def verdict(found: Comparison) -> RenderableType:
    """Say whether the documents are the lines, and what is not."""
    sent = f"HAProxy sent {found.requests:,} lines of requests and {found.others:,} others"
    if found.exact:
        return Text(f"✔ {sent}: each is exactly one document, value by value.", style="bold green")
    parts = [Text(f"✘ {sent}; the documents differ.", style="bold red")]
    if not found.requests:
        parts.append(Text("  No request was logged at all."))
    if found.others != found.other_documents:
        parts.append(Text(f"  Other lines: {found.others:,} sent, {found.other_documents:,} documents"))
    for title, wrong in (("missing", found.missing), ("surplus", found.surplus), ("incomplete", found.unreadable)):
        parts += _some(title, wrong)
    return Group(*parts)


def _some(title: str, wrong: Sequence[Request | str]) -> list[Text]:
    if not wrong:
        return []
    more = [Text(f"    and {len(wrong) - _SHOWN_MAX:,} more")] if len(wrong) > _SHOWN_MAX else []
    return [Text(f"  {len(wrong):,} {title}:"), *(Text(f"    {each}") for each in wrong[:_SHOWN_MAX]), *more]


def _milliseconds(value: float | None) -> str:
    return "-" if value is None else f"{value:,.0f}"
