"""Rate, terminations and pressure, against the same counted by hand."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from shipper.haproxy.termination import BY, ERRORS
from shipper.query._compare import value_at
from shipper.query.panels._search import BLAME
from tests.query.panels.site import largest, of_slots, per_slot, values

if TYPE_CHECKING:
    from tests.query.panels.site import Site

STATE = "haproxy.termination_state"


def test_every_line_is_in_one_class_of_status(site: Site) -> None:
    found = site.panel("rate")
    status = "http.response.status_code"
    assert found["lines"] == len(site.traffic())
    for name, counted in found["classes"].items():
        wanted = [one for one in site.traffic() if name == f"{(value_at(one, status) or 0) // 100}xx"]
        if name == "none":
            wanted = [one for one in site.traffic() if value_at(one, status) is None]
        assert counted == per_slot(wanted)
    assert sum(map(sum, found["classes"].values())) == found["lines"]


def test_terminations_are_counted_and_put_into_words(site: Site) -> None:
    found = site.panel("terminations")
    counted = Counter(values(site.traffic(), STATE))
    assert {row["state"]: row["count"] for row in found["rows"]} == counted
    assert [row["count"] for row in found["rows"]] == sorted(counted.values(), reverse=True)
    rows = {row["state"]: row for row in found["rows"]}
    assert (rows["sH--"]["by"], rows["sH--"]["phase"], rows["sH--"]["normal"]) == ("server_timeout", "headers", False)
    assert rows["sH--"]["words"].startswith("The server did not send response headers in time")
    assert rows["----"]["normal"] is True


def test_whoever_ended_what_went_wrong_is_to_blame(site: Site) -> None:
    blame = site.panel("terminations")["blame"]
    for who, letters in {"client": "Cc", "server": "SsD", "proxy": "PRIKU"}.items():
        assert blame[who] == per_slot([one for one in site.traffic() if value_at(one, STATE)[0] in letters])
    wrong = [one for one in site.traffic() if value_at(one, STATE)[0] in ERRORS]
    assert sum(sum(blame[who]) for who in ("client", "server", "proxy")) == len(wrong) > 0


def test_every_way_to_end_wrongly_has_one_to_blame() -> None:
    assert sorted(by for blamed in BLAME.values() for by in blamed) == sorted(BY[letter] for letter in ERRORS)


def test_pressure_is_the_sum_of_retries_and_the_peak_of_queues_and_connections(site: Site) -> None:
    found = site.panel("pressure")
    traffic = site.traffic()
    assert found["retries"] == of_slots(traffic, lambda slot: sum(values(slot, "haproxy.connections.retries")))
    assert found["redispatched"] == per_slot([one for one in traffic if value_at(one, "haproxy.redispatched")])
    assert sum(found["redispatched"]) > 0
    for side in ("backend", "server"):
        assert found["queue_max"][side] == of_slots(traffic, largest(f"haproxy.{side}_queue"))
    for side in ("active", "frontend", "backend", "server"):
        assert found["connections_max"][side] == of_slots(traffic, largest(f"haproxy.connections.{side}"))
