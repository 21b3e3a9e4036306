from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from zipfile import ZipFile

import pytest
from hatchling.builders.wheel import WheelBuilder

from shipper.config import Index
from shipper.setup import index_name, shards_for
from shipper.setup._templates import Stamp, difference, flat, mapping, mapping_stamp, templates
from tests.setup.documents import FIELDS, aliases, concrete

UNSEARCHED = {"event.original", "event.original_base64"}
DATE_FORMAT = "uuuu-MM-dd'T'HH:mm:ss.SSSSSSXXX||strict_date_optional_time_nanos||epoch_millis"


def test_what_is_not_in_the_mapping_is_kept_and_not_indexed() -> None:
    assert mapping()["dynamic"] is False
    assert [name for name, field in FIELDS.items() if field.get("dynamic")] == [
        "haproxy.http.request.headers",
        "haproxy.http.response.headers",
        "labels",
    ]


@pytest.mark.parametrize("name", [name for name, kind in concrete().items() if kind == "keyword"])
def test_every_keyword_is_bounded_or_not_indexed(name: str) -> None:
    field = FIELDS[name]
    if name in UNSEARCHED:
        assert (field["index"], field["doc_values"]) == (False, False)
    else:
        assert field == {"type": "keyword", "ignore_above": 8191}


@pytest.mark.parametrize("name", ["@timestamp", "event.created"])
def test_every_date_prints_six_digits_and_reads_what_people_type(name: str) -> None:
    assert FIELDS[name] == {"type": "date_nanos", "format": DATE_FORMAT}


def test_only_dates_never_forgive_a_malformed_value() -> None:
    assert {name for name, field in FIELDS.items() if "ignore_malformed" in field} == {
        "source.ip",
        "source.geo.location",
        "client.ip",
        "destination.ip",
        "server.ip",
        "source.nat.ip",
    }


def test_every_alias_points_to_a_field() -> None:
    assert set(aliases().values()) <= set(concrete())


def test_counts_and_times_are_long() -> None:
    numbers = {name for name, kind in concrete().items() if kind not in {"keyword", "text", "boolean", "object"}}
    assert {name for name in numbers if FIELDS[name]["type"] != "long"} == {
        "@timestamp",
        "event.created",
        "source.ip",
        "client.ip",
        "destination.ip",
        "server.ip",
        "source.nat.ip",
        "source.geo.location",
        "http.response.status_code",
    }


def test_templates_are_named_after_the_prefix_and_end_with_the_users_own() -> None:
    *components, template = templates(Index(prefix="proxydns"))
    assert [t.name for t in components] == ["proxydns@settings", "proxydns@mappings"]
    assert template.body["index_patterns"] == ["proxydns-*"]
    assert template.body["composed_of"] == ["proxydns@settings", "proxydns@mappings", "proxydns@custom"]
    assert template.body["ignore_missing_component_templates"] == ["proxydns@custom"]


def test_a_longer_prefix_has_a_higher_priority() -> None:
    priorities = [templates(Index(prefix=prefix))[2].body["priority"] for prefix in ("haproxy", "haproxy-edge")]
    assert priorities[0] < priorities[1]


def test_the_mapping_carries_the_stamp_of_its_template() -> None:
    assert Stamp.of(mapping()) == mapping_stamp() == Stamp.of(templates(Index())[1].body)


@pytest.mark.parametrize("meta", [None, {}, {"shipper": 1}, {"shipper": {"version": "1", "hash": "x"}}])
def test_a_foreign_template_has_no_stamp(meta: object) -> None:
    assert Stamp.of({"_meta": meta}) is None


def test_settings_are_compared_as_the_server_gives_them_back() -> None:
    ours = {"template": {"settings": {"index.codec": "default", "index.mapping.x": "true"}}}
    theirs = {
        "template": {"settings": {"index": {"codec": "default", "mapping": {"x": True}}}},
        "created_date_millis": 1,
    }
    assert flat(ours) == flat(theirs)


def test_a_dotted_field_equals_a_nested_one() -> None:
    dotted = {"template": {"mappings": {"properties": {"url.path": {"type": "keyword"}}}}}
    nested = {"template": {"mappings": {"properties": {"url": {"properties": {"path": {"type": "keyword"}}}}}}}
    assert flat(dotted) == flat(nested)


def test_a_difference_names_the_path_and_both_values() -> None:
    old = flat({"template": {"mappings": {"properties": {"url.path": {"type": "text"}}}}})
    new = flat({"template": {"mappings": {"properties": {"url.path": {"type": "keyword"}}}}})
    assert difference(old, new) == ("url.path.type: text -> keyword",)
    assert difference(new, new) == ()


@pytest.mark.parametrize(
    ("lines_per_day", "shards"), [(0, 1), (1, 1), (100_000_000, 1), (100_000_001, 2), (600_000_000, 6), (10**15, 1024)]
)
def test_a_shard_holds_forty_gigabytes_a_day(lines_per_day: int, shards: int) -> None:
    assert shards_for(lines_per_day) == shards


def test_the_days_of_indices_are_utc() -> None:
    late_evening_in_new_york = datetime(2026, 11, 20, 23, 30, tzinfo=timezone(timedelta(hours=-5)))
    assert index_name(Index(), late_evening_in_new_york) == "haproxy-2026.11.21"
    assert index_name(Index(prefix="proxydns", date_format="%Y-%m-%d"), datetime(2026, 1, 2, tzinfo=UTC)) == (
        "proxydns-2026-01-02"
    )


def test_the_templates_travel_in_the_wheel(tmp_path: Path) -> None:
    root = Path(__file__).parents[2]
    [wheel] = WheelBuilder(str(root)).build(directory=str(tmp_path), versions=["standard"])
    carried = {name for name in ZipFile(wheel).namelist() if name.startswith("shipper/mappings/")}
    assert carried == {f"shipper/mappings/{file.name}" for file in (root / "mappings").glob("*.json")}
