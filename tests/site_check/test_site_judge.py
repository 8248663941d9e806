"""Each mistake of a set-up is named by its own check, with where and the remedy; the order is that of a set-up."""

from __future__ import annotations

from dataclasses import replace

import pytest
from dongui.policy import compiled, parse
from dongui_collector.site_check.judge import judged
from dongui_collector.site_check.model import CallAnswer, PageVisit, SnippetTag
from dongui_collector.site_check.results import CHECKS, CheckResult, SiteState
from dongui_collector.storage.contract.values import Site
from msgspec.structs import replace as with_facts

from tests.collector import starting_text

PAGE = "https://shop.example.com/"
DOOR = "https://collect.example.com/v1/dongui.js"
OWN = "https://shop.example.com/_dongui/v1/dongui.js"
POLICY = parse(starting_text())
SITE = Site(ref=1, id="s_1", name="shop", origins=("https://shop.example.com",), secret_hash=b"", address_key=b"")
STATE = SiteState(
    site=SITE,
    others=["s_2"],
    policy=POLICY,
    compiled=compiled(POLICY, site="s_1", accepts=[POLICY.notice.version]),
    recorded=True,
    key="accepted",
    desk_port=8788,
)
GOOD = PageVisit(
    status=200,
    browser="chromium",
    url=PAGE,
    tags=[SnippetTag(OWN, "s_1")],
    snippet=CallAnswer(200),
    runs=True,
    notice=CallAnswer(200),
    write=CallAnswer(400, "urn:dongui:problem:malformed"),
    cookies_kept=True,
)


def of(name: str, state: SiteState = STATE, visit: PageVisit | None = GOOD, url: str = PAGE) -> CheckResult:
    return next(check for check in judged(state, url, visit) if check.name == name)


def test_a_set_up_in_order_is_right_in_every_check_and_in_their_order() -> None:
    checks = judged(STATE, PAGE, GOOD)
    assert [check.name for check in checks] == list(CHECKS)
    assert [check.status for check in checks] == ["ok"] * len(CHECKS)


