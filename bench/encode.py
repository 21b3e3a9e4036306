"""What encoding costs: CPU time on one core, per line, of the Python engine."""

from __future__ import annotations

import statistics
import time

from rich.console import Console
from rich.table import Table

from bench.lines import HEADERS, START, lines
from shipper.config import Interpretation
from shipper.encode import Encoder
from shipper.journal.entry import LINE_HEADER, Batch, Entry, Origin, Position
from shipper.limits import BATCH_LINES_MAX

LINES = 50_000
ROUNDS = 7


def batches(raws: list[bytes]) -> list[Batch]:
    """Put lines into batches, as the journal gives them."""
    segment, offset, made = bytes(12), 0, []
    received_us = int(START.timestamp()) * 1_000_000
    for first in range(0, len(raws), BATCH_LINES_MAX):
        part = raws[first : first + BATCH_LINES_MAX]
        table = b"".join(LINE_HEADER.pack(len(raw), 100 * number, 0, 0) for number, raw in enumerate(part))
        data = b"".join(part)
        entry = Entry(segment, offset, received_us, (Origin(0, "192.0.2.1"),), table, data, offset)
        made.append(Batch((entry,), b"{}", Position(segment, offset)))
        offset += len(data)
    return made


def main() -> None:
    """Print the median of the rounds for each header."""
    table = Table("header", "lines/s", "us a line", "bytes a document", title="encode, Python engine, one core")
    for header in HEADERS:
        work = batches(lines(LINES, header))
        spent, size = [], 0
        for _ in range(ROUNDS):
            encoder = Encoder(Interpretation())
            start = time.process_time()
            encoded = [encoder.encode(batch) for batch in work]
            spent.append(time.process_time() - start)
            size = sum(len(body.content) for each in encoded for body in each.bodies)
        median = statistics.median(spent)
        table.add_row(header, f"{LINES / median:,.0f}", f"{median / LINES * 1e6:.1f}", f"{size / LINES:.0f}")
    Console().print(table)
