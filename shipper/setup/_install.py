"""Writes the templates, and says what changed.

1. Everything is read before anything is written: a template that is not ours stops the whole.
2. What an earlier `install` was told (shards, replicas) stays until it is told otherwise.
3. What is already as it should be is not written again.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal

from shipper.errors import Permanent, Retryable
from shipper.setup._client import BAD_REQUEST, NOT_FOUND, OK, may_pass, reason_of
from shipper.setup._templates import Stamp, Template, default_settings, difference, flat, shards_for, templates

if TYPE_CHECKING:
    from collections.abc import Mapping

    from shipper.config import Index
    from shipper.setup._client import Client

LIFECYCLE: Final = ("index.lifecycle.name", "index.lifecycle.parse_origination_date")
CHOSEN: Final = ("index.number_of_shards", "index.number_of_replicas", "index.auto_expand_replicas", *LIFECYCLE)
"""Settings that the user chooses, through `install`."""

_NOT_EVERYWHERE: Final = "index.mapping.ignore_above"
"""A setting that older servers do not know; the mapping's fields carry the same bound one by one."""


@dataclass(frozen=True, slots=True)
class Change:
    """What became of one thing (`subject`), with a line for each difference."""

    kind: Literal["created", "updated", "unchanged", "kept", "deleted"]
    subject: str
    differences: tuple[str, ...] = ()

    def __str__(self) -> str:
        """Show the change as `setup` prints it."""
        return "\n    ".join((f"{self.subject}: {self.kind}", *self.differences))


def install(
    client: Client,
    index: Index,
    *,
    lines_per_day: int | None = None,
    replicas: int | None = None,
    lifecycle: Mapping[str, str] | None = None,
) -> list[Change]:
    """Install or update the templates for `index`, and tell of each what changed.

    `lines_per_day` decides the shards of a day, `replicas` their copies, `lifecycle` is the settings of its ILM policy:
    without it there is none. Raises Permanent when Elasticsearch refuses
    or a template of the same name is somebody else's, Retryable when it may work later.
    """
    stored = {t.path: read(client, t) for t in templates(index)}
    for template in templates(index):
        _refuse_foreign(template, stored[template.path])
    chosen = _chosen(stored[f"/_component_template/{index.prefix}@settings"], lines_per_day, replicas)
    chosen = {key: value for key, value in chosen.items() if key not in LIFECYCLE} | dict(lifecycle or {})
    wanted = templates(index, supported(client) | chosen)
    return [_bring(client, template, stored[template.path]) for template in wanted]


def read(client: Client, template: Template) -> Mapping[str, Any] | None:
    """Give the template that is stored under this name; None when there is none."""
    status, answer = client.request("GET", template.path)
    if status == NOT_FOUND:
        return None
    if status != OK:
        raise _failure(template.title, "could not be read", status, answer)
    return template.stored_in(answer)


def supported(client: Client) -> dict[str, str]:
    """Give the default settings that this server knows."""
    settings = default_settings()
    status, answer = simulate(client, {"settings": {_NOT_EVERYWHERE: settings[_NOT_EVERYWHERE]}})
    if status == BAD_REQUEST:
        return {key: value for key, value in settings.items() if key != _NOT_EVERYWHERE}
    if status != OK:
        raise _failure("a template", "could not be simulated", status, answer)
    return settings


def simulate(client: Client, template: Mapping[str, Any]) -> tuple[int, Any]:
    """Ask what an index made by `template` alone would be, without making anything."""
    body = {"index_patterns": ["shipper-simulation"], "priority": 0, "template": template}
    return client.request("POST", "/_index_template/_simulate", body)


def chosen_in(stored: Mapping[str, Any] | None) -> dict[str, str]:
    """Give the settings that an earlier `install` was told."""
    paths = flat(stored or {})
    return {key: paths[f"template.settings.{key}"] for key in CHOSEN if f"template.settings.{key}" in paths}


def _chosen(stored: Mapping[str, Any] | None, lines_per_day: int | None, replicas: int | None) -> dict[str, str]:
    chosen = chosen_in(stored)
    if lines_per_day is not None:
        chosen["index.number_of_shards"] = str(shards_for(lines_per_day))
    if replicas is not None:
        chosen |= {"index.number_of_replicas": str(replicas), "index.auto_expand_replicas": "false"}
    return chosen


def _refuse_foreign(template: Template, stored: Mapping[str, Any] | None) -> None:
    if stored is not None and Stamp.of(stored) is None:
        raise Permanent(
            f"{template.title} exists and was not made by shipper, so it stays as it is: "
            f"delete or rename it, or choose another index.prefix"
        )


def _bring(client: Client, template: Template, stored: Mapping[str, Any] | None) -> Change:
    """Make the stored template the wanted one, unless it is or a newer shipper made it."""
    if stored is not None and stored.get("version", 0) > template.body["version"]:
        reason = f"version {stored['version']} is a newer shipper's; this one would bring {template.body['version']}"
        return Change("kept", template.title, (reason,))
    differences = difference(flat(stored or {}), flat(template.body))
    if not differences and stored is not None and Stamp.of(stored) == Stamp.of(template.body):
        return Change("unchanged", template.title)
    status, answer = client.request("PUT", template.path, template.body)
    if status != OK:
        raise _failure(template.title, "was refused", status, answer)
    return Change("created", template.title) if stored is None else Change("updated", template.title, differences)


def _failure(title: str, what: str, status: int, answer: object) -> Permanent | Retryable:
    message = f"{title} {what}: {reason_of(status, answer)}"
    return Retryable(message) if may_pass(status) else Permanent(message)
