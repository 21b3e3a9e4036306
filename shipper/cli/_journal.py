"""`shipper journal`: what lies in the journal, and whether it is what was written. Changes nothing."""

import json
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from rich.console import Console
from rich.table import Table

from shipper.cli import _options as options
from shipper.cli._flags import taking
from shipper.cli._screen import console
from shipper.haproxy.timestamps import format_timestamp
from shipper.journal import StateFolder, survey
from shipper.journal.committer import peek
from shipper.limits import MIB

STAT_EXAMPLES: Final = """Examples:

`shipper journal stat`

`shipper journal stat --state-dir /var/lib/shipper --json | jq .pending_lines`"""
VERIFY_EXAMPLES: Final = """Examples:

`shipper journal verify`

`shipper journal verify --json | jq -r .segment | sort | uniq -c`"""

app = options.typer_app(no_args_is_help=True, help="Look at the journal: the lines on disk that are not yet settled.")

AsJson = Annotated[bool, typer.Option("--json", help="For programs.")]


@app.command(epilog=STAT_EXAMPLES)
@taking(given=options.settings("state_dir"))
def stat(given: options.Given, *, as_json: AsJson = False) -> None:
    """Count the segments, entries, lines and bytes, and what of them is not yet settled.

    Beside a running shipper, too: it looks at the headers alone, and changes nothing.
    """
    state = StateFolder(given.load().state_dir).existing()
    found = _stat(state)
    if as_json:
        typer.echo(json.dumps(found))
    else:
        _print_stat(console(), found)


@app.command(epilog=VERIFY_EXAMPLES)
@taking(given=options.settings("state_dir"))
def verify(given: options.Given, *, as_json: AsJson = False) -> None:
    """Hold every checksum against its bytes, and name each segment and offset where one fails.

    Exits with 1 when one does. Nothing has to be done about it: what is damaged is passed over, counted as
    `journal_lost` and kept aside when its turn comes. Have a look at the disk.
    """
    state = StateFolder(given.load().state_dir).existing()
    commit = peek(state.commit)
    count = 0
    for fault in survey.verify(state.journal, commit.position if commit else None, growing=state.holder() is not None):
        count += 1
        typer.echo(json.dumps(asdict(fault)) if as_json else _told(fault))
    if not as_json:
        typer.echo(_counted(count, "fault") if count else f"{state.journal}: every checksum holds")
    raise typer.Exit(int(count > 0))


def _told(fault: survey.Fault) -> str:
    lines = "an unknown number of lines" if fault.lines is None else _counted(fault.lines, "line")
    lost = f"{lines}, settled already" if fault.settled else f"{lines} lost"
    return f"{fault.segment}.segment: offset {fault.offset}, {fault.bytes} bytes: {fault.what}; {lost}"


def _counted(number: int, what: str) -> str:
    return f"{number:,} {what}" if number == 1 else f"{number:,} {what}s"


def _stat(state: StateFolder) -> dict[str, Any]:
    commit = peek(state.commit)
    position = commit.position if commit else None
    segments = list(survey.stat(state.journal, position))
    sizes = list(_sizes(state.quarantine))
    return {
        "folder": str(state.journal),
        "running": state.holder(),
        **{
            name: sum(getattr(each, name) for each in segments)
            for name in ("bytes", "entries", "lines", "pending_bytes", "pending_lines", "damaged_bytes")
        },
        "oldest": _time(min((each.oldest_us for each in segments if each.oldest_us), default=None)),
        "newest": _time(max((each.newest_us for each in segments if each.newest_us), default=None)),
        "committed": {"segment": position.segment.hex(), "offset": position.offset} if position else None,
        "settled_lines": commit.journaled if commit else 0,
        "lost_lines": commit.journal_lost if commit else 0,
        "quarantine": {"files": len(sizes), "bytes": sum(sizes)},
        "segments": [_segment(each) for each in segments],
    }


def _segment(segment: survey.Segment) -> dict[str, Any]:
    times = {name: _time(getattr(segment, f"{name}_us")) for name in ("created", "oldest", "newest")}
    return {name: value for name, value in asdict(segment).items() if not name.endswith("_us")} | times


def _sizes(folder: Path) -> Iterator[int]:
    if folder.is_dir():
        yield from (file.stat().st_size for file in folder.iterdir())


def _time(us: int | None) -> str | None:
    return None if us is None else format_timestamp(us)


def _print_stat(out: Console, found: dict[str, Any]) -> None:
    running = f"in use by process {found['running']}" if found["running"] else "no shipper runs here"
    out.print(f"{found['folder']}: {running}", markup=False, soft_wrap=True)
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("segment")
    for name in ("MiB", "entries", "lines", "pending"):
        table.add_column(name, justify="right")
    table.add_column("received from")
    table.add_column("to")
    totals = found | {"id": "in all"}
    for each in (*found["segments"], totals):
        counts = (f"{each['bytes'] / MIB:,.1f}", *(f"{each[n]:,}" for n in ("entries", "lines", "pending_lines")))
        table.add_row(each["id"], *counts, each["oldest"] or "-", each["newest"] or "-")
    out.print(table)
    out.print(f"settled so far: {found['settled_lines']:,} lines, {found['lost_lines']:,} of them lost to damage")
    kept = found["quarantine"]
    if kept["files"] or found["damaged_bytes"]:
        out.print(
            f"{found['damaged_bytes']:,} bytes that no whole entry covers; damage kept aside: {kept['files']:,} files "
            f"of {kept['bytes']:,} bytes in quarantine/. `shipper journal verify` names the places",
            soft_wrap=True,
        )
