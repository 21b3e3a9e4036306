"""Some fields of a line are those of its whole document."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from shipper import config
from shipper.encode import CapturedEncoder
from shipper.haproxy.record import PATHS
from shipper.query import Dimension, FieldReader, Phase
from shipper.query._compare import value_at

SAMPLES = sorted((Path(__file__).parents[2] / "samples").glob("*.log"))
WANTED = {*(phase.field for phase in Phase), *(by.field for by in Dimension), "haproxy.partial"}
ALWAYS = {"haproxy.line", "haproxy.log_step"}


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda path: path.stem)
def test_the_fields_of_a_captured_line_are_those_of_its_document(sample: Path) -> None:
    interpretation = config.Config(timezone="UTC").interpretation()
    reader, encoder = FieldReader(interpretation, WANTED), CapturedEncoder(interpretation, 0)
    assert set(PATHS.values()) >= WANTED | ALWAYS
    lines = [line for line in sample.read_bytes().split(b"\n") if line]
    for raw, made in zip(lines, encoder.documents(lines), strict=True):
        document = json.loads(made.json)
        expected = {path: value for path in WANTED | ALWAYS if (value := value_at(document, path)) is not None}
        assert reader.read(raw) == expected


def test_a_line_that_was_cut_is_read_as_a_beginning() -> None:
    reader = FieldReader(config.Config(timezone="UTC").interpretation(), WANTED)
    whole = b'192.0.2.4:1 [21/Nov/2026:05:02:17.873] www shop/s1 2/0/1/37/41 200 1894 - - ---- 1/1/0/0/0 0/0 "GET / HTT'
    assert reader.read(whole[:80], cut=True)["haproxy.time.total_ms"] == 41
