"""Looks at everything that `install` brings, changes nothing, and says what is wrong and what to do.

1. What the server would do is asked of the server: our template and the one that applies are both simulated, and
   compared in its own words.
2. What may not be asked (a missing privilege, a missing part) is a problem that is told, not an error. Without
   credentials nothing may be asked, and that is told once.
"""

from __future__ import annotations

from dataclasses import dataclass
from fnmatch import fnmatchcase
from itertools import chain
from typing import TYPE_CHECKING, Any, Final, Literal

from shipper.errors import Permanent
from shipper.setup._client import NOT_FOUND, OK, UNAUTHORIZED, reason_of
from shipper.setup._install import chosen_in, read, simulate, supported
from shipper.setup._templates import Template, difference, flat, index_name, mapping, templates

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import datetime

    from shipper.config import Index
    from shipper.setup._client import Client

SERVER_VERSION_MIN: Final = (8, 19)
"""The oldest server that the tests run on."""

_DIFFERENCES_SHOWN_MAX: Final = 5
"""More than this is another mapping altogether, and a list of them helps nobody."""

Kind = Literal[
    "credentials",
    "privileges",
    "version",
    "missing",
    "older",
    "newer",
    "differs",
    "overshadowed",
    "mapping",
    "auto_create",
    "refused",
    "unreadable",
]


@dataclass(frozen=True, slots=True)
class Problem:
    """Something that is not as it should be: a `kind` for programs, and a `message` with what to do for people."""

    kind: Kind
    message: str

    def __str__(self) -> str:
        """Show the problem as `check` prints it."""
        return self.message


def check(client: Client, index: Index, *, now: datetime) -> list[Problem]:
    """Give everything that is wrong with the templates for `index`, and with the index of the day of `now` (UTC)."""
    name = index_name(index, now)
    status, nodes = client.request("GET", "/_nodes?filter_path=nodes.*.version")
    if status == UNAUTHORIZED:
        return [Problem("credentials", f"Elasticsearch refuses to answer: {reason_of(status, nodes)}")]
    return list(
        chain(
            _version(status, nodes),
            _stored(client, index),
            _overshadowed(client, index, name),
            _effective(client, name),
            _existing(client, name),
            _auto_create(client, name),
        )
    )


def _version(status: int, answer: Any) -> Iterator[Problem]:  # noqa: ANN401 -- JSON
    """Compare the nodes' versions; the nodes are asked because a restricted server may not answer `GET /`."""
    if status != OK:
        yield Problem("unreadable", f"the server's version could not be read: {reason_of(status, answer)}")
        return
    for version in sorted({node["version"] for node in answer["nodes"].values()}):
        if tuple(int(part) for part in version.split("-")[0].split(".")[:2]) < SERVER_VERSION_MIN:
            least = ".".join(map(str, SERVER_VERSION_MIN))
            yield Problem("version", f"a node runs Elasticsearch {version}; shipper is tested from {least} on")


def _stored(client: Client, index: Index) -> Iterator[Problem]:
    first, *_ = templates(index)
    try:
        settings = supported(client) | chosen_in(read(client, first))
        for template in templates(index, settings):
            yield from _compared(template, read(client, template))
    except Permanent as error:
        yield Problem("unreadable", str(error))


def _compared(template: Template, stored: Mapping[str, Any] | None) -> Iterator[Problem]:
    if stored is None:
        yield Problem("missing", f"{template.title} is missing: run `shipper setup`")
        return
    found, ours = stored.get("version", 0), template.body["version"]
    differences = difference(flat(template.body), flat(stored))
    if found > ours:
        yield Problem("newer", f"{template.title} is a newer shipper's (version {found}, this one's is {ours})")
    elif found < ours:
        yield Problem("older", f"{template.title} is older (version {found} of {ours}): run `shipper setup`")
    elif differences:
        yield Problem("differs", f"{template.title} differs: {_shown(differences)}; `shipper setup` would restore it")


def _overshadowed(client: Client, index: Index, name: str) -> Iterator[Problem]:
    status, answer = client.request("GET", "/_index_template")
    if status != OK:
        yield Problem("unreadable", f"the index templates could not be read: {reason_of(status, answer)}")
        return
    found = {entry["name"]: entry["index_template"] for entry in answer["index_templates"]}
    if index.prefix not in found:
        return
    ours = found[index.prefix].get("priority", 0)
    for other, template in found.items():
        if template.get("priority", 0) > ours and any(fnmatchcase(name, p) for p in template["index_patterns"]):
            message = (
                f"index template {other} (priority {template['priority']}) matches {name} and overrules {index.prefix}"
            )
            yield Problem("overshadowed", f"{message} ({ours}): lower its priority or narrow its index_patterns")


