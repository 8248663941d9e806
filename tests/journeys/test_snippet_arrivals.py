"""However a guarded element comes into the page: silent before its grant, and run once, in order, after it."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from tests.journeys.snippet_steps import BANNER, eventually, press, ready
from tests.journeys.stub_collector import Stub, page_of

pytestmark = pytest.mark.browser

#: Each way makes the inert script `inert(name)`, which pushes its name, appear in the page (or `root`).
WAYS = {
    "innerHTML": "box.innerHTML = html(name)",
    "insertAdjacentHTML": "box.insertAdjacentHTML('beforeend', html(name))",
    "outerHTML": "box.innerHTML = '<p></p>'; box.firstChild.outerHTML = html(name)",
    "contextual fragment": "box.append(document.createRange().createContextualFragment(html(name)))",
    "React's own way": """const tmp = document.createElement('div'); tmp.innerHTML = '<script><' + '/script>';
        const s = tmp.removeChild(tmp.firstChild); s.setAttribute('type', 'text/plain');
        s.setAttribute('data-purpose', 'statistics'); s.setAttribute('src', src(name)); box.append(s)""",
    "a parsed document": "box.append(new DOMParser().parseFromString(html(name), 'text/html').querySelector('script'))",
    "a template's clone": """const t = document.createElement('template'); t.innerHTML = html(name);
        box.append(t.content.cloneNode(true))""",
    "setAttribute": """const s = inert(); s.setAttribute('src', src(name)); box.append(s)""",
    "src after append": "const s = inert(); box.append(s); await pause(); s.src = src(name)",
    "text after append": "const s = inert(); box.append(s); await pause(); s.append(text(name))",
    "purpose after append": """const s = document.createElement('script'); s.type = 'text/plain'; s.text = text(name);
        box.append(s); await pause(); s.dataset.purpose = 'statistics'""",
    "open shadow root": "box.attachShadow({mode: 'open'}).innerHTML = html(name)",
    "shadow root in a shadow root": """const inner = document.createElement('div');
        box.attachShadow({mode: 'open'}).append(inner); await pause();
        inner.attachShadow({mode: 'open'}).append(Object.assign(inert(), {text: text(name)}))""",
    "declarative shadow root": "box.setHTMLUnsafe(`<div><template shadowrootmode=open>${html(name)}</template></div>`)",
    "late frame": """const f = document.createElement('iframe'); box.append(f);
        f.contentDocument.body.innerHTML = html('parent.' + name)""",
    "late frame's own element": """const f = document.createElement('iframe'); box.append(f);
        const s = f.contentDocument.createElement('script'); s.type = 'text/plain'; s.dataset.purpose = 'statistics';
        s.text = `parent.ran.push("${name}")`; f.contentDocument.body.append(s)""",
    "frame of a srcdoc": """const f = document.createElement('iframe');
        f.srcdoc = html('parent.' + name); box.append(f)""",
    "moved about": """box.innerHTML = html(name); const aside = document.createElement('p');
        box.after(aside); aside.append(box.firstChild)""",
}
TOOLS = """<script>
window.ran = [];
const pause = () => new Promise(requestAnimationFrame);
const text = name => name.startsWith("parent.") ? `parent.ran.push("${name.slice(7)}")` : `ran.push("${name}")`;
const src = name => "/push.js?" + name;
const html = name => `<script type="text/plain" data-purpose="statistics">${text(name)}<` + "/script>";
const inert = () => Object.assign(document.createElement("script"), {type: "text/plain"});
const guarded = inert; window.inert = () => { const s = guarded(); s.dataset.purpose = "statistics"; return s };
</script>"""


def site_with_tools(site: Stub, collector: Stub, body: str = "") -> None:
    site.pages["/"] = page_of(collector, TOOLS + body)
    site.pages["/push.js"] = "ran.push(document.currentScript.src.split('?')[1])"


def add(page: Page, script: str, name: str) -> None:
    page.evaluate(
        """async ([way, name]) => { const box = document.createElement('section'); document.body.append(box);
        await new (Object.getPrototypeOf(async () => {}).constructor)('box', 'name', 'inert', way)(
            box, name, window.inert) }""",
        [script, name],
    )


@pytest.mark.parametrize("way", WAYS)
def test_it_runs_once_after_its_grant(page: Page, site: Stub, collector: Stub, way: str) -> None:
    site_with_tools(site, collector)
    page.goto(site.origin)
    expect(page.locator(BANNER)).to_be_visible()
    add(page, WAYS[way], "before")
    page.wait_for_timeout(150)
    assert page.evaluate("ran") == []
    assert not site.asked("/push.js")
    press(page, "accept")
    page.wait_for_function("ran.includes('before')")
    add(page, WAYS[way], "after")
    page.wait_for_function("ran.includes('after')")
    # And nothing makes it run again.
    page.evaluate("dongui.consent.set({personalisation: false})")
    page.evaluate("document.body.append(document.createElement('p'))")
    page.wait_for_timeout(300)
    assert page.evaluate("ran") == ["before", "after"]


def test_all_ways_together_keep_the_order_and_none_blocks(page: Page, site: Stub, collector: Stub) -> None:
    site_with_tools(site, collector)
    page.goto(site.origin)
    expect(page.locator(BANNER)).to_be_visible()
    # In the document itself; trees apart are walked after it.
    ways = [w for w in WAYS if "root" not in w and "frame" not in w]
    for way in ways:
        add(page, WAYS[way], way.replace(" ", "-").replace("'", ""))
    press(page, "accept")
    page.wait_for_function("n => ran.length == n", arg=len(ways))
    assert page.evaluate("ran.map(decodeURIComponent)") == [w.replace(" ", "-").replace("'", "") for w in ways]


OUT_OF_REACH = {
    "closed shadow root": "box.attachShadow({mode: 'closed'}).innerHTML = html(name)",
    "document that is not shown": "new DOMParser().parseFromString(html(name), 'text/html')",
    "element that is not on the page": "document.createElement('div').innerHTML = html(name)",
    "frame with an address of its own": """const f = document.createElement('iframe'); f.src = '/other'; box.append(f);
        await new Promise(loaded => f.onload = loaded); f.contentDocument.body.innerHTML = html('parent.' + name)""",
}


@pytest.mark.parametrize("way", OUT_OF_REACH)
def test_out_of_reach_as_the_documentation_says(page: Page, site: Stub, collector: Stub, way: str) -> None:
    """It never runs: what waits there waits for good, which is the safe side."""
    site_with_tools(site, collector)
    site.pages["/other"] = "<p>a page of its own</p>"
    page.goto(site.origin)
    expect(page.locator(BANNER)).to_be_visible()
    add(page, OUT_OF_REACH[way], "far")
    add(page, WAYS["innerHTML"], "near")
    press(page, "accept")
    page.wait_for_function("ran.includes('near')")
    page.wait_for_timeout(200)
    assert page.evaluate("ran") == ["near"]


def test_a_declarative_shadow_root_of_the_parsers(page: Page, site: Stub, collector: Stub) -> None:
    inner = '<script type="text/plain" data-purpose="statistics">ran.push("declared")</script>'
    site_with_tools(site, collector, f"<div><template shadowrootmode=open>{inner}</template></div>")
    page.goto(site.origin)
    expect(page.locator(BANNER)).to_be_visible()
    assert page.evaluate("ran") == []
    press(page, "accept")
    page.wait_for_function("ran.length == 1")


def test_a_script_that_never_loads_blocks_nobody_for_good(page: Page, site: Stub, collector: Stub) -> None:
    body = """<script type="text/plain" data-purpose="statistics" src="/never.js"></script>
    <script type="text/plain" data-purpose="statistics" src="/push.js?behind"></script>
    <script type="text/plain" data-purpose="statistics">ran.push("last")</script>"""
    site_with_tools(site, collector, body)
    waiting = []

    def never(route: object) -> None:
        waiting.append(route)

    page.route("**/never.js", never)
    messages: list[str] = []
    page.on("console", lambda m: messages.append(m.text))
    page.goto(site.origin)
    press(page, "accept")
    page.wait_for_function("ran.length == 2")
    assert page.evaluate("ran") == ["behind", "last"]
    eventually(lambda: [m for m in messages if "three seconds" in m], page)


def test_pictures_films_and_their_sources(page: Page, site: Stub, collector: Stub) -> None:
    body = """<picture><source data-purpose="marketing" data-srcset="/wide.png"><img data-purpose="marketing"
      data-src="/picture.png" data-srcset="/picture2.png 1x" alt=""></picture>
    <video><source data-purpose="marketing" data-src="/film.mp4"></video>
    <embed data-purpose="marketing" data-src="/embed.html">
    <object data-purpose="marketing" data-data="/object.html"></object>"""
    site_with_tools(site, collector, body)
    page.goto(site.origin)
    expect(page.locator(BANNER)).to_be_visible()
    assert not [r.path for r in site.requests if r.path not in ("/", "/favicon.ico")]
    page.evaluate("dongui.consent.set({marketing: true})")
    for path in ("/wide.png", "/film.mp4", "/embed.html", "/object.html"):
        eventually(lambda path=path: site.asked(path), page)
    assert page.locator("img").get_attribute("srcset") == "/picture2.png 1x"


@pytest.mark.parametrize("way", ["markup", "innerHTML"])
def test_its_events_fire_as_without_us(page: Page, site: Stub, collector: Stub, way: str) -> None:
    tags = "".join(
        f'<script id="{name}" type="text/plain" data-purpose="statistics" src="/{name}.js"'
        f" onload=\"heard.push(this.id + ' attribute load')\" onerror=\"heard.push(this.id + ' attribute error')\">"
        "</script>"
        for name in ("push", "missing")
    )
    script = f"""<script>window.heard = []; window.ran = [];
      const box = document.getElementById("box"); {"box.innerHTML = box.textContent;" if way == "innerHTML" else ""}
      for (const name of ["push", "missing"]) {{ const s = document.getElementById(name);
        for (const type of ["load", "error"])
          s.addEventListener(type, e => heard.push(e.target.id + " listener " + type)) }}
      document.getElementById("push").onload = () => heard.push("push property load");
      document.getElementById("missing").onerror = () => heard.push("missing property error");
      </script>"""
    box = f'<div id="box">{tags.replace("<", "&lt;") if way == "innerHTML" else tags}</div>'
    site.pages["/"] = page_of(collector, box + script)
    site.pages["/push.js"] = "ran.push('push')"
    page.goto(site.origin)
    press(page, "accept")
    page.wait_for_function("heard.length == 4")
    page.wait_for_timeout(200)
    assert page.evaluate("heard") == [
        "push property load",
        "push listener load",
        "missing property error",
        "missing listener error",
    ]


@pytest.mark.parametrize("space", [" ", "\n", "\t", "\f", " \n  "])
def test_purposes_are_a_token_list(page: Page, site: Stub, collector: Stub, space: str) -> None:
    tokens = f"{space}statistics{space}personalisation{space}"
    body = f'<script type="text/plain" data-purpose="{tokens}">ran.push(1)</script>'
    site_with_tools(site, collector, body)
    page.goto(site.origin)
    press(page, "accept")
    page.wait_for_function("ran.length == 1")


@pytest.mark.parametrize("kind", ["TEXT/PLAIN", "Text/Plain", " text/plain "])
def test_the_type_is_compared_without_case(page: Page, site: Stub, collector: Stub, kind: str) -> None:
    site_with_tools(site, collector, f'<script type="{kind}" data-purpose="statistics">ran.push(1)</script>')
    page.goto(site.origin)
    press(page, "accept")
    page.wait_for_function("ran.length == 1")


@pytest.mark.parametrize(
    ("markup", "said"),
    [
        ('<script type="text/plain" data-purpose="statistic">1</script>', 'no purpose "statistic"'),
        ('<script type="text/plain" data-purpose="constructor">1</script>', 'no purpose "constructor"'),
        ('<script type="text/plain" data-purpose="service">1</script>', "does not rest on consent"),
        ('<script type="text/plain" data-purpose="">1</script>', "names no purpose"),
        ('<script type="text/plan" data-purpose="statistics">1</script>', '"text/plan" is no type'),
        ('<script type="text/plain" data-type="modul" data-purpose="statistics">1</script>', '"modul" is no type'),
        ('<script data-purpose="statistics">1</script>', "did not wait"),
        ('<iframe data-purpose="statistics" data-src="javascript:alert(1)"></iframe>', "only http:"),
        ('<svg><script type="text/plain" data-purpose="statistics">1</script></svg>', "svg script"),
    ],
)
def test_what_never_runs_names_itself_once(page: Page, site: Stub, collector: Stub, markup: str, said: str) -> None:
    messages: list[str] = []
    page.on("console", lambda m: messages.append(m.text) if m.text.startswith("dongui:") else None)
    site_with_tools(site, collector, markup * 2)
    page.goto(site.origin)
    press(page, "accept")
    eventually(lambda: messages, page)
    page.evaluate("document.body.append(document.createElement('p'))")
    page.wait_for_timeout(300)
    assert len(messages) == 1
    assert said in messages[0]


def test_what_the_pages_policy_refuses_names_itself(page: Page, site: Stub, collector: Stub) -> None:
    """An inline script without the nonce that the page's policy asks for, and one of a host that it does not list."""
    messages: list[str] = []
    page.on("console", lambda m: messages.append(m.text) if m.text.startswith("dongui:") else None)
    body = """<script type="text/plain" data-purpose="statistics">document.title = "ran"</script>
      <script type="text/plain" data-purpose="statistics" src="http://other.test/x.js"></script>"""
    csp = f"script-src {collector.origin}; connect-src {collector.origin}"
    site.pages["/"] = ({"Content-Security-Policy": csp}, page_of(collector, body))
    page.goto(site.origin)
    press(page, "accept")
    eventually(lambda: len(messages) == 2, page)
    assert all("Content-Security-Policy refuses it" in m for m in messages)
    expect(page).to_have_title("Shop")


def test_nothing_is_said_where_nothing_is_wrong(page: Page, site: Stub, collector: Stub) -> None:
    messages: list[str] = []
    page.on("console", lambda m: messages.append(m.text) if m.text.startswith("dongui:") else None)
    site_with_tools(site, collector, '<script type="text/plain" data-purpose="statistics">ran.push(1)</script>')
    page.goto(site.origin)
    press(page, "accept")
    page.wait_for_function("ran.length == 1")
    page.evaluate("dongui.withdraw()")
    page.wait_for_timeout(300)
    assert messages == []
    assert not collector.asked("/v1/diagnostics.js")


def test_a_page_without_anything_that_waits_loads_no_more(page: Page, site: Stub, collector: Stub) -> None:
    page.goto(site.origin)
    press(page, "accept")
    eventually(lambda: collector.events, page)
    ready(page)
    assert not collector.asked("/v1/release.js")
