"""Page views: each address once, by whoever counts it, and none because a page goes."""

from __future__ import annotations

import time
from collections.abc import Callable
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Page

from tests.journeys.snippet_steps import decide, eventually, press, quiet, ready
from tests.journeys.stub_collector import Answer, Request, Stub, page_of

pytestmark = pytest.mark.browser


@pytest.fixture
def mounted(collector: Stub) -> Stub:
    """A site with the collector on its own origin, whose server says that it counts the pages that it serves."""
    collector.mounted = True
    collector.policy["page_views"] = "server"
    collector.pages["/"] = collector.pages["/next"] = page_of(collector, base="/_dongui")
    return collector


def views(collector: Stub) -> list[str]:
    """The paths of page views, each event once, as the collector keeps it."""
    events = {e["id"]: urlsplit(e["url"]).path for e in collector.events if e["name"] == "pageview"}
    return list(events.values())


#: A page whose own script changes the address as soon as the snippet is there.
MOVES_AT_ONCE = """<script>const wait = setInterval(() => { if (!window.dongui?.consent) return;
  clearInterval(wait); history.pushState(0, "", "/early"); fetch("/moved") })</script>"""


def notice_after(site: Stub) -> Callable[[Request], Answer | None]:
    """Holds the notice back until the page of `site` has moved on, so that the choice is not known before."""

    def answer(request: Request) -> Answer | None:
        until = time.monotonic() + 60
        while request.path == "/v1/notice" and not site.asked("/moved") and time.monotonic() < until:
            time.sleep(0.01)
        return None

    return answer


def accepted(page: Page, collector: Stub, address: str) -> None:
    page.goto(address)
    press(page, "accept")
    eventually(lambda: collector.events, page)


def test_a_page_that_goes_does_not_count_itself_again(page: Page, site: Stub, collector: Stub) -> None:
    """A page learns of its end twice, as left and as hidden; what it does then must not look like a return."""
    site.pages["/next"] = page_of(collector)
    accepted(page, collector, site.origin)
    for route in ("/a", "/b"):
        page.evaluate(f"history.pushState(0, '', '{route}')")
    page.goto(f"{site.origin}/next")
    eventually(lambda: "/next" in views(collector), page)
    page.wait_for_timeout(1200)
    assert sorted(views(collector)) == ["/", "/a", "/b", "/next"]
    page.go_back(wait_until="commit")
    eventually(lambda: views(collector).count("/b") == 2, page)
    page.wait_for_timeout(1200)
    assert sorted(views(collector)) == ["/", "/a", "/b", "/b", "/next"]


def test_hiding_and_showing_a_tab_is_no_view(page: Page, site: Stub, collector: Stub) -> None:
    accepted(page, collector, site.origin)
    page.evaluate("""() => { for (const n of [1, 2, 3])
      document.dispatchEvent(new Event("visibilitychange", {bubbles: true})) }""")
    page.wait_for_timeout(1300)
    assert views(collector) == ["/"]


def test_routes_taken_before_the_choice_is_known_each_count(page: Page, site: Stub, collector: Stub) -> None:
    accepted(page, collector, site.origin)
    site.pages["/moved"] = ""
    site.pages["/"] = page_of(collector, head=MOVES_AT_ONCE)
    collector.intercept = notice_after(site)
    page.goto(site.origin)
    eventually(lambda: "/early" in views(collector), page)
    assert views(collector) == ["/", "/", "/early"]


def test_the_middleware_counts_the_page_it_served(page: Page, mounted: Stub) -> None:
    # The page on which the choice is made is the snippet's: the server could not know when it served it.
    accepted(page, mounted, mounted.origin)
    page.goto(f"{mounted.origin}/next")
    ready(page)
    page.evaluate("history.pushState(0, '', '/spa')")
    eventually(lambda: len(views(mounted)) == 2, page)
    page.wait_for_timeout(1200)
    assert views(mounted) == ["/", "/spa"]


def test_a_route_taken_at_once_is_not_swallowed_with_the_page(page: Page, mounted: Stub) -> None:
    accepted(page, mounted, mounted.origin)
    mounted.pages["/moved"] = ""
    mounted.pages["/next"] = page_of(mounted, base="/_dongui", head=MOVES_AT_ONCE)
    mounted.intercept = notice_after(mounted)
    page.goto(f"{mounted.origin}/next")
    eventually(lambda: len(views(mounted)) == 2, page)
    assert views(mounted) == ["/", "/early"]


