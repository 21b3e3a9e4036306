"""Run the measurements that are named: `python -m bench steady --rate 7000 --seconds 60`.

Without a name those of docs/performance.md: what encoding costs, shipper beside its peers, the pace of a replay, and
into Elasticsearch.
"""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING, Final

from bench import bodies, dashboard, elasticsearch, encode, outage, replay, side_by_side, steady

if TYPE_CHECKING:
    from collections.abc import Callable

_USUAL: Final = ("encode", "peers", "replay", "elasticsearch")
_OTHERS: Final = ("bodies", "steady", "outage", "dashboard")


def main() -> int:
    """Run each measurement; give 1 when one found what must not be."""
    parser = argparse.ArgumentParser(prog="python -m bench", description="Measure shipper.")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"{', '.join(_USUAL)}; or {', '.join(_OTHERS)}")
    parser.add_argument("--rate", type=int, default=7_000, help="of steady and outage: lines a second")
    parser.add_argument("--seconds", type=int, default=60, help="of steady and outage: how long")
    parser.add_argument("--only", default="", metavar="TEXT", help="of peers: those with TEXT in their name")
    parser.add_argument("--elasticsearch", metavar="URL", help="of dashboard: a node, instead of one of its own")
    options = parser.parse_args()
    benchmarks: dict[str, Callable[[], bool | None]] = {
        "encode": encode.main,
        "peers": lambda: side_by_side.main(only=options.only),
        "replay": replay.main,
        "elasticsearch": elasticsearch.main,
        "bodies": bodies.main,
        "steady": lambda: steady.main(options.rate, options.seconds),
        "outage": lambda: outage.main(options.rate, options.seconds),
        "dashboard": lambda: dashboard.main(options.elasticsearch),
    }
    if unknown := set(options.names) - benchmarks.keys():
        parser.error(f"unknown: {', '.join(sorted(unknown))}; known are {', '.join(benchmarks)}")
    results = [benchmarks[name]() for name in options.names or _USUAL]
    return int(False in results)


if __name__ == "__main__":
    sys.exit(main())
