from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from shipper.dead_letter import Choice, read
from tests.dead_letter.test_files import opened, position, refused

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("asked", "included"),
    [
        ({}, True),
        ({"ids": frozenset({position(1).id(), "x"})}, True),
        ({"ids": frozenset({"x"})}, False),
        ({"type": "document_parsing_exception"}, True),
        ({"type": "document"}, False),
        ({"field": "a"}, True),
        ({"field": "b"}, False),
        ({"index": "haproxy-2026.11.*"}, True),
        ({"index": "haproxy-2026.12.*"}, False),
        ({"reason": "PARSE field"}, True),
        ({"reason": "x: y"}, True),
        ({"reason": "z"}, False),
        ({"since": "2026-11-21T12:00:00.000000Z"}, True),
        ({"since": "2026-11-21T12:00:00.000001Z"}, False),
        ({"until": "2026-11-21T12:00:00.000000Z"}, False),
        ({"until": "2026-11-21T12:00:00.000001Z", "field": "a", "reason": "parse"}, True),
        ({"field": "a", "reason": "z"}, False),
    ],
)
def test_a_letter_is_chosen_by_all_that_is_asked(tmp_path: Path, asked: dict[str, Any], *, included: bool) -> None:
    opened(tmp_path).write([refused(1)])
    (letter,) = read(tmp_path)
    assert Choice(**asked).includes(letter) == included
