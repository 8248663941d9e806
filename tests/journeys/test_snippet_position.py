"""Where the question stands: where the site says, never over what is about to be used, and on some paths nowhere."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from tests.journeys.shots import collector_answer
from tests.journeys.snippet_steps import BANNER, eventually, press, ready
from tests.journeys.stub_collector import Stub, page_of

pytestmark = pytest.mark.browser

#: Django's login, as far as its geometry goes: a module in the middle, 28em wide, its button at the end.
LOGIN = """<style>body{{margin:0}}#header{{padding:10px 40px;background:#417690;height:44px}}
#c{{width:28em;max-width:90vw;margin:{top}px auto 0;padding:20px;box-sizing:border-box}}
label,input{{display:block;width:100%;box-sizing:border-box}}input{{padding:8px;margin:4px 0 15px}}</style>
<div id="header">Django administration</div><div id="c"><form method="post">
<label>Username:<input name="username" {focus}></label><label>Password:<input type="password" name="password"></label>
<input type="submit" value="Log in"></form></div>"""
SIZES = [(1280, 800), (360, 740), (1280, 600), (740, 800)]


@pytest.fixture(autouse=True)
def still(page: Page, collector: Stub) -> None:
    """What is measured does not move; the question is the seed policy's, as long as one is."""
    page.emulate_media(reduced_motion="reduce")
    collector.intercept = collector_answer


def box_of(page: Page, selector: str) -> dict[str, float]:
    found = page.locator(selector).bounding_box()
    assert found, selector
    return dict(found)


def covered(page: Page, selector: str) -> bool:
    one, two = box_of(page, BANNER), box_of(page, selector)
    apart = (
        one["x"] + one["width"] <= two["x"]
        or two["x"] + two["width"] <= one["x"]
        or one["y"] + one["height"] <= two["y"]
        or two["y"] + two["height"] <= one["y"]
    )
    return not apart


def asked(page: Page, site: Stub, collector: Stub, body: str = "", attributes: str = "") -> None:
    site.pages["/"] = page_of(collector, body, attributes=attributes)
    page.goto(site.origin)
    expect(page.locator(BANNER)).to_be_visible()


@pytest.mark.parametrize(
    ("position", "where"),
    [
        ("bottom", lambda b: b["y"] > 400 and abs(b["x"] + b["width"] / 2 - 640) < 2),
        ("corner", lambda b: b["x"] + b["width"] > 1250 and b["y"] + b["height"] > 770),
        ("bar", lambda b: b["x"] == 0 and b["width"] == 1280 and b["y"] + b["height"] == 800),
        ("top", lambda b: b["y"] < 20 and abs(b["x"] + b["width"] / 2 - 640) < 2),
        ("nonsense", lambda b: b["y"] > 400 and abs(b["x"] + b["width"] / 2 - 640) < 2),
    ],
)
def test_it_stands_where_the_site_says(page: Page, site: Stub, collector: Stub, position: str, where: object) -> None:
    page.set_viewport_size({"width": 1280, "height": 800})
    asked(page, site, collector, attributes=f'data-position="{position}"')
    assert callable(where)
    assert where(box_of(page, BANNER)), box_of(page, BANNER)


@pytest.mark.parametrize("size", SIZES, ids=str)
@pytest.mark.parametrize("top", [20, 120, 260])
@pytest.mark.parametrize("position", ["bottom", "corner", "bar", "top"])
def test_it_never_covers_a_login(
    page: Page, site: Stub, collector: Stub, size: tuple[int, int], top: int, position: str
) -> None:
    page.set_viewport_size({"width": size[0], "height": size[1]})
    form = LOGIN.format(top=top, focus="autofocus")
    asked(page, site, collector, form, f'data-position="{position}"')
    assert not covered(page, "[type=submit]")
    assert not covered(page, "[name=username]")
    for action in ("accept", "refuse", "choose"):
        button = box_of(page, f'dongui-root [data-action="{action}"]')
        assert button["y"] >= 0
        assert button["y"] + button["height"] <= size[1]


