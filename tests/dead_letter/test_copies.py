from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass, field
from itertools import islice
from threading import Barrier, Event
from typing import TYPE_CHECKING, Any, NoReturn

import pytest
from structlog.testing import capture_logs

from shipper.dead_letter import Copied, DeadLetters, read
from shipper.elastic import Answer
from shipper.errors import ConnectionFailed
from shipper.limits import DEAD_LETTER_COPY_RETRY_S, DEAD_LETTER_COPY_TIMEOUT_S
from tests.dead_letter.test_files import NOON_US, refused

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


@dataclass
class Client:
    """Answers as it is told to, and keeps what it is asked."""

    made: tuple[int, Any] = (200, {"acknowledged": True})
    statuses: tuple[int, ...] = (201,)
    fails: bool = False
    silent: bool = False
    bodies: list[list[Any]] = field(default_factory=list)
    requests: list[tuple[str, str]] = field(default_factory=list)
    asked: int = 0

    def request(
        self, method: str, path: str, body: Mapping[str, object] | None = None, timeout_s: float | None = None
    ) -> tuple[int, Any]:
        assert body
        assert timeout_s == DEAD_LETTER_COPY_TIMEOUT_S
        self.requests.append((method, path))
        if self.silent:
            raise ConnectionFailed("no answer")
        return self.made

    def bulk(self, index: str, body: bytes, timeout_s: float) -> Answer:
        assert (index, timeout_s > 0) == ("letters", True)
        self.asked += 1
        if self.fails:
            raise ConnectionFailed("no answer")
        self.bodies.append([json.loads(line) for line in body.splitlines()])
        items = [{"create": {"status": status, "error": {"reason": "because"}}} for status in self.statuses]
        return Answer(200, json.dumps({"errors": True, "items": items}).encode())


def copied(folder: Path, client: Client, bytes_max: int = 1_000_000) -> Copied:
    letters = DeadLetters(folder, bytes_max, unsettled=lambda _: False, clock_us=lambda: NOON_US)
    return Copied(letters, "letters", client, lambda: NOON_US)


def test_a_copy_says_what_the_letter_says(tmp_path: Path) -> None:
    client = Client()
    assert copied(tmp_path, client).write([refused()]) is None
    (letter,) = read(tmp_path)
    action, document = client.bodies[0]
    assert action == {"create": {"_id": letter.id}}
    assert document["@timestamp"] == letter.time
    assert document["event"]["kind"] == "pipeline_error"
    assert document["event"]["original_base64"] == letter.line_base64
    assert document["error"] == {"type": letter.type, "message": letter.reason}
    assert json.loads(document["dead_letter"]["document"]) == letter.document
    assert document["dead_letter"]["index"] == letter.index


def test_the_index_is_created_once_and_one_that_is_there_is_taken(tmp_path: Path) -> None:
    client = Client(made=(400, {"error": {"type": "resource_already_exists_exception"}}), statuses=(409,))
    letters = copied(tmp_path, client)
    with capture_logs() as events:
        letters.write([refused(1)])
        letters.write([refused(2)])
    assert client.requests == [("PUT", "/letters")]
    assert len(client.bodies) == 2
    assert [event["event"] for event in events] == ["dead_letter_file_opened"]


@pytest.mark.parametrize(
    ("client", "reason"),
    [
        (Client(made=(403, {"error": "not allowed"})), "not allowed"),
        (Client(fails=True), "no answer"),
        (Client(statuses=(400,)), "because"),
    ],
)
def test_a_copy_that_fails_is_said_and_the_letter_is_kept(tmp_path: Path, client: Client, reason: str) -> None:
    with capture_logs() as events:
        assert copied(tmp_path, client).write([refused()]) is None
    (event,) = [event for event in events if event["event"] == "dead_letters_not_copied"]
    assert reason in event["reason"]
    assert event["items"] == 1
    assert len(list(read(tmp_path))) == 1


@pytest.mark.parametrize("wrong", [Client(silent=True), Client(made=(403, {"error": "no answer"})), Client(fails=True)])
def test_an_index_that_cannot_be_created_or_does_not_answer_is_tried_again_after_a_minute(
    tmp_path: Path, wrong: Client
) -> None:
    now_us = NOON_US
    files = DeadLetters(tmp_path, 1_000_000, unsettled=lambda _: False, clock_us=lambda: NOON_US)
    letters = Copied(files, "letters", wrong, lambda: now_us)
    with capture_logs() as events:
        for number in range(3):
            letters.write([refused(number)])
    reasons = [event["reason"] for event in events if event["event"] == "dead_letters_not_copied"]
    assert (len(wrong.requests), wrong.asked) == (1, int(wrong.fails))
    assert ["no answer" in reason for reason in reasons] == [True] * 3
    wrong.silent, wrong.fails, wrong.made = False, False, (200, {"acknowledged": True})
    now_us += round(DEAD_LETTER_COPY_RETRY_S * 1_000_000)
    letters.write([refused(3)])
    assert len(wrong.bodies) == 1


@pytest.mark.parametrize("hung", ["request", "bulk"])
def test_of_many_that_bury_at_once_one_waits_for_an_index_that_does_not_answer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, hung: str
) -> None:
    ended = Event()
    client = Client()
    asked: list[str] = []

    def hang(*_: object) -> NoReturn:
        asked.append(hung)
        ended.wait(10)
        raise ConnectionFailed("no answer")

    monkeypatch.setattr(client, hung, hang)
    letters = copied(tmp_path, client)
    with capture_logs() as events, ThreadPoolExecutor(8) as pool:
        try:
            burials = [pool.submit(letters.write, [refused(number)]) for number in range(8)]
            went_on = [burial.result() for burial in islice(as_completed(burials, timeout=5), 7)]
        finally:
            ended.set()
    assert went_on == [None] * 7
    assert asked == [hung]
    assert len([event for event in events if event["event"] == "dead_letters_not_copied"]) == 8
    assert len(list(read(tmp_path))) == 8


def test_an_index_that_answers_has_the_copies_of_all_that_bury_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    client, together = Client(), Barrier(8)
    letters = copied(tmp_path, client)
    letters.write([refused(0)])
    answer = client.bulk

    def bulk(index: str, body: bytes, timeout_s: float) -> Answer:
        together.wait(5)
        return answer(index, body, timeout_s)

    monkeypatch.setattr(client, "bulk", bulk)
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda number: letters.write([refused(number)]), range(1, 9)))
    assert len(client.bodies) == 9


def test_what_cannot_be_kept_is_not_copied(tmp_path: Path) -> None:
    client = Client()
    reason = copied(tmp_path, client, bytes_max=1).write([refused()])
    assert reason is not None
    assert client.bodies == []
