"""Lines of a real HAProxy, and the documents that were read against them by eye."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.provoke import SAMPLES, documents

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("log", sorted(SAMPLES.glob("*.log")), ids=lambda path: path.stem)
def test_a_sample_gives_its_documents(log: Path) -> None:
    expected = log.with_suffix(".ndjson").read_text().splitlines()
    assert documents(log.read_bytes().removesuffix(b"\n").split(b"\n")) == expected
