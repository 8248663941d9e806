"""What ``make dist`` builds, made once a run, and empty environments to install it in."""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.imports import ROOT

PROJECT_URL = "https://code.example/dongui"
UV = [sys.executable, "-m", "uv"]
LOCK = ROOT / "deploy" / "requirements.lock"


def run(command: list[str], folder: Path, *, expect: int = 0, **more: str) -> str:
    """What a command prints that ends as expected; nothing of the tests' own Python or installation is about it."""
    env = {k: v for k, v in os.environ.items() if not k.startswith(("PYTHON", "DONGUI_", "VIRTUAL_ENV"))} | more
    done = subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == expect, f"{command} ended with {done.returncode}:\n{done.stdout}\n{done.stderr}"
    return done.stdout + done.stderr


def once(factory: pytest.TempPathFactory, name: str, make: Callable[[Path], None]) -> Path:
    """A folder that the first of the run's processes fills and the others find filled."""
    base = factory.getbasetemp()
    shared = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
    folder, made = shared / name, shared / f"{name}.made"
    with (shared / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not made.exists():
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir()
            make(folder)
            made.touch()
    return folder


def dist(out: Path) -> None:
    """All three packages, as a release has them."""
    given = {"SOURCE_DATE_EPOCH": "1700000000", "PROJECT_URL": PROJECT_URL}
    run([sys.executable, str(ROOT / ".ci" / "dist"), str(out)], ROOT, **given)


def package(folder: Path, pattern: str) -> str:
    """The one package of the folder that fits."""
    [found] = folder.glob(pattern)
    return str(found)


def empty(folder: Path, python: str = sys.executable) -> Path:
    """A fresh environment in which there is nothing, not even pip; its ``bin``."""
    run([*UV, "venv", "--quiet", "--python", python, str(folder)], folder.parent)
    return folder / "bin"


def install(bin: Path, *what: str) -> None:
    run([*UV, "pip", "install", "--quiet", "--python", str(bin / "python"), *what], bin)


def interpreters() -> dict[str, str]:
    """The interpreters of this machine that dongui supports, by version: this one, those on the PATH, pyenv's."""
    found = {f"{sys.version_info.major}.{sys.version_info.minor}": sys.executable}
    versions = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv") / "versions"
    for name in ("3.11", "3.12", "3.13"):
        places = [shutil.which(f"python{name}") or "", *map(str, sorted(versions.glob(f"{name}.*/bin/python{name}")))]
        found.setdefault(name, next((place for place in places if place and _runs(place)), ""))
    return {name: place for name, place in sorted(found.items()) if place}


def _runs(place: str) -> bool:
    """Not every ``python3.12`` on a PATH is one: pyenv's stand-ins fail where that version is not chosen."""
    return subprocess.run([place, "-c", "import venv"], capture_output=True, check=False).returncode == 0
