"""What is shipped: the package list is the disk's, a bare wheel gives the SDK, and the command says what is missing."""

from __future__ import annotations

import configparser
import json
import os
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


def setup_cfg() -> configparser.ConfigParser:
    parser = configparser.ConfigParser()
    parser.read(ROOT / "setup.cfg", encoding="utf-8")
    return parser


def listed(section: str, key: str) -> list[str]:
    return [line.strip() for line in setup_cfg()[section][key].splitlines() if line.strip()]


def package_folders() -> dict[str, Path]:
    return {
        name.strip(): ROOT / path.strip()
        for name, path in (line.split("=") for line in listed("options", "package_dir"))
    }


def packages_on_disk() -> set[str]:
    """Every folder with an ``__init__.py`` below the package roots, under its dotted name."""
    found = set()
    for name, folder in package_folders().items():
        for init in folder.rglob("__init__.py"):
            found.add(".".join([name, *init.parent.relative_to(folder).parts]))
    return found


def version() -> str:
    return setup_cfg()["metadata"]["version"]


def test_the_package_list_is_what_lies_on_disk() -> None:
    assert set(listed("options", "packages")) == packages_on_disk()


def test_every_folder_of_code_is_a_package() -> None:
    bare = {
        path.parent
        for folder in package_folders().values()
        for path in folder.rglob("*.py")
        if "node_modules" not in path.parts and not (path.parent / "__init__.py").exists()
    }
    assert bare == set()


@pytest.mark.parametrize("package", ["dongui", "dongui_collector"])
def test_types_are_shipped(package: str) -> None:
    assert (package_folders()[package] / "py.typed").exists()
    assert (
        f"{package} = py.typed" in listed("options.package_data", package)
        or "py.typed" in setup_cfg()["options.package_data"][package]
    )


def test_the_version_is_the_changelogs_newest() -> None:
    headings = re.findall(r"^## \[?v?([0-9][^\s\]]*)", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), re.M)
    assert headings[:1] == [version()]


def test_the_browser_package_has_the_same_version() -> None:
    package = (ROOT / "sdk_js" / "package.json").read_text(encoding="utf-8")
    assert f'"version": "{version()}"' in package


# --- a wheel, in an environment that has nothing else ------------------------------------------------------------


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built from a copy: a stale ``build/`` beside the source smuggles deleted modules in."""
    folder = tmp_path_factory.mktemp("wheel")
    source = folder / "source"
    source.mkdir()
    for name in ("setup.cfg", "pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source / name)
    for package in package_folders().values():
        kept = source / package.relative_to(ROOT)
        shutil.copytree(package, kept, dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__", "node_modules"))
    run([sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", str(folder), str(source)])
    return next(folder.glob("dongui-*.whl"))


@pytest.fixture(scope="module")
def bare(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A fresh environment with that wheel and nothing else; its ``bin``."""
    folder = tmp_path_factory.mktemp("bare")
    run([sys.executable, "-m", "venv", str(folder)])
    run([str(folder / "bin" / "python"), "-m", "pip", "install", "--quiet", "--no-deps", "--no-index", str(wheel)])
    return folder / "bin"


def run(command: list[str], *, expect: int = 0) -> str:
    """What a command prints; its whole output when it ends otherwise than expected."""
    env = {k: v for k, v in os.environ.items() if not k.startswith(("PYTHON", "DONGUI_"))} | {
        "PIP_DISABLE_PIP_VERSION_CHECK": "1"
    }
    done = subprocess.run(command, env=env, cwd="/", capture_output=True, text=True, check=False)
    assert done.returncode == expect, f"{command} ended with {done.returncode}:\n{done.stdout}\n{done.stderr}"
    return done.stdout + done.stderr


def test_a_bare_install_imports_the_whole_sdk(bare: Path) -> None:
    names = run([str(bare / "python"), "-c", "import dongui; print(*sorted(dongui.__all__))"]).split()
    assert {"Client", "ConsentMiddleware", "Policy"} <= set(names)
    # Every module but the web frameworks' own, which need these.
    everything = (
        "import dongui, importlib, pkgutil\n"
        "names = [m.name for m in pkgutil.walk_packages(dongui.__path__, 'dongui.', onerror=print)]\n"
        "assert len(names) > 20, names\n"
        "[importlib.import_module(n) for n in names if not n.startswith('dongui.integrations.')]"
    )
    run([str(bare / "python"), "-W", "error", "-c", everything])


def test_the_package_and_the_snippet_say_the_same_version(bare: Path) -> None:
    code = "import dongui, importlib.metadata; print(dongui.__version__, importlib.metadata.version('dongui'))"
    snippet = json.loads((ROOT / "sdk_js" / "package.json").read_text(encoding="utf-8"))["version"]
    assert run([str(bare / "python"), "-c", code]).split() == [version(), version()] == [snippet, snippet]


def test_a_bare_install_carries_the_snippet(bare: Path) -> None:
    code = (
        "from importlib.resources import files; print(len(files('dongui._browser').joinpath('dongui.js').read_bytes()))"
    )
    assert int(run([str(bare / "python"), "-c", code])) == (ROOT / "sdk_js" / "dist" / "dongui.js").stat().st_size


def test_the_bare_command_says_what_to_install(bare: Path) -> None:
    said = run([str(bare / "dongui"), "--help"], expect=2)
    assert "pip install 'dongui[collector]'" in said
    assert "Traceback" not in said


def test_the_wheel_holds_every_file_that_the_packages_need(wheel: Path) -> None:
    inside = set(zipfile.ZipFile(wheel).namelist())
    wanted = set()
    for package, folder in package_folders().items():
        for path in folder.rglob("*"):
            hidden = any(part.startswith((".", "__pycache__")) for part in path.relative_to(folder).parts)
            if path.is_file() and not hidden and path.suffix not in (".md", ".ts"):
                wanted.add("/".join([*package.split("."), *path.relative_to(folder).parts]))
    assert wanted - inside == set()


def test_the_wheel_holds_nothing_else(wheel: Path) -> None:
    inside = {name.split("/")[0] for name in zipfile.ZipFile(wheel).namelist()}
    assert inside == {"dongui", "dongui_collector", f"dongui-{version()}.dist-info"}
