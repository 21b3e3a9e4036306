"""Which engine encodes: the native one where its wheel is installed, or the Python one."""

from __future__ import annotations

from importlib.metadata import version as installed_version
from typing import TYPE_CHECKING, Literal

from shipper.encode._python import Encoder
from shipper.errors import ConfigError

try:
    from shipper.encode import _native
except ImportError:  # the wheel is not installed
    _encoder: type[Encoder] = Encoder
    _version: str | None = None
    _build = ""
else:
    _encoder, _version, _build = _native.NativeEncoder, _native.VERSION, _native.BUILD

if TYPE_CHECKING:
    from shipper.config import Interpretation
    from shipper.encode._python import Enricher

Engine = Literal["native", "python"]


def native_version() -> str | None:
    """Give the version of the native engine; None where it is not installed."""
    return _version


def choose_engine(wanted: Literal["auto", "native", "python"]) -> Engine:
    """Tell which engine runs. Raises ConfigError when the native one is asked for and cannot run.

    It runs beside the shipper of its own version only: what the two tell each other is nobody else's.
    """
    version = installed_version("shipper")
    if wanted == "native" and _version is None:
        raise ConfigError("engine is native, but the package shipper-native is not installed; set engine to auto")
    if wanted == "native" and _version != version:
        raise ConfigError(f"shipper-native {_version} is not for shipper {version}; install {version} of both")
    return "python" if wanted == "python" or _version != version else "native"


def describe_engine() -> str:
    """Say which engine `auto` chooses, for people."""
    if choose_engine("auto") == "native":
        return f"native {_version}" if _build == "release" else f"native {_version}, a slow {_build} build"
    return "python" if _version is None else f"python, for shipper-native {_version} is of another version"


def make_encoder(interpretation: Interpretation, engine: Engine, enricher: Enricher | None = None) -> Encoder:
    """Make the encoder of an interpretation. Its documents are the same, whichever engine writes them."""
    encoder = _encoder if engine == "native" else Encoder
    return encoder(interpretation, enricher=enricher)
