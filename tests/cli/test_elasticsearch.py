"""`shipper check` and `shipper setup`, with an Elasticsearch and with none."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.cli.commands import shipper

if TYPE_CHECKING:
    from pathlib import Path

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
