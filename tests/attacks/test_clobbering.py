"""Markup that a site lets strangers write cannot stand in for what the browser made (issue: DOM clobbering).

Sanitised HTML keeps ``name`` and ``id``; ``<img name=cookie>`` then shadows ``document.cookie``, ``<form id=dongui>``
is ``window.dongui``. The snippet reads prototypes, which markup does not reach.
"""

from __future__ import annotations

import pytest
from dongui.policy import inline_stub
from playwright.sync_api import BrowserContext, Page, expect

from tests.journeys.conftest import collector, context, page, site
from tests.journeys.snippet_steps import BANNER, cookies, eventually, granted, press, ready
from tests.journeys.stub_collector import Stub, page_of

__all__ = ["collector", "context", "page", "site"]  # the journeys' fixtures

pytestmark = pytest.mark.browser

#: What the snippet reads of a document, each under the name of an element that may carry one.
NAMES = [
    "currentScript",
    "cookie",
    "body",
    "documentElement",
    "querySelector",
    "querySelectorAll",
    "createElement",
    "addEventListener",
    "dispatchEvent",
    "activeElement",
    "visibilityState",
    "referrer",
    "prerendering",
]


def stranger(tag: str, name: str, evil: str) -> str:
    """An element with that name, as a sanitiser leaves it; a ``base`` of the attacker's in its address."""
    source = f'src="{evil}/v1/dongui.js" data-site="S"'
    return {
        "img": f"<img name='{name}' {source}>",
        "form": f"<form name='{name}'><input name=dataset></form>",
        "two forms": f"<form name='{name}'></form><form name='{name}'></form>",
        "embed": f"<embed name='{name}' hidden>",
        "object": f"<object id='{name}' name='{name}'></object>",
    }[tag]


def before_the_tag(collector: Stub, markup: str) -> str:
    """The page with the stranger's markup above the snippet, and a tag that waits."""
    tag = f'<script src="{collector.origin}/v1/dongui.js" data-site="S"></script>'
    waiting = '<script type="text/plain" data-purpose="statistics">window.ran = 1</script>'
    return f"<!doctype html><html lang=ko><title>Shop</title><body>{markup}<h1>Shop</h1>{waiting}{tag}</body></html>"


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("tag", ["img", "form"])
def test_a_name_shadows_nothing_that_the_snippet_reads(
    context: BrowserContext, page: Page, site: Stub, collector: Stub, tag: str, name: str
) -> None:
    site.pages["/"] = before_the_tag(collector, stranger(tag, name, f"http://evil.test:{site.port}"))
    page.goto(site.origin)
    expect(page.locator(BANNER)).to_be_visible()
    press(page, "accept")
    page.wait_for_function("window.ran === 1")
    eventually(lambda: collector.events, page)
    assert "statistics" in granted(page)
    page.evaluate("dongui.withdraw()")
    eventually(lambda: any("statistics" in c["refused"] for c in collector.consents), page)
    eventually(lambda: list(cookies(context)) == ["dongui"], page)
    assert not [r for r in site.requests if "evil" in r.host and r.path != "/v1/dongui.js"]


@pytest.mark.parametrize("tag", ["embed", "object", "two forms"])
def test_other_elements_that_carry_a_name(
    context: BrowserContext, page: Page, site: Stub, collector: Stub, tag: str
) -> None:
    markup = "".join(stranger(tag, name, f"http://evil.test:{site.port}") for name in NAMES)
    site.pages["/"] = before_the_tag(collector, markup)
    page.goto(site.origin)
    expect(page.locator(BANNER)).to_be_visible()
    press(page, "refuse")
    expect(page.locator(BANNER)).to_have_count(0)
    eventually(lambda: collector.consents, page)
    eventually(lambda: "dongui" in cookies(context), page)


@pytest.mark.parametrize(
    "markup",
    [
        "<form id=dongui></form>",
        "<img name=dongui>",
        "<form id=dongui><input name=q><input name=_core value=1><input name=push></form>",
        "<a id=dongui></a><a id=dongui name=_core></a>",
        "<iframe name=dongui></iframe>",
    ],
)
def test_an_element_is_not_the_snippet(page: Page, site: Stub, collector: Stub, markup: str) -> None:
    site.pages["/"] = before_the_tag(collector, markup)
    page.goto(site.origin)
    expect(page.locator(BANNER)).to_be_visible()
    ready(page)
    page.evaluate("dongui.consent.set({statistics: true})")
    page.wait_for_function("window.ran === 1")


# --- the stub: what holds an address that the policy declares --------------------------------------------------------

