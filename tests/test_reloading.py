"""What a reload may change, and what came of it."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from pydantic import SecretStr

from shipper.config import Config, Journal, Listener, Metrics, Privacy
from shipper.errors import ConfigError
from shipper.limits import INTERPRETATION_BYTES_MAX
from shipper.reloading import _FIXED, _FIXED_OF_LISTENERS, Outcome, Reception, must_stay, told
from tests.free_ports import free_ports
from tests.shipper_process import ShipperProcess, until

if TYPE_CHECKING:
    from collections.abc import Iterator

BEFORE = Config(timezone="UTC", listeners=(Listener(url="udp://127.0.0.1:5140"), Listener(url="tcp://127.0.0.1:5140")))


@pytest.mark.parametrize(
    ("changed", "named"),
    [
        ({"state_dir": Path("/elsewhere")}, "state_dir"),
        ({"user": "shipper"}, "user"),
        ({"engine": "python"}, "engine"),
        ({"metrics": Metrics(listen="http://127.0.0.1:9899")}, "metrics"),
        ({"journal": Journal(when_full="drop_newest")}, "journal.when_full"),
        ({"listeners": BEFORE.listeners[:1]}, "listeners"),
        ({"listeners": (BEFORE.listeners[0], Listener(url="tcp://127.0.0.1:6000"))}, "listeners.1.url"),
    ],
)
def test_what_needs_a_restart_is_named(changed: dict[str, object], named: str) -> None:
    with pytest.raises(ConfigError, match=f"^{named}: what was changed there needs a restart"):
        must_stay(BEFORE, BEFORE.model_copy(update=changed))


def test_the_page_names_what_needs_a_restart() -> None:
    page = (Path(__file__).parents[1] / "docs" / "operations.md").read_text(encoding="utf-8")
    section = page.partition("\n## Reload\n")[2].partition("\n## ")[0]
    for name in (*_FIXED, *_FIXED_OF_LISTENERS, "when_full"):
        assert f"`{name}`" in section or f"`[{name}]`" in section


def test_all_else_may_change() -> None:
    listeners = tuple(each.model_copy(update={"allow": ("192.0.2.0/24",)}) for each in BEFORE.listeners)
    changed = {"timezone": "Asia/Tokyo", "labels": {"a": "b"}, "journal": Journal(bytes_max=1), "listeners": listeners}
    must_stay(BEFORE, BEFORE.model_copy(update=changed))


def test_what_the_receiving_process_is_told_is_understood_there() -> None:
    reception = Reception.of(BEFORE)
    assert Reception.model_validate_json(reception.model_dump_json()) == reception


def test_a_receiver_that_is_started_again_has_the_key_that_was_read_with_the_configuration(tmp_path: Path) -> None:
    file = tmp_path / "key"
    file.write_text("the key of today\n")
    config = Config(privacy=Privacy(parameters={"token": "hash"}, key_file=file)).resolved()
    file.write_text("the key of tomorrow\n")
    assert Reception.of(config).privacy_key == "the key of today"
    assert config.interpretation().privacy_key == SecretStr("the key of today")
    assert "of today" not in repr(config)


def test_the_last_outcome_is_kept(tmp_path: Path) -> None:
    assert Outcome.read(tmp_path) is None
    told(tmp_path, "wrong")
    told(tmp_path, None)
    outcome = Outcome.read(tmp_path)
    assert outcome is not None
    assert outcome.refused is None


def test_an_outcome_that_cannot_be_kept_stops_nothing(tmp_path: Path) -> None:
    told(tmp_path / "missing", None)


@pytest.fixture(scope="module")
def shipper(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ShipperProcess]:
    (nobody,) = free_ports(1)
    with ShipperProcess(tmp_path_factory.mktemp("reloading"), f"https://127.0.0.1:{nobody}", "reloading") as shipper:
        yield shipper


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        ({"privacy": {"key_file": "missing"}}, "privacy.key_file missing"),
        ({"privacy": {"key_file": os.devnull}}, "at least 16 characters"),
        ({"elasticsearch": {"ca_file": "missing"}}, "elasticsearch.ca_file missing"),
        ({"elasticsearch": {"api_key_file": "missing"}}, "elasticsearch.api_key_file missing"),
        ({"enrichment": {"geo_file": "missing"}}, "enrichment.geo_file missing"),
        ({"labels": {"large": "x" * INTERPRETATION_BYTES_MAX}}, "what lines are read with takes"),
    ],
)
def test_a_file_that_cannot_be_used_is_noticed_before_a_process_hears_of_it(
    shipper: ShipperProcess, wrong: dict[str, dict[str, Any]], named: str
) -> None:
    refused = len(shipper.events("reload_refused"))
    shipper.configure(**wrong)
    os.kill(shipper.pid, signal.SIGHUP)
    until(lambda: len(shipper.events("reload_refused")) > refused, "it was refused", patience_s=8)
    shipper.configure(**{section: dict.fromkeys(settings) for section, settings in wrong.items()})
    assert named in shipper.events("reload_refused")[-1]["reason"]
    assert shipper.exit is None
    assert len(shipper.events("child_started")) == 2
    assert not shipper.events("configuration_reloaded")