def test_without_the_servers_word_the_snippet_counts(page: Page, mounted: Stub) -> None:
    """A plain proxy, or a middleware with ``page_views=False``: nobody else does."""
    del mounted.policy["page_views"]
    accepted(page, mounted, mounted.origin)
    page.goto(f"{mounted.origin}/next")
    eventually(lambda: len(views(mounted)) == 2, page)
    assert views(mounted) == ["/", "/next"]


def test_a_page_loaded_before_the_choice_had_arrived_is_the_snippets(page: Page, mounted: Stub) -> None:
    """The visitor goes on before the collector has answered: the server did not know whose view it was."""
    mounted.flowing.clear()
    page.goto(mounted.origin)
    decide(page, "accept", mounted)
    page.goto(f"{mounted.origin}/next")
    ready(page)
    mounted.flowing.set()
    eventually(lambda: "/next" in views(mounted), page)
    page.wait_for_timeout(1200)
    assert views(mounted).count("/next") == 1


def test_a_page_from_the_cache_is_the_snippets(page: Page, mounted: Stub) -> None:
    """The server was not asked, so it counted nothing."""
    html = page_of(mounted, '<a href="/next">next</a>', base="/_dongui")
    mounted.pages["/next"] = ({"Cache-Control": "max-age=600"}, html)
    accepted(page, mounted, mounted.origin)
    page.goto(f"{mounted.origin}/next")
    ready(page)
    page.goto("about:blank")
    page.goto(f"{mounted.origin}/next")
    eventually(lambda: "/next" in views(mounted), page)  # what leaves at once may go before it is recorded
    page.goto(mounted.origin)
    quiet(page, mounted)
    assert len(mounted.asked("/next")) == 1
    assert views(mounted).count("/next") == 1


def test_what_the_server_could_not_count_before_a_grant(page: Page, mounted: Stub) -> None:
    """Refused when the page was served, granted on it: the server had nothing to go by."""
    page.goto(mounted.origin)
    press(page, "refuse")
    page.goto(f"{mounted.origin}/next")
    ready(page)
    page.evaluate("dongui.consent.set({statistics: true})")
    eventually(lambda: views(mounted), page)
    assert views(mounted) == ["/next"]


@pytest.mark.parametrize("server", [True, False])
def test_page_views_can_be_left_to_others(page: Page, mounted: Stub, server: bool) -> None:
    if not server:
        del mounted.policy["page_views"]
    mounted.pages["/"] = page_of(mounted, base="/_dongui", attributes='data-page-views="off"')
    page.goto(mounted.origin)
    decide(page, "accept", mounted)
    page.evaluate("history.pushState(0, '', '/x'); dongui.track('own')")
    eventually(lambda: mounted.events, page)
    page.goto(mounted.origin)
    ready(page)
    page.evaluate("dongui.track('second')")
    eventually(lambda: len(mounted.events) == 2, page)
    page.wait_for_timeout(1200)
    assert [e["name"] for e in mounted.events] == ["own", "second"]


@pytest.mark.parametrize(
    ("address", "recorded"),
    [
        ("/shop?utm_source=naver#/cart?color=red", "/shop/cart?utm_source=naver"),
        ("/shop#/cart?utm_source=naver", "/shop/cart?utm_source=naver"),
        ("/shop/?utm_source=naver#!/cart", "/shop/cart?utm_source=naver"),
        ("/shop?utm_source=naver#!cart/1", "/shop/cart/1?utm_source=naver"),
        ("/shop?utm_source=naver#reviews", "/shop?utm_source=naver"),
        ("/shop#/", "/shop/"),
    ],
)
def test_routes_in_the_fragment_of_every_style(
    page: Page, site: Stub, collector: Stub, address: str, recorded: str
) -> None:
    site.pages["/shop"] = site.pages["/shop/"] = page_of(collector)
    page.goto(site.origin + address)
    press(page, "accept")
    eventually(lambda: collector.events, page)
    assert collector.events[0]["url"] == site.origin + recorded
