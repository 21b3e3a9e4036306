"""What a real Elasticsearch lacks of a capture is named: each line, each altered field, each document too many."""

from __future__ import annotations

import gzip
import json
from typing import TYPE_CHECKING

import pytest

from shipper.encode import Encoder
from shipper.jobs.replaying import replay_direct
from shipper.jobs.verifying import verify
from shipper.limits import LINE_BYTES_MAX, QUERY_DOCUMENTS_MAX
from shipper.query import Altered, Difference, Documents, Finding, Missing, Received, Surplus, verify_live
from shipper.replay.feed import Selection
from tests.query.lines import (
    DAY_US,
    RECEIVED_US,
    SAMPLES,
    alter,
    bulk,
    captured,
    delete,
    index_direct,
    index_live,
    line,
    live,
    settings,
    write,
)

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path
    from typing import Any

    from shipper.config import Config
    from shipper.elastic import Client
    from shipper.query import Way

MINUTE_US = 1_795_237_320_000_000
"""05:02, the minute of the lines."""
LINES = [line(number) for number in range(1, 2 * QUERY_DOCUMENTS_MAX + 300)]


@pytest.fixture
def capture(tmp_path: Path) -> Path:
    return write(tmp_path / "capture.log", LINES)


def counts(
    config: Config,
    *files: Path,
    first_us: int | None = None,
    last_us: int | None = None,
    **more: Any,  # noqa: ANN401 -- as those of verify
) -> tuple[tuple[int, int, int, int | None], list[Finding]]:
    told: list[Finding] = []
    done = verify(config, Selection(files, first_us, last_us), told.append, **more)
    assert done.lines == done.found + done.missing + done.altered
    return (done.found, done.missing, done.altered, done.surplus), told


def offset_of(number: int) -> int:
    return sum(len(raw) + 1 for raw in LINES[: number - 1])


# -- direct ----------------------------------------------------------------------------------------------------------


def test_every_line_of_a_direct_replay_is_found(client: Client, config: Config, capture: Path) -> None:
    index_direct(client, captured(config, capture))
    assert counts(config, capture) == ((len(LINES), 0, 0, None), [])


def test_three_deleted_and_two_altered_documents_of_a_direct_replay_are_named(
    client: Client, config: Config, capture: Path
) -> None:
    expected = captured(config, capture)
    index_direct(client, expected)
    for number in (1, 600, len(LINES)):
        delete(client, expected[number - 1].index, expected[number - 1].id)
    alter(client, expected[6].index, expected[6].id, http={"response": {"status_code": 500}})
    alter(client, expected[7].index, expected[7].id, labels={"a": "b"}, haproxy={"server_name": None})
    found, told = counts(config, capture)
    assert found == (len(LINES) - 5, 3, 2, None)
    name = str(capture)
    assert [each for each in told if isinstance(each, Missing)] == [
        Missing(name, offset_of(number), line(number)) for number in (1, 600, len(LINES))
    ]
    index = expected[0].index
    assert [each for each in told if isinstance(each, Altered)] == [
        Altered(
            name,
            offset_of(7),
            line(7),
            index,
            expected[6].id,
            (Difference("http.response.status_code", 200, 500),),
        ),
        Altered(
            name,
            offset_of(8),
            line(8),
            index,
            expected[7].id,
            (Difference("haproxy.server_name", "shop1", None), Difference("labels.a", None, "b")),
        ),
    ]


def test_every_sample_is_found_by_its_ids(client: Client, config: Config) -> None:
    expected = captured(config, *SAMPLES)
    index_direct(client, expected)
    assert counts(config, *SAMPLES) == ((len(expected), 0, 0, None), [])


def test_what_a_direct_replay_put_in_is_found_line_by_line(config: Config, client: Client, tmp_path: Path) -> None:
    assert client is not None
    undated = b"May  3 05:02:18 haproxy[1]: Proxy shop started."
    first = write(tmp_path / "a", [undated, b"what is this", line(1), undated, line(1)])
    files = (first, *SAMPLES)
    mine = config.model_copy(update={"state_dir": tmp_path / "state"})
    outcome = replay_direct(mine, Selection(files))
    assert outcome.tally.indexed == len(captured(config, *files))
    assert counts(config, *files, way="direct") == ((outcome.tally.indexed, 0, 0, None), [])


# -- live ------------------------------------------------------------------------------------------------------------


