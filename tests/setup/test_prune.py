"""Which indices are a day's, which days are over for long enough, and that nothing else is deleted."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from shipper import config
from shipper.errors import ConfigError, Permanent, Retryable
from shipper.jobs import retention
from shipper.setup import Change, Problem, day_of, days, overdue, prune
from tests.cli.commands import shipper

if TYPE_CHECKING:
    from collections.abc import Mapping

    from shipper.elastic import Client

NOW = datetime(2026, 11, 21, 5, tzinfo=UTC)


class Scripted:
    """Answers in turn, and remembers what it was asked."""

    def __init__(self, *answers: tuple[int, object]) -> None:
        self._answers = list(answers)
        self.asked: list[tuple[str, str]] = []

    def request(self, method: str, path: str, _body: Mapping[str, object] | None = None) -> tuple[int, Any]:
        self.asked.append((method, path))
        return self._answers.pop(0)


@pytest.mark.parametrize(
    ("name", "date_format", "begin"),
    [
        ("haproxy-2026.11.21", "%Y.%m.%d", datetime(2026, 11, 21, tzinfo=UTC)),
        ("haproxy-2026-11-21", "%Y-%m-%d", datetime(2026, 11, 21, tzinfo=UTC)),
        ("haproxy-20261121", "%Y%m%d", datetime(2026, 11, 21, tzinfo=UTC)),
        ("haproxy-2026.11.21", "%Y-%m-%d", None),
        ("haproxy-2026.11.21-copy", "%Y.%m.%d", None),
        ("haproxy-2026.2.1", "%Y.%m.%d", None),
        ("haproxy-2026.02.30", "%Y.%m.%d", None),
        ("haproxy-edge-2026.11.21", "%Y.%m.%d", None),
        ("haproxy2026.11.21", "%Y.%m.%d", None),
        ("haproxy-", "%Y.%m.%d", None),
    ],
)
def test_a_day_is_an_index_with_the_prefix_and_exactly_a_date(
    name: str, date_format: str, begin: datetime | None
) -> None:
    assert day_of(config.Index(date_format=date_format), name) == begin


def test_a_day_goes_when_it_has_ended_for_so_long() -> None:
    rows = [{"index": f"haproxy-2026.10.{day}", "docs.count": "7", "store.size": "99"} for day in (23, 21, 22)]
    found = days(Scripted((200, rows)), config.Index())
    assert [day.name[-2:] for day in found] == ["21", "22", "23"]
    assert [day.name[-2:] for day in overdue(found, 29, NOW)] == ["21", "22"]
    assert [day.name[-2:] for day in overdue(found, 30, NOW)] == ["21"]
    assert overdue(found, 31, NOW) == []


def test_what_cannot_be_deleted_is_said_and_the_others_are_deleted() -> None:
    rows = [{"index": f"haproxy-2026.10.{day}", "docs.count": None, "store.size": None} for day in (1 + 20, 22)]
    client = Scripted(
        (200, rows),
        (400, {"error": {"type": "snapshot_in_progress_exception", "reason": "busy"}}),
        (404, {"error": {"type": "index_not_found_exception", "reason": "gone"}}),
    )
    first, second = prune(client, days(client, config.Index()))
    assert isinstance(first, Problem)
    assert "busy" in first.message
    assert second == Change("deleted", "index haproxy-2026.10.22")
    assert [path for method, path in client.asked if method == "DELETE"] == [
        "/haproxy-2026.10.21",
        "/haproxy-2026.10.22",
    ]


def test_a_list_that_cannot_be_had_deletes_nothing() -> None:
    for status, error in ((403, Permanent), (503, Retryable)):
        with pytest.raises(error, match="could not be listed"):
            days(Scripted((status, {})), config.Index())
    with pytest.raises(Retryable):
        days(Scripted((200, "a proxy's page")), config.Index())


def test_a_clock_that_runs_ahead_deletes_nothing() -> None:
    rows = [{"index": "haproxy-2026.10.21", "docs.count": "7", "store.size": "99"}]
    stamps = [int((NOW + timedelta(days=late)).timestamp() * 1_000) for late in (0, -2)]
    nodes = {"nodes": {str(stamp): {"timestamp": stamp} for stamp in stamps}}
    settings = config.Config(retention=config.Retention(keep_days=30))
    assert retention.due(Scripted((200, rows), (200, nodes)), settings, None, NOW + timedelta(days=365)) == []  # type: ignore[arg-type]
    assert retention.due(Scripted((200, rows), (200, nodes)), settings, 28, NOW) != []  # type: ignore[arg-type]
    with pytest.raises(Permanent, match="clock"):
        retention.due(Scripted((200, rows), (403, {})), settings, None, NOW)  # type: ignore[arg-type]


def test_nobody_said_how_long_is_an_error() -> None:
    with pytest.raises(ConfigError, match="keep_days"):
        retention.due(Scripted(), config.Config(), None, NOW)  # type: ignore[arg-type]


def _create(client: Client, *names: str) -> None:
    for name in names:
        assert client.request("PUT", f"/{name}")[0] == 200


def _there(client: Client, prefix: str) -> set[str]:
    _, answer = client.request("GET", f"/_cat/indices/{prefix}*?format=json&h=index&expand_wildcards=all")
    return {row["index"] for row in answer}


def test_the_command_says_what_would_go_and_deletes_it_with_yes(
    client: Client, elasticsearch_url: str, installed: config.Index
) -> None:
    prefix, today = installed.prefix, datetime.now(UTC)
    old, kept = (f"{prefix}-{today - timedelta(days=age):%Y.%m.%d}" for age in (32, 29))
    others = {f"{prefix}-2020.01.01-copy", f"{prefix}-edge-2020.01.01", f"{prefix}-notes"}
    closed = f"{prefix}-2020.01.01"
    _create(client, old, kept, closed, *others)
    assert client.request("POST", f"/{closed}/_close")[0] == 200
    flags = ("--index-prefix", prefix, "--elasticsearch", elasticsearch_url)
    looked = shipper("prune", "--keep", "30d", *flags)
    assert looked.returncode == 0, looked.stderr
    assert f"{closed}: closed" in looked.stdout.decode()
    assert f"{old}: 0 documents" in looked.stdout.decode()
    assert "2 would be deleted for good: say so with --yes" in looked.stdout.decode()
    assert _there(client, prefix) == {old, kept, closed, *others}
    done = shipper("prune", "--keep", "30d", "--yes", *flags)
    assert done.returncode == 0, done.stderr
    assert _there(client, prefix) == {kept, *others}
    again = shipper("prune", "--keep", "30d", "--yes", *flags)
    assert "no day is over for so long" in again.stdout.decode()


def test_by_the_clock_what_is_due_is_deleted_and_a_failure_is_survived(client: Client, installed: config.Index) -> None:
    old = f"{installed.prefix}-2020.01.01"
    _create(client, old)
    settings = config.Config(index=installed, retention=config.Retention(keep_days=30))

    class Stopped(Exception):  # noqa: N818 -- ends the loop, as nothing else does
        pass

    def stop(_: float) -> None:
        raise Stopped

    with pytest.raises(Stopped):
        retention.prune_for_ever(client, settings, stop)
    assert _there(client, installed.prefix) == set()
    with pytest.raises(Stopped):
        retention.prune_for_ever(Scripted((503, {})), settings, stop)  # type: ignore[arg-type]


@pytest.mark.parametrize("keep", ["30", "0d", "-1d", "30h", "1e3d"])
def test_an_age_that_is_none_is_refused(keep: str) -> None:
    done = shipper("prune", f"--keep={keep}")
    assert done.returncode == 2
    assert b"30d or 8w" in done.stderr
