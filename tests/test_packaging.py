"""What is shipped: the package list is the disk's. tests/packages builds it, installs it and uses it."""

from __future__ import annotations

import configparser
import re
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


def test_nothing_says_to_install_by_a_name_that_is_not_registered() -> None:
    """Whoever owned that name could put anything there: remedies, docs and examples say how to install today."""
    assert "not registered yet" in (ROOT / "docs" / "releasing.md").read_text("utf-8")
    by_name = re.compile(
        r"\b(?:pip3?|uv|pipx|npm|pnpm|yarn)\b[^\n`]*\b(?:install|add|i)\b[^\n`]* ['\"]?dongui(?:\[|['\"`\s]|$)"
    )
    assert by_name.search("pip install 'dongui[scan]'")
    assert by_name.search("npm install dongui")
    places = [ROOT / "README.md", ROOT / "sdk_js" / "README.md"]
    for folder in ("python_sdk", "collector", "docs", "examples", "deploy", "sdk_js/src"):
        suffixes = (".py", ".md", ".html", ".ts", ".po", ".toml", ".service", ".yml", "")
        places += [path for path in (ROOT / folder).rglob("*") if path.is_file() and path.suffix in suffixes]
    assert len(places) > 300
    told = [
        (str(path.relative_to(ROOT)), found[0])
        for path in places
        for found in by_name.finditer(path.read_text("utf-8"))
    ]
    assert told == []


def test_the_command_is_installed() -> None:
    assert listed("options.entry_points", "console_scripts") == ["dongui = dongui_collector.__main__:main"]