def test_every_line_that_came_over_a_socket_is_found(client: Client, config: Config, capture: Path) -> None:
    index_live(client, config, LINES)
    assert counts(config, capture) == ((len(LINES), 0, 0, 0), [])


def test_three_deleted_and_two_altered_documents_of_live_lines_are_named(
    client: Client, config: Config, capture: Path
) -> None:
    index_live(client, config, LINES)
    index = f"{config.index.prefix}-2026.11.21"
    for number in (1, 600, len(LINES)):
        delete(client, index, f"live-{number - 1}")
    alter(client, index, "live-6", http={"response": {"status_code": 500}})
    alter(client, index, "live-7", labels={"a": "b"}, haproxy={"server_name": None})
    found, told = counts(config, capture)
    assert found == (len(LINES) - 5, 3, 2, 0)
    name = str(capture)
    assert told == [
        Missing(name, offset_of(1), line(1)),
        Altered(name, offset_of(7), line(7), index, "live-6", (Difference("http.response.status_code", 200, 500),)),
        Altered(
            name,
            offset_of(8),
            line(8),
            index,
            "live-7",
            (Difference("haproxy.server_name", "shop1", None), Difference("labels.a", None, "b")),
        ),
        Missing(name, offset_of(600), line(600)),
        Missing(name, offset_of(len(LINES)), line(len(LINES))),
    ]


def test_of_equal_lines_as_many_are_missing_as_documents_are(client: Client, config: Config, tmp_path: Path) -> None:
    file = write(tmp_path / "a", [line(1), line(2), line(1), line(1)])
    index_live(client, config, [line(1), line(2)])
    found, told = counts(config, file, way="live")
    assert found == (2, 2, 0, 0)
    assert [each.offset for each in told if isinstance(each, Missing)] == [2 * len(line(1)) + 2, 3 * len(line(1)) + 3]


def test_a_document_without_a_line_is_surplus_within_the_time_of_the_lines(
    client: Client, config: Config, tmp_path: Path
) -> None:
    file = write(tmp_path / "a", [line(1), line(3)])
    index_live(client, config, [line(1), line(1), line(2), line(3), line(59)])
    found, told = counts(config, file)
    assert found == (2, 0, 0, 2)
    index = f"{config.index.prefix}-2026.11.21"
    assert told == [Surplus(index, "live-1"), Surplus(index, "live-2")]


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda path: path.stem)
def test_every_sample_is_found_by_its_content(client: Client, config: Config, sample: Path) -> None:
    lines = sample.read_bytes().splitlines()
    index_live(client, config, lines)
    received = Received("2026-11-21T00:00:00.000000Z", "2026-11-22T00:00:00.000000Z")  # some tell no time of their own
    assert counts(config, sample, way="live", received=received) == ((len(lines), 0, 0, 0), [])


def test_lines_that_were_replayed_years_later_are_found_by_the_time_of_their_receipt(
    client: Client, config: Config, tmp_path: Path
) -> None:
    raws = [line(1), b"Nov 21 05:02:18 haproxy[1]: Proxy shop started.", b"what is this", line(2)]
    file = write(tmp_path / "a", raws)
    late = RECEIVED_US + 700 * DAY_US
    index_live(client, config, raws, late)
    assert counts(config, file)[0] == (2, 2, 0, 0)
    received = Received("2028-10-01T00:00:00.000000Z", "2028-12-31T00:00:00.000000Z")
    assert counts(config, file, way="live", received=received) == ((4, 0, 0, 0), [])


@pytest.mark.parametrize("received", [None, Received("2026-11-21T05:00:00.000000Z", "2026-11-21T05:10:00.000000Z")])
def test_missing_lines_that_are_there_by_one_difference_were_read_in_another_zone(
    client: Client, config: Config, tmp_path: Path, received: Received | None
) -> None:
    file = write(tmp_path / "a", [*LINES[:30], b"what is this"])
    index_live(client, config, LINES[1:30])
    in_berlin = config.model_copy(update={"timezone": "Europe/Berlin"})
    done = verify(in_berlin, Selection((file,)), lambda _: None, way="live", received=received)
    assert (done.found, done.missing, done.surplus, done.off_by_s) == (0, 31, 29 if received else 0, 3_600)


