"""With the stub, what a script makes with a declared address asks for nothing before its grant, however it comes."""

from __future__ import annotations

import pytest
from dongui.policy import inline_stub
from playwright.sync_api import Page, expect

from tests.journeys.snippet_steps import BANNER, eventually, press
from tests.journeys.stub_collector import Stub, page_of

pytestmark = pytest.mark.browser

#: Each way asks for `/t/NAME` when nobody stops it.
WAYS = {
    "script": "const s = make('script'); s.src = url; box.append(s)",
    "script, src after append": "const s = make('script'); box.append(s); s.src = url",
    "script, setAttribute": "const s = make('script'); s.setAttribute('SRC', url); box.append(s)",
    "script, setAttribute after append": "const s = make('script'); box.append(s); s.setAttribute('src', url)",
    "script, setAttributeNS": "const s = make('script'); s.setAttributeNS(null, 'src', url); box.append(s)",
    "script, attribute node": """const s = make('script'), a = document.createAttribute('src'); a.value = url;
        s.setAttributeNode(a); box.append(s)""",
    "script, attribute node NS": """const s = make("script"), a = document.createAttributeNS(null, "src");
        a.value = url; box.append(s); s.setAttributeNodeNS(a)""",
    "script, list of attributes": """const s = make('script'), a = document.createAttribute('src'); a.value = url;
        s.attributes.setNamedItem(a); box.append(s)""",
    "script, contextual fragment": """box.append(document.createRange().createContextualFragment(
        `<script src="${url}"><` + '/script>'))""",
    "script, a template's clone": """const t = make('template');
        t.innerHTML = `<script src="${url}"><` + '/script>'; box.append(t.content.cloneNode(true))""",
    "script, a template's import": """const t = make('template');
        t.innerHTML = `<script src="${url}"><` + '/script>'; box.append(document.importNode(t.content, true))""",
    "script, React's own way": """const tmp = make('div'); tmp.innerHTML = '<script><' + '/script>';
        const s = tmp.removeChild(tmp.firstChild); s.setAttribute('src', url); box.append(s)""",
    "script, clone": "const s = make('script'); s.src = url; box.append(s.cloneNode(true))",
    "module": "const s = make('script'); s.type = 'module'; s.src = url; box.append(s)",
    "image": "new Image().src = url",
    "image, setAttribute": "make('img').setAttribute('src', url)",
    "image, srcset": "make('img').srcset = `${url} 1x`",
    "image, srcset attribute": "make('img').setAttribute('srcset', `/ok.png 1x, ${url} 2x`)",
    "image, list of attributes": """const i = make('img'), a = document.createAttribute('src'); a.value = url;
        i.attributes.setNamedItem(a)""",
    "image, list of attributes NS": """const i = make('img'), a = document.createAttribute('src'); a.value = url;
        i.attributes.setNamedItemNS(a)""",
    "image, attribute's value": "const i = make('img'); i.src = '/ok.png'; i.attributes.src.value = url",
    "image, attribute's node value": """const i = make('img'); i.src = '/ok.png';
        i.getAttributeNode('src').nodeValue = url""",
    "image, attribute's text": """const i = make('img'); i.src = '/ok.png';
        i.getAttributeNode('src').textContent = url""",
    "image, innerHTML": 'box.innerHTML = `<p><img src="${url}"></p>`',
    "image, innerHTML of what is not on the page": 'make("div").innerHTML = `<img src="${url}">`',
    "image, srcset by innerHTML": 'box.innerHTML = `<img srcset="${url} 1x">`',
    "picture": 'box.innerHTML = `<picture><source srcset="${url}"><img alt=""></picture>`',
    "image, parsed document": """box.append(
        new DOMParser().parseFromString(`<img src="${url}">`, 'text/html').body.firstChild)""",
    "frame": "const f = make('iframe'); f.src = url; box.append(f)",
    "frame, src after append": "const f = make('iframe'); box.append(f); f.src = url",
    "frame, attribute node NS": """const f = make('iframe'), a = document.createAttributeNS(null, 'src'); a.value = url;
        f.setAttributeNodeNS(a); box.append(f)""",
    "frame, innerHTML": 'box.innerHTML = `<iframe src="${url}"></iframe>`',
    "frame, outerHTML": 'box.innerHTML = "<p></p>"; box.firstChild.outerHTML = `<iframe src="${url}"></iframe>`',
    "frame, insertAdjacentHTML": 'box.insertAdjacentHTML("beforeend", `<iframe src="${url}"></iframe>`)',
    "frame of a srcdoc": 'const f = make("iframe"); f.srcdoc = `<img src="${url}">`; box.append(f)',
    "film": 'box.innerHTML = `<video src="${url}" autoplay muted></video>`',
    "film's poster": "const v = make('video'); v.poster = url; box.append(v)",
    "film's source": 'box.innerHTML = `<video><source src="${url}"></video>`',
    "embed": "const e = make('embed'); e.src = url; box.append(e)",
    "object": "const o = make('object'); o.data = url; box.append(o)",
    "open shadow root": "box.attachShadow({mode: 'open'}).innerHTML = `<img src='${url}'>`",
    "closed shadow root, by innerHTML": """const root = box.attachShadow({mode: 'closed'});
        root.innerHTML = `<iframe src='${url}'></iframe>`""",
    "shadow root, script": """const s = make('script'); box.attachShadow({mode: 'open'}).append(s); s.src = url""",
    "late frame, innerHTML": """const f = make('iframe'); box.append(f);
        f.contentDocument.body.innerHTML = `<img src="${url}">`""",
    "late frame, its own script": """const f = make('iframe'); box.append(f);
        const s = f.contentDocument.createElement('script'); s.src = url; f.contentDocument.head.append(s)""",
    "late frame, its own image": "const f = make('iframe'); box.append(f); new f.contentWindow.Image().src = url",
    "late frame, a frame in it": """const f = make('iframe'); box.append(f);
        const g = f.contentDocument.createElement('iframe'); f.contentDocument.body.append(g);
        new g.contentWindow.Image().src = url""",
}
#: What is let loose on the page again, and asks then. What was never part of the page is forgotten.
FORGOTTEN = {
    "image",
    "image, setAttribute",
    "image, srcset",
    "image, srcset attribute",
    "image, list of attributes",
    "image, list of attributes NS",
    "image, attribute's value",
    "image, attribute's node value",
    "image, attribute's text",
    "image, innerHTML of what is not on the page",
    "late frame, its own image",
    "late frame, a frame in it",
    "closed shadow root, by innerHTML",
    "script, React's own way",
}


