"""The main journey again in Firefox and WebKit, each driven by its own protocol."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import pytest

from tests.journeys.browsers import BROWSERS, Tab
from tests.journeys.stub_collector import VISITOR, Stub, page_of

pytestmark = pytest.mark.browser

BODY = """<script nonce="abc">window.ran = []</script>
<script type="text/plain" data-purpose="statistics" src="/slow.js" nonce="abc"></script>
<script type="text/plain" data-purpose="statistics" nonce="abc">ran.push("inline")</script>
<script type="text/plain" data-purpose="marketing" nonce="abc">ran.push("marketing")</script>
<template data-purpose="statistics" nonce="abc"><p>x</p><script nonce="abc">ran.push("template")</script></template>"""


@pytest.fixture(params=list(BROWSERS))
def tab(request: pytest.FixtureRequest) -> Iterator[Tab]:
    with BROWSERS[request.param]() as tab:
        yield tab


def eventually(condition: Callable[[], object]) -> None:
    until = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < until, "it never came to pass"
        time.sleep(0.05)


def press(tab: Tab, action: str) -> None:
    button = f"""document.querySelector("dongui-root")?.shadowRoot.querySelector("[data-action={action}]")"""
    eventually(lambda: tab.evaluate(f"!!{button}"))
    # Nothing is taken for an answer within half a second of being shown, nor without a person's own press.
    tab.evaluate("new Promise((done) => setTimeout(done, 700))")
    tab.evaluate(f"({button}.scrollIntoView({{ block: 'center' }}), 0)")
    x, y = tab.evaluate(
        f"(({{ x, y, width, height }}) => [x + width / 2, y + height / 2])({button}.getBoundingClientRect())"
    )
    tab.click(round(x), round(y))


def test_asked_granted_recorded_withdrawn(tab: Tab, site: Stub, collector: Stub) -> None:
    csp = f"default-src 'none'; script-src 'nonce-abc'; connect-src {collector.origin}"
    html = page_of(collector, BODY, attributes='nonce="abc"')
    site.pages["/"] = ({"Content-Security-Policy": csp}, html)
    site.pages["/slow.js"] = "ran.push('external')"
    tab.goto(f"{site.origin}/?gclid=SENTINEL&utm_source=mail")
    eventually(lambda: tab.evaluate("!!document.querySelector('dongui-root')"))
    look = "getComputedStyle(document.querySelector('dongui-root').shadowRoot.querySelector('dialog'))"
    assert tab.evaluate(f"[{look}.position, {look}.backgroundColor]") in (
        ["fixed", "rgb(255, 255, 255)"],
        ["fixed", "rgb(27, 30, 36)"],
    )
    assert tab.evaluate("[ran.length, document.cookie, localStorage.length]") == [0, "", 0]
    assert {r.method for r in collector.requests} == {"GET"}
    press(tab, "accept")
    eventually(lambda: tab.evaluate("ran.length") == 3)
    assert tab.evaluate("ran") == ["external", "inline", "template"]
    eventually(lambda: collector.events)
    [event] = collector.events
    assert event["url"] == f"{site.origin}/?utm_source=mail"
    assert "ad_ids" not in event
    assert collector.asked("/v1/events")[0].body["visitor"] == VISITOR
    tab.evaluate("(document.cookie = '_ga=1', dongui.show(), 0)")
    press(tab, "withdraw")
    press(tab, "confirm")
    # Told until it is heard, it may come twice: from the page that goes and from the one that comes.
    eventually(lambda: len({c["id"] for c in collector.consents}) == 2)
    eventually(lambda: tab.evaluate("document.cookie").startswith("dongui=1~v1~~"))
    assert "_ga" not in tab.evaluate("document.cookie")
    # What has run cannot be stopped: the page is offered anew, and starts without what was withdrawn.
    press(tab, "reload")
    eventually(lambda: tab.evaluate("window.ran?.length === 0 && !!window.dongui?.consent"))
    assert tab.evaluate("dongui.consent.ready") == {"statistics": False, "personalisation": False, "marketing": False}
