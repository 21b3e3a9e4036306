"""Where the values of a line lie: exactly there, and nothing but they changes when they are replaced."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shipper.config import Interpretation
from shipper.haproxy.formats import Format, groups_in_use
from shipper.haproxy.places import Located, locate
from shipper.haproxy.syslog import match_header, read_header
from shipper.haproxy.understand import Context, understand
from tests.haproxy.lines import Values, headers, values

SAMPLES: Final = Path(__file__).parents[2] / "samples"


def located(raw: bytes, *formats: Format) -> Located | None:
    return locate(raw, read_header(match_header(raw)), groups_in_use(formats))


@pytest.mark.parametrize("sample", sorted(SAMPLES.glob("*.log")), ids=lambda path: path.stem)
def test_every_value_of_the_samples_stands_in_its_place(sample: Path) -> None:
    for raw in sample.read_bytes().splitlines():
        found = located(raw)
        if found is None:
            assert understand(raw, Context("UTC", 0), Interpretation()).record.line == "unparsed"
            continue
        for name, (start, end) in found.places().items():
            assert raw[start:end] == found.values[name]
        assert found.rewrite(found.values) == raw


@given(headers, values)
def test_the_same_values_make_the_same_line(header: bytes, line: Values) -> None:
    raw = header + line.line()
    found = located(raw)
    assert found is not None
    assert found.places().keys() == found.values.keys()
    assert found.rewrite(found.values) == raw


@given(headers, values, st.integers(60, 200))
def test_what_is_sure_of_a_cut_line_stands_in_its_place(header: bytes, line: Values, size: int) -> None:
    raw = (header + line.line())[: len(header) + size]
    found = located(raw)
    if found is not None:
        assert all(raw[slice(*place)] == found.values[name] for name, place in found.places().items())


def test_values_of_json_are_found_and_written_as_json() -> None:
    known = Format(name="mine", log_format="%{+json}o %(client)ci %(path)HP %(n)ST %(h)hrl", mode="http")
    raw = rb'{"client": "192.0.2.1", "path": "/a\"b", "n": 200, "h": ["x", "y z"]}'
    found = located(raw, known)
    assert found is not None
    assert found.rewrite(found.values) == raw
    new = {"ci": b"192.0.2.9", "HP": b'/"', "hrl": b'"u" "v w"'}
    assert found.rewrite(new) == rb'{"client": "192.0.2.9", "path": "/\"", "n": 200, "h": ["u", "v w"]}'


def test_values_of_cbor_are_found_and_written_as_cbor() -> None:
    known = Format(name="mine", log_format="%{+cbor}o %(client)ci %(n)ST", mode="http")
    raw = b"BF66" + b"client".hex().upper().encode() + b"67" + b"1.2.3.4".hex().upper().encode() + b"616E18C8FF"
    found = located(raw, known)
    assert found is not None
    assert found.values == {"ci": b"1.2.3.4", "ST": b"200"}
    longer = found.rewrite({"ci": b"x" * 30, "ST": b"404"})
    again = located(longer.replace(b"78" * 30, b"31" * 30), known)
    assert again is not None
    assert again.values["ST"] == b"404"


def test_the_places_of_an_event_are_those_of_its_shape() -> None:
    found = located(b"192.0.2.1:4711 [21/Nov/2026:01:02:03.004] www/2: SSL handshake failure")
    assert found is not None
    assert (found.known, found.values["client"]) == (None, b"192.0.2.1")
    assert found.rewrite({"client": b"10.0.0.1", "frontend": b"f"}) == (
        b"10.0.0.1:4711 [21/Nov/2026:01:02:03.004] f/2: SSL handshake failure"
    )


def test_what_nothing_understands_has_no_places() -> None:
    assert located(b"no line of HAProxy") is None


def test_dates_in_hexadecimal_tell_the_time() -> None:
    known = Format(name="mine", log_format="%ci %{+X}Ts.%{+X}ms %ST", mode="http")
    found = understand(b"1.2.3.4 6B00ED8B.1F4 200", Context("UTC", 0), Interpretation(formats=(known,)))
    assert found.record.timestamp == "2026-11-21T01:02:03.500000Z"
