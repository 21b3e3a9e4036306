"""Where an address is, and whose it is, by a MaxMind DB (GeoLite2, GeoIP2, or another in their shape)."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

import maxminddb

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from shipper.haproxy.record import Attributes

_LANGUAGE: Final = "en"


class _Database:
    """One file. Raises OSError or ValueError when it cannot be opened as what it should be."""

    of = "source_ip"
    kinds: tuple[str, ...]

    def __init__(self, path: Path) -> None:
        try:
            self._reader = maxminddb.open_database(path)
        except maxminddb.InvalidDatabaseError as error:
            raise ValueError(str(error)) from error
        metadata = self._reader.metadata()
        built = datetime.fromtimestamp(metadata.build_epoch, UTC)
        self.about = f"{path}: {metadata.database_type} of {built:%Y-%m-%d}"
        if not any(kind in metadata.database_type for kind in self.kinds):
            raise ValueError(f"a database of type {metadata.database_type}; {' or '.join(self.kinds)} is expected")

    def _found(self, address: str) -> dict[str, Any]:
        found = self._reader.get(address)
        return found if isinstance(found, dict) else {}


class Places(_Database):
    """Where an address is."""

    kinds = ("City", "Country", "Enterprise")
    gives = (
        "source_geo_city",
        "source_geo_continent_code",
        "source_geo_continent",
        "source_geo_country_code",
        "source_geo_country",
        "source_geo_region_code",
        "source_geo_region",
        "source_geo_postal_code",
        "source_geo_timezone",
        "source_geo_location",
    )

    def read(self, value: str) -> Attributes:
        """Give the place of an address."""
        return dict(self._attributes(self._found(value)))

    def _attributes(self, found: dict[str, Any]) -> Iterator[tuple[str, str]]:
        continent, country = found.get("continent", {}), found.get("country", {})
        region: dict[str, Any] = next(iter(found.get("subdivisions", ())), {})
        location = found.get("location", {})
        code = region.get("iso_code") and country.get("iso_code") and f"{country['iso_code']}-{region['iso_code']}"
        said = {
            "source_geo_city": _name(found.get("city", {})),
            "source_geo_continent_code": continent.get("code"),
            "source_geo_continent": _name(continent),
            "source_geo_country_code": country.get("iso_code"),
            "source_geo_country": _name(country),
            "source_geo_region_code": code,
            "source_geo_region": _name(region),
            "source_geo_postal_code": found.get("postal", {}).get("code"),
            "source_geo_timezone": location.get("time_zone"),
            "source_geo_location": _point(location),
        }
        return ((name, value) for name, value in said.items() if isinstance(value, str) and value)


class Networks(_Database):
    """Whose an address is."""

    kinds = ("ASN", "ISP", "Enterprise")
    gives = ("source_as_number", "source_as_organization")

    def read(self, value: str) -> Attributes:
        """Give the autonomous system of an address."""
        found = self._found(value)
        number, name = found.get("autonomous_system_number"), found.get("autonomous_system_organization")
        attributes: Attributes = {}
        if isinstance(number, int):
            attributes["source_as_number"] = number
        if isinstance(name, str) and name:
            attributes["source_as_organization"] = name
        return attributes


def _name(place: dict[str, Any]) -> object:
    return place.get("names", {}).get(_LANGUAGE)


def _point(location: dict[str, Any]) -> str | None:
    latitude, longitude = location.get("latitude"), location.get("longitude")
    if not isinstance(latitude, int | float) or not isinstance(longitude, int | float):
        return None
    fits = abs(latitude) <= 90 and abs(longitude) <= 180  # noqa: PLR2004 -- degrees
    return f"{latitude:.4f},{longitude:.4f}" if fits else None
