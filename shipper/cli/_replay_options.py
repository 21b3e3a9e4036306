"""The options of `shipper replay`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Final, Literal, TypeAlias

import typer

_WHERE: Final = "Where to"
_PACE: Final = "How fast (with --to)"
_WHAT: Final = "What, and when"
_AFTER: Final = "What is said of it"


Files: TypeAlias = Annotated[
    list[Path] | None,
    typer.Argument(metavar="FILE|-…", help="Captured lines, plain or compressed (gzip, bzip2, xz, zstd); `*` as well."),
]
To: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--to",
        metavar="URL",
        help="Any syslog receiver: udp://HOST:PORT, tcp://HOST:PORT, unix-dgram:///PATH or unix:///PATH.",
        rich_help_panel=_WHERE,
    ),
]
Direct: TypeAlias = Annotated[
    bool, typer.Option("--direct", help="Straight into Elasticsearch; so it is without --to.", rich_help_panel=_WHERE)
]
Header: TypeAlias = Annotated[
    Literal["local", "rfc5424"] | None,
    typer.Option("--header", help="For lines without a syslog header: one is put in front.", rich_help_panel=_WHERE),
]
Framing: TypeAlias = Annotated[
    Literal["newline", "octet"] | None,
    typer.Option("--framing", help="Of streams: a line's end, or its length in front.", rich_help_panel=_WHERE),
]
Speed: TypeAlias = Annotated[
    float | None,
    typer.Option(
        "--speed", metavar="F", help="The original gaps, F times as fast; by default 1.", rich_help_panel=_PACE
    ),
]
Rate: TypeAlias = Annotated[
    float | None, typer.Option("--rate", metavar="N", help="So many lines a second.", rich_help_panel=_PACE)
]
Arrivals: TypeAlias = Annotated[
    Literal["evenly", "poisson"] | None,
    typer.Option("--arrivals", help="Evenly, or by chance as many clients do.", rich_help_panel=_PACE),
]
Seed: TypeAlias = Annotated[
    int, typer.Option("--seed", metavar="N", help="Of what comes by chance.", rich_help_panel=_PACE)
]
Ramp: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--ramp", metavar="A:B:DUR", help="From A to B lines a second, like 1000:20000:60s.", rich_help_panel=_PACE
    ),
]
Burst: TypeAlias = Annotated[
    str | None,
    typer.Option("--burst", metavar="N/DUR", help="N lines at once, like 5000/1s.", rich_help_panel=_PACE),
]
Max: TypeAlias = Annotated[
    bool, typer.Option("--max", help="As fast as the receiver's kernel takes them.", rich_help_panel=_PACE)
]
Limit: TypeAlias = Annotated[
    int | None, typer.Option("--limit", min=1, metavar="N", help="The first N lines.", rich_help_panel=_WHAT)
]
Loop: TypeAlias = Annotated[
    int | None, typer.Option("--loop", min=1, metavar="N", help="All of it N times.", rich_help_panel=_WHAT)
]
From: TypeAlias = Annotated[
    str | None, typer.Option("--from", metavar="DATE", help="Lines of this time and later.", rich_help_panel=_WHAT)
]
Until: TypeAlias = Annotated[
    str | None, typer.Option("--until", metavar="DATE", help="Lines of before this time.", rich_help_panel=_WHAT)
]
ShiftToNow: TypeAlias = Annotated[
    bool, typer.Option("--shift-to-now", help="Rewrite the dates: the first line is of now.", rich_help_panel=_WHAT)
]
ShiftTo: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--shift-to", metavar="DATE", help="Rewrite the dates: the first line is of then.", rich_help_panel=_WHAT
    ),
]
Stretch: TypeAlias = Annotated[
    float | None,
    typer.Option("--stretch", metavar="F", help="Rewrite the dates: gaps F times as long.", rich_help_panel=_WHAT),
]
Again: TypeAlias = Annotated[
    bool,
    typer.Option("--again", help="Index lines that are there once more, as another replay.", rich_help_panel=_WHAT),
]
Resume: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--resume",
        metavar="ID",
        help="Go on with a replay that has an id.",
        rich_help_panel=_WHAT,
    ),
]
Verify: TypeAlias = Annotated[
    bool | None,
    typer.Option(
        "--verify/--no-verify",
        help="Hold Elasticsearch against the lines afterwards; so it is when direct.",
        rich_help_panel=_AFTER,
    ),
]
Report: TypeAlias = Annotated[
    Path | None,
    typer.Option("--report", metavar="FILE", help="Write the report as JSON.", rich_help_panel=_AFTER),
]
