"""docker-compose.yml and the Dockerfile, as far as they can be held to something without a Docker engine."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

import pytest
import yaml

from shipper.config import Dashboard, Metrics, load

ROOT: Final = Path(__file__).parents[2]
COMPOSE: Final[dict[str, Any]] = yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))
SERVICES: Final[dict[str, dict[str, Any]]] = COMPOSE["services"]
DOCKERFILE: Final = (ROOT / "deploy" / "Dockerfile").read_text(encoding="utf-8")
PINNED: Final = re.compile(r"[a-z]+(/[a-z]+)?:v?[0-9]+\.[0-9]+\.[0-9]+(-[a-z]+)*")
ONE_SHOT: Final = {"shipper-setup", "kibana-setup"}


def test_the_parts_and_the_setups_are_there() -> None:
    parts = {"haproxy", "shipper", "dashboard", "elasticsearch", "kibana", "grafana", "prometheus"}
    assert set(SERVICES) == parts | ONE_SHOT


def test_the_file_is_one_by_the_schema_of_compose() -> None:
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec"]
    done = subprocess.run([*command, ROOT / "docker-compose.yml"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_the_images_of_shipper_have_its_version() -> None:
    images = {service["image"] for service in SERVICES.values() if "build" in service}
    assert images == {f"shipper:{version('shipper')}"}
    assert f"-t shipper:{version('shipper')} " in DOCKERFILE


def test_the_changelog_tells_of_this_version() -> None:
    text = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    headings = re.findall(r"^## \[([^\]]+)\](?: - (\d{4}-\d\d-\d\d))?$", text, re.MULTILINE)
    assert headings[0] == ("Unreleased", "") or (headings[0][0] == version("shipper") and headings[0][1])


@pytest.mark.parametrize("name", SERVICES)
def test_every_image_is_pinned_to_a_full_version(name: str) -> None:
    assert PINNED.fullmatch(SERVICES[name]["image"])


@pytest.mark.parametrize("name", sorted(set(SERVICES) - ONE_SHOT))
def test_every_service_that_stays_has_a_health_check(name: str) -> None:
    check = SERVICES[name]["healthcheck"]
    assert check["test"][0] in {"CMD", "CMD-SHELL"}
    assert {"interval", "timeout", "retries"} <= set(check)


@pytest.mark.parametrize("name", SERVICES)
def test_ports_are_published_on_loopback_only(name: str) -> None:
    assert all(str(port).startswith("127.0.0.1:") for port in SERVICES[name].get("ports", []))


@pytest.mark.parametrize("name", SERVICES)
def test_what_a_service_waits_for_can_come_about(name: str) -> None:
    for other, wait in SERVICES[name].get("depends_on", {}).items():
        needed = "service_completed_successfully" if other in ONE_SHOT else "service_healthy"
        assert wait["condition"] == needed


@pytest.mark.parametrize("name", SERVICES)
def test_every_volume_exists(name: str) -> None:
    for volume in SERVICES[name].get("volumes", []):
        source = volume.split(":")[0]
        assert (ROOT / source).exists() if source.startswith("./") else source in COMPOSE["volumes"]


def test_grafana_finds_elasticsearch_and_the_dashboards_where_they_are_mounted() -> None:
    grafana = SERVICES["grafana"]
    mounts = dict(reversed(volume.removesuffix(":ro").split(":")) for volume in grafana["volumes"])
    lines, own = _provisioned("datasource.yml")["datasources"]
    assert (lines["type"], own["type"]) == ("elasticsearch", "prometheus")
    variables = {lines["url"], lines["jsonData"]["index"], own["url"]}
    assert {variable.removeprefix("$") for variable in variables} <= set(grafana["environment"])
    [provider] = _provisioned("dashboards.yml")["providers"]
    assert mounts[provider["options"]["path"]] == "./dashboards/grafana"
    home = Path(grafana["environment"]["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"])
    assert (ROOT / mounts[str(home.parent)] / home.name).is_file()


def _provisioned(file: str) -> dict[str, Any]:
    assert any(f"/{file}:/etc/grafana/provisioning/" in volume for volume in SERVICES["grafana"]["volumes"])
    found: dict[str, Any] = yaml.safe_load((ROOT / "deploy" / "grafana" / file).read_text(encoding="utf-8"))
    return found


def test_haproxy_is_told_only_what_its_configuration_asks_for() -> None:
    text = (ROOT / "deploy" / "haproxy.cfg").read_text(encoding="utf-8")
    for variable in SERVICES["haproxy"]["environment"]:
        assert f"${{{variable}" in text


def test_haproxy_logs_to_the_port_that_shipper_listens_on(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable, value in SERVICES["shipper"]["environment"].items():
        monkeypatch.setenv(variable, value)
    settings = load(None)
    [listener] = settings.listeners
    assert SERVICES["haproxy"]["environment"]["LOG_ADDRESS"] == f"shipper:{listener.port}"
    assert settings.elasticsearch.urls == ("http://elasticsearch:9200",)


def test_prometheus_scrapes_shipper_and_haproxy_where_they_serve_their_counters() -> None:
    told = yaml.safe_load((ROOT / "deploy" / "prometheus" / "prometheus.yml").read_text(encoding="utf-8"))
    targets = {job["job_name"]: job["static_configs"][0]["targets"] for job in told["scrape_configs"]}
    assert set(targets) <= set(SERVICES)
    url = SERVICES["shipper"]["environment"]["SHIPPER_METRICS__LISTEN"]
    _, port = Metrics(listen=url).address or ("", 0)
    assert targets["shipper"] == [f"shipper:{port}"]
    assert f"127.0.0.1:{port}/health/ready" in SERVICES["shipper"]["healthcheck"]["test"][-1]
    assert targets["haproxy"] == ["haproxy:8404"]
    assert ":${STATS_PORT-8404}" in (ROOT / "deploy" / "haproxy.cfg").read_text(encoding="utf-8")
    own = _provisioned("datasource.yml")["datasources"][1]
    assert own["jsonData"]["timeInterval"] == told["global"]["scrape_interval"]


def test_the_dashboard_listens_where_it_is_looked_for_and_cannot_write() -> None:
    service = SERVICES["dashboard"]
    _, listen, url = service["command"]
    assert (listen, Dashboard(listen=url).address) == ("--listen", ("0.0.0.0", 8899))
    assert service["ports"] == ["127.0.0.1:8899:8899"]
    assert "127.0.0.1:8899/" in service["healthcheck"]["test"][-1]
    assert all(volume.endswith(":ro") for volume in service["volumes"])


def test_a_stop_leaves_shipper_the_time_that_it_takes() -> None:
    grace_s = int(SERVICES["shipper"]["stop_grace_period"].removesuffix("s"))
    assert grace_s > load(None).shutdown_timeout_s


def test_the_state_of_shipper_outlives_its_container() -> None:
    assert f"shipper-state:{load(None).state_dir}" in SERVICES["shipper"]["volumes"]
    assert f"VOLUME {load(None).state_dir}" in DOCKERFILE


def test_the_image_is_made_of_pinned_parts_and_runs_as_nobody_in_particular() -> None:
    bases = re.findall(r"^FROM (\S+)", DOCKERFILE, re.MULTILINE)
    assert bases
    assert all(PINNED.fullmatch(base) for base in bases)
    assert "--require-hashes" in DOCKERFILE
    assert "maturin build --release --locked" in DOCKERFILE
    assert re.findall(r"^USER (\S+)", DOCKERFILE, re.MULTILINE) == ["shipper"]


def test_the_image_is_given_all_that_it_copies() -> None:
    allowed = (ROOT / "deploy" / "Dockerfile.dockerignore").read_text(encoding="utf-8").splitlines()
    for line in re.findall(r"^COPY (?!--from)(.+) \S+$", DOCKERFILE, re.MULTILINE):
        for source in line.split():
            assert f"!{source}" in allowed
            assert (ROOT / source).exists()


def test_the_engine_is_built_by_the_oldest_rust_that_it_promises_to_need() -> None:
    (needed,) = re.findall(r'^rust-version = "(.+)"$', (ROOT / "native" / "Cargo.toml").read_text(), re.MULTILINE)
    assert f"FROM rust:{needed}.0-slim-bookworm AS rust" in DOCKERFILE


def test_docker_itself_accepts_the_file() -> None:
    docker = shutil.which("docker")
    if docker is None or subprocess.run([docker, "compose", "version"], capture_output=True, check=False).returncode:
        pytest.skip("there is no docker client with the compose plugin")
    done = subprocess.run(
        [docker, "compose", "-f", ROOT / "docker-compose.yml", "config", "--quiet"],
        capture_output=True,
        check=False,
        text=True,
    )
    assert done.returncode == 0, done.stderr
