"""One event that the collector would refuse costs nothing but itself: the collector's own checks judge what arrives."""

from __future__ import annotations

import json

import pytest
from dongui_collector.intake.problems import Problem
from dongui_collector.intake.schema import EventBatch, check_events, decode
from playwright.sync_api import BrowserContext, Page

from tests.journeys.snippet_steps import eventually, ready
from tests.journeys.stub_collector import Answer, Request, Stub, page_of

pytestmark = pytest.mark.browser

BAD = {
    "an empty name": "dongui.track('')",
    "depth 7": "dongui.track('bad', {a: [[[[[[1]]]]]]})",
    "2,500 values": "dongui.track('bad', {a: Array(2500).fill(1)})",
    "NUL": "dongui.track('bad\\0', {'a\\0': 'b\\0'})",
    "an id kind with a hyphen": "dongui.setAdvertisingId('my-id', 'A1'), dongui.track('bad')",
    "an id of 600 characters": "dongui.setAdvertisingId('adid', 'x'.repeat(600)), dongui.track('bad')",
    "a search of 600 characters": "history.pushState(0, '', '/?q=' + 'x'.repeat(600))",
    "a click id of 600 characters": "history.pushState(0, '', '/?gclid=' + 'x'.repeat(600))",
    "an address of 9,000 characters": "history.pushState(0, '', '/?q=1&utm_source=' + '가'.repeat(1000))",
    "a cycle": "const o = {}; o.o = [o]; dongui.track('bad', o)",
    "a BigInt": "dongui.track('bad', {n: 10n ** 400n})",
    "a symbol for a name": "dongui.track(Symbol('s'))",
    "a getter that throws": "dongui.track('bad', {get x() { throw 1 }, y: [{toJSON() { throw 2 }}]})",
    "half a character": "dongui.track('\\ud800', {a: '\\udc00'})",
}


def judging(collector: Stub) -> list[str]:
    """Has the collector's own schema and limits judge each batch; returns why batches were refused."""
    refused: list[str] = []

    def answer(request: Request) -> Answer | None:
        if request.path != "/v1/events" or request.method != "POST":
            return None
        try:
            check_events(decode(json.dumps(request.body).encode(), EventBatch).events)
        except Problem as problem:
            refused.append(str(problem))
            collector.requests.remove(request)
            return 400, {"Content-Type": "application/problem+json"}, b'{"type":"urn:dongui:problem:malformed"}'
        return None

    collector.intercept = answer
    return refused


def all_granted(page: Page, site: Stub, collector: Stub) -> None:
    page.goto(site.origin)
    ready(page)
    page.evaluate("dongui.consent.set({statistics: true, personalisation: true, marketing: true})")
    eventually(lambda: collector.events, page)


@pytest.mark.parametrize("bad", BAD.values(), ids=BAD)
def test_it_arrives_cut_and_its_batch_whole(page: Page, site: Stub, collector: Stub, bad: str) -> None:
    refused = judging(collector)
    all_granted(page, site, collector)
    page.evaluate(f"dongui.track('before'); {bad}; dongui.track('after')")
    eventually(lambda: {"before", "after"} <= {e["name"] for e in collector.events}, page)
    # The first view, two beside it, and the one at fault: none is lost, and none had to be refused.
    assert len(collector.events) == 4
    assert not refused


def test_properties_are_what_json_says_of_them_at_the_call(page: Page, site: Stub, collector: Stub) -> None:
    page_of_old = """<script>
      for (const {prototype} of [Array, Object, String, Date, Number])
        Object.defineProperty(prototype, "toJSON", {value: () => "theirs", configurable: true, writable: true});
      Array.prototype.reduce = function () { return this.length > 1 ? this : this[0] };
      JSON.stringify = () => '"theirs"';
    </script>"""
    site.pages["/"] = page_of(collector, head=page_of_old)
    refused = judging(collector)
    all_granted(page, site, collector)
    page.evaluate("""() => {
      const cart = {at: new Date(0), to: new URL("https://a.example/b"), price: {toJSON: () => ({won: 1})},
                    id: 12345678901234567890n,
                    map: new Map([[1, 2]]), list: [1, undefined, NaN, () => 1], none: undefined};
      dongui.track("buy", cart);
      cart.list.length = 0;
    }""")
    eventually(lambda: "buy" in [e["name"] for e in collector.events], page)
    [event] = [e for e in collector.events if e["name"] == "buy"]
    assert event["props"] == {
        "at": "1970-01-01T00:00:00.000Z",
        "to": "https://a.example/b",
        "price": {"won": 1},
        "id": "12345678901234567890",
        "map": {},
        "list": [1, None, None, None],
    }
    assert not refused


