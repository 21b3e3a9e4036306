from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from shipper.config import Config, Elasticsearch, Index
from shipper.errors import ConfigError, ConnectionFailed, Permanent, Retryable
from shipper.jobs.kibana import import_into_kibana
from shipper.setup import reach_kibana
from shipper.setup._kibana import saved_objects
from tests.cli.commands import shipper
from tests.setup.kibana import Kibana, running

if TYPE_CHECKING:
    from pathlib import Path


def imported(kibana: Kibana, prefix: str = "haproxy", **elasticsearch: Any) -> Any:  # noqa: ANN401 -- settings
    config = Config(index=Index(prefix=prefix), elasticsearch=Elasticsearch(**elasticsearch))
    return import_into_kibana(config, kibana.url)


def test_the_first_import_creates_and_the_second_replaces() -> None:
    with running() as kibana:
        first, second = imported(kibana), imported(kibana)
    assert (first.kind, second.kind) == ("created", "updated")
    assert str(first).splitlines() == [
        f"Kibana ({kibana.url}): dashboard HAProxy (haproxy-*): created",
        "    1 index-pattern, 24 visualization, 1 dashboard",
    ]


def test_dashboards_of_two_prefixes_live_side_by_side() -> None:
    with running() as kibana:
        imported(kibana)
        assert imported(kibana, prefix="edge").kind == "created"
    titles = {each["attributes"].get("title") for each in kibana.stored.values()}
    assert {"haproxy-*", "edge-*"} <= titles
    assert b"haproxy-*" not in saved_objects(Index(prefix="edge"))


@pytest.mark.parametrize(
    ("credentials", "header"),
    [
        ({"api_key": "c2VjcmV0"}, "ApiKey c2VjcmV0"),
        ({"username": "elastic", "password": "secret"}, "Basic ZWxhc3RpYzpzZWNyZXQ="),
        ({"bearer_token": "secret"}, "Bearer secret"),
    ],
    ids=["api-key", "basic", "bearer"],
)
def test_credentials_are_those_of_elasticsearch(credentials: dict[str, Any], header: str) -> None:
    with running(header) as kibana:
        assert imported(kibana, **credentials).kind == "created"
        with pytest.raises(Permanent, match=r"401 .*missing authentication.*; it wants credentials") as refused:
            imported(kibana)
    assert "secret" not in str(refused.value)


@pytest.mark.parametrize(
    ("status", "answer", "error", "said"),
    [
        (
            403,
            b'{"statusCode":403,"message":"Unable to bulk_create"}',
            Permanent,
            "403 Unable to bulk_create; the user",
        ),
        (503, b"Kibana server is not ready yet", Retryable, "is not ready: 503"),
        (404, b"<html>nginx</html>", Permanent, "not as Kibana does"),
        (200, b"<html>Welcome</html>", Permanent, "not as Kibana does"),
        (400, b'{"statusCode":400,"message":"too large"}', Permanent, "400 too large"),
        (200, b'{"success":false,"errors":[]}', Permanent, "does not say why"),
    ],
)
def test_a_refusal_says_what_is_to_be_done(status: int, answer: bytes, error: type[Exception], said: str) -> None:
    with running() as kibana:
        kibana.answer = (status, answer)
        with pytest.raises(error, match=said):
            imported(kibana)


def test_objects_that_kibana_does_not_take_are_told() -> None:
    errors = [{"type": "dashboard", "id": "x", "error": {"type": "unsupported_type", "message": "why"}}] * 3
    with running() as kibana:
        kibana.answer = (200, json.dumps({"success": False, "errors": errors}).encode())
        with pytest.raises(Permanent, match="dashboard x: unsupported_type why, and 2 more"):
            imported(kibana)


def test_a_kibana_that_does_not_answer_is_called_by_its_name() -> None:
    with running() as kibana:
        pass
    with pytest.raises(ConnectionFailed, match=r"no answer from Kibana \(http"):
        imported(kibana)


@pytest.mark.parametrize("url", ["kibana:5601", "http://kibana", "ftp://kibana:5601", "http://me:secret@kibana:5601"])
def test_a_url_that_is_none_is_a_mistake_in_the_flag(url: str) -> None:
    with pytest.raises(ConfigError, match=r"^--kibana: ") as mistake:
        reach_kibana(Elasticsearch(), url)
    assert ":9200" not in str(mistake.value)


def test_certificates_are_for_https_alone(tmp_path: Path) -> None:
    ca = tmp_path / "ca.pem"
    ca.touch()
    settings = Elasticsearch(urls=("https://es:9200",), ca_file=ca)
    assert reach_kibana(settings, "http://kibana:5601").ca_file is None
    assert reach_kibana(settings, "https://kibana:5601/s/ops/").ca_file == ca


def test_the_command_installs_templates_and_dashboards(elasticsearch_url: str, index_prefix: str) -> None:
    with running() as kibana:
        where = ("--elasticsearch", elasticsearch_url, "--index-prefix", index_prefix)
        done = shipper("setup", *where, "--kibana", kibana.url)
    assert done.returncode == 0, done.stderr
    last = done.stdout.decode().splitlines()[-2:]
    assert last[0].endswith(f"dashboard HAProxy ({index_prefix}-*): created")
    assert ("dashboard", f"shipper-{index_prefix}-dashboard") in kibana.stored
