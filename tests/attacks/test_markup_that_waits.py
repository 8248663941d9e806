"""What strangers may write on a page does not come to run through an element that waits for a consent.

Sanitisers let ``data-…`` attributes and ``<template>`` pass, since browsers do nothing with them: what the snippet
does with them must not be more than the page's policy and address would let the markup do by itself.
"""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from tests.journeys.conftest import collector, context, page, site
from tests.journeys.snippet_steps import BANNER, eventually, press
from tests.journeys.stub_collector import Stub, page_of

__all__ = ["collector", "context", "page", "site"]  # the journeys' fixtures

pytestmark = pytest.mark.browser

OK = '<script type="text/plain" data-purpose="statistics" nonce="n1">window.done = 1</script>'
NONCE = "script-src 'nonce-n1' 'strict-dynamic'; object-src *"


def opened(page: Page, site: Stub, collector: Stub, markup: str, policy: str = "") -> list[str]:
    """The page with the markup, after everything was accepted; answers what the console says."""
    said: list[str] = []
    page.on("console", lambda m: said.append(m.text) if m.text.startswith("dongui:") else None)
    policy = policy and f"{policy}; connect-src {collector.origin}"
    html = page_of(collector, markup + OK, attributes='nonce="n1"' if policy else "")
    site.pages["/"] = ({"Content-Security-Policy": policy} if policy else {}, html)
    site.pages["/evil.js"] = "window.evil = 1"
    site.pages["/evil.html"] = "<script>parent.evil = 1</script>"
    page.goto(site.origin)
    press(page, "accept")
    page.evaluate("dongui.consent.set({marketing: true})")
    page.wait_for_function("window.done")
    page.wait_for_timeout(300)
    return said


ADDRESSES = [
    "javascript:parent.evil=1",
    "JavaScript:parent.evil=1",
    " javascript:parent.evil=1",
    "java&#10;script:parent.evil=1",
    "&#1;javascript:parent.evil=1",
    "data:text/html,<script>parent.evil=1</script>",
    "blob:http://other.test/1",
    "vbscript:evil",
    "file:///etc/passwd",
    "http:javascript",
]


@pytest.mark.parametrize("address", ADDRESSES[:-1])
@pytest.mark.parametrize("tag", ["iframe", "embed", "object"])
def test_only_http_and_this_origin(page: Page, site: Stub, collector: Stub, tag: str, address: str) -> None:
    name = "data-data" if tag == "object" else "data-src"
    said = opened(page, site, collector, f"<{tag} data-purpose='statistics' {name}='{address}'></{tag}>")
    assert page.evaluate("window.evil") is None
    assert page.locator(tag).get_attribute(name.removeprefix("data-")) is None
    assert len(said) == 1
    assert "only http:" in said[0]


def test_relative_addresses_are_this_origins(page: Page, site: Stub, collector: Stub) -> None:
    site.pages["/frame"] = "<p>frame</p>"
    said = opened(page, site, collector, "<iframe data-purpose=statistics data-src=frame></iframe>")
    expect(page.frame_locator("iframe").locator("p")).to_have_text("frame")
    assert said == []


EVIL = '<script src="/evil.js"></script><script>window.evil = 1</script>'


@pytest.mark.parametrize(
    "markup",
    [
        f'<template data-purpose="statistics">{EVIL}</template>',
        f'<template data-purpose="statistics" nonce="other">{EVIL}</template>',
        f'<template data-purpose="statistics" nonce="n1">{EVIL}</template>',
        '<template data-purpose="statistics" nonce="n1"><script src="/evil.js" nonce="n2"></script></template>',
        '<template data-purpose="statistics"><svg><script href="/evil.js"></script></svg></template>',
        '<template data-purpose="statistics" nonce="n1"><svg><script href="/evil.js"></script></svg></template>',
        '<template data-purpose="statistics" nonce="n1"><embed src="/evil.html"></template>',
        '<template data-purpose="statistics" nonce="n1"><object data="/evil.html"></object></template>',
        f'<template data-purpose="statistics" nonce="n1"><iframe srcdoc=\'{EVIL}\'></iframe></template>',
        f"<iframe data-purpose=\"statistics\" data-srcdoc='{EVIL.replace('window', 'parent')}'></iframe>",
        '<script type="text/plain" data-purpose="statistics" src="/evil.js"></script>',
        '<script type="text/plain" data-purpose="statistics">window.evil = 1</script>',
        '<script data-purpose="statistics" data-src="/evil.js"></script>',
        '<template data-purpose="statistics"><div><template shadowrootmode="open" shadowrootclonable>'
        f"{EVIL}</template></div></template>",
    ],
)
def test_under_a_nonce_only_what_carries_it_runs(page: Page, site: Stub, collector: Stub, markup: str) -> None:
    said = opened(page, site, collector, markup, NONCE)
    assert page.evaluate("window.evil") is None
    assert not [r for r in site.requests if "evil" in r.path]
    assert said


def test_under_a_nonce_pictures_and_frames_of_http_need_none(page: Page, site: Stub, collector: Stub) -> None:
    """They bring no code into the page, and the same markup could name them without us."""
    markup = '<iframe data-purpose="statistics" data-src="/frame"></iframe>'
    site.pages["/frame"] = "<p>frame</p>"
    said = opened(page, site, collector, markup, NONCE)
    expect(page.frame_locator("iframe").locator("p")).to_have_text("frame")
    assert said == []