def test_missing_lines_that_are_nowhere_or_there_by_many_differences_say_nothing_of_zones(
    client: Client, config: Config, tmp_path: Path
) -> None:
    file = write(tmp_path / "a", LINES[:4])
    index_live(client, config, [LINES[0].replace(b":05:02:", b":06:02:"), LINES[1].replace(b":05:02:", b":07:02:")])
    done = verify(config, Selection((file,)), lambda _: None, way="live")
    assert (done.missing, done.off_by_s) == (4, 0)


def test_lines_of_a_time_alone_are_looked_for_when_that_is_asked(
    client: Client, config: Config, tmp_path: Path
) -> None:
    file = write(tmp_path / "a", [line(number) for number in range(1, 60)])
    index_live(client, config, [line(number) for number in range(10, 20)])
    span = {"first_us": MINUTE_US + 10_000_000, "last_us": MINUTE_US + 20_000_000}
    assert counts(config, file, **span) == ((10, 0, 0, 0), [])


def test_lines_are_missing_where_no_index_is(config: Config, client: Client, capture: Path) -> None:
    assert client is not None
    found, told = counts(config, capture, last_us=MINUTE_US + 1_500_000)
    assert found == (0, len(told), 0, 0)
    assert told


def test_a_damaged_file_is_verified_up_to_the_damage(client: Client, config: Config, tmp_path: Path) -> None:
    index_live(client, config, LINES[:600])
    file = tmp_path / "capture.gz"
    file.write_bytes(gzip.compress(b"\n".join(LINES), compresslevel=1)[:-1000])
    told: list[Finding] = []
    done = verify(config, Selection((file,)), told.append, way="live")
    assert done.found == 600 < done.lines < len(LINES)
    assert not done.complete
    (fault,) = done.faults
    assert fault.startswith(f"{file}: damaged behind byte ")


@pytest.mark.parametrize("way", ["direct", "live"])
def test_a_line_that_was_cut_is_found(client: Client, config: Config, tmp_path: Path, way: Way) -> None:
    long = line(1)[:-10] + b"x" * LINE_BYTES_MAX + b'"'
    file = write(tmp_path / "a", [line(1), long, line(2)])
    if way == "direct":
        index_direct(client, captured(config, file))
    else:
        index_live(client, config, [line(1), line(2)])
        index, document = live(Encoder(config.interpretation()), long[:LINE_BYTES_MAX], cut=True)
        bulk(client, [(index, "live-cut", document)])
    assert counts(config, file, way=way)[0][:3] == (3, 0, 0)


def test_a_capture_without_lines_lacks_nothing(config: Config, client: Client, tmp_path: Path) -> None:
    assert client is not None
    assert counts(config, write(tmp_path / "a", [])) == ((0, 0, 0, 0), [])


def test_a_document_that_goes_while_it_is_compared_is_missing(client: Client, config: Config, tmp_path: Path) -> None:
    file = write(tmp_path / "a", [line(1)])
    index_live(client, config, [line(1)])
    index = f"{config.index.prefix}-2026.11.21"
    alter(client, index, "live-0", labels={"a": "b"})

    class Fading:
        """Deletes the document before it is read by its id."""

        def request(self, method: str, path: str, body: Mapping[str, object] | None = None) -> tuple[int, Any]:
            if path.startswith("/_mget"):
                delete(client, index, "live-0")
            return client.request(method, path, body)

    told: list[Finding] = []
    documents = Documents(Fading(), lambda _: None)
    done = verify_live(documents, config.index.pattern, lambda: captured(config, file), told.append)
    assert (done.missing, done.altered) == (1, 0)
    assert told == [Missing(str(file), 0, line(1))]


# -- other shippers --------------------------------------------------------------------------------------------------


def test_what_another_shipper_lost_is_named_by_the_field_that_holds_its_lines(
    client: Client, elasticsearch_url: str, index_prefix: str, tmp_path: Path
) -> None:
    file = write(tmp_path / "a", [line(1), line(2), line(3), line(2)])
    name = f"{index_prefix}x-2026.11.21"
    texts = [line(1).decode(), line(2).partition(b"]:")[2].decode(), "something else", None]
    bulk(client, [(name, f"{n}", json.dumps({} if t is None else {"message": t})) for n, t in enumerate(texts)])
    found, told = counts(settings(elasticsearch_url, f"{index_prefix}x"), file, field="message")
    assert found == (2, 2, 0, 2)
    assert [each.raw for each in told if isinstance(each, Missing)] == [line(3), line(2)]
    assert [each.id for each in told if isinstance(each, Surplus)] == ["2", "3"]
