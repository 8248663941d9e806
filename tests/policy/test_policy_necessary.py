"""Cookies that need no consent: what may be one, what is suggested, and where it is shown (K2, K8)."""

from __future__ import annotations

import pytest
from dongui.policy import check, compiled, default_policy_text, notice, parse, render
from dongui.policy.necessary import framework_cookies, is_tracker
from dongui.policy.undeclared import PageScan, ScannedCookie, as_lines, gaps
from dongui.rules.compiled_policy import CompiledPolicy
from dongui.web.set_cookie import hide, lingering, sift

TEXT = default_policy_text(version="v1", effective="2026-01-01", presets=["ga4", "meta"])


def entry(**keys: str) -> str:
    """The default policy with one more cookie, in front of the others."""
    lines = "\n".join(f"{key} = {value}" for key, value in keys.items())
    return TEXT.replace("[[cookies]]", f"[[cookies]]\n{lines}\n\n[[cookies]]", 1)


LOGIN = entry(name='"sessionid"', necessary='"login session"')


def test_one_line_is_enough() -> None:
    policy = parse(LOGIN)
    cookie = policy.cookies[0]
    assert (cookie.purpose, cookie.lifetime, cookie.record, cookie.basis) == (None, None, False, "contract")
    assert cookie.necessary == {"ko": "login session", "en": "login session"}
    assert [finding for finding in check(policy) if "cookies[1]" in finding.key] == []


@pytest.mark.parametrize(
    ("keys", "key"),
    [
        ({"necessary": '""'}, "cookies[1].necessary"),
        ({"necessary": '"  "'}, "cookies[1].necessary"),
        ({"necessary": "true"}, "cookies[1].necessary"),
        ({"necessary": '"x"', "record": "true"}, "cookies[1].record"),
        ({"necessary": '"x"', "purpose": '"statistics"'}, "cookies[1].purpose"),
        ({"necessary": '"x"', "basis": '"consent"'}, "cookies[1].basis"),
    ],
    ids=["no reason", "blank reason", "a flag", "recorded", "with a purpose", "on consent"],
)
def test_what_cannot_be_necessary_does_not_load(keys: dict[str, str], key: str) -> None:
    found = [finding for finding in check(entry(name='"sid"', **keys)) if finding.level == "error"]
    assert [finding.key for finding in found] == [key]
    assert found[0].remedy


@pytest.mark.parametrize(
    "name",
    [
        *("_ga", "_ga*", "_ga_AB12", "_gid", "_fbp", "wcs_bt", "NA_SAC", "_kawlt_x", "_clck", "_pk_id.1.a"),
        "_hjSession_1",
        *("my_analytics_id", "userTracking", "site-ads", "utm_source", "MarketingID", "__utma"),
        *("*", "_*", "_g*", "s*", "*_bt"),
    ],
)  # fmt: skip
def test_what_follows_people_is_never_necessary(name: str) -> None:
    found = check(entry(name=f'"{name}"', necessary='"x"'))
    assert [f.key for f in found if f.level == "error" and "cookies[1].necessary" in f.key] == ["cookies[1].necessary"]


@pytest.mark.parametrize(
    "name", ["dongui", "dongui_id", "__Host-dongui_id", "__Secure-dongui", "dongui*", "dongui_frame_id"]
)
def test_our_own_cookies_are_never_a_sites(name: str) -> None:
    found = check(entry(name=f'"{name}"', necessary='"x"'))
    assert "cookies[1].name" in [f.key for f in found if f.level == "error"]


@pytest.mark.parametrize(
    "name", ["sid", "session", "cart", "lang", "__Host-sid", "adsession", "trackback", "_shop_session"]
)
def test_ordinary_names_may_be_necessary(name: str) -> None:
    assert not is_tracker(name)
    errors = [f for f in check(entry(name=f'"{name}"', necessary='"x"')) if f.level == "error"]
    assert errors == []


SEEN = {
    "Django": ("sessionid", "csrftoken"),
    "Flask": ("session",),
    "Rails": ("_shop_session",),
    "PHP": ("PHPSESSID", "laravel_session"),
    "Spring": ("JSESSIONID", "SESSION", "XSRF-TOKEN"),
    "ASP.NET": (
        ".AspNetCore.Session",
        ".AspNetCore.Identity.Application",
        ".AspNetCore.Antiforgery.dXyz",
        "ASP.NET_SessionId",
        "__RequestVerificationToken_L3",
    ),
}


