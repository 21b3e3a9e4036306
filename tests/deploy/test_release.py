"""What is released, in a clean environment: the wheel is built, installed, run and removed, as its user does it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Final

import pytest

ROOT: Final = Path(__file__).parents[2]
LINE: Final = (
    b'10.0.0.7:51822 [21/Nov/2026:05:02:17.873] www shop/s1 1/0/1/2/4 200 198 - - ---- 1/1/0/0/0 0/0 "GET / HTTP/1.1"\n'
)


COMMIT: Final = "0123456789ab"


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    options = ["--quiet", "--no-deps", "--no-build-isolation", "--wheel-dir", str(folder)]
    subprocess.run(
        [sys.executable, "-m", "pip", "wheel", *options, str(ROOT)],
        env=os.environ | {"COMMIT": COMMIT},
        check=True,
        timeout=100,
    )
    (built,) = folder.glob("shipper-*.whl")
    return built


@pytest.fixture(scope="module")
def engine(wheel: Path) -> list[Path]:
    """Give the wheel of the native engine, where cargo can build it."""
    if shutil.which("cargo") is None:
        return []
    command = [str(Path(sys.executable).with_name("maturin")), "build", "--release", "--locked", "--quiet"]
    subprocess.run([*command, "--out", str(wheel.parent)], cwd=ROOT / "native" / "python", check=True, timeout=300)
    return list(wheel.parent.glob("shipper_native-*.whl"))


def test_the_wheel_holds_what_is_needed_and_nothing_else(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    tops = {name.split("/")[0] for name in names}
    assert {top for top in tops if not top.endswith(".dist-info")} == {"shipper"}
    for needed in (
        "shipper/build.txt",
        "shipper/shipper.example.toml",
        "shipper/py.typed",
        "shipper/mappings/",
        "shipper/dashboards/grafana/",
        "shipper/dashboard/static/",
    ):
        assert any(name.startswith(needed) for name in names), needed
    assert not [name for name in names if "__pycache__" in name or name.startswith("shipper/tests")]


def completions(root: Path) -> list[Path]:
    """Give the files by which shells complete the command, where Debian's shells look for them."""
    share = root / "usr" / "share"
    return [
        share / "bash-completion" / "completions" / "shipper",
        share / "zsh" / "vendor-completions" / "_shipper",
        share / "fish" / "vendor_completions.d" / "shipper.fish",
    ]


@pytest.mark.timeout(400)
def test_the_installed_layout_runs_and_can_be_removed(wheel: Path, engine: list[Path], tmp_path: Path) -> None:
    environ = {name: value for name, value in os.environ.items() if not name.startswith(("SHIPPER_", "PYTHON"))}
    install = [str(ROOT / "deploy" / "install.sh"), str(wheel), *map(str, engine)]
    environ |= {"DESTDIR": str(tmp_path), "PYTHON": sys.executable}
    done = subprocess.run(install, env=environ, capture_output=True, text=True, check=False, timeout=300)
    if "No matching distribution" in done.stderr or "Connection" in done.stderr:
        if os.environ.get("CI"):
            pytest.fail(done.stderr)
        pytest.skip("no package index can be reached")
    assert done.returncode == 0, done.stderr
    command = tmp_path / "opt" / "shipper" / "bin" / "shipper"
    told = subprocess.run([command, "version"], capture_output=True, text=True, check=True)
    assert told.stdout.startswith(f"shipper {wheel.name.split('-')[1]} (build {COMMIT}, Python ")
    assert f"engine {'native' if engine else 'python'}" in told.stdout
    parsed = subprocess.run([command, "parse", "--timezone", "UTC"], input=LINE, capture_output=True, check=True)
    assert b'"path":"/"' in parsed.stdout
    mine = tmp_path / "etc" / "shipper" / "shipper.toml"
    subprocess.run([command, "config", "show", "-c", mine], capture_output=True, check=True)
    begun = subprocess.run([command, "config", "init", "-"], capture_output=True, text=True, check=True)
    assert "[elasticsearch]" in begun.stdout
    mine.write_text("# mine\n")
    subprocess.run(install, env=environ, capture_output=True, check=True, timeout=300)
    assert mine.read_text() == "# mine\n"
    units = sorted(each.name for each in (tmp_path / "lib" / "systemd" / "system").iterdir())
    assert units == ["shipper.service", "shipper.socket"]
    assert [each.stat().st_size > 0 for each in completions(tmp_path)] == [True] * 3
    pip = [str(command.with_name("python")), "-m", "pip"]
    subprocess.run([*pip, "uninstall", "--quiet", "--yes", "shipper", "shipper-native"], check=True)
    assert not command.exists()
