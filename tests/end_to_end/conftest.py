"""Shipper between senders and a real Elasticsearch."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import pytest

from shipper import config, pipeline
from tests.end_to_end.traffic import Indexed
from tests.shipper_process import ShipperProcess, until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


class World:
    """A folder, an Elasticsearch and a prefix there, with the templates in place; what is started here ends here."""

    def __init__(self, stack: ExitStack, folder: Path, url: str, prefix: str) -> None:
        self.url, self.prefix = url, prefix
        self.indexed = Indexed(url, prefix)
        self._stack = stack
        self._folder = folder
        self._shippers = 0
        stack.callback(self.indexed.client.close)

    def install(self) -> None:
        """Put the templates in place."""
        pipeline.setup(
            config.Config(elasticsearch=config.Elasticsearch(urls=(self.url,)), index=config.Index(prefix=self.prefix)),
            replicas=0,
        )

    def shipper(self, url: str | None = None, **settings: Any) -> ShipperProcess:  # noqa: ANN401 -- TOML
        """Give a shipper with a state folder of its own, which is not started yet."""
        self._shippers += 1
        folder = self._folder / f"shipper-{self._shippers}"
        folder.mkdir()
        shipper = ShipperProcess(folder, url or self.url, self.prefix, **settings)
        self._stack.push(shipper.__exit__)
        return shipper

    def started(self, url: str | None = None, **settings: Any) -> ShipperProcess:  # noqa: ANN401 -- TOML
        """Give a shipper that runs."""
        shipper = self.shipper(url, **settings)
        shipper.start()
        return shipper

    def settled(self, shipper: ShipperProcess, lines: int) -> None:
        """Wait until the commit has passed ``lines`` lines; then the identity of the counters holds."""
        until(lambda: shipper.commit().journaled >= lines, f"{lines} lines settled")
        commit = shipper.commit()
        assert commit.journaled == lines
        assert lines == (
            commit.indexed + commit.already_there + commit.dead_lettered + commit.parked + commit.journal_lost
        )
        assert commit.received == lines + commit.dropped_full + commit.refused_sender + commit.empty
        assert (commit.journal_lost, commit.dropped_full, commit.kernel_drops) == (0, 0, 0)


@pytest.fixture
def world(tmp_path: Path, elasticsearch_url: str, index_prefix: str) -> Iterator[World]:
    """Yield a world on the shared Elasticsearch."""
    with ExitStack() as stack:
        world = World(stack, tmp_path, elasticsearch_url, index_prefix)
        world.install()
        yield world