def test_every_framework_of_the_table_is_tried_here() -> None:
    assert {one.framework for one in framework_cookies()} == set(SEEN)
    assert len(framework_cookies()) == sum(map(len, SEEN.values()))


@pytest.mark.parametrize(("framework", "name"), [(f, name) for f, names in SEEN.items() for name in names])
def test_a_frameworks_cookie_is_suggested_as_necessary_and_never_for_a_purpose(framework: str, name: str) -> None:
    """Pasted, the lines declare the cookie without an error, and who refuses everything keeps it."""
    policy = parse(TEXT)
    seen = PageScan("https://shop.example/", (ScannedCookie(name, "shop.example", None),))
    found = gaps(policy, seen)
    assert [gap.tool for gap in found] == [framework]
    assert "purpose =" not in as_lines(found)
    mended = parse(f"{TEXT}\n{as_lines(found)}")
    assert gaps(mended, seen) == []
    assert [f for f in check(mended) if f.level == "error"] == []
    verdicts = CompiledPolicy(compiled(mended, site="S", accepts=["v1"]))
    headers = [("Set-Cookie", f"{name}=1; Path=/")]
    assert sift(headers, set(), verdicts, strict=True).headers == headers


@pytest.mark.parametrize("name", ["sessionid", "JSESSIONID"])
def test_a_missing_purpose_of_a_login_is_mended_with_a_reason(name: str) -> None:
    for purpose in ({}, {"purpose": '""'}):
        [finding] = check(entry(name=f'"{name}"', lifetime='"session"', provider='"Example Shop"', **purpose))
        assert 'necessary = "login session"' in finding.remedy
        assert "statistics" not in finding.remedy


def test_the_lifetime_that_was_seen_outweighs_the_frameworks() -> None:
    seen = PageScan("https://shop.example/", (ScannedCookie("sessionid", "shop.example", 3 * 86_400),))
    assert 'lifetime = "P3D"' in as_lines(gaps(parse(TEXT), seen))


def test_middleware_leaves_it_alone_whatever_was_chosen() -> None:
    verdicts = CompiledPolicy(compiled(parse(LOGIN), site="S", accepts=["v1"]))
    assert verdicts.known
    assert not verdicts.records("sessionid")
    assert lingering([("sessionid", "1"), ("_ga", "2")], set(), verdicts) == ["_ga"]
    assert hide("sessionid=1; _ga=2", set(), verdicts) == "sessionid=1"
    assert verdicts.may_hold("_ga=1")
    assert not verdicts.may_hold("sessionid=1")


def test_the_notice_shows_it_without_consent_on_its_basis() -> None:
    text = entry(name='"csrf"', necessary='{ ko = "보안", en = "security" }', basis='"legitimate_interest"')
    shown = notice(parse(text), lang="en", site="S", accepts=["v1"])
    assert shown["necessary"] == [
        {
            "name": "csrf",
            "reason": "security",
            "basis": "legitimate_interest",
            "basis_text": "Legitimate interest",
            "provider": "Example Shop",
            "keep": "session",
            "keep_text": "Until the browser is closed",
        }
    ]
    assert "necessary" not in notice(parse(TEXT), lang="en", site="S", accepts=["v1"])
    assert shown["cookies"][0] == {"name": "csrf", "purpose": None, "record": False, "seconds": None, "necessary": True}


@pytest.mark.parametrize(
    ("lang", "without", "basis", "mark"),
    [
        ("en", "Items processed without consent, and why", "Contract", "Without consent: login session"),
        ("ko", "동의 없이 처리하는 항목과 그 근거", "계약", "동의 없이: login session"),
    ],
)
def test_the_page_lists_it_among_what_is_processed_without_consent(
    lang: str, without: str, basis: str, mark: str
) -> None:
    page = render(parse(LOGIN), lang, format="markdown")
    part = page.split(without, 1)[1].split("\n#", 1)[0]
    row = next(line for line in part.splitlines() if "sessionid" in line)
    assert basis in row
    assert "login session" in row
    assert mark in page
    assert mark not in render(parse(TEXT), lang, format="markdown")
