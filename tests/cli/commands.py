"""The installed command, run as a user runs it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

SHIPPER = Path(sys.executable).with_name("shipper")
LINE = (
    b"<134>Nov 21 05:02:17 haproxy[8474]: 192.0.2.44:51822 [21/Nov/2026:05:02:17.873] www~ shop/shop-1 2/0/1/37/41 "
    b'200 1894 - - ---- 12/8/3/1/0 0/0 {shop.example|Firefox} {text/html} "GET /cart/4711?ref=mail HTTP/1.1"\n'
)


def shipper(*arguments: str | Path, stdin: bytes = b"", **environment: str) -> subprocess.CompletedProcess[bytes]:
    """Run `shipper` with ``arguments``, and no setting of the surrounding environment."""
    return subprocess.run(
        [SHIPPER, *arguments],
        input=stdin,
        capture_output=True,
        env=clean_environment() | environment,
        timeout=60,
        check=False,
    )


def clean_environment() -> dict[str, str]:
    """Give the environment without shipper's settings, with a wide terminal that has no colours."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith("SHIPPER_")}
    return kept | {"COLUMNS": "200", "NO_COLOR": "1", "TERM": "dumb"}