def test_without_a_form_in_sight_nothing_more_is_loaded(page: Page, site: Stub, collector: Stub) -> None:
    asked(page, site, collector)
    assert not collector.asked("/v1/position.js")
    asked(page, site, collector, "<input>")
    assert collector.asked("/v1/position.js")


def test_it_gives_way_to_the_field_that_gets_the_focus(page: Page, site: Stub, collector: Stub) -> None:
    """And whoever was about to press one of its buttons presses none while it moves."""
    page.set_viewport_size({"width": 1280, "height": 800})
    asked(page, site, collector, '<input id="low" style="position:absolute;bottom:60px;left:600px">')
    expect(page.locator('dongui-root [data-action="accept"]')).to_be_enabled()
    assert covered(page, "#low")
    held = "document.querySelector('dongui-root').shadowRoot.querySelector('[data-action=accept]').disabled"
    assert page.evaluate(f"(low.focus(), {held})")
    assert not covered(page, "#low")
    expect(page.locator('dongui-root [data-action="accept"]')).to_be_enabled()
    press(page, "refuse")
    eventually(lambda: collector.consents, page)


def test_it_does_not_move_under_a_hand(page: Page, site: Stub, collector: Stub) -> None:
    page.set_viewport_size({"width": 1280, "height": 800})
    body = f'<p style="height:1500px">text</p>{LOGIN.format(top=0, focus="")}'
    asked(page, site, collector, body)
    page.locator("[type=submit]").evaluate("e => e.scrollIntoView({block: 'end'})")
    before = box_of(page, BANNER)
    page.locator('dongui-root [data-action="refuse"]').focus()
    assert box_of(page, BANNER) == before


@pytest.mark.parametrize(
    ("path", "shown"),
    [
        ("/admin", False),
        ("/admin/", False),
        ("/admin/users/1", False),
        ("/login", False),
        ("/administrator", True),
        ("/shop/admin", True),
        ("/", True),
    ],
)
def test_on_the_named_paths_nobody_is_asked(page: Page, site: Stub, collector: Stub, path: str, shown: bool) -> None:
    site.pages[path] = page_of(collector, attributes='data-never-on="/admin/ /login"')
    page.goto(site.origin + path)
    ready(page)
    eventually(lambda: collector.asked("/v1/position.js"), page)
    if shown:
        expect(page.locator(BANNER)).to_be_visible()
    else:
        page.wait_for_timeout(500)  # by now it would stand there
        expect(page.locator(BANNER)).to_have_count(0)
        # Whoever asks for it gets it.
        page.evaluate("dongui.show()")
        expect(page.locator("dongui-root .panel")).to_be_visible()


@pytest.mark.parametrize("navigation", [True, False], ids=["navigation API", "none"])
def test_a_route_within_the_page_counts_as_a_path(page: Page, site: Stub, collector: Stub, navigation: bool) -> None:
    """By every way that a page has to another address, also where the browser does not tell of it (Firefox, Safari)."""
    if not navigation:
        page.add_init_script("Object.defineProperty(window, 'navigation', { value: undefined })")
    asked(page, site, collector, attributes='data-never-on="/login, /admin/ /관리"')
    for away, back in (
        ("history.pushState({}, '', '/login')", "history.pushState({}, '', '/shop')"),
        ("history.replaceState({}, '', '/admin/users')", "history.replaceState({}, '', '/administrator')"),
        (
            "(history.pushState({}, '', '/admin'), history.pushState({}, '', '/shop'), history.back())",
            "history.forward()",
        ),
        ("location.hash = '#/login?next=1'", "location.hash = '#/shop'"),
        ("location.hash = '#!/admin'", "history.back()"),
        ("history.pushState({}, '', '/%ea%b4%80%EB%A6%AC/1')", "history.pushState({}, '', '/shop#login')"),
    ):
        page.evaluate(away)
        expect(page.locator(BANNER)).to_have_count(0)
        page.evaluate(back)
        expect(page.locator(BANNER)).to_be_visible()
    assert collector.consents == []