def _effective(client: Client, name: str) -> Iterator[Problem]:
    """Compare the mapping that an index `name` would get with ours, both as the server puts them."""
    status, answer = client.request("POST", f"/_index_template/_simulate_index/{name}")
    if status != OK:
        yield Problem("unreadable", f"the template of {name} could not be simulated: {reason_of(status, answer)}")
        return
    if "template" not in answer:
        return  # no template matches at all: "missing" has said so
    differences = _foreign(client, answer["template"])
    if differences:
        yield Problem("mapping", f"a new {name} would not have shipper's mapping: {_shown(differences)}")


def _existing(client: Client, name: str) -> Iterator[Problem]:
    """Compare the mapping of today's index, when it exists: it was made by the template of its time."""
    status, answer = client.request("GET", f"/{name}")
    if status == NOT_FOUND:
        return
    if status != OK:
        yield Problem("unreadable", f"index {name} could not be read: {reason_of(status, answer)}")
        return
    for real_name, found in answer.items():
        differences = _foreign(client, found)
        if differences:
            message = f"index {real_name} has another mapping: {_shown(differences)}"
            yield Problem(
                "mapping", f"{message}; values that do not fit it are refused, fields it lacks cannot be searched"
            )


def _foreign(client: Client, found: Mapping[str, Any]) -> tuple[str, ...]:
    """Give where the mapping of `found` departs from our fields; what it has beyond them is the user's own business.

    Its `index.mapping` settings are taken over: a parameter that equals the index's default is not shown by the server.
    """
    settings = found.get("settings", {}).get("index", {}).get("mapping", {})
    status, answer = simulate(client, {"settings": {"index": {"mapping": settings}}, "mappings": mapping()})
    if status != OK:
        return (f"this server would refuse shipper's mapping: {reason_of(status, answer)}",)
    ours = _fields(answer["template"]["mappings"])
    theirs = _fields(found.get("mappings", {}))
    return difference(ours, {path: text for path, text in theirs.items() if path in ours or _extends(path, ours)})


def _fields(mappings: Mapping[str, Any]) -> dict[str, str]:
    """Flatten a mapping; objects stop naming their type with their first field, and dynamic templates may grow."""
    paths = flat({"template": {"mappings": mappings}})
    objects = {path for path, text in paths.items() if path.endswith(".type") and text == "object"}
    return {
        path: text for path, text in paths.items() if path not in objects and not path.endswith(".dynamic_templates")
    }


def _extends(path: str, ours: Mapping[str, str]) -> bool:
    """Say whether `path` is a parameter of one of our fields, as `event.kind.index` is of `event.kind`."""
    field = path.rpartition(".")[0]
    return f"{field}.type" in ours


def _auto_create(client: Client, name: str) -> Iterator[Problem]:
    status, answer = client.request("GET", "/_cluster/settings?include_defaults=true&flat_settings=true")
    if status != OK:
        yield Problem("unreadable", f"the cluster's settings could not be read: {reason_of(status, answer)}")
        return
    layers = (answer.get(layer, {}) for layer in ("transient", "persistent", "defaults"))
    rule = next((layer["action.auto_create_index"] for layer in layers if "action.auto_create_index" in layer), "true")
    if not _allows(rule, name):
        message = f"action.auto_create_index ({rule}) does not let {name} be created by its first document"
        yield Problem("auto_create", f"{message}: allow {name.rpartition('-')[0]}-*, or create the indices beforehand")


def _allows(rule: str | list[str], name: str) -> bool:
    """Read `action.auto_create_index`: a boolean, or signed patterns of which the first that matches decides."""
    patterns = rule.split(",") if isinstance(rule, str) else rule
    if patterns in (["true"], ["false"]):
        return patterns == ["true"]
    for pattern in (text.strip() for text in patterns):
        if fnmatchcase(name, pattern.lstrip("+-")):
            return not pattern.startswith("-")
    return False


def _shown(differences: tuple[str, ...]) -> str:
    more = len(differences) - _DIFFERENCES_SHOWN_MAX
    shown = "; ".join(differences[:_DIFFERENCES_SHOWN_MAX])
    return f"{shown}; and {more} more" if more > 0 else shown
