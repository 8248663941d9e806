"""Delivery: gated before it is queued, after the consent that covers it, in batches, patient, empty at withdrawal."""

from __future__ import annotations

import json
import uuid
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from tests.journeys.snippet_steps import BANNER, decide, eventually, press, quiet, ready
from tests.journeys.stub_collector import VISITOR, Answer, Request, Stub

pytestmark = pytest.mark.browser


def accept(page: Page, site: Stub, collector: Stub) -> None:
    """A visitor who has granted everything but advertising, and whose first view has arrived, as the page knows."""
    page.goto(site.origin)
    press(page, "accept")
    eventually(lambda: collector.events, page)
    kept = "JSON.stringify(localStorage).includes('dongui.events')"
    hide = f"document.dispatchEvent(new Event('visibilitychange')), !{kept}"
    eventually(lambda: page.evaluate(hide), page)


def left(page: Page, collector: Stub, name: str) -> None:
    """Leaves the site, whose last attempt to tell this event has come to nothing."""
    page.goto("about:blank")
    eventually(lambda: name in names(collector), page)
    quiet(page, collector)
    collector.requests.clear()
    collector.intercept = None


def names(collector: Stub) -> list[str]:
    return [e["name"] for e in collector.events]


def refuse_posts(collector: Stub, status: int, headers: dict[str, str] | None = None) -> None:
    def answer(request: Request) -> Answer | None:
        return (status, headers or {}, b"") if request.method == "POST" else None

    collector.intercept = answer


def test_the_consent_arrives_before_what_it_covers(page: Page, site: Stub, collector: Stub) -> None:
    answers = iter([503, 429])

    def twice(request: Request) -> Answer | None:
        if request.path == "/v1/consents" and (status := next(answers, None)):
            return status, {"Retry-After": "1"}, b""
        return None

    collector.intercept = twice
    page.goto(site.origin)
    decide(page, "accept", collector)
    page.evaluate("dongui.track('one')")
    eventually(lambda: "one" in names(collector), page)
    posts = [r.path for r in collector.requests if r.method == "POST"]
    assert posts[:3] == ["/v1/consents"] * 3
    assert set(posts[3:]) == {"/v1/events"}
    # One decision, told until it was heard.
    assert len({c["id"] for c in collector.consents}) == 1


def test_an_answer_that_breaks_off_is_asked_for_again(page: Page, site: Stub, collector: Stub) -> None:
    """The collector gives the same one to the same decision; the events wait for it."""
    broken = iter([b'{"visitor": "AbCd'])

    def once(request: Request) -> Answer | None:
        if request.path == "/v1/consents" and (body := next(broken, None)):
            return 201, {"Content-Type": "application/json"}, body
        return None

    collector.intercept = once
    page.goto(site.origin)
    press(page, "accept")
    eventually(lambda: collector.events, page)
    assert len(collector.consents) == 2
    assert len({c["id"] for c in collector.consents}) == 1
    assert collector.asked("/v1/events")[0].body["visitor"] == VISITOR


def test_ids_tell_the_time_only_where_it_may_be_told(page: Page, site: Stub, collector: Stub) -> None:
    page.goto(site.origin)
    expect(page.locator(BANNER)).to_be_visible()
    page.evaluate("dongui.consent.set({personalisation: true})")
    eventually(lambda: collector.events, page)
    assert uuid.UUID(collector.events[0]["id"]).version == 4
    page.evaluate("dongui.consent.set({statistics: true})")
    page.evaluate("dongui.track('timed')")
    eventually(lambda: len(collector.events) == 2, page)
    timed = uuid.UUID(collector.events[1]["id"])
    assert timed.version == 7
    assert timed.variant == uuid.RFC_4122
    assert timed.int >> 80 == collector.events[1]["at"]


def test_what_may_have_arrived_never_arrives_under_a_second_id(page: Page, site: Stub, collector: Stub) -> None:
    """Its id told the time; when that may no longer be told, an event on its way is not sent anew as another one."""
    accept(page, site, collector)
    refuse_posts(collector, 503)
    page.evaluate("dongui.track('on its way')")
    eventually(lambda: "on its way" in names(collector), page)
    page.evaluate("dongui.consent.set({statistics: false, personalisation: true})")
    collector.intercept = None
    eventually(lambda: len(collector.consents) > 1, page)
    page.evaluate("dongui.track('next')")
    eventually(lambda: "next" in names(collector), page)
    assert len({e["id"] for e in collector.events if e["name"] == "on its way"}) == 1


