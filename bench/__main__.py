"""Run the measurements that are named, or all of them."""

from __future__ import annotations

import sys

from bench import encode

BENCHMARKS = {"encode": encode.main}


def main(names: list[str]) -> int:
    """Run each benchmark; an unknown name is an error that shows the known ones."""
    unknown = [name for name in names if name not in BENCHMARKS]
    if unknown:
        print(f"unknown: {', '.join(unknown)}; known are {', '.join(BENCHMARKS)}", file=sys.stderr)
        return 2
    for name in names or BENCHMARKS:
        BENCHMARKS[name]()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