MISTAKES = {
    "no tag": ("tag", {"tags": []}, "dongui snippet"),
    "the desk's port": ("tag", {"tags": [SnippetTag("https://shop.example.com:8788/v1/dongui.js", "s_1")]}, "8787"),
    "a collector that is away": ("tag", {"snippet": CallAnswer(0, "unreachable")}, "dongui serve"),
    "a middleware without its collector": ("tag", {"snippet": CallAnswer(503)}, "collector option"),
    "a place that visitors do not reach": ("tag", {"snippet": CallAnswer(0, "private")}, "public address"),
    "no middleware": ("tag", {"snippet": CallAnswer(404)}, "/_dongui is there once the middleware is"),
    "another program": ("tag", {"snippet": CallAnswer(200, "other")}, "dongui snippet"),
    "a snippet that does not run": ("tag", {"runs": False}, "CSP"),
    "no data-site": ("site_id", {"tags": [SnippetTag(OWN, "")]}, 'data-site="s_1"'),
    "another site's id": ("site_id", {"tags": [SnippetTag(OWN, "s_2")]}, 'data-site="s_1"'),
    "a made-up id": ("site_id", {"tags": [SnippetTag(OWN, "s_9")]}, 'data-site="s_1"'),
    "another installation": ("site_id", {"notice": CallAnswer(404, "urn:dongui:problem:unknown-site")}, "door"),
    "an origin that the collector refuses": (
        "origin",
        {"write": CallAnswer(403, "urn:dongui:problem:origin-not-listed")},
        "list the origin",
    ),
    "an answer that the page may not read": ("origin", {"notice": CallAnswer(0)}, "list the origin"),
    "an http tag on an https page": ("https", {"tags": [SnippetTag(DOOR.replace("https", "http"), "s_1")]}, "https://"),
    "an http page": ("https", {"url": "http://shop.example.com/"}, "TLS"),
    "cookies of a tracker": ("cookies", {"cookies": ["_ga", "dongui"]}, "data-purpose"),
    "cookies that nobody declared": ("cookies", {"cookies": ["basket_of_today"]}, f"dongui scan {PAGE}"),
    "blocked cookies": ("cookies", {"cookies_kept": False}, "sandbox"),
    "a policy without the own origin": ("csp", {"refused": ["script-src"]}, "'self' to script-src"),
    "a policy without the collector": (
        "csp",
        {"refused": ["connect-src"], "tags": [SnippetTag(DOOR, "s_1")]},
        "https://collect.example.com to connect-src",
    ),
    "a tracker before consent": (
        "consent",
        {"requests": ["https://www.googletagmanager.com/gtag/js"]},
        "data-purpose",
    ),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_each_mistake_has_its_check_its_place_and_its_remedy(mistake: str) -> None:
    name, facts, remedy = MISTAKES[mistake]
    found = of(name, visit=with_facts(GOOD, **facts))
    assert found.status == "failed"
    assert remedy in found.remedy
    assert found.what
    assert found.where


def test_a_draft_and_a_wrong_key_and_no_visit_are_known_from_the_installation() -> None:
    draft = of("site_id", replace(STATE, policy=None, compiled=None))
    assert (draft.status, "dongui policy publish" in draft.remedy) == ("failed", True)
    key = of("key", replace(STATE, key="refused"))
    assert (key.status, "dongui sites add" in key.remedy) == ("failed", True)
    assert of("key", replace(STATE, key="unused")).status == "unchecked"
    assert of("key", visit=with_facts(GOOD, tags=[SnippetTag(DOOR, "s_1")])).status == "ok"
    first = of("first_event", replace(STATE, recorded=False))
    assert (first.status, "agree" in first.remedy) == ("waiting", True)


@pytest.mark.parametrize(
    ("outcome", "name", "remedy"),
    [
        ("no_address", "tag", "DNS"),
        ("private", "tag", "visitors"),
        ("unreachable", "tag", "start the web server"),
        ("timeout", "tag", "log"),
        ("certificate", "https", "renew"),
        ("redirect_out", "origin", "dongui sites add shop --origin https://elsewhere.example"),
        ("status", "tag", "visitors see"),
    ],
)
def test_a_page_that_does_not_come_fails_one_check_and_leaves_the_others_unchecked(
    outcome: str, name: str, remedy: str
) -> None:
    visit = PageVisit(outcome=outcome, where="https://elsewhere.example", status=500)  # type: ignore[arg-type]
    checks = judged(STATE, PAGE, visit)
    wrong = [check for check in checks if check.status == "failed"]
    assert [check.name for check in wrong] == [name]
    assert remedy in wrong[0].remedy
    assert {check.status for check in checks if check.name not in (name, "first_event")} == {"unchecked"}


def test_without_a_browser_what_scripts_do_is_not_called_right() -> None:
    plain = with_facts(GOOD, browser="none", runs=None, notice=None, write=None, cookies_kept=None)
    assert of("tag", visit=plain).status == "ok"
    assert [of(name, visit=plain).status for name in ("cookies", "consent")] == ["unchecked", "unchecked"]


def test_necessary_and_own_cookies_are_no_findings() -> None:
    assert of("cookies", visit=with_facts(GOOD, cookies=["__Host-dongui", "dongui_id"])).status == "ok"


def test_under_dev_pages_of_this_machine_are_listed_and_no_others() -> None:
    dev = replace(STATE, dev=True, site=replace_origins("http://localhost:5000"))
    assert dev.lists("http://127.0.0.1:8000/x")
    assert not dev.lists("http://10.0.0.1/")
    assert not replace(dev, dev=False).lists("http://127.0.0.1:8000/x")


def replace_origins(*origins: str) -> Site:
    return replace(SITE, origins=origins)