def tracked(site: Stub) -> list[str]:
    return [r.path for r in site.requests if r.path.startswith("/t/")]


@pytest.fixture
def held(site: Stub, collector: Stub) -> None:
    """A page with the stub, and a policy that declares `/t/…` on the site, written in full."""
    collector.policy["purposes"]["statistics"]["urls"] = [f"{site.origin}/t/*"]
    tools = """<script>const make = name => document.createElement(name); window.ran = []</script>"""
    site.pages["/"] = page_of(collector, tools, head=inline_stub(collector.policy))
    site.pages["/t/x"] = "globalThis.ran = 1"


ADDED = """([way, url]) => { const box = make("section"); document.body.append(box);
  new Function("box", "url", way)(box, url) }"""


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.usefixtures("held")
def test_it_asks_for_nothing_before_its_grant(page: Page, site: Stub, way: str) -> None:
    page.goto(site.origin)
    expect(page.locator(BANNER)).to_be_visible()
    # Markup within markup is searched for what the policy declares, as it stands there.
    page.evaluate(ADDED, [WAYS[way], f"{site.origin}/t/x" if "srcdoc" in way else "/t/x"])
    page.wait_for_timeout(150)
    assert tracked(site) == []
    press(page, "accept")
    if way not in FORGOTTEN:
        eventually(lambda: tracked(site), page)


@pytest.mark.parametrize("form", ["{origin}/t/x", "//{host}/t/x", "./t/x", "/a/../t/x", "HTTP:{slashes}/t/x"])
@pytest.mark.parametrize("way", ["script", "image, innerHTML", "frame"])
@pytest.mark.usefixtures("held")
def test_however_the_address_is_written(page: Page, site: Stub, way: str, form: str) -> None:
    page.goto(site.origin)
    expect(page.locator(BANNER)).to_be_visible()
    host = site.origin.removeprefix("http://")
    page.evaluate(ADDED, [WAYS[way], form.format(origin=site.origin, host=host, slashes=f"//{host}")])
    page.wait_for_timeout(150)
    assert tracked(site) == []


@pytest.mark.usefixtures("held")
def test_markup_that_names_nothing_declared_is_set_as_it_is(page: Page, site: Stub) -> None:
    page.goto(site.origin)
    expect(page.locator(BANNER)).to_be_visible()
    sets = (
        """html => { const box = make('div'); document.body.append(box); box.innerHTML = html; return box.innerHTML }"""
    )
    for html in ['<p>a<img src="/ok.png" alt=""></p>', "<tr><td>1</td></tr>", "<b>a<i>b</b>c</i>", "text &amp; text"]:
        native = page.evaluate(
            """html => { const { body } = document.implementation.createHTMLDocument("");
              body.innerHTML = html; return body.innerHTML }""",
            html,
        )
        assert page.evaluate(sets, html) == native
    eventually(lambda: site.asked("/ok.png"), page)


@pytest.mark.usefixtures("held")
def test_after_the_grant_nothing_is_held(page: Page, site: Stub) -> None:
    page.goto(site.origin)
    press(page, "accept")
    page.evaluate("dongui.consent.ready")
    eventually(lambda: page.evaluate("dongui.consent.granted('statistics')"), page)
    page.evaluate("new Image().src = '/t/x'")
    eventually(lambda: tracked(site) == ["/t/x"], page)


# --- out of reach: what docs/browser.md says is not held back --------------------------------------------------------

OUT_OF_REACH = {
    "parser markup": "<img src='/t/x' alt=''>",
    "document.write": "<script>document.write(`<script src='/t/x'><` + '/script>')</script>",
    "XMLHttpRequest": "const x = new XMLHttpRequest(); x.open('GET', '/t/x'); x.send()",
    "fetch": "fetch('/t/x')",
    "beacon": "navigator.sendBeacon('/t/x')",
    "worker": "new Worker('/t/x')",
    "preload": """const l = make('link'); l.rel = 'preload'; l.as = 'image'; l.href = '/t/x';
        document.head.append(l)""",
    "style sheet": """const l = make('link'); l.rel = 'stylesheet'; l.href = '/t/x'; document.head.append(l)""",
    "CSS": "document.body.style.background = 'url(/t/x)'",
}


@pytest.mark.parametrize("way", OUT_OF_REACH)
@pytest.mark.usefixtures("held")
def test_out_of_reach_as_the_documentation_says(page: Page, site: Stub, collector: Stub, way: str) -> None:
    script = OUT_OF_REACH[way]
    markup = script.startswith("<")
    if markup:
        site.pages["/"] = page_of(collector, script, head=inline_stub(collector.policy))
    page.goto(site.origin)
    if not markup:
        expect(page.locator(BANNER)).to_be_visible()
        page.evaluate(script)
    eventually(lambda: tracked(site), page)
