"""A sender with a steady pace, as a process of its own: `python -m bench.sender PORT LINES_PER_S SECONDS`.

It prints a line when it begins, and ends when it has sent everything.
"""

from __future__ import annotations

import socket
import sys
import time
from datetime import UTC, datetime
from typing import Final

from bench.lines import lines

DISTINCT_LINES: Final = 50_000
GROUPS_PER_S: Final = 100


def main(port: int, lines_per_s: int, seconds: int) -> None:
    """Send groups of lines, a hundred times a second."""
    made = lines(DISTINCT_LINES, "local", start=datetime.now(UTC))
    total, group = lines_per_s * seconds, max(1, lines_per_s // GROUPS_PER_S)
    print("begun", flush=True)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as target:
        target.connect(("127.0.0.1", port))
        begin = time.monotonic()
        for first in range(0, total, group):
            for number in range(first, min(first + group, total)):
                target.send(made[number % DISTINCT_LINES])
            time.sleep(max(0.0, begin + (first + group) / lines_per_s - time.monotonic()))


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
