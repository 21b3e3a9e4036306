"""docs/fields.md names every field of the mapping and every setting, and no other."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from shipper import limits
from shipper.haproxy.record import PATHS
from shipper.setup import INDEX_BYTES_PER_LINE
from shipper.setup._templates import default_settings
from tests.setup.documents import aliases, concrete

PAGE: Final = (Path(__file__).parents[2] / "docs" / "fields.md").read_text(encoding="utf-8")
ROW: Final = re.compile(
    r"^\| `(?P<name>[^`]+)` \| (?P<type>\w+) \| (?:ECS|own) \| [^|]+ \|(?P<also>[^|]*)\| [^|]+ \|$", re.MULTILINE
)
SETTING: Final = re.compile(r"^\| `(index\.[^`]+)` \| ([^|]+) \| [^|]+ \|$", re.MULTILINE)
ROWS: Final = [(row["name"], row["type"], re.findall(r"`([^`]+)`", row["also"])) for row in ROW.finditer(PAGE)]


def test_every_field_is_documented_once_with_its_type() -> None:
    assert sorted((name, kind) for name, kind, _ in ROWS) == sorted(concrete().items())


def test_every_alias_is_documented_beside_what_it_stands_for() -> None:
    assert {alias: name for name, _, also in ROWS for alias in also} == aliases()


def test_every_setting_is_documented_with_its_value() -> None:
    assert dict(SETTING.findall(PAGE)) == default_settings()


def test_the_arithmetic_of_shards_is_documented_as_it_is() -> None:
    assert f"counts {INDEX_BYTES_PER_LINE} bytes for a line" in PAGE
    assert f"about every {limits.SHARD_BYTES_MAX // 10**9} GB a day" in PAGE


def test_every_field_of_a_typed_line_is_in_the_mapping() -> None:
    assert {path for path in PATHS.values() if not path.startswith("labels.")} <= set(concrete())
