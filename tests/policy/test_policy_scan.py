"""``dongui scan`` with a real Chromium against a page here that sets cookies, storage and waits for consent."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest
from click.testing import CliRunner, Result
from dongui.version import how_to_install
from dongui_collector.cli import cli
from policies import MENDED, edited

PAGE = """<!doctype html><html lang="en"><title>shop</title>
<script>document.cookie = "_clck=SENTINEL; max-age=31536000"; localStorage.setItem("cart", "SENTINEL");</script>
<script type="text/plain" data-purpose="statistics" src="https://www.clarity.ms/tag/x?id=SENTINEL"></script>
<template data-purpose="marketing"><iframe src="https://ads.example/frame"></iframe></template>
<script src="{other}/v1/dongui.js"></script><img src="{other}/pixel.gif">
"""


class Shop(BaseHTTPRequestHandler):
    """A page; the same server under another host name is the third party."""

    def do_GET(self) -> None:
        port = self.server.server_address[1]
        html = self.path == "/"
        body = PAGE.format(other=f"http://127.0.0.1:{port}").encode() if html else b""
        self.send_response(200)
        self.send_header("Content-Type", "text/html" if html else "text/javascript")
        self.send_header("Set-Cookie", "sid=SENTINEL; Path=/; HttpOnly" if html else "_ga_T=SENTINEL; Max-Age=60")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *arguments: object) -> None:
        pass


@pytest.fixture(scope="module")
def shop() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Shop)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    yield f"http://localhost:{server.server_address[1]}/"
    server.shutdown()
    server.server_close()
    thread.join()


def scan(*arguments: object) -> Result:
    """In a thread of its own: another suite's Playwright may be at work in this one."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(CliRunner().invoke, cli, ["scan", *map(str, arguments)]).result()


@pytest.mark.browser
def test_a_scan_names_what_the_policy_lacks(shop: str) -> None:
    result = scan(shop, "--policy", MENDED, "--seconds", "0.5", "--json")
    assert result.exit_code == 1, result.output
    report = json.loads(result.stdout)
    missing = {(gap["kind"], gap["name"], gap["tool"]) for gap in report["missing"]}
    assert missing == {
        ("cookie", "_clck", "Microsoft Clarity"),
        ("address", "Microsoft Clarity", "Microsoft Clarity"),
        ("receiver", "Microsoft Corporation", "Microsoft Clarity"),
        ("cookie", "sid", None),
        ("cookie", "cart", None),
        ("address", "https://ads.example", None),
    }, "the collector's own host and the declared _ga_T are no gaps"
    lifetimes = {cookie["name"]: cookie["seconds"] for cookie in report["cookies"]}
    assert lifetimes["sid"] is None
    assert 31_000_000 < lifetimes["_clck"] <= 31_536_000
    assert "SENTINEL" not in result.output, "values and queries are not shown"


@pytest.mark.browser
def test_a_scan_prints_toml_and_is_content_with_it(shop: str, tmp_path: Path) -> None:
    printed = scan(shop, "--policy", MENDED, "--seconds", "0.5")
    assert printed.exit_code == 1
    lines = printed.stdout.replace('purpose = ""', 'purpose = "service"')
    urls = next(line for line in lines.splitlines() if line.startswith("urls = "))
    lines = lines.replace(urls, "")
    policy = edited(
        ("urls = []", 'urls = ["https://ads.example/*"]'),
        (next(line for line in MENDED.read_text("utf-8").splitlines() if line.startswith("urls = ")), urls),
    )
    mended = tmp_path / "policy.toml"
    mended.write_text(f"{policy}\n{lines}", "utf-8")
    again = scan(shop, "--policy", mended, "--seconds", "0.5")
    assert (again.exit_code, "all is declared" in again.stdout) == (0, True), again.output


@pytest.mark.browser
def test_a_page_that_is_not_there_is_a_usage_error() -> None:
    result = scan("http://localhost:1/", "--policy", MENDED)
    assert result.exit_code == 2
    assert "http://localhost:1/ cannot be visited" in result.stderr
    assert "ERR_" in result.stderr


def test_only_web_addresses_are_visited() -> None:
    assert scan("file:///etc/passwd", "--policy", MENDED).exit_code == 2


def test_what_is_missing_is_said(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    result = scan("http://localhost:1/", "--policy", MENDED, "--config", tmp_path / "absent.toml")
    assert (result.exit_code, "apt install chromium" in result.stderr) == (2, True)
    monkeypatch.setitem(sys.modules, "playwright.sync_api", None)
    result = scan("http://localhost:1/", "--policy", MENDED)
    assert (result.exit_code, how_to_install("collector", "scan") in result.stderr) == (2, True)
