"""A short run of the fuzzer; `make soak` makes a long one (FUZZ_RUNS)."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

from tests.conftest import cannot_run

RUNS = int(os.environ.get("FUZZ_RUNS", "2000"))


def test_no_input_raises_and_what_is_read_in_two_ways_is_read_alike(tmp_path: Path) -> None:
    if importlib.util.find_spec("atheris") is None:
        cannot_run("there is no atheris for this Python (it comes for Linux, x86-64, Python 3.11 to 3.13)")
    options = ["-seed=1", f"-runs={RUNS}", "-max_len=2000", "-timeout=10", f"-artifact_prefix={tmp_path}/"]
    fuzzing = subprocess.run(
        [sys.executable, "-m", "tests.fuzz.fuzz_understand", *options],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        check=False,
    )
    assert fuzzing.returncode == 0, fuzzing.stderr[-4000:].decode("utf-8", "replace")
