"""Worlds in which faults are made."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest

from tests.chaos.world import ChaosWorld

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def world(tmp_path: Path, elasticsearch_url: str, index_prefix: str) -> Iterator[ChaosWorld]:
    """Yield a world on the shared Elasticsearch."""
    with ExitStack() as stack:
        world = ChaosWorld(stack, tmp_path, elasticsearch_url, index_prefix)
        world.install()
        yield world
