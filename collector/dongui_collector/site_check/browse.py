"""A page visited in Chromium as a visitor would meet it, who gives no consent."""

from __future__ import annotations

import time
from typing import Any, TypeVar

import msgspec

from dongui_collector.site_check import page_script
from dongui_collector.site_check.destinations import Destinations, origin_of, place_of
from dongui_collector.site_check.devtools import BrowserGone, DevTools, Json, chromium
from dongui_collector.site_check.filter_proxy import FilterProxy
from dongui_collector.site_check.model import (
    MOST_ADDRESSES,
    CallAnswer,
    PageVisit,
    SnippetTag,
    VisitRequest,
    bare,
    clean,
)

T = TypeVar("T")
WITHIN_S = 45.0
_LOAD_S = 20.0
_RUNS_S = 5.0
_CERTIFICATE = "net::ERR_CERT_"


class _Read(msgspec.Struct):
    tags: list[SnippetTag]
    refused: list[tuple[str, str, str]]
    cookies: bool


class _Calls(msgspec.Struct):
    notice: CallAnswer
    write: CallAnswer


def browse(request: VisitRequest, places: Destinations, *, within: float = WITHIN_S) -> PageVisit:
    """Visit the page. A second time where it names a collector that was not known to be one.

    Raises :class:`BrowserGone` where the browser did not start, or ended.
    """
    visit = _once(request, places, within)
    tag = next(iter(visit.tags), None)
    if tag is not None and visit.outcome == "ok" and not places.permits(tag.src) and places.admit_collector(tag.src):
        visit = _once(request, places, within)
    return visit


def _once(request: VisitRequest, places: Destinations, within: float) -> PageVisit:
    assert request.browser is not None
    with (
        FilterProxy(places) as proxy,
        chromium(request.browser, proxy.port, time.monotonic() + within) as browser,
    ):
        page = _Page(browser, request, places)
        page.open()
        try:
            return page.visit(proxy)
        finally:
            proxy.shutdown()


