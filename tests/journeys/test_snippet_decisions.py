"""A decision is a record, or it is not in force: what used to lose decisions, each as somebody met it."""

from __future__ import annotations

import json

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from tests.clock import now_ms
from tests.journeys.snippet_steps import BANNER, cookies, eventually, granted, press, ready
from tests.journeys.stub_collector import Answer, Request, Stub, page_of

pytestmark = pytest.mark.browser

TAG = '<script type="text/plain" data-purpose="statistics">document.cookie = "_ga=1; path=/"; window.ran = 1</script>'


def given(page: Page, site: Stub, collector: Stub) -> None:
    page.goto(site.origin)
    ready(page)
    assert page.evaluate("dongui.consent.set({statistics: true})") == "recorded"


def withdrawn(collector: Stub) -> bool:
    return collector.state.get("statistics") == "withdrawn"


def test_an_origin_that_is_not_listed_grants_nothing(page: Page, site: Stub, collector: Stub) -> None:
    site.pages["/"] = page_of(collector, TAG)

    def refuse(request: Request) -> Answer | None:
        problem = json.dumps({"type": "urn:dongui:problem:origin-not-listed", "title": "x"}).encode()
        return (403, {"Content-Type": "application/problem+json"}, problem) if request.method == "POST" else None

    collector.intercept = refuse
    page.goto(site.origin)
    press(page, "accept")
    # The question comes back, once, with a word about it.
    expect(page.locator(f"{BANNER} [role=alert]")).to_be_visible()
    assert page.evaluate("[window.ran ?? 0, document.cookie]") == [0, ""]
    assert granted(page) == []
    collector.intercept = None
    page.goto(site.origin)
    expect(page.locator(BANNER)).to_be_visible()
    press(page, "accept")
    page.wait_for_function("window.ran")


@pytest.mark.parametrize("status", [200, 302, 400, 401, 403, 404, 409, 413, 425])
def test_a_withdrawal_outlives_a_foreign_answer(page: Page, site: Stub, collector: Stub, status: int) -> None:
    given(page, site, collector)
    first = iter([status])

    def firewall(request: Request) -> Answer | None:
        if request.path != "/v1/consents" or (code := next(first, None)) is None:
            return None
        return code, {"Content-Type": "text/html"}, b"<p>Blocked"

    collector.intercept = firewall
    assert page.evaluate("dongui.withdraw()") == "pending"
    assert granted(page) == []
    eventually(lambda: withdrawn(collector), page)


def test_a_tab_that_closes_takes_its_withdrawal_with_it_to_the_queue(
    context: BrowserContext, page: Page, site: Stub, collector: Stub
) -> None:
    given(page, site, collector)
    other = context.new_page()
    other.goto(site.origin)
    ready(other)
    collector.intercept = lambda request: (503, {}, b"") if request.method == "POST" else None
    page.evaluate("void dongui.consent.set({personalisation: true})")
    other.evaluate("void dongui.withdraw('statistics')")
    other.close()
    collector.intercept = None
    eventually(lambda: withdrawn(collector) and collector.state.get("personalisation") == "given", page)
    eventually(lambda: granted(page) == ["personalisation"], page)


@pytest.mark.parametrize("call", ["dongui.withdraw()", "dongui.consent.set({statistics: false, marketing: true})"])
def test_a_withdrawal_out_of_reach_of_everything_is_in_force(
    page: Page, site: Stub, collector: Stub, call: str
) -> None:
    given(page, site, collector)

    def away(request: Request) -> Answer | None:
        return (503, {}, b"") if request.path != "/v1/dongui.js" else None

    collector.intercept = away
    page.goto(site.origin)
    page.wait_for_function("window.dongui && dongui.consent")
    page.evaluate(f"void {call}")
    queued = "Object.keys(localStorage).some(key => key.startsWith('dongui.queue.'))"
    eventually(lambda: page.evaluate(queued), page)
    assert page.evaluate("dongui.consent.granted('statistics')") is False
    collector.intercept = None
    page.goto(site.origin)
    ready(page)
    assert "statistics" not in granted(page)
    eventually(lambda: withdrawn(collector), page)


@pytest.mark.parametrize("missing", ["notice", "panel.js", "queue.js", "ui.js"])
def test_a_withdrawal_without_a_part_throws_nothing_and_is_in_force(
    page: Page, site: Stub, collector: Stub, missing: str
) -> None:
    given(page, site, collector)
    assert page.evaluate("dongui.consent.set({personalisation: true})") == "recorded"
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(error.message))
    collector.intercept = lambda request: (503, {}, b"") if request.path == f"/v1/{missing}" else None
    page.goto(site.origin)
    page.wait_for_function("window.dongui && dongui.consent")
    if missing != "notice":
        ready(page)
    page.evaluate("void dongui.withdraw('statistics')")
    assert page.evaluate("dongui.consent.granted('statistics')") is False
    if missing == "queue.js":
        stored = "Object.keys(localStorage).some(key => key.startsWith('dongui.queue.'))"
        eventually(lambda: page.evaluate(stored), page)
    else:
        eventually(lambda: withdrawn(collector), page)
    collector.intercept = None
    page.goto(site.origin)
    ready(page)
    assert granted(page) == ["personalisation"]
    # What was on its way as the page was left is sent again.
    eventually(lambda: collector.state["statistics"] in ("withdrawn", "refused"), page)
    assert errors == []


