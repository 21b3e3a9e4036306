"""`shipper check`: what would go wrong, looked at before it does. Changes nothing.

1. Each finding names its subject and says what was found; one that is not good says what to do.
2. A look that fails is a finding, not an exception: the other looks still happen.
"""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from shipper import haproxy_files
from shipper import setup as templates
from shipper.elastic import Client
from shipper.enrichment import open_enrichment
from shipper.errors import ConfigError, ShipperError, StateError
from shipper.haproxy import cfg
from shipper.haproxy.privacy import example
from shipper.journal import StateFolder
from shipper.journal.committer import decode
from shipper.limits import GIB
from shipper.receive import doubled, look

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from shipper.config import Config, Listener


@dataclass(frozen=True, slots=True)
class Finding:
    """What was found of one subject."""

    subject: str
    text: str
    good: bool = True
    doubtful: bool = False
    """Nothing goes wrong, but it could be better."""


def check(config: Config) -> Iterator[Finding]:
    """Look at the configuration, HAProxy's, the state folder, the ports and Elasticsearch, in this order."""
    yield from _configuration(config)
    yield from haproxy(config)
    yield from _privacy(config)
    yield from _enrichment(config)
    running = None
    try:
        running = StateFolder(config.state_dir).holder()
    except StateError as error:
        yield Finding("state", str(error), good=False)
    else:
        yield from _state(config, running)
    yield from (Finding("listener", twice, good=False) for twice in doubled(config.listeners))
    for listener in config.listeners:
        yield from look_at(listener, running=running is not None)
    yield from _elasticsearch(config)


def _configuration(config: Config) -> Iterator[Finding]:
    day = datetime.now(UTC).strftime(config.index.date_format)
    yield Finding("index", f"today's lines go to {config.index.prefix}-{day}; days are UTC")
    for listener in config.listeners:
        zone = listener.timezone or config.zone
        yield Finding("zone", f"dates without an offset that come to {listener.url} are taken to be {zone}")
    for sender in config.senders:
        if sender.timezone is not None:
            yield Finding("zone", f"dates without an offset from {sender.network} are taken to be {sender.timezone}")


def haproxy(config: Config) -> Iterator[Finding]:
    """Say what is understood of a haproxy.cfg, and what of its log could be better."""
    if not config.haproxy_cfg:
        return
    try:
        known = haproxy_files.read(config.haproxy_cfg, os.environ)
    except ConfigError as error:
        yield Finding("haproxy", str(error), good=False)
        return
    for frontend in known.frontends:
        yield Finding("haproxy", _understood(frontend))
    here = [listener.at for listener in config.listeners]
    zone_is_set = config.timezone is not None or all(listener.timezone for listener in config.listeners)
    for note in cfg.advice(known, here, zone_is_set=zone_is_set):
        yield Finding("haproxy", f"{note.place}: {note.text}; {note.advice}", doubtful=True)


def _understood(frontend: cfg.Frontend) -> str:
    who = f"{frontend.place}: {frontend.name} ({frontend.mode})"
    if not frontend.targets:
        return f"{who} logs nothing"
    logs = frontend.format_name or "only `Connect from`"
    parts = [f"logs {logs} to {', '.join(dict.fromkeys(target.address for target in frontend.targets))}"]
    for side, captured in (("request", frontend.request_captures), ("response", frontend.response_captures)):
        if captured:
            parts.append(f"of the {side}: {', '.join(capture.name or '(no name)' for capture in captured)}")
    if frontend.cookie:
        parts.append(f"cookie {frontend.cookie.name}")
    if frontend.error_log_format:
        parts.append("errors have a format of their own")
    return f"{who} {'; '.join(parts)}"


def _privacy(config: Config) -> Iterator[Finding]:
    """Show what is hidden, by examples."""
    rules = config.privacy.rules()
    if not rules.active:
        return
    try:
        key = config.privacy.secret()
    except ConfigError as error:
        yield Finding("privacy", str(error), good=False)
        return
    where = (
        "before the journal" if config.privacy.at == "receive" else "behind the journal, which holds lines as they came"
    )
    yield Finding("privacy", f"lines are changed {where}; the header stays")
    for before, after in example(rules, key.get_secret_value().encode() if key else None):
        yield Finding("privacy", f"{before.decode()} becomes {after.decode()}")


def _enrichment(config: Config) -> Iterator[Finding]:
    """Say what is added, and how old it is."""
    try:
        enricher = open_enrichment(config.enrichment)
    except ConfigError as error:
        yield Finding("enrichment", str(error), good=False)
        return
    for about in enricher.about if enricher else ():
        yield Finding("enrichment", f"documents say more by {about}")


def _state(config: Config, running: str | None) -> Iterator[Finding]:
    root = config.state_dir
    if running is not None:
        yield Finding("state", f"{root} is in use by process {running}; if that is shipper, this is as it should be")
    existing = next(folder for folder in (root, *root.absolute().parents) if folder.exists())
    if not os.access(existing, os.W_OK | os.X_OK):
        yield Finding(
            "state", f"{root}: {existing} cannot be written by this user; choose another state_dir", good=False
        )
        return
    free = shutil.disk_usage(existing).free
    bound = min(config.journal.bytes_max, free // 2)
    yield Finding("state", f"{root}: {free / GIB:.1f} GiB free; the journal may hold {bound / GIB:.1f} GiB")
    yield from _settled(StateFolder(root).commit)


def _settled(record: Path) -> Iterator[Finding]:
    """Tell how far the journal is settled. Reads the record itself: loading it would put a damaged one aside."""
    try:
        commit = decode(record.read_bytes())
    except FileNotFoundError:
        return
    except OSError as error:
        yield Finding("state", f"commit record {record}: {error.strerror}; mend its permissions", good=False)
        return
    if commit is None:
        text = f"commit record {record} is damaged: the next start takes the one before it; have a look at the disk"
        yield Finding("state", text, good=False)
    elif commit.journaled:
        yield Finding("state", f"{commit.journaled} lines settled so far, {commit.dead_lettered} of them dead letters")


def look_at(listener: Listener, *, running: bool) -> Iterator[Finding]:
    """Say whether a listener can be opened, or is open in the shipper that runs."""
    for found in look(listener):
        ours = found.taken and running
        text = f"{listener.url} is taken; by the running shipper, it seems" if ours else found.text
        yield Finding("listener", text, good=found.good or ours, doubtful=found.doubtful)


def _retention(config: Config, client: Client) -> Iterator[Finding]:
    keep_days = config.retention.keep_days
    if keep_days is None:
        return
    by_ilm = config.retention.by == "ilm"
    problem = templates.check_policy(client, config.index, keep_days) if by_ilm else None
    who = "Elasticsearch" if by_ilm else "shipper"
    text = f"{who} deletes the index of a day that has ended for {keep_days} days"
    yield Finding("retention", str(problem or text), good=problem is None)


def _elasticsearch(config: Config) -> Iterator[Finding]:
    client = Client(config.elasticsearch)
    try:
        problems = templates.check(client, config.index, now=datetime.now(UTC))
        known = [problem.kind for problem in problems] != ["credentials"]
        problems += templates.check_privileges(client, config) if known else []
        retention = list(_retention(config, client)) if known else []
    except ShipperError as error:
        yield Finding("elasticsearch", str(error), good=False)
        return
    finally:
        client.close()
    for problem in problems:
        yield Finding("elasticsearch", problem.message, good=False)
    yield from retention
    if not problems:
        yield Finding(
            "elasticsearch", f"{config.elasticsearch.urls[0]} answers; the template {config.index.prefix} is in place"
        )
