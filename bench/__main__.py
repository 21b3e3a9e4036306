"""Run the measurements that are named, or all of them: `python -m bench steady --rate 7000 --seconds 60`."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

from bench import encode, replay, steady

if TYPE_CHECKING:
    from collections.abc import Callable


def main() -> int:
    """Run each measurement; give 1 when one found what must not be."""
    parser = argparse.ArgumentParser(prog="python -m bench", description="Measure shipper.")
    parser.add_argument("names", nargs="*", metavar="NAME", help="encode, replay, steady; by default all")
    parser.add_argument("--rate", type=int, default=7_000, help="of steady: lines a second")
    parser.add_argument("--seconds", type=int, default=60, help="of steady: how long")
    options = parser.parse_args()
    benchmarks: dict[str, Callable[[], bool | None]] = {
        "encode": encode.main,
        "replay": replay.main,
        "steady": lambda: steady.main(options.rate, options.seconds),
    }
    if unknown := set(options.names) - benchmarks.keys():
        parser.error(f"unknown: {', '.join(sorted(unknown))}; known are {', '.join(benchmarks)}")
    results = [benchmarks[name]() for name in options.names or benchmarks]
    return int(False in results)


if __name__ == "__main__":
    sys.exit(main())
