"""The documentation, held to the code: what it shows is run, what it lists is compared."""

from __future__ import annotations

import ast
import json
import os
import re
import tomllib
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, get_args

import pytest
from pydantic import BaseModel
from typer.testing import CliRunner

from shipper import config
from shipper.cli._app import app
from shipper.elastic import Client
from shipper.haproxy.formats import Format
from shipper.processes import EXIT_FATAL
from shipper.setup import check
from tests.cli.commands import shipper

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT: Final = Path(__file__).parents[1]
PAGES: Final = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")])
README: Final = (ROOT / "README.md").read_text(encoding="utf-8")
CONFIGURATION: Final = (ROOT / "docs" / "configuration.md").read_text(encoding="utf-8")
OPERATIONS: Final = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
EXAMPLE: Final = ROOT / "docs" / "shipper.example.toml"

TABLES: Final[dict[str, type[BaseModel]]] = {
    "[[listeners]]": config.Listener,
    "[[senders]]": config.Sender,
    "[[formats]]": Format,
    "[elasticsearch]": config.Elasticsearch,
    "[index]": config.Index,
    "[journal]": config.Journal,
    "[delivery]": config.Delivery,
    "[dead_letters]": config.DeadLetters,
    "[retention]": config.Retention,
    "[privacy]": config.Privacy,
    "[enrichment]": config.Enrichment,
    "[dashboard]": config.Dashboard,
    "[metrics]": config.Metrics,
}
COMMANDS: Final = (
    "config show",
    "config init",
    "config schema",
    "doctor",
    "run",
    "setup",
    "check",
    "parse",
    "explain",
    "replay",
    "stress",
    "verify",
    "percentiles",
    "generate",
    "anonymise",
    "status",
    "reload",
    "journal stat",
    "journal verify",
    "dead-letters list",
    "dead-letters show",
    "dead-letters retry",
    "dead-letters purge",
    "top",
    "tap",
    "prune",
    "dashboard",
)
LOUD: Final = {"warning", "error", "critical", "exception"}


@pytest.fixture(autouse=True)
def no_settings_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in [name for name in os.environ if name.startswith("SHIPPER_")]:
        monkeypatch.delenv(variable)