class _Page:
    """The one page of the browser."""

    def __init__(self, browser: DevTools, request: VisitRequest, places: Destinations) -> None:
        self._browser, self._request, self._places = browser, request, places
        self._frame = ""
        self._loader: str | None = None
        self._requests: dict[str, None] = {}
        self._at, self._status = request.url, 0
        self._loaded = False
        self._world: int | None = None

    def open(self) -> None:
        """An empty page that tells what happens to it."""
        call = self._browser.call
        target = call("Target.createTarget", url="about:blank").get("targetId")
        self._browser.session = call("Target.attachToTarget", targetId=target, flatten=True).get("sessionId")
        if self._browser.session is None:
            raise BrowserGone
        for domain in ("Page", "Network", "Runtime"):
            call(f"{domain}.enable")
        call("Browser.setDownloadBehavior", behavior="deny")
        call("Page.addScriptToEvaluateOnNewDocument", source=page_script.LISTEN, worldName=page_script.WORLD)

    def visit(self, proxy: FilterProxy) -> PageVisit:
        """Load the page, wait for its scripts, and ask it."""
        started = self._browser.call("Page.navigate", url=self._request.url)
        self._frame = str(started.get("frameId", ""))
        self._watch(time.monotonic() + _LOAD_S, lambda: self._loaded)
        error = str(started.get("errorText", ""))
        visit = self._failed(error, proxy)
        if visit is None:
            self._watch(time.monotonic() + self._request.seconds, lambda: False)
            if self._found().tags:
                self._watch(time.monotonic() + _RUNS_S, self._runs)
            visit = self._failed("", proxy) or self._read()  # a script may have led on
        visit.cookies = self._cookies()
        visit.requests = list(self._requests)
        return visit

    def _watch(self, until: float, enough: Any) -> None:
        """Follow what happens until it is enough, or time is up."""
        while not enough() and (now := time.monotonic()) < until:
            for name, facts in self._browser.events(min(until, now + 0.1)):
                self._happened(name, facts)

    def _happened(self, name: str, facts: Json) -> None:
        if name == "Network.requestWillBeSent":
            url = str(facts.get("request", {}).get("url", ""))
            if facts.get("type") == "Document" and facts.get("frameId") == self._frame:
                self._at = url
            elif url.startswith(("http://", "https://", "ws://", "wss://")) and len(self._requests) < MOST_ADDRESSES:
                self._requests.setdefault(bare(url))
        elif name == "Network.responseReceived":
            if facts.get("type") == "Document" and facts.get("frameId") == self._frame:
                self._status = int(facts.get("response", {}).get("status", 0))
        elif name == "Page.loadEventFired":
            self._loaded = True
        elif name == "Page.javascriptDialogOpening":
            self._browser.call("Page.handleJavaScriptDialog", accept=False)
        elif name == "Runtime.executionContextCreated":
            context = facts.get("context", {})
            mine = context.get("auxData", {}).get("frameId") == self._frame
            if mine and context.get("name") == page_script.WORLD:
                self._world = context.get("id")

    def _failed(self, error: str, proxy: FilterProxy) -> PageVisit | None:
        """Why the page did not come; None where it did."""
        visit = PageVisit(browser="chromium", url=bare(self._at), status=self._status)
        if not self._places.permits(self._at):
            visit.outcome, visit.where = "redirect_out", clean(origin_of(self._at))
        elif (why := proxy.refused.get(place_of(self._at))) is not None:
            visit.outcome, visit.where = why, clean(origin_of(self._at))
        elif error.startswith(_CERTIFICATE):
            visit.outcome = "certificate"
        elif error:
            visit.outcome = "unreachable"
        elif not self._status:
            visit.outcome = "timeout"
        elif self._status != 200:
            visit.outcome = "status"
        else:
            return None
        return visit

    # -- asking the page

    def _runs(self) -> bool:
        return self._evaluated(page_script.RUNS) is True

    def _read(self) -> PageVisit:
        found = self._found()
        visit = PageVisit(browser="chromium", url=bare(self._at), status=self._status, runs=self._runs())
        visit.tags = [SnippetTag(clean(tag.src), clean(tag.site)) for tag in found.tags[:8]]
        visit.cookies_kept = found.cookies
        if not visit.tags or not self._places.permits(visit.tags[0].src):
            return visit
        base = visit.tags[0].src.split("/v1/")[0]
        answers = self._decoded(self._evaluated(page_script.calls(base, self._request.site)), _Calls)
        if answers is not None:
            visit.notice, visit.write = _cut(answers.notice), _cut(answers.write)
            found = self._found()
        ours = [
            directive
            for directive, blocked, source in found.refused
            if base in (blocked[: len(base)], source[: len(base)])
        ]
        visit.refused = list(dict.fromkeys(map(clean, ours)))[:20]
        return visit

    def _found(self) -> _Read:
        return self._decoded(self._evaluated(page_script.TAGS, self._world), _Read) or _Read([], [], True)

    def _evaluated(self, script: str, context: int | None = None) -> Any:
        more = {} if context is None else {"contextId": context}
        done = self._browser.call("Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True, **more)
        return done.get("result", {}).get("value")

    @staticmethod
    def _decoded(text: Any, kind: type[T]) -> T | None:
        try:
            return msgspec.json.decode(text, type=kind) if isinstance(text, str) else None
        except msgspec.DecodeError:
            return None

    def _cookies(self) -> list[str]:
        found = self._browser.call("Network.getCookies").get("cookies", [])
        return list(dict.fromkeys(clean(str(cookie.get("name", ""))) for cookie in found))[:100]


def _cut(answer: CallAnswer) -> CallAnswer:
    return CallAnswer(answer.status if 100 <= answer.status < 600 else 0, clean(answer.problem))