@pytest.mark.parametrize(
    ("inner", "gone"),
    [
        ('<base href="http://other.test/">', "base"),
        ('<meta http-equiv="refresh" content="0;url=/evil.html">', "meta"),
        ('<meta http-equiv="Content-Security-Policy" content="script-src *">', "meta"),
        ("<svg><script>window.evil = 1</script></svg>", "svg script"),
        ('<svg><a><animate attributeName="href" values="javascript:evil=1"></animate></a></svg>', "animate"),
        ('<svg><a><set attributeName="xlink:href" to="javascript:evil=1"></set></a></svg>', "set"),
        ('<a id=x href="javascript:void(window.evil=1)">x</a>', "[href]#x"),
        ('<svg><a id=x href="javascript:void(window.evil=1)"></a></svg>', "[href]#x"),
        (
            '<form id=x action="javascript:void(window.evil=1)"><input name=getAttribute><input name=matches></form>',
            "[action]",
        ),
        ('<form><button id=x formaction="javascript:void(window.evil=1)">x</button></form>', "[formaction]"),
        ('<form><input id=x type=submit formaction=" java\nscript:void(window.evil=1)"></form>', "[formaction]"),
        ('<iframe src="javascript:parent.evil=1"></iframe>', "iframe[src]"),
        ('<embed src="javascript:parent.evil=1">', "embed[src]"),
        ('<object data="javascript:parent.evil=1"></object>', "object[data]"),
    ],
)
def test_what_a_template_does_not_bring(page: Page, site: Stub, collector: Stub, inner: str, gone: str) -> None:
    markup = f'<template data-purpose="statistics">{inner}<p id="kept">kept</p></template>'
    said = opened(page, site, collector, markup)
    expect(page.locator("#kept")).to_be_visible()
    assert page.evaluate("s => document.body.querySelectorAll(s).length", gone) == 0
    assert page.evaluate("window.evil") is None
    assert page.url == f"{site.origin}/"
    assert said


def test_a_form_that_carries_purposes_stops_nobody(page: Page, site: Stub, collector: Stub) -> None:
    markup = """<form data-purpose="statistics" data-src="x"><input name="dataset"><input name="getAttribute">
      <input name="cloneNode"><input name="querySelectorAll"><input name="shadowRoot"><input name="localName"></form>"""
    opened(page, site, collector, markup)
    page.evaluate("document.body.append(document.forms[0])")
    page.evaluate("""() => { const s = document.createElement("script"); s.type = "text/plain";
      s.text = "window.later = 1"; s.dataset.purpose = "statistics"; document.body.append(s) }""")
    page.wait_for_function("window.later")


@pytest.mark.parametrize(
    "name", ["querySelectorAll", "createElement", "addEventListener", "URL", "baseURI", "defaultView"]
)
def test_a_name_in_the_page_or_a_frame_stops_nobody(page: Page, site: Stub, collector: Stub, name: str) -> None:
    frame = f"<img name={name}><script type=text/plain data-purpose=statistics>parent.framed = 1</script>"
    opened(page, site, collector, f'<img name="{name}"><iframe srcdoc="{frame}"></iframe>')
    page.wait_for_function("window.framed")


# --- Trusted Types ----------------------------------------------------------------------------------------------------

REQUIRED = "require-trusted-types-for 'script'"
TAGS = """<script type="text/plain" data-purpose="statistics" src="/run.js?one"></script>
<script type="text/plain" data-purpose="statistics">document.title += " inline"</script>
<template data-purpose="statistics"><p id="markup">text</p><script src="/run.js?two"></script></template>
<iframe data-purpose="statistics" data-src="/frame"></iframe>"""


@pytest.mark.parametrize("directive", ["", "; trusted-types dongui", "; trusted-types 'none'"])
def test_trusted_types(page: Page, site: Stub, collector: Stub, directive: str) -> None:
    """Also where no policy may be made: what the parser made is put in again, with its type."""
    site.pages["/run.js"] = "document.title += ' ' + document.currentScript.src.split('?')[1]"
    site.pages["/frame"] = "<p>frame</p>"
    site.pages["/"] = ({"Content-Security-Policy": REQUIRED + directive}, page_of(collector, TAGS))
    page.goto(site.origin)
    expect(page.locator(BANNER)).to_be_visible()
    press(page, "accept")
    expect(page).to_have_title("Shop one inline two")
    expect(page.locator("#markup")).to_be_visible()
    expect(page.frame_locator("iframe").locator("p")).to_have_text("frame")
    page.evaluate("dongui.show()")
    expect(page.locator("dongui-root .panel")).to_be_visible()


def test_trusted_types_and_markup_that_a_policy_of_the_page_made(page: Page, site: Stub, collector: Stub) -> None:
    body = """<div id="box"></div><script>const p = trustedTypes.createPolicy("page", {createHTML: text => text});
      document.getElementById("box").innerHTML = p.createHTML(
        '<script type="text/plain" data-purpose="statistics">document.title = "ran"<\\/script>')</script>"""
    csp = f"{REQUIRED}; trusted-types page dongui"
    site.pages["/"] = ({"Content-Security-Policy": csp}, page_of(collector, body))
    page.goto(site.origin)
    press(page, "accept")
    expect(page).to_have_title("ran")


def test_what_the_pages_own_default_policy_refuses_stays_refused(page: Page, site: Stub, collector: Stub) -> None:
    body = """<script>trustedTypes.createPolicy("default", {createScript: () => null, createScriptURL: () => null})
      </script><div id="box"></div>
      <template id="t"><script type="text/plain" data-purpose="statistics">window.evil = 1</script></template>
      <script>const p = trustedTypes.createPolicy("page", {createHTML: text => text});
      document.getElementById("box").innerHTML = p.createHTML(document.getElementById("t").innerHTML)</script>"""
    site.pages["/"] = ({"Content-Security-Policy": REQUIRED}, page_of(collector, body))
    page.goto(site.origin)
    press(page, "accept")
    eventually(lambda: collector.consents, page)
    page.wait_for_timeout(300)
    assert page.evaluate("window.evil") is None
