"""The configuration: where settings come from, and what is said of wrong ones."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import pytest
from pydantic import SecretStr

from shipper.config import Config, Interpretation, Privacy, Sender, SenderZone, load
from shipper.errors import ConfigError

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(autouse=True)
def no_settings_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in [name for name in os.environ if name.startswith("SHIPPER_")]:
        monkeypatch.delenv(variable)


def _wrong(flags: dict[str, Any]) -> str:
    with pytest.raises(ConfigError) as error:
        load(None, flags)
    return str(error.value)


def test_flags_go_before_the_environment_and_the_environment_before_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "shipper.toml"
    file.write_text('log_level = "debug"\ntimezone = "Europe/Berlin"\n[index]\nprefix = "file"\n')
    monkeypatch.setenv("SHIPPER_LOG_LEVEL", "error")
    monkeypatch.setenv("SHIPPER_INDEX__PREFIX", "environment")
    config = load(file, {"index": {"prefix": "flag"}})
    assert (config.timezone, config.log_level, config.index.prefix) == ("Europe/Berlin", "error", "flag")


def test_a_nested_key_from_one_source_leaves_its_neighbours_from_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "shipper.toml"
    file.write_text('[elasticsearch]\nusername = "shipper"\nrequest_timeout_s = 7\n')
    monkeypatch.setenv("SHIPPER_ELASTICSEARCH__PASSWORD", "secret")
    settings = load(file, {"elasticsearch": {"urls": ["http://127.0.0.1:9201"]}}).elasticsearch
    assert (settings.username, settings.request_timeout_s) == ("shipper", 7)
    assert settings.urls == ("http://127.0.0.1:9201",)
    assert settings.password is not None
    assert settings.password.get_secret_value() == "secret"


def test_lists_in_the_environment_are_json(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHIPPER_LISTENERS", '[{"url": "udp://[::1]:5141"}]')
    monkeypatch.setenv("SHIPPER_ELASTICSEARCH__URLS", '["http://127.0.0.1:9201"]')
    config = load()
    assert (config.listeners[0].host, config.listeners[0].port) == ("::1", 5141)
    assert config.elasticsearch.urls == ("http://127.0.0.1:9201",)


@pytest.mark.parametrize(
    ("variable", "value", "said"),
    [
        ("SHIPPER_TIMEZON", "UTC", "SHIPPER_TIMEZON: unknown setting; did you mean 'SHIPPER_TIMEZONE'?"),
        ("SHIPPER_XYZ", "1", "SHIPPER_XYZ: unknown setting; known are SHIPPER_DASHBOARD, "),
        ("SHIPPER_INDEX__PREFX", "a", "index.prefx: unknown key; did you mean 'prefix'?"),
        ("SHIPPER_ELASTICSEARCH__URLS", "http://es:9200", "SHIPPER_ELASTICSEARCH__URLS: lists and tables are written"),
        ("SHIPPER_LISTENERS", "udp://[::]:5140", "SHIPPER_LISTENERS: lists and tables are written as JSON"),
    ],
)
def test_a_wrong_variable_is_named_with_what_would_be_right(
    monkeypatch: pytest.MonkeyPatch, variable: str, value: str, said: str
) -> None:
    monkeypatch.setenv(variable, value)
    assert said in _wrong({})


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        ({"indx": {}}, "indx: unknown key; did you mean 'index'?"),
        ({"listeners": [{"bind": 1}]}, "listeners.0.bind: unknown key; known are"),
        ({"timezone": "Berlin"}, "timezone: unknown time zone 'Berlin'; did you mean 'Europe/Berlin'?"),
        ({"timezone": "CEST"}, "timezone: unknown time zone 'CEST'; an IANA name like 'Europe/Berlin' is expected"),
        ({"timezone": "PDT"}, "unknown time zone 'PDT'; an IANA name like 'Europe/Berlin' is expected"),
        ({"timezone": "../etc/passwd"}, "timezone: unknown time zone"),
        ({"listeners": [{"url": "http://127.0.0.1:1"}]}, "'http://127.0.0.1:1': the scheme must be one of"),
        ({"listeners": [{"url": "udp://localhost:1"}]}, "udp://[::]:5140; no name, and no port above 65535"),
        ({"listeners": [{"url": "udp://127.0.0.1"}]}, "an address and a port are expected"),
        ({"listeners": [{"url": "udp://127.0.0.1:1/x"}]}, "and nothing after them"),
        ({"listeners": [{"url": "udp://127.0.0.1:70000"}]}, "no port above 65535"),
        ({"listeners": [{"url": "tcp://localhost:1"}]}, "like tcp://0.0.0.0:5140 or tcp://[::]:5140"),
        ({"listeners": [{"url": "file://haproxy.log"}]}, "the whole path of a file is expected"),
        ({"listeners": [{"url": "unix:///run/shipper/"}]}, "the whole path of a file is expected"),
        ({"listeners": [{"url": "file:///var/*/haproxy.log"}]}, "may stand in the file's name only"),
        ({"listeners": [{"url": "stdin:", "allow": ["::1"]}]}, "allow is of udp and tcp"),
        ({"listeners": [{"url": "stdin:", "reuse_port": True}]}, "reuse_port is of udp and tcp"),
        ({"listeners": [{"allow": ["here"]}]}, "listeners.0.allow.0: "),
        ({"listeners": [{"url": "stdin:x"}]}, "the scheme must be one of"),
        ({"listeners": [{"url": "unix:///run/x", "socket_mode": "rw"}]}, "socket_mode: String should match pattern"),
        ({"senders": [{"network": "10.0.0.0/40", "timezone": "UTC"}]}, "senders.0.network: "),
        ({"senders": [{"timezone": "UTC"}]}, "senders.0.network: Field required"),
        ({"elasticsearch": {"urls": []}}, "elasticsearch: urls: at least one node is needed"),
        ({"elasticsearch": {"urls": ["127.0.0.1:9200"]}}, "a URL like http://127.0.0.1:9200 is expected"),
        ({"elasticsearch": {"urls": ["http://a:b@es:9200"]}}, "credentials do not belong into a URL"),
        ({"elasticsearch": {"username": "a"}}, "username and password go together"),
        (
            {"elasticsearch": {"username": "a", "password": "b", "api_key": "c"}},
            "api_key and username exclude each other",
        ),
        ({"elasticsearch": {"bearer_token": "c", "api_key_file": "k"}}, "api_key_file and bearer_token exclude"),
        ({"elasticsearch": {"username": "a", "password": "b", "password_file": "c"}}, "password and password_file"),
        ({"elasticsearch": {"password_file": "a"}}, "username and password go together"),
        ({"elasticsearch": {"ca_file": "ca.pem"}}, "ca_file is for https, and not every one of urls is"),
        ({"elasticsearch": {"ca_fingerprint": "ab:cd"}}, "64 hexadecimal digits (SHA-256) are expected"),
        (
            {"elasticsearch": {"urls": ["https://a:1"], "ca_file": "a", "ca_fingerprint": "ab" * 32}},
            "ca_file and ca_fingerprint exclude each other",
        ),
        (
            {"elasticsearch": {"urls": ["https://a:1"], "client_cert_file": "a", "ca_fingerprint": "ab" * 32}},
            "a client certificate needs ca_file",
        ),
        ({"elasticsearch": {"urls": ["https://a:1"], "client_key_file": "a"}}, "client_key_file goes with"),
        ({"dead_letters": {"index": "Letters"}}, "index 'Letters': begin with a-z or 0-9"),
        ({"dead_letters": {"index": "haproxy-letters"}}, "it would be among the days' indices, haproxy-*"),
        ({"index": {"prefix": "Proxy"}}, "prefix 'Proxy': begin with a-z or 0-9"),
        ({"index": {"prefix": "logs-haproxy"}}, "data streams in Elasticsearch; choose another"),
        ({"index": {"date_format": "%Y.%m"}}, "%Y, %m and %d are all needed"),
        ({"index": {"date_format": "%Y.%m.%d %H"}}, "%Y, %m and %d are all needed"),
        ({"index": {"accept_past_days": -1}}, "index.accept_past_days: "),
        ({"journal": {"sync": "often"}}, "journal.sync"),
        ({"journal": {"segment_bytes": 1}}, "journal.segment_bytes: "),
        ({"delivery": {"fuse_share_max": 0}}, "delivery.fuse_share_max: "),
        ({"labels": {"Data-Center": "a"}}, "label 'Data-Center' may hold only a-z, 0-9 and _"),
        ({"log_level": "loud"}, "log_level: "),
    ],
)
def test_a_wrong_value_is_said_with_its_key_and_what_is_expected(flags: dict[str, Any], said: str) -> None:
    assert said in _wrong(flags)


def test_every_fault_is_named_at_once() -> None:
    said = _wrong({"timezone": "Berlin", "indx": 1, "log_level": "loud"})
    assert all(key in said for key in ("timezone: ", "indx: ", "log_level: "))


@pytest.mark.parametrize("content", [b"timezone = \n", b"\xff\xfe"])
def test_a_file_that_is_no_toml_is_named(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "shipper.toml"
    file.write_bytes(content)
    with pytest.raises(ConfigError, match=f"configuration file {file}: "):
        load(file)


@pytest.mark.parametrize(
    "credentials",
    [{"api_key": "hush-hush"}, {"bearer_token": "hush-hush"}, {"username": "a", "password": "hush-hush"}],
)
def test_credentials_are_in_nothing_that_is_printed(credentials: dict[str, str]) -> None:
    config = load(None, {"elasticsearch": credentials})
    shown = f"{config!r} {config} {config.model_dump()} {config.model_dump_json()}"
    assert "hush-hush" not in shown + config.interpretation().model_dump_json()


def test_credentials_are_in_no_message_of_a_wrong_configuration() -> None:
    assert "hush-hush" not in _wrong({"elasticsearch": {"api_key": "hush-hush", "username": "a", "password": "b"}})
    assert "hush-hush" not in _wrong({"elasticsearch": {"urls": ["http://a:hush-hush@es:9200"]}})
    assert "hush-hush" not in _wrong({"elasticsearch": {"password": ["hush-hush"]}})


def test_the_longest_network_decides_a_senders_zone_then_the_listener_then_utc() -> None:
    interpretation = Interpretation(
        listener_zones=("Europe/Berlin",),
        senders=(
            SenderZone(network="10.0.0.0/8", timezone="Asia/Tokyo"),
            SenderZone(network="10.1.0.0/16", timezone="America/New_York"),
            SenderZone(network="2001:db8::/32", timezone="Europe/Paris"),
        ),
    )
    assert interpretation.zone_of(0, "10.1.2.3") == "America/New_York"
    assert interpretation.zone_of(0, "10.2.2.3") == "Asia/Tokyo"
    assert interpretation.zone_of(0, "2001:db8::7") == "Europe/Paris"
    assert interpretation.zone_of(0, "192.0.2.1") == "Europe/Berlin"
    assert interpretation.zone_of(0, "") == "Europe/Berlin"
    assert interpretation.zone_of(1, "192.0.2.1") == "UTC"


@pytest.mark.parametrize(("sync", "interval_s"), [("always", 0), ("never", None), ("1s", 1), ("250ms", 0.25)])
def test_the_sync_of_the_journal_is_a_word_or_an_interval(sync: str, interval_s: float | None) -> None:
    assert load(None, {"journal": {"sync": sync}}).journal.sync_interval_s == interval_s


def test_a_listener_without_a_zone_takes_the_one_of_all() -> None:
    config = load(
        None,
        {
            "timezone": "Europe/Berlin",
            "listeners": [{"url": "udp://127.0.0.1:1"}, {"url": "udp://127.0.0.1:2", "timezone": "Asia/Tokyo"}],
        },
    )
    assert config.interpretation().listener_zones == ("Europe/Berlin", "Asia/Tokyo")


def test_an_infinite_bound_is_none_also_after_the_journal(tmp_path: Path) -> None:
    file = tmp_path / "shipper.toml"
    file.write_text("[index]\naccept_past_days = inf\n")
    interpretation = load(file).interpretation()
    assert interpretation.index.accept_past_days == float("inf")
    assert Interpretation.model_validate_json(interpretation.model_dump_json()).index.accept_past_days is None


def test_the_interpretation_survives_its_way_through_json() -> None:
    interpretation = Config(timezone="UTC", labels={"site": "a"}).interpretation()
    assert Interpretation.model_validate_json(interpretation.model_dump_json()) == interpretation


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        ({"listeners": "udp://1.1.1.1:1"}, "listeners: write [[listeners]], with two brackets"),
        ({"elasticsearch": {"urls": "http://a:1"}}, 'elasticsearch.urls: a list is expected: urls = ["…"]'),
        ({"elasticsearch": {"urls": ["http://a"]}}, "a port is missing, like http://a:9200"),
        ({"elasticsearch": {"urls": ["http://a:b"]}}, "a port is a number up to 65535, like http://a:9200"),
        ({"elasticsearch": {"urls": ["http://a:99999"]}}, "a port is a number up to 65535, like http://a:9200"),
        ({"journal": {"sync": "2 s"}}, "journal.sync: does not fit; it is: When written lines are forced to the disk"),
        (
            {"journal": {"bytes_max": "8GB"}},
            "journal.bytes_max: does not fit; a number of bytes like 8_000_000_000 is expected; it is: The bound of",
        ),
        ({"delivery": {"batch_lines_max": "x"}}, "delivery.batch_lines_max: does not fit; a whole number is expected"),
        ({"delivery": {"linger_s": "x"}}, "delivery.linger_s: does not fit; a number is expected; it is: A line waits"),
        ({"require_template": 7}, "require_template: does not fit; true or false is expected; it is: Refuse to ship"),
        ({"state_dir": 7}, "state_dir: does not fit; text in quotes is expected; it is: The folder"),
    ],
)
def test_a_value_of_another_type_is_answered_with_what_it_means(flags: dict[str, Any], said: str) -> None:
    message = _wrong(flags)
    assert said in message
    assert len(message.splitlines()) == 2


def test_a_label_that_is_no_text_is_answered_with_how_text_is_written() -> None:
    assert _wrong({"labels": {"site": 5}}).endswith("labels.site: does not fit; text in quotes is expected")


@pytest.mark.parametrize("value", ["Europe/Berlin", "7 days", "tru"])
def test_missing_quotes_are_asked_for(tmp_path: Path, value: str) -> None:
    file = tmp_path / "shipper.toml"
    file.write_text(f"timezone = {value}\n")
    with pytest.raises(ConfigError, match=r"line 1, column \d+\); are quotes missing\?"):
        load(file)


def test_a_folder_is_no_configuration_file(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="a folder or a pipe, and no file"):
        load(tmp_path)


def test_one_underscore_too_few_is_pointed_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHIPPER_INDEX_PREFIX", "proxy")
    assert "SHIPPER_INDEX__PREFIX" in _wrong({})


def test_a_network_of_which_nothing_is_said_is_a_mistake() -> None:
    assert "say what of it: timezone, silent_after_s, or both" in _wrong({"senders": [{"network": "192.0.2.1"}]})


def test_how_long_a_sender_may_be_silent_is_no_part_of_what_its_lines_mean() -> None:
    config = Config(timezone="UTC", senders=(Sender(network="192.0.2.1", silent_after_s=60.0),))
    assert config.interpretation().senders == ()


def test_a_hash_needs_a_key_and_only_one() -> None:
    with pytest.raises(ConfigError, match="hash needs a key"):
        load(flags={"privacy": {"cookies": {"*": "hash"}}})
    with pytest.raises(ConfigError, match="exclude each other"):
        load(flags={"privacy": {"key": "a key of sixteen", "key_file": "/key"}})
    with pytest.raises(ConfigError, match="at least 16"):
        load(flags={"privacy": {"key": "short"}})


def test_the_key_comes_from_its_file_and_is_no_part_of_what_the_journal_holds(tmp_path: Path) -> None:
    file = tmp_path / "key"
    file.write_text("a key of sixteen\n")
    config = Config(privacy=Privacy(parameters={"User": "hash"}, key_file=file))
    interpretation = config.interpretation()
    assert interpretation.privacy_key == SecretStr("a key of sixteen")
    written = interpretation.model_dump_json()
    assert "sixteen" not in written
    assert Interpretation.model_validate_json(written).privacy.parameters == {"user": "hash"}
    file.write_text("short")
    with pytest.raises(ConfigError, match="at least 16 characters"):
        config.interpretation()
