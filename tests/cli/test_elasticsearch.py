"""`shipper check` and `shipper setup`, with an Elasticsearch and with none."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.cli.commands import shipper
from tests.scripted_elasticsearch import scripted

if TYPE_CHECKING:
    from pathlib import Path

REFUSAL = {"error": {"root_cause": [], "type": "security_exception", "reason": "missing authentication credentials"}}
NOBODY = "http://127.0.0.1:1"


def test_setup_creates_the_templates_and_says_so_and_again_changes_nothing(
    elasticsearch_url: str, index_prefix: str
) -> None:
    flags = ("--elasticsearch", elasticsearch_url, "--index-prefix", index_prefix)
    first, second = shipper("setup", *flags), shipper("setup", *flags)
    assert first.returncode == second.returncode == 0
    assert first.stdout.decode().splitlines()[-1] == f"index template {index_prefix}: created"
    assert second.stdout.decode().splitlines()[-1] == f"index template {index_prefix}: unchanged"


def test_check_asks_for_setup_and_is_content_afterwards(
    elasticsearch_url: str, index_prefix: str, tmp_path: Path
) -> None:
    elasticsearch = ("--elasticsearch", elasticsearch_url, "--index-prefix", index_prefix)
    flags = (*elasticsearch, "--state-dir", tmp_path / "state", "--listen", "udp://127.0.0.1:0")
    before = shipper("check", *flags)
    assert before.returncode == 1
    assert f"index template {index_prefix} is missing: run `shipper setup`" in before.stdout.decode()
    shipper("setup", *elasticsearch)
    after = shipper("check", *flags).stdout.decode()
    assert "FAIL  elasticsearch" not in after
    assert f"{elasticsearch_url} answers; the template {index_prefix} is in place" in after
    assert not (tmp_path / "state").exists()


def test_check_says_that_no_elasticsearch_answers_and_looks_at_the_rest_all_the_same(tmp_path: Path) -> None:
    done = shipper("check", "-e", NOBODY, "--state-dir", tmp_path, "--listen", "udp://127.0.0.1:0")
    assert done.returncode == 1
    assert f"FAIL  elasticsearch  no answer from Elasticsearch ({NOBODY})" in done.stdout.decode()
    assert "ok    state" in done.stdout.decode()
    assert "ok    listener" in done.stdout.decode()


def test_setup_without_an_elasticsearch_is_one_message_and_exit_1() -> None:
    done = shipper("setup", "-e", NOBODY)
    assert (done.returncode, done.stdout) == (1, b"")
    assert f"shipper: no answer from Elasticsearch ({NOBODY})" in done.stderr.decode()
    assert "Traceback" not in done.stderr.decode()


@pytest.mark.parametrize("command", ["check", "setup", "percentiles", "prune --keep 30d"])
def test_a_service_that_is_not_elasticsearch_is_told_as_such_by_every_command(command: str, tmp_path: Path) -> None:
    with scripted({"/": (200, {"status": "ok"})}, named=False) as service:
        done = shipper(*command.split(), "-e", service.url, SHIPPER_STATE_DIR=str(tmp_path))
    said = (done.stdout + done.stderr).decode()
    assert done.returncode == 1
    assert f'what answers is not Elasticsearch ({service.url}), but says \'{{"status": "ok"}}\'' in said
    assert "Traceback" not in said


def test_check_says_once_that_credentials_are_missing_and_what_sets_them(tmp_path: Path) -> None:
    with scripted({"/": (401, REFUSAL)}) as server:
        done = shipper("check", "-e", server.url, "--state-dir", tmp_path, "--listen", "udp://127.0.0.1:0")
    (finding,) = (line for line in done.stdout.decode().splitlines() if line.startswith("FAIL"))
    assert "401 security_exception: missing authentication credentials; check the credentials: SHIPPER_E" in finding
    assert len(server.asked) == 1


def test_percentiles_says_what_sets_the_credentials_that_are_missing() -> None:
    with scripted({"/": (401, REFUSAL)}) as server:
        done = shipper("percentiles", "-e", server.url)
    assert done.returncode == 1
    assert b"missing authentication credentials; check the credentials: SHIPPER_ELASTICSEARCH__API_KEY" in done.stderr


def test_check_says_what_the_credentials_may_not_and_no_more_where_the_server_has_no_security(tmp_path: Path) -> None:
    granted = {
        "cluster": {"monitor": True, "manage_index_templates": False, "manage_ilm": False},
        "index": {"haproxy-*": {"create_index": True, "create_doc": False}, "letters": {"create_doc": True}},
    }
    for answer, lacks in (((200, granted), True), ((400, {"error": "no handler found"}), False)):
        with scripted({"/_security/user/_has_privileges": answer, "/": (403, REFUSAL)}) as server:
            done = shipper("check", "-e", server.url, "--state-dir", tmp_path, "--listen", "udp://127.0.0.1:0")
        said = (
            "the credentials lack cluster privilege manage_index_templates, cluster privilege manage_ilm, create_doc on"
        )
        assert (f"FAIL  elasticsearch  {said} haproxy-*: grant it" in done.stdout.decode()) == lacks
