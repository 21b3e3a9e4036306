"""Everything here is received by both engines, where the native one is installed."""

from __future__ import annotations

import os

import pytest

from shipper.encode import native_version
from tests.receive import running


@pytest.fixture(autouse=True, params=["python", "native"])
def engine(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if request.param == "native" and native_version() is None:
        assert not os.environ.get("CI"), "the native engine is not installed"
        pytest.skip("the native engine is not installed")
    monkeypatch.setattr(running, "ENGINE", request.param)
