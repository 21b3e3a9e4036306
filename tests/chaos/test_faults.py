"""The table of faults names tests that exist."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.chaos.faults import ANSWERS, FAULTS

_TESTS = Path(__file__).parents[1]


@pytest.mark.parametrize("fault", [*FAULTS, *ANSWERS])
def test_every_fault_has_its_tests(fault: str) -> None:
    for name in (*FAULTS.get(fault, ()), *ANSWERS.get(fault, ())):
        file, test = name.split("::")
        assert f" {test}" in (_TESTS / file).read_text()