#: What is asked of a node where markup or an address comes in, each as a form's field may be called.
FIELDS = [
    "querySelectorAll",
    "nodeType",
    "localName",
    "namespaceURI",
    "ownerDocument",
    "parentNode",
    "bind",
    "hasAttribute",
    "getAttribute",
    "setAttribute",
    "removeAttribute",
    "replaceChildren",
    "replaceWith",
    "append",
    "prepend",
    "before",
    "after",
    "children",
    "attributes",
]
FORM = "<form id=f>" + "".join(f"<input name={name}>" for name in FIELDS)

#: Each puts an image with a declared address into a form, or beside it, and would ask for it.
INTO_A_FORM = {
    "node": "const p = document.createElement('p'); p.innerHTML = IMAGE; put(f, p)",
    "clone": "const c = copy(f); put(document.body, c); new Image().src = url",
    "import": "put(document.body, document.importNode(f, true)); new Image().src = url",
    "innerHTML": "Object.getOwnPropertyDescriptor(Element.prototype, 'innerHTML').set.call(f, IMAGE)",
    "outerHTML": "Object.getOwnPropertyDescriptor(Element.prototype, 'outerHTML').set.call(f, IMAGE)",
    "outerHTML of a field": "f.firstElementChild.outerHTML = IMAGE",
    "beforeend": "Element.prototype.insertAdjacentHTML.call(f, 'beforeend', IMAGE)",
    "afterend": "Element.prototype.insertAdjacentHTML.call(f, 'afterend', IMAGE)",
    "beside a field": "f.firstElementChild.insertAdjacentHTML('beforebegin', IMAGE)",
}
RUN = """([way, url]) => {
  const f = document.getElementById("f"), IMAGE = `<img src="${url}" alt="">`;
  const put = (where, node) => Node.prototype.appendChild.call(where, node);
  const copy = (node) => Node.prototype.cloneNode.call(node, true);
  new Function("f", "url", "IMAGE", "put", "copy", way)(f, url, IMAGE, put, copy);
}"""


def stubbed(site: Stub, collector: Stub, markup: str) -> str:
    """A page with the stub and the markup; answers an address that the policy declares, which is another origin's."""
    address = f"http://ads.test:{site.port}/t/p.gif"
    collector.policy["purposes"]["statistics"]["urls"] = [f"http://ads.test:{site.port}/t/*"]
    site.pages["/"] = page_of(collector, markup, head=inline_stub(collector.policy))
    return address


@pytest.mark.parametrize("name", ["baseURI", "defaultView", "createElement", "querySelectorAll", "importNode"])
@pytest.mark.parametrize("way", ["new Image().src = url", "document.body.innerHTML += `<img src='${url}'>`"])
def test_a_name_lets_nothing_out_of_the_stubs_hold(
    page: Page, site: Stub, collector: Stub, name: str, way: str
) -> None:
    address = stubbed(site, collector, f"<img name={name} alt=''><h1>Shop</h1>")
    page.goto(site.origin)
    expect(page.locator(BANNER)).to_be_visible()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.evaluate(f"url => {{ {way} }}", address)
    page.evaluate("url => fetch(url).catch(() => 0)", f"{site.origin}/after")
    assert address not in asked


@pytest.mark.parametrize("way", INTO_A_FORM)
def test_a_forms_fields_stand_in_for_nothing_that_the_stub_asks(
    page: Page, site: Stub, collector: Stub, way: str
) -> None:
    address = stubbed(site, collector, FORM + "</form>")
    errors: list[str] = []
    asked: list[str] = []
    page.on("pageerror", lambda error: errors.append(error.message))
    page.goto(site.origin)
    expect(page.locator(BANNER)).to_be_visible()
    page.on("request", lambda request: asked.append(request.url))
    page.evaluate(RUN, [INTO_A_FORM[way], address])
    page.evaluate("url => fetch(url).catch(() => 0)", f"{site.origin}/after")
    assert address not in asked
    assert errors == []


def test_a_form_keeps_nothing_behind_it_from_being_held(page: Page, site: Stub, collector: Stub) -> None:
    address = stubbed(site, collector, FORM + "</form><img id=behind src='ADDRESS' alt=''>")
    html = site.pages["/"]
    assert isinstance(html, str)
    site.pages["/"] = html.replace("ADDRESS", address)
    page.goto(site.origin)
    expect(page.locator(BANNER)).to_be_visible()
    assert page.locator("#behind").get_attribute("data-src") == address


def test_a_form_out_of_a_template_goes_with_the_withdrawal(page: Page, site: Stub, collector: Stub) -> None:
    fields = "".join(f"<input name={name}>" for name in ["parentNode", "remove", "matches", "querySelector"])
    site.pages["/"] = page_of(
        collector, f"<template data-purpose=statistics><form id=out>{fields}</form><p id=last>ad</p></template>"
    )
    page.goto(site.origin)
    press(page, "accept")
    expect(page.locator("#out")).to_be_attached()
    page.evaluate("dongui.withdraw()")
    expect(page.locator("#last")).to_have_count(0)
    expect(page.locator("#out")).to_have_count(0)