def test_what_the_page_before_left_waits_for_the_choice(
    context: BrowserContext, page: Page, site: Stub, collector: Stub
) -> None:
    """Its consent may have ended since: it is judged anew before it goes."""
    accept(page, site, collector)
    refuse_posts(collector, 503)
    page.evaluate("dongui.track('left over')")
    left(page, collector, "left over")
    refused = context.cookies()[0]["value"].replace("statistics.personalisation", "")
    context.add_cookies([{"name": "dongui", "value": refused, "url": site.origin}])
    page.goto(site.origin)
    ready(page)
    page.wait_for_timeout(1200)
    assert collector.events == []


def test_every_field_is_gated_before_it_leaves(page: Page, site: Stub, collector: Stub) -> None:
    page.goto(f"{site.origin}/?utm_campaign=x&gclid=G1&q=blue+shirt&token=SENTINEL#at=SENTINEL")
    expect(page.locator(BANNER)).to_be_visible()
    page.evaluate("dongui.setAdvertisingId('adid', 'SENTINEL-ADID')")
    page.evaluate("dongui.consent.set({statistics: true})")
    page.evaluate("dongui.track('sign up', {mail: 'kim@example.com', list: ['010-1234-5678'], n: 1})")
    eventually(lambda: len(collector.events) == 2, page)
    assert "SENTINEL" not in json.dumps(collector.consents + collector.events)
    view, event = collector.events
    assert view["search"] == "blue shirt"
    assert view["environment"] == {"language": "ko-KR", "screen": "1280x720"}
    assert event["props"] == {"mail": "[email]", "list": ["[phone]"], "n": 1}
    page.evaluate("dongui.consent.set({marketing: true})")
    page.evaluate("dongui.track('seen')")
    eventually(lambda: len(collector.events) == 3, page)
    assert collector.events[2]["ad_ids"] == {"gclid": "G1", "adid": "SENTINEL-ADID"}


def test_many_events_go_in_batches_under_the_limits(page: Page, site: Stub, collector: Stub) -> None:
    """W7: together they stay under what may be in flight."""
    accept(page, site, collector)
    page.evaluate("for (let n = 0; n < 250; n++) dongui.track('n' + n, {text: '가'.repeat(n)})")
    eventually(lambda: len(collector.events) == 251, page)
    assert names(collector)[1:] == [f"n{n}" for n in range(250)]
    batches = [r.body for r in collector.asked("/v1/events", "POST")]
    assert max(len(b["events"]) for b in batches) <= 100
    assert max(len(json.dumps(b, ensure_ascii=False).encode()) for b in batches) < 64 * 1024
    assert len({e["id"] for e in collector.events}) == 251


def test_what_is_too_long_does_not_cost_its_batch(page: Page, site: Stub, collector: Stub) -> None:
    accept(page, site, collector)
    page.evaluate("dongui.track('x'.repeat(500), {big: 'y'.repeat(1e5)})")
    page.evaluate("const loop = {}; loop.loop = loop; dongui.track('loop', loop); dongui.track('ok')")
    eventually(lambda: "ok" in names(collector), page)
    [long] = [e for e in collector.events if e["name"].startswith("xx")]
    assert len(long["name"]) == 128
    assert len(json.dumps(long["props"])) < 8100
    assert [e["props"] for e in collector.events if e["name"] == "loop"] == [{}]


def test_trouble_is_waited_out_and_nothing_doubled(page: Page, site: Stub, collector: Stub) -> None:
    accept(page, site, collector)
    before, troubles = len(collector.asked("/v1/events")), iter([503, 503])

    def trouble(request: Request) -> Answer | None:
        status = next(troubles, None) if request.method == "POST" else None
        return status and (status, {"Retry-After": "1"}, b"")

    collector.intercept = trouble
    page.evaluate("dongui.track('late')")
    eventually(lambda: len(collector.asked("/v1/events")) == before + 3, page)
    page.wait_for_timeout(1500)
    assert len(collector.asked("/v1/events")) == before + 3
    assert len({e["id"] for e in collector.events if e["name"] == "late"}) == 1


@pytest.mark.parametrize("status", [408, 425, 429, 503])
def test_a_problem_that_passes_drops_nothing(page: Page, site: Stub, collector: Stub, status: int) -> None:
    accept(page, site, collector)
    first = iter([status])

    def slow(request: Request) -> Answer | None:
        if request.path != "/v1/events" or (code := next(first, None)) is None:
            return None
        return code, {"Content-Type": "application/problem+json"}, b'{"type": "urn:dongui:problem:too-slow"}'

    collector.intercept = slow
    page.evaluate("dongui.track('late')")
    eventually(lambda: names(collector).count("late") == 2, page)


