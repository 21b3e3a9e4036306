"""`shipper dead-letters`: what Elasticsearch refused for good: to see why, to send it again, or to let it go."""

import json
import sys
import time
from collections import Counter, deque
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Final, get_type_hints

import typer
from rich.table import Table
from rich.text import Text

from shipper import telemetry
from shipper.cli import _options as options
from shipper.cli._flags import Group, taking
from shipper.cli._lines import until_the_reader_leaves
from shipper.cli._moment import read_moment
from shipper.cli._screen import console, visible
from shipper.config import Config
from shipper.dead_letter import Choice, DeadLetter, files, read, read_file, revise
from shipper.errors import ConfigError, Permanent, Retryable, StateError
from shipper.haproxy.timestamps import format_timestamp
from shipper.jobs import dead_letters as job
from shipper.limits import SUMMARY_REASONS_MAX
from shipper.query import read_age

LIST_EXAMPLES: Final = """Examples:

`shipper dead-letters list`

`shipper dead-letters list --all --since 24h --type document_parsing_exception`

`shipper dead-letters list --json | jq -r .line`"""
SHOW_EXAMPLES: Final = """Examples:

`shipper dead-letters show`

`shipper dead-letters show AZ8e9CoAYQuX5kBvAAAE0g`"""
RETRY_EXAMPLES: Final = """Examples:

`shipper dead-letters retry -c /etc/shipper/shipper.toml --field haproxy.http.request.captured_cookie`

`shipper dead-letters retry --index 'haproxy-2026.11.*'`"""
PURGE_EXAMPLES: Final = """Examples:

`shipper dead-letters purge --until 2026-11-01 --yes`

`shipper dead-letters purge --id AZ8e9CoAYQuX5kBvAAAE0g`"""

app = options.typer_app(
    no_args_is_help=True, help="What Elasticsearch refused for good: see why, send it again, or let it go."
)

_WHICH: Final = "Which letters"


def _which(flag: str, metavar: str, text: str) -> object:
    return typer.Option(flag, metavar=metavar, help=text, rich_help_panel=_WHICH)


@dataclass(frozen=True, slots=True)
class _Which:
    """Which letters are meant; without a flag all are."""

    ids: Annotated[list[str] | None, _which("--id", "ID", "Of this `_id`; may be repeated.")] = None
    type: Annotated[str | None, _which("--type", "NAME", "Of this kind of error, like document_parsing_exception.")] = (
        None
    )
    field: Annotated[str | None, _which("--field", "NAME", "About this field.")] = None
    index: Annotated[str | None, _which("--index", "PATTERN", "For these indices; * and ? stand for anything.")] = None
    reason: Annotated[str | None, _which("--reason", "TEXT", "Whose reason, or its cause, holds this text.")] = None
    since: Annotated[str | None, _which("--since", "AGE|DATE", "Given up then or later: 90m, 24h, 7d, or a date.")] = (
        None
    )
    until: Annotated[str | None, _which("--until", "DATE", "Given up before then.")] = None

    def choice(self, settings: Config) -> Choice:
        """Say it with moments for dates. Raises ConfigError for what is none."""
        return Choice(
            ids=frozenset(self.ids or ()),
            type=self.type,
            field=self.field,
            index=self.index,
            reason=self.reason,
            since=None if self.since is None else format_timestamp(_since_us(self.since, settings)),
            until=None if self.until is None else format_timestamp(read_moment("--until", self.until, settings.zone)),
        )


_WHICH_LETTERS: Final = Group(get_type_hints(_Which, include_extras=True), lambda given: _Which(**given))


@dataclass(slots=True)
class _Group:
    """Letters that were refused alike."""

    letters: int
    first: str
    last: str
    example: DeadLetter


