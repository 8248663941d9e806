"""Wheel and sdist in environments that have nothing else, under every interpreter of this machine."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.packages.builds import LOCK, empty, install, interpreters, once, package, run
from tests.shell import Shell, first_event
from tests.test_packaging import ROOT, package_folders, version

INTERPRETERS = interpreters()

# Every module but the web frameworks' own, which need these.
IMPORT_ALL = """
import dongui, importlib, pkgutil
names = [m.name for m in pkgutil.walk_packages(dongui.__path__, 'dongui.', onerror=print)]
assert len(names) > 20, names
[importlib.import_module(n) for n in names if not n.startswith('dongui.integrations.')]
print(*sorted(dongui.__all__))
"""
USE = """
import dongui, dongui.policy as policy, dongui.testing, importlib.metadata, importlib.resources, wsgiref.util
snippet = importlib.resources.files('dongui._browser').joinpath('dongui.js').read_bytes()
policy.parse(policy.default_policy_text(version='v1', effective='2026-01-01', presets=policy.all_presets()))
def page(environ, start):
    start('200 OK', [])
    return [str(environ['dongui.consent'].granted('marketing')).encode()]
environ = {}
wsgiref.util.setup_testing_defaults(environ)
client = dongui.testing.FakeClient()
told = b''.join(dongui.ConsentMiddleware(page, client=client)(environ, lambda *_: None)).decode()
print(dongui.__version__, importlib.metadata.version('dongui'), len(snippet), len(policy.all_presets()), told)
"""


@pytest.fixture(scope="session", params=INTERPRETERS.items(), ids=INTERPRETERS)
def bare(request: pytest.FixtureRequest, built: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A fresh environment of one interpreter with the wheel and nothing else; its ``bin``."""
    name, python = request.param

    def make(folder: Path) -> None:
        install(empty(folder / "env", python), "--no-deps", package(built, "*.whl"))

    return once(tmp_path_factory, f"bare-{name}", make) / "env" / "bin"


def test_the_whole_sdk_is_imported_and_used(bare: Path) -> None:
    names = run([str(bare / "python"), "-W", "error", "-c", IMPORT_ALL], bare).split()
    assert {"Client", "ConsentMiddleware", "Policy"} <= set(names)
    size = (ROOT / "sdk_js" / "dist" / "dongui.js").stat().st_size
    assert run([str(bare / "python"), "-c", USE], bare).split() == [version(), version(), str(size), "9", "False"]


def test_the_bare_command_says_what_to_install(bare: Path) -> None:
    said = run([str(bare / "dongui"), "--help"], bare, expect=2)
    assert "[collector]'" in said
    assert "Traceback" not in said


@pytest.fixture(params=INTERPRETERS.items(), ids=INTERPRETERS)
def shell(request: pytest.FixtureRequest, built: Path, tmp_path: Path) -> Iterator[Shell]:
    """An empty folder and the collector, with the libraries of the image's lock."""
    _, python = request.param
    bin = empty(tmp_path / "env", python)
    install(bin, "--require-hashes", "-r", str(LOCK))
    install(bin, "--no-deps", package(built, "*.whl"))
    (tmp_path / "work").mkdir()
    made = Shell(tmp_path / "work", str(bin / "python"))
    with closing(made.http):
        yield made


def test_the_collector_records_under_the_libraries_of_the_lock(shell: Shell) -> None:
    facts = "--controller Shop --contact privacy@shop.example --origin https://shop.example.com"
    site = shell.run(f"dongui init shop {facts}").split("site id")[1].split()[0]
    shell.run("dongui policy publish shop/policy.toml --config shop/dongui.toml")
    with shell.serving("dongui serve --config shop/dongui.toml"):
        first_event(shell, site)
    assert "everything holds" in shell.run("dongui verify --config shop/dongui.toml")


@pytest.mark.parametrize("python", INTERPRETERS.values(), ids=INTERPRETERS)
def test_the_sdist_installs_in_an_empty_environment(built: Path, tmp_path: Path, python: str) -> None:
    bin = empty(tmp_path / "env", python)
    install(bin, "--no-deps", package(built, "*.tar.gz"))
    assert run([str(bin / "python"), "-c", USE], tmp_path).split()[0] == version()


def test_the_wheel_holds_every_file_that_the_packages_need_and_nothing_else(built: Path) -> None:
    inside = set(zipfile.ZipFile(package(built, "*.whl")).namelist())
    wanted = set()
    for name, folder in package_folders().items():
        for path in folder.rglob("*"):
            hidden = any(part.startswith((".", "__pycache__")) for part in path.relative_to(folder).parts)
            if path.is_file() and not hidden and path.suffix not in (".md", ".ts"):
                wanted.add("/".join([*name.split("."), *path.relative_to(folder).parts]))
    assert wanted - inside == set()
    assert {name.split("/")[0] for name in inside} == {"dongui", "dongui_collector", f"dongui-{version()}.dist-info"}
