"""docs/python.md: each quickstart is typed as it stands there, started, and visited beside a real collector."""

from __future__ import annotations

import dataclasses
import json
import os
import re
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest
from dongui.web.options import Options

from tests.collector import Installation
from tests.ports import free_port

PAGE = (Path(__file__).parents[2] / "docs" / "python.md").read_text(encoding="utf-8")
CHROME = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36"


def files_of(section: str) -> dict[str, str]:
    """The files of a section: its Python blocks, each begun by its name."""
    [text] = re.findall(rf"^## {re.escape(section)}\n(.*?)(?=^## )", PAGE, re.M | re.S)
    found = {}
    for block in re.findall(r"^```python\n(.*?)^```", text, re.M | re.S):
        name = re.match(r"# (\w+\.py)", block)
        assert name, block
        found[name[1]] = block
    return found


def typed_flask(folder: Path) -> list[str]:
    (folder / "app.py").write_text(files_of("Five minutes with Flask")["app.py"])
    return ["-m", "flask", "--app", "app", "run", "--port", "{port}"]


def typed_django(folder: Path) -> list[str]:
    subprocess.run([sys.executable, "-m", "django", "startproject", "shop", "."], cwd=folder, check=True)
    files = files_of("Five minutes with Django")
    settings = folder / "shop" / "settings.py"
    settings.write_text(settings.read_text() + files.pop("settings.py"))
    for name, text in files.items():
        (folder / "shop" / name).write_text(text)
    return ["manage.py", "runserver", "--noreload", "{port}"]


def typed_fastapi(folder: Path) -> list[str]:
    (folder / "app.py").write_text(files_of("Five minutes with FastAPI")["app.py"])
    return ["-m", "uvicorn", "app:app", "--port", "{port}"]


def typed_wsgi(folder: Path) -> list[str]:
    (folder / "app.py").write_text(files_of("Five minutes with any WSGI application")["app.py"])
    return ["-m", "gunicorn", "--bind", "127.0.0.1:{port}", "app:application"]


QUICKSTARTS = [typed_flask, typed_django, typed_fastapi, typed_wsgi]


@pytest.mark.parametrize("typed", QUICKSTARTS, ids=lambda typed: typed.__name__.removeprefix("typed_"))
def test_a_quickstart_works_as_it_stands(typed: object, installation: Installation, tmp_path: Path) -> None:
    assert callable(typed)
    command = typed(tmp_path)
    port = free_port()
    origin = f"http://127.0.0.1:{port}"
    site = json.loads(installation.run("sites", "add", f"site-{port}", "--origin", origin, "--json").stdout)
    given = {
        "DONGUI_SITE": site["site"],
        "DONGUI_SECRET_KEY": site["secret_key"],
        "DONGUI_COLLECTOR": installation.base,
    }
    words = [sys.executable, *(word.format(port=port) for word in command)]
    with (tmp_path / "log").open("wb") as log:
        process = subprocess.Popen(words, cwd=tmp_path, env={**os.environ, **given}, stdout=log, stderr=log)
    try:
        with httpx.Client(base_url=origin, headers={"User-Agent": CHROME}, timeout=60) as browser:
            wait_until_up(browser, process, tmp_path / "log")
            visit(browser, site["site"], origin, has_for_you=typed is not typed_wsgi)
    finally:
        process.terminate()
        process.wait(60)


def wait_until_up(browser: httpx.Client, process: subprocess.Popen[bytes], log: Path) -> None:
    end = time.monotonic() + 60
    while True:
        assert process.poll() is None, log.read_text()
        assert time.monotonic() < end, log.read_text()
        try:
            browser.get("/_dongui/v1/dongui.js")
        except httpx.TransportError:
            time.sleep(0.05)
        else:
            return


def visit(browser: httpx.Client, site: str, origin: str, *, has_for_you: bool) -> None:
    """A first page, a decision, a second page, what is held, and back."""
    first = browser.get("/")
    assert f'<head><script async src="/_dongui/v1/dongui.js" data-site="{site}"></script>' in first.text
    assert "An offer." not in first.text
    assert not browser.cookies
    if has_for_you:
        assert browser.get("/for-you").status_code == 403
    notice = browser.get("/_dongui/v1/notice", params={"site": site}).json()["version"]
    body = {"site": site, "notice": notice, "method": "banner", "lang": "ko"}
    granted = {**body, "granted": ["statistics", "marketing", "personalisation"], "refused": []}
    answer = browser.post("/_dongui/v1/consents", json=granted, headers={"Origin": origin})
    assert answer.status_code == 201, answer.text
    second = browser.get("/?utm_source=mail")
    assert "An offer." in second.text
    assert browser.cookies["_ga"] == "1"
    if has_for_you:
        assert "What fits you." in browser.get("/for-you").text
    names = wait_for_events(browser)
    assert "pageview" in names
    back = {**body, "granted": [], "refused": granted["granted"]}
    assert browser.post("/_dongui/v1/consents", json=back, headers={"Origin": origin}).json()["visitor_cookie"] is False
    browser.get("/")
    assert set(browser.cookies) == {"dongui"}, "_ga went with the next page"


def wait_for_events(browser: httpx.Client) -> list[str]:
    end = time.monotonic() + 60
    while True:
        held = browser.get("/_dongui/v1/me", headers={"X-Dongui": "1"}).json()["events"]
        if held:
            return [event["name"] for event in held]
        assert time.monotonic() < end
        time.sleep(0.05)


def test_the_table_of_options_is_whole() -> None:
    [table] = re.findall(r"^\| option \| default.*?\n\n", PAGE, re.M | re.S)
    named = re.findall(r"`(\w+)`", "\n".join(line.split("|")[1] for line in table.strip().splitlines()[2:]))
    assert sorted(named) == sorted(field.name for field in dataclasses.fields(Options))
