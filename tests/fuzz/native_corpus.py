"""What fuzzing the native engine begins with: `python -m tests.fuzz.native_corpus PLAN FOLDER`."""

from __future__ import annotations

import sys
from pathlib import Path

from bench.lines import HEADERS, lines
from shipper.config import Interpretation
from shipper.encode._portable import portable_plan
from shipper.haproxy.formats import Format
from tests.provoke import SAMPLES

INTERPRETATIONS = {
    "stock": Interpretation(),
    "configured": Interpretation(
        formats=(Format(name="named", log_format="httplog", frontends=("www",), request_captures=("Host", "Referer")),),
        keep_original="always",
        labels={"site": "a"},
    ),
}


def corpus() -> list[bytes]:
    """Give the sampled lines, and usual ones."""
    sampled = [line for file in sorted(SAMPLES.glob("*.log")) for line in file.read_bytes().splitlines()]
    return [*sampled, *(line for header in HEADERS for line in lines(100, header))]


def main(plan: Path, folder: Path) -> None:
    """Write the plan of the configured formats, and inputs of two lines each."""
    plan.write_bytes(portable_plan(INTERPRETATIONS["configured"]))
    for number, line in enumerate(corpus()):
        (folder / f"{number:04}").write_bytes(b"\x01" + line + b"\n" + line)


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
