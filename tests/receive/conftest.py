"""Everything here is received by both engines, where the native one is installed."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from shipper.encode import native_version
from tests.receive import running

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """Name a file to follow."""
    return tmp_path / "haproxy.log"


@pytest.fixture(autouse=True, params=["python", "native"])
def engine(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if request.param == "native" and native_version() is None:
        assert not os.environ.get("CI"), "the native engine is not installed"
        pytest.skip("the native engine is not installed")
    monkeypatch.setattr(running, "ENGINE", request.param)
