"""The examples, each started as its README says, in a real Chromium beside a real collector."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, Page

from tests.collector import Installation
from tests.journeys.snippet_steps import cookies, eventually, press
from tests.ports import free_port

pytestmark = pytest.mark.browser

EXAMPLES = Path(__file__).parents[2] / "examples"
SDK = Path(__file__).parents[2] / "sdk_js"


@dataclass(frozen=True)
class Site:
    """A site of the installation at an origin of this machine."""

    installation: Installation
    port: int
    id: str
    secret: str

    @property
    def origin(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @contextmanager
    def served(self, folder: Path, *command: str) -> Iterator[str]:
        """What the command serves from the folder, once it answers."""
        given = {"DONGUI_SITE": self.id, "DONGUI_SECRET_KEY": self.secret, "DONGUI_COLLECTOR": self.installation.base}
        words = [sys.executable, *(word.format(port=self.port) for word in command)]
        process = subprocess.Popen(words, cwd=folder, env={**os.environ, **given}, stderr=subprocess.DEVNULL)
        try:
            self._wait(process)
            yield self.origin
        finally:
            process.terminate()
            process.wait(60)

    def _wait(self, process: subprocess.Popen[bytes]) -> None:
        end = time.monotonic() + 60
        while True:
            assert process.poll() is None
            assert time.monotonic() < end
            try:
                urllib.request.urlopen(self.origin, timeout=60).close()
            except urllib.error.URLError:
                time.sleep(0.05)
            else:
                return


@pytest.fixture(scope="module")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    with closing(Installation(tmp_path_factory.mktemp("examples") / "site")) as made:
        yield made.start()


@pytest.fixture
def site(installation: Installation) -> Site:
    port = free_port()
    added = installation.run("sites", "add", f"example-{port}", "--origin", f"http://127.0.0.1:{port}", "--json")
    made = json.loads(added.stdout)
    return Site(installation, port, made["site"], made["secret_key"])


def held(page: Page) -> list[str]:
    """The names of the events that the collector shows this browser as its own, through the site's own origin."""
    asked = "fetch('/_dongui/v1/me', {headers: {'X-Dongui': '1'}}).then(a => a.ok ? a.json() : {events: []})"
    return [event["name"] for event in page.evaluate(asked)["events"]]


def journey(page: Page, context: BrowserContext, origin: str) -> None:
    """Ask, agree, be counted, take it back."""
    page.goto(origin)
    page.locator('dongui-root [data-action="refuse"]').wait_for()
    assert cookies(context) == {}

    press(page, "accept")
    eventually(lambda: held(page) == ["pageview"], page)
    assert {"dongui", "dongui_id"} <= set(cookies(context))
    page.goto(origin)
    assert cookies(context)["_ga"] == "GA1.1.example"
    eventually(lambda: held(page) == ["pageview"] * 2, page)


def test_django_site(site: Site, page: Page, context: BrowserContext) -> None:
    with site.served(EXAMPLES / "django_site", "manage.py", "runserver", "--noreload", "{port}") as origin:
        journey(page, context, origin)
        page.get_by_text("강변 자전거").click()
        eventually(lambda: "book" in held(page), page)
        page.get_by_text("나에게 맞는 길").click()
        assert page.get_by_text("궁궐 산책").count() == 0
        page.evaluate("dongui.withdraw()")
        eventually(lambda: "dongui_id" not in cookies(context), page)
        page.goto(f"{origin}/for-you")
        assert page.get_by_text("궁궐 산책").count() == 1, "back among all tours"
        assert set(cookies(context)) == {"dongui"}
        assert held(page) == []


def test_fastapi_app(site: Site, page: Page, context: BrowserContext) -> None:
    with site.served(EXAMPLES / "fastapi_app", "-m", "uvicorn", "app:app", "--port", "{port}") as origin:
        assert page.request.get(f"{origin}/for-you").status == 403
        journey(page, context, origin)
        page.get_by_text("나를 위한 한 끼").click()
        assert "비빔밥" in page.content()
        page.goto(origin)
        page.wait_for_function("window.dongui && dongui.withdraw")
        page.evaluate("dongui.withdraw()")
        eventually(lambda: "dongui_id" not in cookies(context), page)
        page.goto(origin)
        assert set(cookies(context)) == {"dongui"}


