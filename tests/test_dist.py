"""What ``make dist`` builds: the same bytes from the same source, and packages that stand alone."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
TSC = ROOT / "sdk_js" / "node_modules" / ".bin" / "tsc"

USES = """
import { init, type Dongui } from "dongui";
const dongui: Dongui = init({ site: "s_1", base: "/_dongui" });
dongui.track("purchase", { value: 3 });
// @ts-expect-error a mistake is found
dongui.trakc("purchase");
"""


def run(command: list[str], folder: Path, **more: str) -> str:
    env = {k: v for k, v in os.environ.items() if not k.startswith(("PYTHON", "DONGUI_"))} | more
    done = subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{command}:\n{done.stdout}\n{done.stderr}"
    return done.stdout


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Two builds of one source."""
    folders = tmp_path_factory.mktemp("first"), tmp_path_factory.mktemp("second")
    for folder in folders:
        run([sys.executable, str(ROOT / ".ci" / "dist"), str(folder)], ROOT, SOURCE_DATE_EPOCH="1700000000")
    return folders


@pytest.fixture(scope="module")
def application(built: tuple[Path, Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty npm project with the tarball in it."""
    folder = tmp_path_factory.mktemp("application")
    (folder / "package.json").write_text('{"private": true, "type": "module"}')
    [tarball] = built[0].glob("*.tgz")
    run(["npm", "install", "--silent", "--no-audit", "--no-fund", "--offline", str(tarball)], folder)
    return folder


def test_the_same_source_gives_the_same_bytes(built: tuple[Path, Path]) -> None:
    first, second = ({path.name: path.read_bytes() for path in folder.iterdir()} for folder in built)
    assert sorted(first) == ["dongui-0.1.0-py3-none-any.whl", "dongui-0.1.0.tar.gz", "dongui-npm-0.1.0.tgz"]
    assert [name for name in first if first[name] != second[name]] == []


def test_the_npm_package_holds_what_is_used_and_no_python(built: tuple[Path, Path]) -> None:
    [tarball] = built[0].glob("*.tgz")
    with tarfile.open(tarball) as archive:
        names = set(archive.getnames())
        package = json.loads(archive.extractfile("package/package.json").read())  # type: ignore[union-attr]
    assert {"package/README.md", "package/LICENSE", "package/dist/index.js", "package/dist/index.d.ts"} <= names
    assert {Path(name).suffix for name in names if name.startswith("package/dist/")} == {".js", ".ts"}
    assert package.keys().isdisjoint({"private", "scripts", "devDependencies", "dependencies"})
    exported = [package["main"], package["types"], *package["exports"]["."].values()]
    assert [path for path in exported if f"package/{path.removeprefix('./')}" not in names] == []


def test_a_server_without_location_imports_it(application: Path) -> None:
    """As a framework does that renders on the server."""
    code = 'const m = await import("dongui"); if (typeof location !== "undefined") throw 0; console.log(typeof m.init)'
    assert run(["node", "--input-type=module", "-e", code], application).strip() == "function"


@pytest.mark.parametrize(("module", "resolution"), [("nodenext", "nodenext"), ("esnext", "bundler")])
def test_typescript_finds_the_types_and_with_them_mistakes(application: Path, module: str, resolution: str) -> None:
    (application / "uses.ts").write_text(USES)
    options = ["--noEmit", "--strict", "--lib", "es2022,dom", "--module", module, "--moduleResolution", resolution]
    run([str(TSC), *options, "uses.ts"], application)


def test_the_sdist_installs_in_an_empty_environment(built: tuple[Path, Path], tmp_path: Path) -> None:
    [sdist] = built[0].glob("*.tar.gz")
    run([sys.executable, "-m", "venv", str(tmp_path / "env")], tmp_path)
    python = str(tmp_path / "env" / "bin" / "python")
    quiet = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps"]
    run([python, *quiet, str(sdist)], tmp_path)
    code = "import dongui, dongui.policy as p; print(dongui.__version__, len(p.all_presets()))"
    assert run([python, "-c", code], tmp_path).split() == ["0.1.0", "9"]
