"""What another configuration may change of lines that are already in the journal (nothing), and of delivery."""

from __future__ import annotations

import subprocess
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from tests.end_to_end.traffic import Indexed, Sender, line, number_of
from tests.shipper_process import COMMAND, until

if TYPE_CHECKING:
    from tests.end_to_end.conftest import World

NOBODY = "http://127.0.0.1:9"


def test_lines_in_the_journal_keep_the_index_the_zone_and_the_id_under_which_they_came(world: World) -> None:
    begun = datetime.now(UTC).replace(microsecond=0) - timedelta(days=2)
    shipper = world.started(NOBODY, shutdown_timeout_s=0.1, timezone="Asia/Kolkata")
    sender = Sender(shipper.port)
    sender.send(line(n, begun) for n in range(600))
    until(lambda: len(shipper.pending()) == 600, "they are journaled")
    assert shipper.stop() == 0
    ids = {number_of(line.raw): line.position.id() for line in shipper.pending()}
    other = f"{world.prefix}-other"
    shipper.configure(
        timezone="America/New_York",
        index={"prefix": other, "date_format": "%Y-%m-%d"},
        delivery={"batch_lines_max": 70},
        elasticsearch={"urls": [world.url]},
        require_template=False,
    )
    shipper.start()
    sender.send(line(n, begun) for n in range(600, 700))
    sender.close()
    world.settled(shipper, 700)
    documents = world.indexed.documents()
    assert Counter(document.number for document in documents) == Counter(range(700))
    old = [document for document in documents if not document.index.startswith(other)]
    kolkata = begun - timedelta(hours=5, minutes=30)
    assert {document.number for document in old} == set(range(600))
    assert {document.index for document in old} == {f"{world.prefix}-{kolkata:%Y.%m.%d}"}
    assert {document.source["@timestamp"] for document in old} == {f"{kolkata:%Y-%m-%dT%H:%M:%S.%f}Z"}
    assert {document.number: document.id for document in old} == ids


def test_the_same_lines_shipped_once_more_from_a_copy_of_the_journal_are_there_already(world: World) -> None:
    shipper = world.started(NOBODY, shutdown_timeout_s=0.1)
    sender = Sender(shipper.port)
    sender.number(500)
    sender.close()
    assert shipper.stop() == 0
    copy = world.shipper()
    subprocess.run(["cp", "-r", str(shipper.state.root), str(copy.state.root)], check=True)
    shipper.configure(elasticsearch={"urls": [world.url]})
    for each in (shipper, copy):
        each.start()
        world.settled(each, 500)
    assert (shipper.commit().indexed, copy.commit().already_there) == (500, 500)
    assert world.indexed.count() == 500


def test_without_its_template_nothing_is_shipped_until_setup_was_run(world: World) -> None:
    prefix = f"{world.prefix}x"
    shipper = world.started(index={"prefix": prefix})
    indexed = Indexed(world.url, prefix)
    sender = Sender(shipper.port)
    sender.number(300)
    sender.close()
    until(lambda: shipper.events("index_held"), "the index was held")
    until(lambda: shipper.journaled() == 300, "they are journaled")
    assert indexed.client.indices.get(index=indexed.pattern) == {}
    assert len(shipper.events("index_held")) == 1
    assert "shipper setup" in shipper.events("index_held")[0]["reason"]
    assert len(shipper.pending()) == 300
    subprocess.run([COMMAND, "setup", "--config", str(shipper.file)], check=True, capture_output=True)
    world.settled(shipper, 300)
    assert indexed.numbers() == Counter(range(300))
    indexed.client.close()


def test_a_template_that_is_not_required_is_not_waited_for(world: World) -> None:
    prefix = f"{world.prefix}x"
    shipper = world.started(index={"prefix": prefix}, require_template=False)
    indexed = Indexed(world.url, prefix)
    sender = Sender(shipper.port)
    sender.number(300)
    sender.close()
    world.settled(shipper, 300)
    assert indexed.numbers() == Counter(range(300))
    indexed.client.close()