def test_static_site(site: Site, page: Page, context: BrowserContext, tmp_path: Path) -> None:
    folder = shutil.copytree(EXAMPLES / "static_site", tmp_path / "static")
    index = folder / "index.html"
    text = index.read_text(encoding="utf-8").replace("https://collect.example.com", site.installation.base)
    index.write_text(text.replace('"SITE"', f'"{site.id}"'), encoding="utf-8")
    with site.served(folder, "-m", "http.server", "--bind", "127.0.0.1", "{port}") as origin:
        page.goto(origin)
        page.locator('dongui-root [data-action="refuse"]').wait_for()
        assert cookies(context) == {}
        assert page.locator("#advertisement").count() == 0
        press(page, "accept")
        eventually(lambda: {"_ga", "dongui", "dongui_id"} <= set(cookies(context)), page)
        assert page.locator("#advertisement").count() == 0, "advertising is agreed to apart"
        page.evaluate("dongui.consent.set({marketing: true})")
        page.locator("#advertisement").wait_for()
        visitor = cookies(context)["dongui_id"]
        eventually(lambda: [event["name"] for event in site.installation.me(visitor)["events"]] == ["pageview"], page)


def bundled(site: Site, example: str, folder: Path) -> Path:
    """The example with its address and site filled in and its bundle built beside it, as its README says."""
    made = shutil.copytree(EXAMPLES / example, folder / "examples" / example)
    shutil.copytree(SDK / "dist", folder / "sdk_js" / "dist")
    for path in (made / "index.html", made / "main.js"):
        text = path.read_text(encoding="utf-8").replace("https://collect.example.com", site.installation.base)
        path.write_text(text.replace("SITE", site.id), encoding="utf-8")
    esbuild = [str(SDK / "node_modules" / ".bin" / "esbuild"), "main.js", "--bundle", "--outfile=page.js"]
    modules = {**os.environ, "NODE_PATH": str(SDK / "node_modules")}
    subprocess.run([*esbuild, "--log-level=warning"], cwd=made, env=modules, check=True)
    return made


def statistics_held(site: Site, visitor: str) -> str:
    """How the consent to statistics stands with the collector, or why it cannot say."""
    answer = site.installation.http.get("/v1/me", headers={"authorization": f"Bearer {visitor}"})
    return str(answer.json()["state"]["statistics"] if answer.is_success else answer.json()["type"])


@pytest.mark.parametrize("example", ["react_page", "vue_page"])
def test_a_component_without_a_wrapper(
    example: str, site: Site, page: Page, context: BrowserContext, tmp_path: Path
) -> None:
    """The component follows the choice both ways, and what it was told the collector holds."""
    with site.served(bundled(site, example, tmp_path), "-m", "http.server", "--bind", "127.0.0.1", "{port}") as origin:
        page.goto(origin)
        page.locator('dongui-root [data-action="refuse"]').wait_for()
        page.get_by_text("통계: 동의하지 않음").wait_for()
        assert cookies(context) == {}

        page.locator("#grant").click()
        page.get_by_text("통계: 동의함").wait_for()
        eventually(lambda: {"dongui", "dongui_id"} <= set(cookies(context)), page)
        visitor = cookies(context)["dongui_id"]
        eventually(lambda: statistics_held(site, visitor) == "given", page)
        page.goto(origin)
        page.get_by_text("통계: 동의함").wait_for()

        page.locator("#show").click()
        page.locator('dongui-root [data-purpose-switch="statistics"]').wait_for()
        page.keyboard.press("Escape")
        page.locator("#withdraw").click()
        page.get_by_text("통계: 동의하지 않음").wait_for()
        eventually(lambda: "dongui_id" not in cookies(context), page)
        eventually(lambda: statistics_held(site, visitor) == "withdrawn", page)
