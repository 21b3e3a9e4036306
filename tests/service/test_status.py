"""What a status says of itself."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from shipper.service import Expected, Status
from tests.service.statuses import FINE, status


def test_a_status_survives_its_way_through_json() -> None:
    assert Status.model_validate_json(FINE.model_dump_json()) == FINE


def test_a_field_that_is_not_known_is_refused() -> None:
    with pytest.raises(ValidationError):
        Status.model_validate({**dict(FINE), "surprise": 1})


def test_when_all_is_well_every_line_is_accounted_for_and_nothing_needs_attention() -> None:
    assert (FINE.unexplained, FINE.attention) == (0, ())


@pytest.mark.parametrize(
    ("term", "lines"), [("received", 116), ("journaled", 108), ("indexed", 89), ("pending", 9), ("journal_lost", 3)]
)
def test_a_line_that_is_missing_in_a_sum_is_said(term: str, lines: int) -> None:
    broken = status(**{term: lines})
    assert broken.unexplained > 0
    assert "do not add up" in broken.attention[0]


def test_sums_are_not_judged_before_the_journal_is_counted() -> None:
    assert status(pending=0, counted=False).attention == ()


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        (
            {"reachable": False, "failure": "no answer from Elasticsearch (http://es-1:9200): Connection refused"},
            "Elasticsearch does not answer, and lines wait in the journal: no answer from Elasticsearch (http://es-1:9200)",
        ),
        ({"held": {"haproxy-2026.11.21": "no template"}}, "index haproxy-2026.11.21 is held: no template"),
        ({"paused": {"requests refused": "401"}}, "delivery is paused (requests refused): 401"),
        ({"oldest_pending_age_s": 90.0}, "10 lines wait, the oldest for 90 s, while Elasticsearch answers"),
        ({"journal_bytes": 95, "journal_bytes_max": 100}, "the journal is 95% full"),
        ({"journal_room_bytes": -1}, "the disk of the journal is full, but for its reserve"),
        ({"dropped_lately": 1_234}, "1,234 lines were dropped in the last minute"),
        (
            {"expected": (Expected(network="192.0.2.0/24", silent_after_s=90, last_seen=None, silent=True),)},
            "nothing came from 192.0.2.0/24 for more than 90 s",
        ),
    ],
)
def test_what_a_person_has_to_look_at_is_said_in_words(changed: dict[str, object], said: str) -> None:
    (sentence,) = status(**changed).attention
    assert sentence.startswith(said)


def test_senders_in_a_wrong_zone_are_named_as_long_as_they_are_few() -> None:
    wrong = tuple(FINE.senders[0].model_copy(update={"address": f"192.0.2.{n}", "off_by_s": -5400}) for n in range(5))
    first, _, _, rest = status(senders=wrong).attention
    assert first == (
        "192.0.2.0 sends dates to udp://0.0.0.0:5140 that are off by -1.5 h in UTC: "
        "set its timezone under [[senders]], or let HAProxy log with format rfc5424"
    )
    assert rest == "2 more senders seem to be in another zone"
