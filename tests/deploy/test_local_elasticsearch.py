from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
import pytest
from elasticsearch import Elasticsearch

from deploy.local_elasticsearch import DEFAULT_VERSION, VERSIONS, Unavailable, fetch
from deploy.local_elasticsearch._distribution import _once
from deploy.local_elasticsearch._java import find_jdk

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.conftest import OwnElasticsearch

CHECKOUT = Path(__file__).parents[2]
COMMAND = [sys.executable, "-m", "deploy.local_elasticsearch", "run", "--port", "0", "--heap", "256m"]


def test_a_document_sent_in_bulk_is_found(elasticsearch_url: str, index_prefix: str) -> None:
    with Elasticsearch(elasticsearch_url) as client:
        index = f"{index_prefix}-a"
        answer = client.bulk(operations=[{"create": {"_index": index}}, {"name": "one"}], refresh=True)
        found = client.search(index=index, query={"match": {"name": "one"}})
    assert not answer["errors"]
    assert [hit["_source"] for hit in found["hits"]["hits"]] == [{"name": "one"}]


def test_an_index_with_best_compression_is_written(elasticsearch_url: str, index_prefix: str) -> None:
    assert can_compress(elasticsearch_url, index_prefix)


def test_the_newer_version_runs_where_a_newer_jdk_is_found(own_elasticsearch: OwnElasticsearch) -> None:
    try:
        find_jdk(VERSIONS["9.2.0"])
    except Unavailable as error:
        pytest.skip(str(error))
    es = own_elasticsearch(version="9.2.0")
    with Elasticsearch(es.url) as client:
        assert client.nodes.info(filter_path="nodes.*.version").body["nodes"].popitem()[1] == {"version": "9.2.0"}
    assert can_compress(es.url, "compressed")


def test_three_nodes_are_one_cluster_and_one_that_was_killed_comes_back(own_elasticsearch: OwnElasticsearch) -> None:
    es = own_elasticsearch(nodes=3, heap="256m")
    with Elasticsearch(list(es.urls)) as client:
        assert client.cluster.health()["number_of_nodes"] == 3
        url, first_pid = es.urls[1], es.pid(1)
        client.index(index="kept", document={"name": "one"}, refresh=True)

        es.kill_node(1)
        assert es.running == (True, False, True)
        es.start_node(1)

        assert (es.urls[1], es.pid(1) != first_pid) == (url, True)
        assert client.cluster.health()["number_of_nodes"] == 3
        assert client.count(index="kept")["count"] == 1


def test_a_node_keeps_its_documents_over_a_crash_and_takes_settings(own_elasticsearch: OwnElasticsearch) -> None:
    es = own_elasticsearch(settings={"http.max_content_length": "1mb"})
    with Elasticsearch(es.url) as client:
        client.index(index="kept", document={"name": "one"})
        es.kill_node()
        es.start_node()
        client.indices.refresh(index="kept")
        assert client.count(index="kept")["count"] == 1
        assert "1mb" in str(client.nodes.info(filter_path="**.max_content_length"))


@pytest.mark.own_node
def test_the_command_prints_its_url_and_ends_in_order_on_sigterm(running_command: subprocess.Popen[str]) -> None:
    url = read_url(running_command)
    nodes = psutil.Process(running_command.pid).children()
    with Elasticsearch(url) as client:
        assert client.cluster.health()["status"] == "green"

    running_command.terminate()
    rest, _ = running_command.communicate(timeout=20)

    assert (running_command.returncode, rest, len(nodes)) == (0, "", 1)
    assert not nodes[0].is_running()


@pytest.mark.own_node
@pytest.mark.chaos
def test_the_node_ends_when_the_command_is_killed(running_command: subprocess.Popen[str]) -> None:
    read_url(running_command)
    (node,) = psutil.Process(running_command.pid).children()
    running_command.kill()
    assert psutil.wait_procs([node], timeout=10)[0] == [node]


@pytest.mark.own_node
@pytest.mark.chaos
def test_command_and_node_end_when_their_parent_is_killed(tmp_path: Path) -> None:
    script = f"import subprocess; subprocess.run({COMMAND!r})"
    with start([sys.executable, "-c", script], tmp_path) as parent:
        read_url(parent)
        family = psutil.Process(parent.pid).children(recursive=True)
        parent.kill()
    gone, alive = psutil.wait_procs(family, timeout=20)
    assert (len(gone), alive) == (2, [])


def test_jars_in_the_cache_are_used_without_maven(monkeypatch: pytest.MonkeyPatch) -> None:
    try:
        cached = fetch(DEFAULT_VERSION)
    except Unavailable as error:
        pytest.skip(str(error))
    monkeypatch.setenv("PATH", "/nonexistent")
    monkeypatch.setenv("JAVA_HOME", str(cached.jdk.home))
    assert fetch(DEFAULT_VERSION) == cached


def test_a_folder_that_could_not_be_finished_is_not_in_the_cache(tmp_path: Path) -> None:
    def build(target: Path) -> None:
        (target / "half").touch()
        raise Unavailable("the network is gone")

    with pytest.raises(Unavailable):
        _once(tmp_path / "jars", build)
    assert [path.name for path in tmp_path.iterdir()] == ["lock"]


def test_without_maven_the_message_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")
    with pytest.raises(Unavailable, match="apt-get install"):
        fetch(DEFAULT_VERSION, cache=tmp_path)


def test_an_unknown_version_is_refused_with_those_that_are_known(tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match=r"8\.19\.5, 9\.2\.0"):
        fetch("7.17.0", cache=tmp_path)


@pytest.mark.own_node
def test_a_taken_port_is_said_in_a_sentence(running_command: subprocess.Popen[str]) -> None:
    port = read_url(running_command).rsplit(":", 1)[1]
    second = subprocess.run(
        [*COMMAND, "--port", port], cwd=CHECKOUT, capture_output=True, text=True, timeout=30, check=False
    )
    assert second.returncode == 1
    assert f"port {port} on 127.0.0.1 is taken" in second.stderr
    assert "Traceback" not in second.stderr


@pytest.fixture
def running_command(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    with start(COMMAND, tmp_path) as command:
        yield command
        command.kill()


def start(command: list[str], folder: Path) -> subprocess.Popen[str]:
    """Start the command with its data in a folder of the test, which stays behind when the command is killed."""
    environment = {**os.environ, "TMPDIR": str(folder)}
    return subprocess.Popen(command, cwd=CHECKOUT, env=environment, stdout=subprocess.PIPE, text=True)


def can_compress(url: str, index: str) -> bool:
    with Elasticsearch(url) as client:
        client.indices.create(index=index, settings={"codec": "best_compression"})
        client.index(index=index, document={"name": "one"}, refresh=True)
        return bool(client.count(index=index)["count"] == 1)


def read_url(command: subprocess.Popen[str]) -> str:
    assert command.stdout is not None
    url = command.stdout.readline().strip()
    assert url.startswith("http://127.0.0.1:")
    return url