# -- links and blocks ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_leads_somewhere(page: Path) -> None:
    text = re.sub(r"^```.*?^```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE)
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if "://" in target:
            continue
        path, _, anchor = target.partition("#")
        file = (page.parent / path).resolve() if path else page
        assert file.exists(), f"{page.name}: {target}"
        if anchor:
            assert anchor in _anchors(file), f"{page.name}: {target}"


def test_the_table_of_contents_names_every_page() -> None:
    contents = (ROOT / "docs" / "README.md").read_text(encoding="utf-8")
    for page in (ROOT / "docs").iterdir():
        assert page.is_dir() or page.name == "README.md" or f"({page.name})" in contents


def test_the_lines_of_the_readme_become_the_document_of_the_readme() -> None:
    line = _block("text", after="<!-- parse -->")
    done = shipper("parse", "--timezone", "Europe/Berlin", stdin=line.encode())
    assert done.returncode == 0
    shown = json.loads(_block("json", after="becomes, shortened"))
    _assert_within(shown, json.loads(done.stdout))


def test_the_query_of_the_readme_is_one_that_elasticsearch_answers(elasticsearch_url: str, index_prefix: str) -> None:
    flags = ("--elasticsearch", elasticsearch_url, "--index-prefix", index_prefix)
    assert shipper("setup", *flags).returncode == 0
    client = Client(config.Elasticsearch(urls=(elasticsearch_url,)))
    assert client.request("PUT", f"/{index_prefix}-2026.11.21")[0] == 200
    query = json.loads(_block("json", after="<!-- search -->"))
    status, answer = client.request("POST", f"/{index_prefix}-*/_search", query)
    client.close()
    assert status == 200, answer


def test_the_old_names_of_the_migration_page_find_the_new_fields(elasticsearch_url: str, index_prefix: str) -> None:
    page = (ROOT / "docs" / "migration.md").read_text(encoding="utf-8")
    aliases = json.loads(_block("json", after="<!-- aliases -->", page=page))
    client = Client(config.Elasticsearch(urls=(elasticsearch_url,)))
    assert client.request("PUT", f"/_component_template/{index_prefix}@custom", aliases)[0] == 200
    assert shipper("setup", "--elasticsearch", elasticsearch_url, "--index-prefix", index_prefix).returncode == 0
    assert check(client, config.Index(prefix=index_prefix), now=datetime.now(UTC)) == []
    index = f"{index_prefix}-2026.11.21"
    document = {
        "@timestamp": "2026-11-21T00:00:00Z",
        "haproxy": {"backend_name": "b", "server_name": "s", "time": {"response_ms": 3, "total_ms": 4}},
        "http": {"response": {"status_code": 503}},
    }
    assert client.request("PUT", f"/{index}/_doc/1?refresh=true", document)[0] == 201
    properties = aliases["template"]["mappings"]["properties"]
    names = [name for name, field in properties.items() if field["type"] == "alias"]
    _, answer = client.request("POST", f"/{index}/_search", {"fields": names, "_source": False})
    client.request("DELETE", f"/_component_template/{index_prefix}@custom")
    client.close()
    found = {name: values[0] for name, values in answer["hits"]["hits"][0]["fields"].items()}
    assert found == dict(zip(names, ["b", "s", 503, 3, 4], strict=True))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_configuration_that_is_shown_loads(page: Path, tmp_path: Path) -> None:
    text = page.read_text(encoding="utf-8")
    for number, block in enumerate(re.findall(r"^```toml\n(.*?)^```", text, flags=re.DOTALL | re.MULTILINE)):
        file = tmp_path / f"{number}.toml"
        file.write_text(block)
        config.load(file)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_command_that_is_shown_exists_with_its_flags(page: Path) -> None:
    rows = re.findall(r"^\| `(--[a-z-]+)`(?:, `(-\w)`)? \| .*? \| ([a-z, -]+) \|$", CONFIGURATION, flags=re.MULTILINE)
    known = {(flag, command) for *flags, commands in rows for flag in flags for command in commands.split(", ")}
    text = page.read_text(encoding="utf-8")
    for block in re.findall(r"^```(?:sh|console)\n(.*?)^```", text, flags=re.DOTALL | re.MULTILINE):
        for line in block.replace("\\\n", " ").splitlines():
            shown = re.search(r"^(?:\$ )?(?:[A-Z_]+=\S+ |sudo (?:-u \w+ )?)*shipper +(?!version)([^#|]+)", line)
            if shown:
                said = " ".join(shown[1].split())
                command = next((each for each in COMMANDS if f"{said} ".startswith(f"{each} ")), None)
                assert command, f"{page.name}: {line}"
                for flag in re.findall(r"(?<=\s)--?[a-z][a-z-]*", said):
                    assert (flag, command) in known, f"{page.name}: {line}"


# -- configuration ---------------------------------------------------------------------------------------------------


def test_the_example_holds_every_setting_and_changes_nothing() -> None:
    assert config.load(EXAMPLE).model_dump() == config.load().model_dump()
    uncommented = re.sub(r"^#(?=[a-z_]+ =|\[)", "", EXAMPLE.read_text(encoding="utf-8"), flags=re.MULTILINE)
    shown = tomllib.loads(uncommented)
    assert set(shown) == set(config.Config.model_fields)
    for header, model in TABLES.items():
        table = shown[header.strip("[]")]
        assert set(table[0] if isinstance(table, list) else table) == set(model.model_fields), header


def test_the_configuration_page_has_the_settings_of_the_top_level_with_their_defaults() -> None:
    nested = {header.strip("[]") for header in TABLES}
    fields = {name for name in config.Config.model_fields if name not in nested}
    assert _documented("Top level") == {name: _default(config.Config, name) for name in fields}


@pytest.mark.parametrize("header", TABLES)
def test_the_configuration_page_has_the_settings_of_each_table_with_their_defaults(header: str) -> None:
    model = TABLES[header]
    assert _documented(f"`{header}`") == {name: _default(model, name) for name in model.model_fields}


def test_every_table_of_the_models_is_known_to_these_tests() -> None:
    models = set()
    for field in config.Config.model_fields.values():
        for candidate in (field.annotation, *get_args(field.annotation)):
            if isinstance(candidate, type) and issubclass(candidate, BaseModel):
                models.add(candidate)
    assert models == set(TABLES.values())


def test_the_flags_of_the_page_are_those_of_the_help() -> None:
    rows = re.findall(r"^\| `(--[a-z-]+)`(?:, `-\w`)? \| .*? \| ([a-z, -]+) \|$", CONFIGURATION, flags=re.MULTILINE)
    documented = {(flag, command) for flag, commands in rows for command in commands.split(", ")}
    helped = {
        (flag, command)
        for command in COMMANDS
        for flag in re.findall(r"^. (--[a-z-]+) ", _help_of(command), flags=re.MULTILINE)
        if flag != "--help"
    }
    assert documented == helped


# -- operations ------------------------------------------------------------------------------------------------------


def test_the_events_that_need_attention_are_those_of_the_code() -> None:
    section = OPERATIONS.partition("## Log events")[2]
    rows = re.findall(r"^\| `([a-z_]+)` \| ([a-z, ]+) \|", section, flags=re.MULTILINE)
    documented = {(event, levels.split(",")[0]) for event, levels in rows}
    assert documented == set(_loud_events())
    assert rows == sorted(rows)


def test_the_exit_codes_are_those_of_the_code(tmp_path: Path) -> None:
    section = OPERATIONS.partition("## Exit codes")[2].partition("\n## ")[0]
    documented = {int(code) for code in re.findall(r"^\| (\d+) \|", section, flags=re.MULTILINE)}
    assert documented == {
        shipper("version").returncode,
        shipper("parse", tmp_path / "missing").returncode,
        shipper("run", "--timezone", "Nowhere").returncode,
        EXIT_FATAL,
    }


# -- reading pages and sources ---------------------------------------------------------------------------------------


def _anchors(page: Path) -> set[str]:
    headings = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), flags=re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def _block(language: str, *, after: str, page: str = README) -> str:
    rest = page.partition(after)[2]
    match = re.search(rf"^```{language}\n(.*?)^```", rest, flags=re.DOTALL | re.MULTILINE)
    assert match is not None
    return match[1]


