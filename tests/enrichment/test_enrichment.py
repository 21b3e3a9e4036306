"""What is added to a document, from databases that are made here: found by both ways, absent where nobody knows."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from mmdb_writer import MMDBWriter
from netaddr import IPSet  # type: ignore[import-untyped]

from shipper.config import Config, Enrichment, Interpretation
from shipper.encode import CapturedEncoder, Encoder, LineContext
from shipper.encode._template import to_json
from shipper.enrichment import Enricher, open_enrichment
from shipper.errors import ConfigError
from shipper.haproxy.formats import Format
from shipper.haproxy.privacy_rules import Rules
from shipper.haproxy.stock import HTTPLOG
from shipper.haproxy.understand import Context, understand
from shipper.query._compare import by_line_alone, differences
from tests.encode.test_properties import any_line
from tests.haproxy.lines import Values

if TYPE_CHECKING:
    from pathlib import Path

    from shipper.haproxy.record import Attributes

BERLIN: dict[str, Any] = {
    "city": {"names": {"en": "Berlin"}},
    "continent": {"code": "EU", "names": {"en": "Europe"}},
    "country": {"iso_code": "DE", "names": {"en": "Germany"}},
    "location": {"latitude": 52.52437, "longitude": 13.41053, "time_zone": "Europe/Berlin"},
    "postal": {"code": "10115"},
    "subdivisions": [{"iso_code": "BE", "names": {"en": "Land Berlin"}}],
}
PHONE = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) "
    "Version/18.0 Mobile/15E148 Safari/604.1"
)
CAPTURING = Format(name="c", log_format=HTTPLOG, request_captures=("User-Agent",), response_captures=())


def database(path: Path, kind: str, records: dict[str, dict[str, Any]]) -> Path:
    writer = MMDBWriter(6, kind, ipv4_compatible=True, languages=["en"])
    for network, record in records.items():
        writer.insert_network(IPSet([network]), record)
    writer.to_db_file(str(path))
    return path


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Enrichment:
    folder = tmp_path_factory.mktemp("maxmind")
    places = {"198.51.100.0/24": BERLIN, "2001:db8::/32": {"country": {"iso_code": "NL"}, "city": {"names": {}}}}
    networks = {"198.51.100.0/24": {"autonomous_system_number": 64500, "autonomous_system_organization": "Example"}}
    return Enrichment(
        geo_file=database(folder / "city.mmdb", "GeoLite2-City", places),
        asn_file=database(folder / "asn.mmdb", "GeoLite2-ASN", networks),
        user_agents=True,
    )


def document(line: Values, settings: Enrichment, **more: Any) -> dict[str, Any]:  # noqa: ANN401 -- settings of every kind
    interpretation = Interpretation(formats=(CAPTURING,), **more)
    (made,) = CapturedEncoder(interpretation, 0, None, open_enrichment(settings)).documents([line.line()])
    parsed: dict[str, Any] = json.loads(made.json)
    return parsed


def test_an_address_has_its_place_and_its_network(settings: Enrichment) -> None:
    source = document(Values(ci=b"198.51.100.7"), settings)["source"]
    assert source["geo"] == {
        "city_name": "Berlin",
        "continent_code": "EU",
        "continent_name": "Europe",
        "country_iso_code": "DE",
        "country_name": "Germany",
        "region_iso_code": "DE-BE",
        "region_name": "Land Berlin",
        "postal_code": "10115",
        "timezone": "Europe/Berlin",
        "location": "52.5244,13.4105",
    }
    assert source["as"] == {"number": 64500, "organization": {"name": "Example"}}


def test_of_an_address_only_what_is_known_is_said(settings: Enrichment) -> None:
    assert document(Values(ci=b"2001:db8::7"), settings)["source"]["geo"] == {"country_iso_code": "NL"}
    assert document(Values(ci=b"192.0.2.1"), settings)["source"].keys() == {"address", "ip", "port"}
    assert document(Values(ci=b"unix"), settings)["source"].keys() == {"address", "port"}


def test_a_captured_user_agent_is_taken_apart(settings: Enrichment) -> None:
    agent = document(Values(hr=b"{" + PHONE.encode() + b"}"), settings)["user_agent"]
    assert agent == {
        "original": PHONE,
        "name": "Mobile Safari",
        "version": "18.0",
        "device": {"name": "iPhone"},
        "os": {"name": "iOS", "version": "18.0", "full": "iOS 18.0"},
    }
    assert document(Values(hr=b"{nobody/knows}"), settings)["user_agent"] == {"original": "nobody/knows"}


def test_an_event_is_enriched_as_traffic_is(settings: Enrichment) -> None:
    line = LineContext(Interpretation(), "UTC")
    encoder = Encoder(Interpretation(), enricher=open_enrichment(settings))
    text = encoder.document(b"Connect from 198.51.100.7:33000 to 10.0.0.1:80 (www/HTTP)", line)
    assert json.loads(text)["source"]["as"]["number"] == 64500


def test_what_is_hidden_is_not_looked_up(settings: Enrichment) -> None:
    masked = Rules(mask_addresses=True, ipv4_bits=8)
    assert "geo" not in document(Values(ci=b"198.51.100.7"), settings, privacy=masked)["source"]


@given(raw=any_line)
def test_both_ways_to_a_document_add_the_same(settings: Enrichment, raw: bytes) -> None:
    enricher = open_enrichment(settings)
    assert enricher is not None
    interpretation = Interpretation(formats=(CAPTURING,))
    fast = Encoder(interpretation, enricher=enricher).document(raw, LineContext(interpretation, "UTC"))
    record = understand(raw, Context("UTC", 0), interpretation).record
    known = {name: value for name, value in record if value is not None}
    assert fast == to_json(record.model_copy(update=enricher.fields(known)).document())


class Broken:
    of = "source_ip"
    gives: tuple[str, ...] = ("source_geo_city",)
    about = "a file"

    def __init__(self) -> None:
        self.asked = 0

    def read(self, value: str) -> Attributes:
        self.asked += 1
        raise OverflowError(value)


def test_what_a_damaged_file_does_not_say_is_absent_and_is_asked_once() -> None:
    source = Broken()
    enricher = Enricher([source])
    assert [enricher.fields({"source_ip": "192.0.2.1"}) for _ in range(3)] == [{}, {}, {}]
    assert source.asked == 1


def test_a_file_that_is_none_or_another_is_refused_with_what_is_expected(settings: Enrichment, tmp_path: Path) -> None:
    text = tmp_path / "text"
    text.write_text("no database")
    for wrong, said in (
        (Enrichment(geo_file=tmp_path / "missing"), "geo_file .*missing"),
        (Enrichment(geo_file=text), "geo_file .*text"),
        (Enrichment(geo_file=settings.asn_file), "GeoLite2-ASN; City or Country"),
    ):
        with pytest.raises(ConfigError, match=said):
            open_enrichment(wrong)


def test_without_the_extra_the_command_that_installs_it_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ua_parser", None)
    monkeypatch.delitem(sys.modules, "shipper.enrichment._agents", raising=False)
    with pytest.raises(ConfigError, match=r"pip install 'shipper\[enrichment\]'"):
        open_enrichment(Enrichment(user_agents=True))


def test_who_does_not_use_it_does_not_wait_for_it() -> None:
    assert open_enrichment(Enrichment()) is None
    assert not Config().enrichment.active


def test_a_verification_does_not_see_it(settings: Enrichment) -> None:
    line = Values(ci=b"198.51.100.7", hr=b"{" + PHONE.encode() + b"}")
    with_more, bare = document(line, settings), document(line, Enrichment())
    assert with_more != bare
    assert differences(bare, with_more) == ()
    assert by_line_alone(with_more) == by_line_alone(bare)
