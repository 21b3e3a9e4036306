"""`shipper explain`: a line in, a person's reading of it out."""

from __future__ import annotations

import json
import sys
from itertools import chain
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer
from rich.table import Column, Table
from rich.text import Text

from shipper.cli import _options as options
from shipper.cli._flags import taking
from shipper.cli._lines import STDIN, parse_argument, until_the_reader_leaves
from shipper.cli._screen import console, place_of, point, visible
from shipper.haproxy import explain as words
from shipper.haproxy.formats import formats_in_use

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from rich.console import Console

    from shipper.cli._lines import Parsed
    from shipper.config import Config
    from shipper.haproxy.explain import Explanation, Finding, Phase, Reading
    from shipper.haproxy.record import Record

BAR_CELLS: Final = 40
WIDE: Final = 110
"""Columns from which on a field fits on one line."""
_MARKS: Final = {"fine": ("✓", "green"), "note": ("•", "yellow"), "fault": ("✗", "bold red")}
_STYLES: Final = {
    "request": "cyan",
    "queue": "yellow",
    "connect": "magenta",
    "response": "blue",
    "data": "green",
    "handshake": "white",
    "idle": "dim",
    "tarpit": "yellow",
}

EXAMPLES: Final = """Examples:

`shipper explain '10.0.0.7:51822 [21/Nov/2026:05:02:17.873] www shop/s1 1/0/1 198 sD 12/8/3/1/0 0/0'`

`grep ' 503 ' /var/log/haproxy.log | tail -3 | shipper explain`

`shipper explain --json haproxy.log | jq -r '.explanation[].id' | sort | uniq -c`"""

app = options.typer_app()


@app.command(epilog=EXAMPLES)
@taking(given=options.settings("timezone", "log_format", "haproxy_cfg"))
def explain(
    given: options.Given,
    context: typer.Context,
    lines: Annotated[
        list[str] | None, typer.Argument(metavar="[LINE|FILE|-]…", help="A line, a file of lines, or `-`: stdin.")
    ] = None,
    *,
    as_json: Annotated[
        bool, typer.Option("--json", help="One object a line: the document, and the findings as `explanation`.")
    ] = False,
) -> None:
    """Say what a line means: who asked whom for what, where the time went, how it ended and what to look at.

    The sections named are those of HAProxy's configuration manual. Exits with 1 when a line was not understood.
    """
    if not lines and sys.stdin.isatty():
        typer.echo(context.get_help())
        raise typer.Exit(2)
    settings = given.load()
    raise typer.Exit(until_the_reader_leaves(lambda: explain_lines(lines or [STDIN], settings, as_json=as_json)))


def explain_lines(arguments: Iterable[str], settings: Config, *, as_json: bool) -> int:
    """Explain every line that ``arguments`` name or are; give the exit code."""
    interpretation = settings.interpretation()
    aliases = {known.name: known.plan.aliases for known in formats_in_use(interpretation.formats)}
    screen = console()
    failed = False
    lines = chain.from_iterable(parse_argument(argument, interpretation) for argument in arguments)
    for number, parsed in enumerate(lines):
        failed |= not parsed.known
        document = json.loads(parsed.json)
        record = words.read_document(document)
        explanation = words.explain(record, aliases.get(record.log_format or "", ()))
        if as_json:
            print(_to_json(document, explanation), flush=parsed.live)
        else:
            if number:
                screen.rule(style="dim")
            _show(screen, parsed, record, explanation)
    return int(failed)


def _to_json(document: Mapping[str, Any], explanation: Explanation) -> str:
    findings = [
        {"id": found.id, "level": found.level, "text": found.text, "advice": found.advice, "section": found.section}
        for found in explanation.findings
    ]
    return json.dumps(
        {**document, "explanation": [{key: value for key, value in found.items() if value} for found in findings]},
        ensure_ascii=False,
        separators=(",", ":"),
    )


def _show(screen: Console, parsed: Parsed, record: Record, explanation: Explanation) -> None:
    screen.print(Text(visible(explanation.headline), "bold"))
    date = f"{record.timestamp[:10]} {record.timestamp[11:23]} UTC"
    screen.print(Text(date if parsed.dated else f"no date of its own; the nearest known is {date}", "dim"))
    column = place_of(record.error_message or "")[1]
    if column is not None:
        screen.print("", point(parsed.raw, column), sep="\n")
    if explanation.phases:
        screen.print("", _waterfall(explanation.phases), sep="\n")
    fields = tuple(field for field in explanation.fields if parsed.dated or field.path != "@timestamp")
    screen.print("", *map(_finding, explanation.findings), "", _fields(fields, wide=screen.width >= WIDE), sep="\n")


def _waterfall(phases: tuple[Phase, ...]) -> Table:
    """Draw the phases to scale, one below the other."""
    whole_ms = max(phase.start_ms + (phase.lasted_ms or 0) for phase in phases)
    table = Table.grid(Column(), Column(), Column(no_wrap=True), Column(), padding=(0, 2))
    for phase in phases:
        table.add_row(phase.name, Text(phase.alias, "dim"), _bar(phase, whole_ms), _lasted(phase))
    return table


def _bar(phase: Phase, whole_ms: int) -> Text:
    scale = BAR_CELLS / max(whole_ms, 1)
    start = min(int(phase.start_ms * scale), BAR_CELLS - 1)
    cells = max(int((phase.start_ms + (phase.lasted_ms or 0)) * scale) - start, 1) if phase.lasted_ms else 0
    style = "red" if phase.ended_here else _STYLES[phase.name]
    blank = " " * start
    return Text.assemble(blank, (("░" if phase.ended_here else "█") * cells, style), " " * (BAR_CELLS - start - cells))


def _lasted(phase: Phase) -> Text:
    if phase.lasted_ms is None:
        return Text("never reached", "dim")
    return Text(f"ended after {phase.lasted_ms} ms" if phase.ended_here else f"{phase.lasted_ms} ms")


def _finding(found: Finding) -> Table:
    mark, style = _MARKS[found.level]
    table = Table.grid(padding=(0, 1))
    text = Text.assemble(visible(found.text), (f" {visible(found.advice)}" if found.advice else "", "dim"))
    if found.section:
        text.append(f" [manual {found.section}]", "dim")
    table.add_row(Text(mark, style), text)
    return table


def _fields(fields: tuple[Reading, ...], *, wide: bool) -> Table:
    """List the fields; on a narrow screen what each means stands below its value."""
    table = Table.grid(Column(no_wrap=True), Column(overflow="fold"), Column(no_wrap=True), Column(), padding=(0, 2))
    for field in fields:
        name, value = Text(field.path, "cyan"), Text(visible(field.value))
        if wide:
            table.add_row(name, value, Text(field.alias, "dim"), Text(field.meaning, "dim"))
        else:
            table.add_row(name, value.append(f"\n{field.alias} {field.meaning}".replace("\n ", "\n"), "dim"))
    return table