def test_a_malformed_batch_is_not_sent_for_ever(page: Page, site: Stub, collector: Stub) -> None:
    accept(page, site, collector)
    refuse_posts(collector, 400)
    page.evaluate("dongui.track('bad')")
    eventually(lambda: "bad" in names(collector), page)
    collector.intercept = None
    page.evaluate("dongui.track('good')")
    eventually(lambda: "good" in names(collector), page)
    assert names(collector).count("bad") == 1


def test_what_happens_without_a_network_is_told_once_there_is_one(
    context: BrowserContext, page: Page, site: Stub, collector: Stub
) -> None:
    accept(page, site, collector)
    context.set_offline(True)
    page.evaluate("dongui.track('in the tunnel')")
    page.wait_for_timeout(1200)
    assert "in the tunnel" not in names(collector)
    context.set_offline(False)
    eventually(lambda: "in the tunnel" in names(collector), page)
    assert len({e["id"] for e in collector.events if e["name"] == "in the tunnel"}) == 1


def test_offline_events_wait_for_the_next_page(
    context: BrowserContext, page: Page, site: Stub, collector: Stub
) -> None:
    accept(page, site, collector)
    refuse_posts(collector, 503)
    page.evaluate("dongui.track('kept')")
    left(page, collector, "kept")
    page.goto(site.origin)
    eventually(lambda: "kept" in names(collector), page)


def test_offline_events_go_with_the_withdrawal(page: Page, site: Stub, collector: Stub) -> None:
    accept(page, site, collector)
    refuse_posts(collector, 503)
    page.evaluate("dongui.track('gone')")
    page.evaluate("dispatchEvent(new Event('pagehide'))")
    assert "gone" in page.evaluate("JSON.stringify(localStorage)")
    page.evaluate("dongui.withdraw()")
    assert "gone" not in page.evaluate("JSON.stringify(localStorage)")
    quiet(page, collector)  # an attempt of before may still have been on its way
    collector.requests.clear()
    collector.intercept = None
    page.reload()
    eventually(lambda: collector.consents, page)
    page.wait_for_timeout(1200)
    assert collector.events == []


def test_leaving_the_page_sends_what_is_queued(page: Page, site: Stub, collector: Stub) -> None:
    accept(page, site, collector)
    page.evaluate("dongui.track('last words'); location.href = 'about:blank'")
    eventually(lambda: "last words" in names(collector), page)


def test_nothing_throws_into_the_page(page: Page, site: Stub, collector: Stub) -> None:
    accept(page, site, collector)
    page.evaluate("""() => {
      const hostile = {get boom() { throw new Error("boom") }};
      for (const bad of [undefined, null, 7n, Symbol("s"), hostile, () => {}, NaN, "\\ud800"]) {
        dongui.track(bad, bad); dongui.track("x", {bad}); dongui.setAdvertisingId(bad, bad);
        dongui.consent.granted(bad); dongui.withdraw("no-such-purpose");
      }
      dongui.consent.onChange(() => { throw new Error("theirs") });
      dongui.push(["no.such.call"]); dongui.push([]);
    }""")
    page.evaluate("dongui.consent.set({statistics: true, nonsense: true})")
    page.evaluate("dongui.track('fine')")
    eventually(lambda: "fine" in names(collector), page)
    assert all("nonsense" not in c["granted"] for c in collector.consents)


@pytest.mark.parametrize(
    ("navigate", "path"),
    [
        ("location.hash = '#/cart?x=1'", "/cart"),
        ("history.pushState(0, '', '/a/b?utm_source=s&x=1')", "/a/b?utm_source=s"),
        ("history.replaceState(0, '', '?n_media=27758')", "/?n_media=27758"),
    ],
)
def test_single_page_routes(page: Page, site: Stub, collector: Stub, navigate: str, path: str) -> None:
    accept(page, site, collector)
    page.evaluate(navigate)
    eventually(lambda: len(collector.events) == 2, page)
    assert collector.events[1]["url"] == site.origin + path


def test_a_place_on_the_page_is_no_view(page: Page, site: Stub, collector: Stub) -> None:
    accept(page, site, collector)
    page.evaluate("location.hash = 'top'")
    page.wait_for_timeout(1300)
    assert len(collector.events) == 1


def test_a_recorded_cookie_travels_under_its_own_purpose(page: Page, site: Stub, collector: Stub) -> None:
    rule: dict[str, Any] = {"name": "promo", "purpose": "statistics", "record": True, "seconds": None}
    collector.policy["cookies"].append(rule)
    page.goto(site.origin)
    page.evaluate("document.cookie = 'promo=autumn'; document.cookie = 'basket=7'")
    press(page, "accept")
    eventually(lambda: collector.events, page)
    assert collector.events[0]["cookies"] == {"promo": "autumn"}