def test_nothing_of_the_page_is_lost_by_a_withdrawal(page: Page, site: Stub, collector: Stub) -> None:
    site.pages["/"] = page_of(collector, f"<form method=post action=/order><input id=text></form>{TAG}")
    site.pages["/order"] = site.pages["/"]
    page.goto(site.origin)
    press(page, "accept")
    page.wait_for_function("window.ran")
    with page.expect_navigation():
        page.evaluate("document.forms[0].submit()")
    ready(page)
    page.fill("#text", "typed")
    page.evaluate("dongui.withdraw()")
    eventually(lambda: withdrawn(collector), page)
    assert page.input_value("#text") == "typed"
    assert len(site.asked("/order")) == 1


@pytest.mark.parametrize("hours", [-25, 25, 24 * 30, -24 * 400], ids=lambda hours: f"{hours} hours")
def test_the_browsers_clock_does_not_matter(page: Page, site: Stub, collector: Stub, hours: int) -> None:
    page.add_init_script(f"""{{ const Real = Date, by = {hours} * 36e5;
      window.Date = class extends Real {{
        constructor(...given) {{ super(...(given.length ? given : [Real.now() + by])) }}
        static now() {{ return Real.now() + by }} }} }}""")
    before = now_ms()
    given(page, site, collector)
    collector.requests.clear()
    page.goto(site.origin)
    ready(page)
    page.evaluate("dongui.track('x')")
    eventually(lambda: "x" in [event["name"] for event in collector.events], page)
    assert granted(page) == ["statistics"]
    assert page.locator(BANNER).count() == 0
    assert all(before - 60_000 < event["at"] < now_ms() + 60_000 for event in collector.events)


def test_a_late_answer_gives_nothing_back(page: Page, site: Stub, collector: Stub) -> None:
    page.goto(site.origin)
    ready(page)
    collector.flowing.clear()
    page.evaluate("void dongui.consent.set({statistics: true})")
    eventually(lambda: collector.consents, page)
    page.evaluate("void dongui.withdraw()")
    collector.flowing.set()
    eventually(lambda: withdrawn(collector), page)
    eventually(lambda: "dongui_id" not in cookies(page.context), page)
    eventually(lambda: cookies(page.context).get("dongui", "").split("~")[2:3] == [""], page)
    assert granted(page) == []


# Two decisions close together.

# The look at the world that every page takes once it has loaded would find what was forgotten.
NO_SECOND_LOOK = "const later = setTimeout; setTimeout = (act, ms, ...more) => ms == 700 ? 0 : later(act, ms, ...more);"
HELD_BACK = """
const { request } = LockManager.prototype;
LockManager.prototype.request = function (...given) {
  return request.apply(this, given).then((value) => new Promise((resolve) => (window.letGo = () => resolve(value))));
};
"""


def test_a_decision_made_while_the_last_one_gives_back_its_lock_is_sent(page: Page, site: Stub) -> None:
    page.add_init_script(NO_SECOND_LOOK + HELD_BACK)
    page.goto(site.origin)
    ready(page)
    assert page.evaluate("dongui.consent.set({statistics: true})") == "recorded"
    # The queue has been looked through, and its lock is still on the way back.
    page.wait_for_function("!!window.letGo")
    page.evaluate("window.second = dongui.consent.set({personalisation: true}); setTimeout(letGo, 100); 0")
    assert page.evaluate("second") == "recorded"
    assert granted(page) == ["statistics", "personalisation"]


def test_the_cookie_is_shortened_before_another_tab_has_had_its_turn(
    context: BrowserContext, page: Page, site: Stub, collector: Stub
) -> None:
    given(page, site, collector)
    page.goto(site.origin)
    ready(page)
    other = context.new_page()
    other.goto(site.origin)
    other.evaluate(
        "new Promise(taken => navigator.locks.request('dongui.queue', () => (taken(), new Promise(() => {}))))"
    )
    page.evaluate("void dongui.withdraw()")
    page.wait_for_function("!document.cookie.includes('~statistics~')")
    assert not withdrawn(collector), "the queue is another tab's still"
    other.close()
    eventually(lambda: withdrawn(collector), page)
