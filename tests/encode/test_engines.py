"""Which engine runs, and that nobody takes one for the other."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from bench.encode import batches
from bench.lines import HEADERS, lines
from shipper.config import Interpretation
from shipper.encode import Encoder, _engines, choose_engine, describe_engine, make_encoder, native_version
from shipper.errors import ConfigError
from tests.cli.commands import shipper
from tests.conftest import cannot_run

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def native() -> str:
    version = native_version()
    if version is None:
        cannot_run("the native engine is not installed: `make native` builds it, where cargo is")
    return version


@pytest.fixture
def without_native(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    with monkeypatch.context() as patch:
        patch.setattr(_engines, "_version", None)
        yield


def test_the_native_engine_runs_where_it_is_installed(native: str) -> None:
    assert choose_engine("auto") == choose_engine("native") == "native"
    assert type(make_encoder(Interpretation(), "native")) is not Encoder
    assert f"engine native {native}" in shipper("version").stdout.decode()


def test_the_python_engine_runs_where_it_is_asked_for() -> None:
    assert choose_engine("python") == "python"
    assert type(make_encoder(Interpretation(), "python")) is Encoder


@pytest.mark.usefixtures("without_native")
def test_the_python_engine_runs_where_the_native_one_is_missing() -> None:
    assert choose_engine("auto") == "python"


def test_the_native_engine_of_another_version_does_not_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_engines, "_version", "0.0.9")
    assert choose_engine("auto") == "python"
    assert describe_engine() == "python, for shipper-native 0.0.9 is of another version"
    with pytest.raises(ConfigError, match=r"shipper-native 0\.0\.9 is not for shipper"):
        choose_engine("native")


def test_a_debug_build_is_called_slow(native: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_engines, "_build", "debug")
    assert describe_engine() == f"native {native}, a slow debug build"


@pytest.mark.usefixtures("without_native")
def test_the_native_engine_is_not_replaced_where_it_is_asked_for() -> None:
    with pytest.raises(ConfigError, match="shipper-native is not installed"):
        choose_engine("native")


@pytest.mark.usefixtures("native")
@pytest.mark.parametrize("header", HEADERS)
def test_no_usual_line_is_left_to_python(header: str, monkeypatch: pytest.MonkeyPatch) -> None:
    encoder, work = make_encoder(Interpretation(), "native"), batches(lines(1_000, header))
    expected = [encoder.encode(batch) for batch in work]  # it learns the zone's year
    monkeypatch.delattr(Encoder, "document")
    assert [encoder.encode(batch) for batch in work] == expected