@app.command(name="list", epilog=LIST_EXAMPLES)
@taking(given=options.settings("state_dir"), which=_WHICH_LETTERS)
def list_letters(
    given: options.Given,
    which: _Which,
    *,
    every: Annotated[bool, typer.Option("--all", help="A line for every letter, not only for each reason.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="The letters themselves, one object a line.")] = False,
) -> None:
    """Say how many letters there are for which reason, with an example of each; or list them all."""
    settings = given.load()
    choice = which.choice(settings)
    letters = filter(choice.includes, read(job.folder_of(settings)))
    print_them = _print_json if as_json else _print_each if every else _print_groups
    raise typer.Exit(until_the_reader_leaves(lambda: print_them(letters)))


@app.command(epilog=SHOW_EXAMPLES)
@taking(given=options.settings("state_dir"))
def show(
    given: options.Given,
    ids: Annotated[
        list[str] | None, typer.Argument(metavar="[ID]…", help="The letters' `_id`s; none: the newest.")
    ] = None,
) -> None:
    """Show letters whole: what was said, the line, and the document as it was sent.

    Exits with 1 when one is not there.
    """
    settings = given.load()
    letters = read(job.folder_of(settings))
    shown = [each for each in letters if each.id in ids] if ids else list(deque(letters, maxlen=1))
    missing = set(ids or ()) - {each.id for each in shown}
    if missing or not shown:
        raise Permanent(f"no dead letter {', '.join(sorted(missing))}".rstrip() + f" in {job.folder_of(settings)}")
    raise typer.Exit(until_the_reader_leaves(lambda: _print_whole(shown)))


@app.command(epilog=RETRY_EXAMPLES)
@taking(
    given=options.settings("elasticsearch", "index_prefix", "state_dir", "timezone", "haproxy_cfg"),
    which=_WHICH_LETTERS,
)
def retry(
    given: options.Given,
    which: _Which,
    *,
    as_json: Annotated[bool, typer.Option("--json", help="The counts, as one JSON object.")] = False,
) -> None:
    """Read the lines again, with today's parser and configuration, and send them; what is indexed is a letter no more.

    May run beside `shipper run`, and be ended at any moment: nothing is lost, nothing is there twice. Exits with 1 when
    a letter is left.
    """
    settings = given.load()
    telemetry.configure("error")
    outcome = job.retry(settings, which.choice(settings))
    left = outcome.refused.total() + outcome.waiting
    if as_json:
        typer.echo(json.dumps(asdict(outcome) | {"waiting": outcome.waiting}))
    else:
        _print_outcome(outcome)
    raise typer.Exit(int(left > 0))


@app.command(epilog=PURGE_EXAMPLES)
@taking(given=options.settings("state_dir"), which=_WHICH_LETTERS)
def purge(
    given: options.Given,
    which: _Which,
    *,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
) -> None:
    """Delete letters for good, after asking. Their lines are lost then, unless HAProxy logged them elsewhere, too."""
    settings = given.load()
    choice = which.choice(settings)
    chosen = {path: _ids(path, choice) for path in files(job.folder_of(settings))}
    count = sum(map(len, chosen.values()))
    if not count:
        typer.echo("no such letter")
        return
    if not yes:
        if not sys.stdin.isatty():
            raise ConfigError(f"{count:,} letters would be deleted for good: say so with --yes")
        typer.confirm(f"Delete {count:,} letters for good?", abort=True)
    try:
        deleted = sum(revise(path, dict.fromkeys(found)) for path, found in chosen.items() if found)
    except (OSError, Retryable) as error:
        raise StateError(f"not all could be deleted: {error}") from error
    typer.echo(f"{deleted:,} deleted")


def _since_us(text: str, settings: Config) -> int:
    age_ms = read_age(text)
    if age_ms is None:
        return read_moment("--since", text, settings.zone)
    return time.time_ns() // 1_000 - age_ms * 1_000


def _ids(path: Path, choice: Choice) -> list[str]:
    return [letter.id for letter in read_file(path) if choice.includes(letter)]


# -- what is printed -------------------------------------------------------------------------------------------------


def _print_json(letters: Iterable[DeadLetter]) -> int:
    for letter in letters:
        print(json.dumps(asdict(letter)))
    return 0


def _print_each(letters: Iterable[DeadLetter]) -> int:
    for letter in letters:
        print(letter.id, letter.time, letter.index, _kind(letter), visible(letter.line), sep="  ")
    return 0


def _print_groups(letters: Iterable[DeadLetter]) -> int:
    groups: dict[str, _Group] = {}
    indices: Counter[str] = Counter()
    for letter in letters:
        kind = _kind(letter)
        if kind not in groups and len(groups) >= SUMMARY_REASONS_MAX:
            kind = "for other reasons"
        group = groups.setdefault(kind, _Group(0, letter.time, letter.time, letter))
        group.letters += 1
        group.first, group.last = min(group.first, letter.time), max(group.last, letter.time)
        indices[letter.index] += 1
    out = console()
    for kind, group in sorted(groups.items(), key=lambda each: -each[1].letters):
        out.print(Text.assemble((f"{group.letters:,}", "bold"), "  ", (visible(kind), "bold")), soft_wrap=True)
        table = Table(box=None, show_header=False, padding=(0, 2, 0, 0))
        for name, text in _about(group):
            table.add_row(Text(f"  {name}", "dim"), Text(visible(text), overflow="ellipsis", no_wrap=True))
        out.print(table)
    out.print(f"{indices.total():,} letters, for {len(indices):,} indices")
    return 0


def _about(group: _Group) -> Iterator[tuple[str, str]]:
    yield "given up", group.first if group.first == group.last else f"{group.first} to {group.last}"
    yield "reason", group.example.reason
    if group.example.caused_by:
        yield "caused by", group.example.caused_by
    yield "like", f"{group.example.id}  {group.example.line}"


def _print_whole(letters: Iterable[DeadLetter]) -> int:
    out = console()
    for letter in letters:
        for name, value in asdict(letter).items():
            if name not in {"document", "line_base64"} and value not in {None, ""}:
                out.print(Text.assemble((f"{name:<10}", "bold"), visible(str(value))), soft_wrap=True)
        out.print(Text("document", "bold"))
        out.print(Text(json.dumps(letter.document, indent=2)), soft_wrap=True)
        out.print()
    return 0


def _print_outcome(outcome: job.Outcome) -> None:
    print(f"{outcome.chosen:,} letters: {outcome.indexed + outcome.already_there:,} indexed now", end="")
    print(f" ({outcome.already_there:,} were there already)" if outcome.already_there else "", end="")
    print(f", {outcome.refused.total():,} refused again, {outcome.waiting:,} not tried to the end")
    for kind, count in outcome.refused.most_common():
        print(f"  {count:,}  {visible(kind)}: {visible(outcome.reasons[kind])}")
    for what, why in outcome.troubles.items():
        print(f"  {what}: {visible(why)}")


def _kind(letter: DeadLetter) -> str:
    return f"{letter.type}: {letter.field}" if letter.field else letter.type
