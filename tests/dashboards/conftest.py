"""A filled Elasticsearch for every test of this folder: a made-up day of a site, as `shipper replay` loads it."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import pytest

from shipper import config
from shipper.elastic import Client
from tests.cli.commands import shipper

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SECOND_MS: Final = 1_000
HOUR_MS: Final = 3_600_000
LAST: Final = 1_795_255_200_000
"""2026-11-21T10:00:00Z, when the capture ends."""
_CAPTURES: Final = {"week": ("2026-11-14T07:00:00Z", 3), "day": ("2026-11-20T07:00:00Z", 27)}
"""Start and hours: the last hours, the day before them, and the same hours a week before."""


@dataclass(frozen=True, slots=True)
class Filled:
    """An Elasticsearch, the pattern of the indices that were filled, and the window that tests look at."""

    client: Client
    prefix: str
    from_ms: int = LAST - 3 * HOUR_MS
    to_ms: int = LAST

    @property
    def pattern(self) -> str:
        return f"{self.prefix}-*"

    def search(self, body: dict[str, Any]) -> dict[str, Any]:
        """Search, and insist on an answer."""
        status, answer = self.client.request("POST", f"/{self.pattern}/_search", body)
        assert status == 200, answer
        assert answer["_shards"]["failed"] == 0, answer
        found: dict[str, Any] = answer
        return found


def shipper_does(*arguments: str | Path) -> None:
    """Run the command, and insist that it does well."""
    done = shipper(*arguments)
    assert done.returncode == 0, done.stderr.decode()


@pytest.fixture(scope="session")
def filled(elasticsearch_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Filled]:
    folder = tmp_path_factory.mktemp("dashboards")
    prefix = f"test-{secrets.token_hex(6)}"
    where = ("--elasticsearch", elasticsearch_url, "--index-prefix", prefix)
    shipper_does("setup", *where)
    for name, (start, hours) in _CAPTURES.items():
        capture = folder / f"{name}.log"
        made = ("--format", "httpslog", "--seed", "7", "--start", start, "--timezone", "UTC", "--rate", "0.12")
        shipper_does("generate", *made, "--seconds", str(hours * 3_600), "--output", capture)
        shipper_does("replay", *where, "--timezone", "UTC", "--state-dir", folder / name, capture)
    client = Client(config.Elasticsearch(urls=(elasticsearch_url,)))
    client.request("POST", f"/{prefix}-*/_refresh")
    yield Filled(client, prefix)
    _, indices = client.request("GET", f"/{prefix}-*")
    paths = [f"/{name}" for name in indices] + [f"/_index_template/{prefix}"]
    for path in (*paths, f"/_component_template/{prefix}@settings", f"/_component_template/{prefix}@mappings"):
        client.request("DELETE", path)
    client.close()