def test_what_was_cut_is_counted_and_said_once(page: Page, site: Stub, collector: Stub) -> None:
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    all_granted(page, site, collector)
    assert not collector.asked("/v1/diagnostics.js")
    page.evaluate("for (let i = 0; i < 10; i++) dongui.track('deep', {a: [[[[[[1]]]]]]})")
    eventually(lambda: any("(10 so far" in text for text in said), page)
    assert len([text for text in said if "six levels" in text]) == 2


def test_an_event_that_is_refused_all_the_same_goes_alone(page: Page, site: Stub, collector: Stub) -> None:
    def answer(request: Request) -> Answer | None:
        if request.path == "/v1/events" and any(e["name"] == "poison" for e in request.body["events"]):
            request.body["events"] = []
            return 400, {"Content-Type": "application/problem+json"}, b"{}"
        return None

    all_granted(page, site, collector)
    collector.intercept = answer
    page.evaluate("for (let i = 0; i < 20; i++) dongui.track(i == 7 ? 'poison' : 'n' + i)")
    eventually(lambda: len([e for e in collector.events if e["name"].startswith("n")]) == 19, page)


@pytest.mark.parametrize("status", [200, 302, 401, 403, 404, 408, 425, 451])
def test_an_answer_that_is_not_the_collectors_loses_no_event(
    page: Page, site: Stub, collector: Stub, status: int
) -> None:
    """A captive portal and a firewall come and go."""
    all_granted(page, site, collector)
    times = iter(range(2))

    def portal(request: Request) -> Answer | None:
        if request.path == "/v1/events" and next(times, None) is not None:
            request.body["events"] = []
            return status, {"Content-Type": "text/html"}, b"<p>Sign in to the network</p>"
        return None

    collector.intercept = portal
    page.evaluate("dongui.track('kept')")
    eventually(lambda: "kept" in [e["name"] for e in collector.events], page)


@pytest.mark.parametrize("poison", ['[null,1,"x",{},{"id":7}]', '[{"id":"x","name":"y"}]', "{}", "null", "no JSON"])
def test_what_another_script_left_in_the_storage_stops_nothing(
    page: Page, site: Stub, collector: Stub, poison: str
) -> None:
    refused = judging(collector)
    all_granted(page, site, collector)
    page.evaluate("text => { localStorage['dongui.events0.5'] = text }", poison)
    page.reload()
    page.evaluate("dongui.track('fine')")
    eventually(lambda: "fine" in [e["name"] for e in collector.events], page)
    assert not refused


@pytest.mark.parametrize("how", ["expiry", "refusal", "a cookie that is gone", "a notice out of reach"])
def test_nothing_stays_in_the_storage_that_nothing_covers(
    context: BrowserContext, page: Page, site: Stub, collector: Stub, how: str
) -> None:
    all_granted(page, site, collector)
    collector.flowing.clear()
    page.evaluate("dongui.track('waits')")
    kept = "Object.keys(localStorage).some(key => key.startsWith('dongui.events'))"
    hide = f"document.dispatchEvent(new Event('visibilitychange')), {kept}"
    eventually(lambda: page.evaluate(hide), page)
    if how == "refusal":
        page.evaluate("dongui.withdraw()")
    elif how == "expiry":
        collector.policy["choice_seconds"] = 1
        page.wait_for_timeout(2100)  # the choice's time is in whole seconds
    else:
        context.clear_cookies()
        if how == "a notice out of reach":
            collector.intercept = lambda request: (503, {}, b"") if request.path == "/v1/notice" else None
    page.goto("about:blank")
    page.goto(site.origin)
    eventually(lambda: not page.evaluate(kept), page)
    collector.flowing.set()
