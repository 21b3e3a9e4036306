"""A short run of what holds for any bytes that the native engine is given; `make soak` makes a long one (FUZZ_RUNS)."""

from __future__ import annotations

import os
import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest

from bench.endpoints import build
from shipper.encode._portable import portable_plan
from tests.conftest import cannot_run
from tests.fuzz.native_corpus import INTERPRETATIONS, corpus

if TYPE_CHECKING:
    from pathlib import Path

RUNS = int(os.environ.get("FUZZ_RUNS", "50000"))


@pytest.mark.parametrize("formats", INTERPRETATIONS)
def test_no_bytes_break_the_native_engine(tmp_path: Path, formats: str) -> None:
    if shutil.which("cargo") is None:
        cannot_run("the native engine is built with cargo, and there is none")
    (tmp_path / "plan").write_bytes(portable_plan(INTERPRETATIONS[formats]))
    (tmp_path / "lines").write_bytes(b"\n".join(corpus()))
    program = str(build("shipper-fuzz", "--bin", "mutate") / "mutate")
    command = [program, str(tmp_path / "plan"), str(tmp_path / "lines"), str(RUNS), "1"]
    fuzzing = subprocess.run(command, capture_output=True, check=False)
    assert fuzzing.returncode == 0, fuzzing.stderr[-4000:].decode("utf-8", "replace")
