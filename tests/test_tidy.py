"""Style, as tests: what stands where, who imports whom, how long things get."""

from __future__ import annotations

import ast
import re
import subprocess
from collections import defaultdict
from graphlib import TopologicalSorter
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Collection

ROOT = Path(__file__).parent.parent
SOURCES = sorted(p for top in ("shipper", "tests", "deploy", "bench") for p in (ROOT / top).rglob("*.py"))
OURS = [path for path in SOURCES if path.is_relative_to(ROOT / "shipper")]
FUNCTION_LINES_MAX = 70
FILE_LINES_MAX = 400
STAGES = {"receive", "journal", "encode", "deliver", "dead_letter", "replay", "query", "setup", "service", "dashboard"}
VOCABULARY = {
    "haproxy",
    "journal",
    "elastic",
    "closed",
    "config",
    "errors",
    "limits",
    "listen_url",
    "parking_totals",
    "refusal",
    "telemetry",
}
WIRING = {
    "cli",
    "jobs",
    "pipeline",
    "shipping",
    "preflight",
}
PURE = (
    "haproxy/",
    "encode/",
    "journal/codec",
    "journal/commit.py",
    "journal/entry",
    "receive/_framing",
    "receive/_gathering",
    "deliver/_answers",
    "deliver/_backoff",
    "deliver/_body",
    "deliver/_fuse",
    "deliver/_health",
    "deliver/_open",
    "deliver/_parked_records",
    "deliver/_queue",
    "deliver/_window",
)
IMPURE = {"socket", "time", "random", "os", "elasticsearch", "secrets", "subprocess", "threading"}
VAGUE = {"utils", "util", "helpers", "helper", "common", "manager", "misc"}


def named(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text())


def imports(path: Path) -> set[str]:
    """Give the modules that a file imports."""
    return imported(tree(path))


def imported(module: ast.AST) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(module):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module} | ({f"shipper.{a.name}" for a in node.names} if node.module == "shipper" else set())
    return found


def modules_used(path: Path, known: Collection[str]) -> set[str]:
    """Give those of the ``known`` modules that a file imports, or imports something from."""
    froms = [node for node in ast.walk(tree(path)) if isinstance(node, ast.ImportFrom) and node.module]
    names = {(node.module, f"{node.module}.{alias.name}") for node in froms for alias in node.names}
    return {name if name in known else module for module, name in names if module} & {*known}


def test_neither_files_nor_folders_import_each_other_in_a_circle() -> None:
    files = {".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): path for path in OURS}
    used = {name: modules_used(path, files.keys()) for name, path in files.items()}
    TopologicalSorter(used).prepare()
    folders: dict[str, set[str]] = defaultdict(set)
    for name, others in used.items():
        folder = name.split(".")[:2][-1]
        folders[folder] |= {other.split(".")[1] for other in others} - {folder}
    TopologicalSorter(folders).prepare()


@pytest.mark.parametrize("path", OURS, ids=named)
def test_stages_import_no_stages(path: Path) -> None:
    stage = path.relative_to(ROOT / "shipper").parts[0].removesuffix(".py")
    if stage in STAGES | {"haproxy"}:
        used = {name.split(".")[1] for name in imports(path) if name.startswith("shipper.")}
        assert used - VOCABULARY - {stage} <= set() if stage not in VOCABULARY else used <= VOCABULARY


@pytest.mark.parametrize(
    "path", [p for p in OURS if p.relative_to(ROOT / "shipper").as_posix().startswith(PURE)], ids=named
)
def test_pure_modules_import_nothing_that_acts(path: Path) -> None:
    module = tree(path)
    module.body = [
        node for node in module.body if not (isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test))
    ]
    assert {name.split(".")[0] for name in imported(module)} & IMPURE == set()


def test_only_one_module_knows_the_client() -> None:
    users = {named(p) for p in OURS if {n.split(".")[0] for n in imports(p)} & {"elasticsearch", "elastic_transport"}}
    assert users == {"shipper/elastic.py"}


@pytest.mark.parametrize("path", SOURCES, ids=named)
def test_files_and_functions_are_short_and_import_at_the_top(path: Path) -> None:
    assert len(path.read_text().splitlines()) <= FILE_LINES_MAX
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            length = (node.end_lineno or node.lineno) - node.lineno + 1
            assert length <= FUNCTION_LINES_MAX, f"{node.name}: {length} lines"
            inner = [n.lineno for n in ast.walk(node) if isinstance(n, ast.Import | ast.ImportFrom)]
            assert inner == [], f"{node.name} imports at line {inner}"


def test_names_say_what_a_module_is() -> None:
    assert [named(p) for p in SOURCES if p.stem.strip("_") in VAGUE or p.parent.name in VAGUE] == []


@pytest.mark.parametrize("path", OURS, ids=named)
def test_every_module_says_what_it_is(path: Path) -> None:
    assert ast.get_docstring(tree(path))


def test_tracked_files_name_no_machine_and_leave_nothing_to_do() -> None:
    tracked = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=False).stdout.decode()
    if not tracked:
        pytest.skip("not a git checkout")
    left = re.compile(rb"(?<![A-Za-z0-9_.~-])/wor" + rb"k/|/tmp/bri" + rb"ef|\bTO" + rb"DO\b|\bFIX" + rb"ME\b")
    files = [ROOT / name for name in tracked.split("\0") if name]
    found = [named(p) for p in files if p.is_file() and p.suffix != ".lock" and left.search(p.read_bytes())]
    assert found == []
