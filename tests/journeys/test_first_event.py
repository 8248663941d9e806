"""docs/tutorials/first-event.md: its blocks are typed in an empty folder that has the built packages alone."""

from __future__ import annotations

import importlib.metadata
import os
import re
import shutil
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import BrowserContext, Page

from tests.collector import CHROME
from tests.imports import ROOT
from tests.journeys.snippet_steps import cookies, eventually, press
from tests.packages.builds import dist, once, package
from tests.ports import free_port

pytestmark = pytest.mark.browser

TUTORIAL = (ROOT / "docs" / "tutorials" / "first-event.md").read_text(encoding="utf-8")
SECTIONS = {part.splitlines()[0]: part for part in TUTORIAL.split("\n## ")[1:]}
TARGETS = ("Flask", "Django", "FastAPI", "A static page", "React")
MOST_LINES = 5


def block(section: str, language: str) -> str:
    [found] = re.findall(rf"^```{language}\n(.*?)^```", SECTIONS[section], re.M | re.S)
    return found


def applied(diff: str) -> tuple[str, str, int]:
    """The file that a block names, its text with what the block adds, and how many lines these are."""
    lines = diff.splitlines()
    named = re.search(r"[\w/]+\.\w+", lines[0])
    assert named
    text = "\n".join(line[1:] for line in lines[1:])
    return named[0], text + "\n", sum(line.startswith("+") for line in lines)


def pinned(place: Path) -> None:
    """The versions that these tests run with, whatever came out since."""
    pins = {one.metadata["Name"]: one.version for one in importlib.metadata.distributions()}
    place.write_text("".join(f"{name}=={version}\n" for name, version in pins.items() if name != "dongui"), "utf-8")


@dataclass
class Desktop:
    """A folder, two terminals in it, and the numbers that stand for those of the tutorial."""

    folder: Path
    numbers: dict[str, str]

    def told(self, text: str) -> str:
        words = "|".join(self.numbers)
        return re.sub(rf"\b({words})\b", lambda found: self.numbers[found[1]], text)

    @contextmanager
    def typed(self, commands: str) -> Iterator[tuple[Path, subprocess.Popen[bytes]]]:
        """Types all lines into one shell; the last one stays. Yields the file that it prints to, and the shell."""
        *before, last = self.told(commands).splitlines()
        script = "\n".join(["set -e", *before, f"exec {last}"])
        printed = self.folder / f"printed-{free_port()}"
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("PYTHON", "DONGUI_", "VIRTUAL_ENV"))}
        given = {"PIP_CONSTRAINT": str(self.folder / "pins"), "PIP_DISABLE_PIP_VERSION_CHECK": "1", "PIP_NO_INPUT": "1"}
        given["PATH"] = f"{Path(sys.executable).parent}:{os.environ['PATH']}"  # python3 is the one that runs the tests
        ports = {"DONGUI_PORT": self.numbers["8787"], "DONGUI_DESK_PORT": self.numbers["8788"]}
        with printed.open("wb") as out:
            process = subprocess.Popen(
                ["bash", "-c", script],
                cwd=self.folder,
                env=kept | given | ports | {"PYTHONUNBUFFERED": "1", "npm_config_prefer_offline": "true"},
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
                start_new_session=True,
            )
        try:
            yield printed, process
        finally:
            with suppress(ProcessLookupError):  # it has ended by itself
                os.killpg(process.pid, signal.SIGKILL)
            process.wait(60)


def answering(address: str, printed: Path, process: subprocess.Popen[bytes]) -> None:
    """Waits until whatever was typed last answers there."""
    end = time.monotonic() + 300
    while True:
        assert process.poll() is None, printed.read_text("utf-8")
        assert time.monotonic() < end, printed.read_text("utf-8")
        try:
            urllib.request.urlopen(address, timeout=60).close()
        except OSError:
            time.sleep(0.05)
        else:
            return


@pytest.fixture(scope="module")
def desktop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desktop]:
    """The folder after the tutorial's first part: the collector runs."""
    folder = tmp_path_factory.mktemp("empty")
    built = once(tmp_path_factory, "dist", dist)
    for pattern in ("*.whl", "*.tgz"):
        shutil.copy(package(built, pattern), folder)
    pinned(folder / "pins")
    made = Desktop(folder, {"8787": str(free_port()), "8788": str(free_port()), "5000": str(free_port())})
    began = time.monotonic()
    with made.typed(block("The collector", "sh")) as (printed, process):
        answering(f"http://127.0.0.1:{made.numbers['8787']}/healthz", printed, process)
        said = printed.read_text("utf-8")
        for word, stands_for in (("site id", "SITE"), ("secret key", "SECRET")):
            [made.numbers[stands_for]] = re.findall(rf"^ +{word} +(\S+)", said, re.M)
        print(f"\nthe collector: {time.monotonic() - began:.0f} s")
        yield made


def site_of(target: str, desktop: Desktop) -> None:
    """What the reader has before: an empty folder but for Django and React, whose tools make a site."""
    if target == "Django":
        subprocess.run([sys.executable, "-m", "django", "startproject", "shop", "."], cwd=desktop.folder, check=True)
    if target == "React":
        shutil.copytree(ROOT / "tests" / "packages" / "site", desktop.folder, dirs_exist_ok=True)
        npm = ["npm", "ci", "--silent", "--no-audit", "--no-fund", "--prefer-offline"]
        subprocess.run(npm, cwd=desktop.folder, check=True)


@pytest.mark.parametrize("target", TARGETS)
def test_the_first_event(target: str, desktop: Desktop, page: Page, context: BrowserContext) -> None:
    site_of(target, desktop)
    name, text, added = applied(desktop.told(block(target, "diff")))
    assert 0 < added <= MOST_LINES
    place = desktop.folder / name
    place.write_text((place.read_text("utf-8") if target == "Django" else "") + text, encoding="utf-8")
    began = time.monotonic()
    collector, origin = (f"http://127.0.0.1:{desktop.numbers[port]}" for port in ("8787", "5000"))
    with (
        desktop.typed(block(target, "sh")) as (printed, process),
        closing(httpx.Client(base_url=collector, timeout=60, headers={"user-agent": CHROME})) as http,
    ):
        answering(origin, printed, process)
        page.goto(origin)
        press(page, "accept")
        eventually(lambda: "dongui_id" in cookies(context), page)
        visitor = {"authorization": f"Bearer {cookies(context)['dongui_id']}"}
        eventually(lambda: http.get("/v1/me", headers=visitor).json().get("events"), page)
        print(f"\n{target}: {time.monotonic() - began:.0f} s, {added} lines")
