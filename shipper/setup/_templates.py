"""The templates as this version of shipper wants them. Pure, apart from reading the files that travel with it.

1. The files in `mappings/` are the definition; `PREFIX` in them stands for the index prefix.
2. Each template carries its version and the hash of its content under `_meta.shipper`. The mapping carries them as
   well, so that an index, or a simulation of one, tells by itself which template made it.
3. Two templates are compared flat and as text: Elasticsearch gives settings back nested and as strings.
4. A longer prefix has a higher priority: `haproxy-edge-*` lies within `haproxy-*`, and Elasticsearch refuses two
   templates of one priority there.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from datetime import UTC
from functools import cache
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from shipper import limits

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import datetime
    from importlib.resources.abc import Traversable

    from shipper.config import Index

INDEX_BYTES_PER_LINE: Final = 400
"""What a line takes in the index, without replicas: an assumption on the safe side of what a benchmark measures."""

_COMPARED: Final = frozenset(
    {
        "version",
        "template",
        "index_patterns",
        "composed_of",
        "ignore_missing_component_templates",
        "priority",
        "data_stream",
        "allow_auto_create",
    }
)
"""Parts of a template that someone wrote; servers add others, like the date of creation."""


@dataclass(frozen=True, slots=True)
class Template:
    """One template: its `kind` (component or index), `name`, and the `body` to send."""

    kind: str
    name: str
    body: Mapping[str, Any]

    @property
    def path(self) -> str:
        """Where it lies in Elasticsearch."""
        return f"/_{self.kind}_template/{self.name}"

    @property
    def title(self) -> str:
        """How people call it."""
        return f"{self.kind} template {self.name}"

    def stored_in(self, answer: Mapping[str, Any]) -> Mapping[str, Any]:
        """Take the template out of the answer to a GET of `path`."""
        entry: Mapping[str, Any] = answer[f"{self.kind}_templates"][0][f"{self.kind}_template"]
        return entry


@dataclass(frozen=True, slots=True, order=True)
class Stamp:
    """Which template this is: a `version` that rises with each change, and the `hash` of the content."""

    version: int
    hash: str

    @classmethod
    def of(cls, holder: Mapping[str, Any]) -> Stamp | None:
        """Read the stamp of a template or of a mapping; None when shipper did not make it."""
        meta = holder.get("_meta")
        match meta.get("shipper") if isinstance(meta, dict) else None:
            case {"version": int(version), "hash": str(digest)}:
                return cls(version, digest)
        return None


def templates(index: Index, settings: Mapping[str, str] | None = None) -> tuple[Template, Template, Template]:
    """Give the templates for `index`, in the order of installing; `settings` stand for those of the file."""
    prefix = index.prefix
    for_settings = _read("settings.json")
    if settings is not None:
        for_settings["template"] = {"settings": dict(settings)}
    for_mappings = _read("mappings.json")
    for_index = json.loads(json.dumps(_read("index-template.json")).replace("PREFIX", prefix))
    for_index["priority"] += len(prefix)
    return (
        Template("component", f"{prefix}@settings", {**for_settings, "_meta": _meta(for_settings)}),
        Template(
            "component",
            f"{prefix}@mappings",
            {**for_mappings, "template": {"mappings": mapping()}, "_meta": _meta(for_mappings)},
        ),
        Template("index", prefix, {**for_index, "_meta": _meta(for_index)}),
    )


def mapping() -> dict[str, Any]:
    """Give the mapping of every daily index, stamped."""
    file = _read("mappings.json")
    return {**file["template"]["mappings"], "_meta": _meta(file)}


def mapping_stamp() -> Stamp:
    """Give the stamp of this version's mapping."""
    file = _read("mappings.json")
    return Stamp(file["version"], _hash(file))


def default_settings() -> dict[str, str]:
    """Give the index settings of the file."""
    settings: dict[str, str] = _read("settings.json")["template"]["settings"]
    return settings


def shards_for(lines_per_day: int) -> int:
    """Give the number of shards of a day's index: one for about every 40 GB."""
    needed = -(-lines_per_day * INDEX_BYTES_PER_LINE // limits.SHARD_BYTES_MAX)
    return min(max(1, needed), limits.SHARDS_MAX)


def index_name(index: Index, moment: datetime) -> str:
    """Name the daily index of `moment` (with a zone); days are UTC."""
    return f"{index.prefix}-{moment.astimezone(UTC).strftime(index.date_format)}"


def flat(template: Mapping[str, Any]) -> dict[str, str]:
    """Give what someone wrote in `template` as dotted path to text, without the word `properties`."""
    written = {key: value for key, value in template.items() if key in _COMPARED}
    return {path: text for path, text in _leaves("", written) if not path.startswith("template.mappings._meta")}


def difference(old: Mapping[str, str], new: Mapping[str, str]) -> tuple[str, ...]:
    """Say for each path that differs what it was and what it is to be."""
    paths = [path for path in {**old, **new} if old.get(path) != new.get(path)]
    return tuple(
        f"{path.removeprefix('template.').removeprefix('mappings.')}: "
        f"{old.get(path, 'absent')} -> {new.get(path, 'absent')}"
        for path in sorted(paths)
    )


def _leaves(path: str, value: object) -> Iterator[tuple[str, str]]:
    if isinstance(value, dict) and value:
        for key, inner in value.items():
            yield from _leaves(path if key == "properties" else f"{path}.{key}" if path else key, inner)
    else:
        yield path, value if isinstance(value, str) else json.dumps(value, sort_keys=True)


def _meta(body: dict[str, Any]) -> dict[str, Any]:
    return {"shipper": {"version": body["version"], "hash": _hash(body)}}


def _hash(body: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()[:16]


def _read(file: str) -> dict[str, Any]:
    parsed: dict[str, Any] = json.loads(_text(file))
    return parsed


@cache
def _text(file: str) -> str:
    return (_folder() / file).read_text(encoding="utf-8")


def _folder() -> Traversable:
    """Find `mappings/`: inside the package when installed from a wheel, beside it in a checkout."""
    installed = resources.files("shipper") / "mappings"
    return installed if installed.is_dir() else Path(__file__).parents[2] / "mappings"
