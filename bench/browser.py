"""What the snippet costs a visitor, beside its peers: bytes under brotli, and a first visit's load in Chromium."""

from __future__ import annotations

import subprocess
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from statistics import median

from playwright.sync_api import Browser, CDPSession, Page, sync_playwright

from bench.browser_pages import DIST, OURS, PEERS, Subject, served
from bench.processes import ROOT
from bench.report import Figure

_SIZE = """const { readFileSync } = require("node:fs"), { brotliCompressSync } = require("node:zlib");
console.log(process.argv.slice(1).map(file => brotliCompressSync(readFileSync(file)).length).join(" "))"""
_KINDS = {".js": "text/javascript", ".css": "text/css", "": "text/html; charset=utf-8"}
_LOADS = 15


@dataclass(frozen=True, slots=True)
class Load:
    """One first visit: ms until the page's own content is painted, and the question; ms of script, the longest task
    over 50 ms, layout shift.
    """

    page: float
    visible: float
    script: float
    longest: float
    shift: float


def measure(quick: bool) -> tuple[list[Figure], str]:
    """Sizes, then loads interleaved with the peers', at full speed and at a quarter of it."""
    _peers()
    figures = _sizes()
    with _serving(served()) as origin, sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path="/usr/bin/chromium", args=["--no-sandbox", "--disable-gpu"]
        )
        for slower in (1, 4):
            figures += _loads(browser, origin, slower, 2 if quick else _LOADS)
        browser.close()
    return figures, (
        "Sizes: brotli at its highest level, without HTTP headers; a peer's script and style sheet for the same "
        "purposes, its language included; c15t bundled with React, as its guide has it. Loads: medians of "
        f"{_LOADS} first visits in Chromium, an empty cache, over "
        "loopback, interleaved with the peers' of the same page; “script” is Chromium's ScriptDuration."
    )


def _peers() -> None:
    folder = ROOT / "bench" / "peers"
    if not (folder / "node_modules" / "@c15t").is_dir():
        subprocess.run(["npm", "ci", "--silent", "--ignore-scripts"], cwd=folder, check=True)
    esbuild = ROOT / "sdk_js" / "node_modules" / ".bin" / "esbuild"
    options = ["--bundle", "--minify", "--format=iife", "--log-level=error", "--outfile=node_modules/.c15t/c15t.js"]
    options.append('--define:process.env.NODE_ENV="production"')
    subprocess.run([esbuild, "c15t.js", *options], cwd=folder, check=True)


def _brotli(files: Sequence[Path]) -> int:
    done = subprocess.run(["node", "-e", _SIZE, *map(str, files)], capture_output=True, text=True, check=True)
    return sum(map(int, done.stdout.split()))


def _sizes() -> list[Figure]:
    page, first, panel = _brotli([DIST / "dongui.js"]), _brotli(OURS.files), _brotli([DIST / "panel.js"])
    peers = sorted((_brotli(peer.files), peer.name) for peer in PEERS)
    beside = ", ".join(f"{name} {size:,} B" for size, name in peers)
    return [
        Figure("every page (dongui.js)", f"{page:,} B", "", "≤ 4,300 B", page <= 4300),
        Figure(
            "with the banner of a first visit (and ui.js)", f"{first:,} B", beside, "≤ 7,300 B in all", first <= 7300
        ),
        Figure("preferences and my data, on demand (panel.js)", f"{panel:,} B", "", "≤ 7,000 B more", panel <= 7000),
    ]


def _loads(browser: Browser, origin: str, slower: int, times: int) -> list[Figure]:
    subjects = (OURS, *PEERS)
    loads: dict[str, list[Load]] = {subject.name: [] for subject in subjects}
    for _ in range(times):
        for subject in subjects:
            loads[subject.name].append(_load(browser, origin, subject, slower))
    visible = {name: median(load.visible for load in found) for name, found in loads.items()}
    content = {name: median(load.page for load in found) for name, found in loads.items()}
    script = {name: median(load.script for load in found) for name, found in loads.items()}
    longest = {name: max(load.longest for load in found) for name, found in loads.items()}
    shift = max(load.shift for load in loads[OURS.name])
    speed = f"at {slower}× slow-down" if slower > 1 else "at full speed"
    fastest, least = _best(visible), _best(script)
    return [
        Figure(
            f"question painted, {speed}", _ms(visible), _beside(visible), "≤ the fastest", visible["dongui"] <= fastest
        ),
        Figure(f"the page's own content painted, {speed}", _ms(content), _beside(content)),
        Figure(f"script, {speed}", _ms(script), _beside(script), "≤ half of the least", script["dongui"] <= least / 2),
        Figure(
            f"longest task of all loads, {speed}", _ms(longest), _beside(longest), "≤ 50 ms", longest["dongui"] == 0
        ),
        Figure(f"layout shift, {speed}", f"{shift:.3f}", "", "0", shift == 0),
    ]


def _load(browser: Browser, origin: str, subject: Subject, slower: int) -> Load:
    """Two first visits: one is watched for the moment of painting, and one left alone, since watching takes script."""
    with _visit(browser, f"{origin}/{subject.name}", slower) as (page, _):
        visible = page.evaluate("seen")
        page.wait_for_timeout(200)
        shift, longest = page.evaluate("[shift, longest]")
        content = page.evaluate("performance.getEntriesByName('first-contentful-paint')[0].startTime")
    with _visit(browser, f"{origin}/{subject.name}/alone", slower) as (page, session):
        page.wait_for_timeout(300 + 150 * slower)
        metrics = {entry["name"]: entry["value"] for entry in session.send("Performance.getMetrics")["metrics"]}
    return Load(content, visible, metrics["ScriptDuration"] * 1000, longest, shift)


@contextmanager
def _visit(browser: Browser, url: str, slower: int) -> Iterator[tuple[Page, CDPSession]]:
    context = browser.new_context(viewport={"width": 1200, "height": 800})
    page = context.new_page()
    session = context.new_cdp_session(page)
    session.send("Emulation.setCPUThrottlingRate", {"rate": slower})
    session.send("Performance.enable")
    page.goto(url)
    yield page, session
    context.close()


def _best(values: dict[str, float]) -> float:
    return min(value for name, value in values.items() if name != OURS.name)


def _ms(values: dict[str, float]) -> str:
    return f"{values[OURS.name]:.1f} ms"


def _beside(values: dict[str, float]) -> str:
    peers = sorted((value, name) for name, value in values.items() if name != OURS.name)
    return ", ".join(f"{name} {value:.1f}" for value, name in peers)


@contextmanager
def _serving(content: dict[str, bytes]) -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        # One packet an answer, sent at once: else Nagle's algorithm and delayed acknowledgements add 40 ms to some.
        wbufsize = -1
        disable_nagle_algorithm = True

        def do_GET(self) -> None:
            path = self.path.partition("?")[0]
            body = content.get(path)
            self.send_response(200 if body is not None else 404)
            kind = "application/json" if path.endswith("/v1/notice") else _KINDS.get(Path(path).suffix, "text/plain")
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body or b"")))
            self.end_headers()
            with suppress(BrokenPipeError, ConnectionResetError):  # a visit that was over
                self.wfile.write(body or b"")

        def log_message(self, *_: object) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