def _assert_within(part: Any, whole: Any) -> None:  # noqa: ANN401 -- JSON can be anything
    if isinstance(part, dict):
        for key, value in part.items():
            _assert_within(value, whole[key])
    else:
        assert part == whole


def _help_of(command: str) -> str:
    return CliRunner().invoke(app, [*command.split(), "--help"], env={"COLUMNS": "200", "TERM": "dumb"}).output


def _documented(heading: str) -> dict[str, object]:
    """Give key and default of a section's table; None is no default, and `required` is said as that word."""
    section = CONFIGURATION.partition(f"### {heading}\n")[2].partition("\n##")[0]
    rows = re.findall(r"^\| `(\w+)` \| .*? \| ([^|]+) \| .+ \|$", section, flags=re.MULTILINE)
    assert rows, heading
    plain = {"none": None, "required": "required"}
    return {
        key: plain[default] if default in plain else tomllib.loads(f"x = {default.strip('`')}")["x"]
        for key, default in rows
    }


def _default(model: type[BaseModel], name: str) -> object:
    field = model.model_fields[name]
    if field.is_required():
        return "required"
    default = field.default
    if isinstance(default, Path):
        return str(default)
    return list(default) if isinstance(default, tuple) else default


def _loud_events() -> Iterator[tuple[str, str]]:
    """Give name and level of each event of level warning and above that the sources can write."""
    levels = {"exception": "error"}
    for path in (ROOT / "shipper").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and node.args and isinstance(node.args[0], ast.Constant):
                function = node.func
                if isinstance(function, ast.Attribute) and function.attr in LOUD and _is_log(function.value):
                    yield str(node.args[0].value), levels.get(function.attr, function.attr)
                elif isinstance(function, ast.Name) and function.id == "say":
                    yield str(node.args[0].value), "warning"


def _is_log(node: ast.expr) -> bool:
    return isinstance(node, ast.Name) and node.id == "_log"
