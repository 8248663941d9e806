"""What a page uses that its policy lacks, and that the lines printed for it mend the policy."""

from __future__ import annotations

from dongui.policy import all_presets, check, default_policy_text, parse
from dongui.policy.undeclared import Gap, PageScan, ScannedCookie, as_lines, gaps
from policies import somoon

PAGE = "https://www.shop.example/"


def cookie(name: str, seconds: int | None = 86_400) -> ScannedCookie:
    return ScannedCookie(name, "shop.example", seconds)


def named(found: list[Gap]) -> list[tuple[str, str]]:
    return [(gap.kind, gap.name) for gap in found]


def test_what_is_declared_is_no_gap() -> None:
    seen = PageScan(
        PAGE,
        (cookie("_ga"), cookie("_ga_X1"), cookie("_fbp"), cookie("dongui"), cookie("dongui_id")),
        (
            "https://www.shop.example/app.js",
            "https://static.shop.example/x.css",
            "https://www.googletagmanager.com/gtag/js",
            "https://region1.google-analytics.com/g/collect",
            "data:image/png;base64,AA",
        ),
    )
    assert gaps(somoon(), seen) == []


def test_the_collector_is_no_third_party() -> None:
    requests = ("https://collect.example/v1/dongui.js", "https://collect.example/v1/notice")
    assert gaps(somoon(), PageScan(PAGE, (), requests)) == []


def test_known_tools_are_told_by_their_presets_and_once() -> None:
    seen = PageScan(
        PAGE,
        (cookie("_clck"), cookie("_clsk"), cookie("_gac_UA"), cookie("_gac_UB")),
        ("https://a.clarity.ms/collect",),
    )
    found = gaps(somoon(), seen)
    assert named(found) == [
        ("cookie", "_clck"),
        ("cookie", "_clsk"),
        ("address", "Microsoft Clarity"),
        ("receiver", "Microsoft Corporation"),
    ], "_gac_* is declared by _ga*, as the policy stands"
    assert {gap.tool for gap in found} == {"Microsoft Clarity"}


def test_a_wider_glob_does_not_hide_another_tool() -> None:
    assert [gap.tool for gap in gaps(None, PageScan(PAGE, (cookie("_gac_UA"),))) if gap.kind == "cookie"] == [
        "Google Ads"
    ]


def test_nothing_is_declared_without_a_policy() -> None:
    found = gaps(None, PageScan(PAGE, (cookie("_ga"),), ("https://connect.facebook.net/en_US/fbevents.js",)))
    assert named(found) == [
        ("cookie", "_ga*"),
        ("receiver", "Google LLC"),
        ("address", "Meta Pixel"),
        ("receiver", "Meta Platforms, Inc."),
    ]


def test_the_printed_lines_mend_the_policy() -> None:
    """Pasted at the end (the urls where they say), nothing is missing any more and the check is content."""
    text = default_policy_text(version="v1", effective="2026-01-01", presets=["meta"])
    tool = all_presets()["naver"]
    seen = PageScan(PAGE, (cookie("wcs_bt"), cookie("NA_SAC")), ("https://wcs.naver.net/wcslog.js",))
    found = gaps(parse(text), seen)
    address = next(gap for gap in found if gap.kind == "address")
    note, urls = address.lines.splitlines()
    assert note == "# in [purposes.marketing], instead of its urls:"
    old = next(line for line in text.splitlines() if line.startswith("urls = ") and "facebook" in line)
    mended = text.replace(old, urls) + "\n" + as_lines(gap for gap in found if gap is not address)
    policy = parse(mended)
    assert gaps(policy, seen) == []
    assert check(policy) == []
    assert policy.recipients[-1].name == tool.provider


def test_what_nobody_knows_needs_the_sites_word() -> None:
    """The purpose stays open, so that the policy does not load until somebody says it."""
    storage = ScannedCookie("cart", "shop.example", None, "local storage")
    found = gaps(
        somoon(),
        PageScan(PAGE, (cookie("sid", None), cookie("ab", 90_000), storage), ("https://cdn.example/x.js",) * 2),
    )
    assert named(found) == [("cookie", "sid"), ("cookie", "ab"), ("cookie", "cart"), ("address", "https://cdn.example")]
    lines = as_lines(found)
    assert 'lifetime = "session"' in lines
    assert 'lifetime = "P2D"' in lines
    assert "# local storage of shop.example" in lines
    assert 'purpose = ""' in lines
    assert check(somoon().text + "\n" + lines)[0].level == "error"


def test_a_policy_with_other_purposes_is_told_to_choose() -> None:
    text = somoon().text.replace("statistics", "counting")
    found = gaps(parse(text), PageScan(PAGE, (cookie("_clck"),)))
    assert found[0].lines.startswith("# the policy has no purpose statistics: name one of member, service, counting")
