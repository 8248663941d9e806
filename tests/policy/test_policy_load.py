"""Loading is strict: unknown keys, wrong types and unknown ids are refused together, each with key and remedy."""

from __future__ import annotations

import contextlib
from datetime import date
from pathlib import Path

import pytest
from dongui.policy import Period, PolicyError, compiled, load, notice, parse
from hypothesis import given
from hypothesis import strategies as st
from policies import MENDED, edited, somoon


def problems(text: str) -> dict[str, str]:
    with pytest.raises(PolicyError) as caught:
        parse(text)
    assert all(problem.remedy and problem.level == "error" for problem in caught.value.problems)
    return {problem.key: problem.message for problem in caught.value.problems}


def test_the_fixed_purposes_of_the_example() -> None:
    policy = somoon()
    assert list(policy.purposes) == [
        "member",
        "service",
        "statistics",
        "personalisation",
        "marketing",
        "analysis",
        "security",
    ]
    assert policy.purposes["statistics"].items == (
        "cookie",
        "visit_time",
        "service_usage",
        "access_environment",
        "ip_address",
    )
    assert policy.purposes["marketing"].items == ("cookie", "visit_time", "advertising_id")
    assert policy.purposes["personalisation"].items == ("cookie", "service_usage")
    for name in ("statistics", "marketing", "personalisation"):
        purpose = policy.purposes[name]
        assert (purpose.basis, purpose.required, purpose.record) == ("consent", False, "access_log")
    assert [(cookie.name, cookie.purpose) for cookie in policy.cookies] == [
        ("_ga*", "statistics"),
        ("_fbp", "marketing"),
        ("_fbc", "marketing"),
    ]
    assert policy.consent_purposes == ("statistics", "personalisation", "marketing", "analysis")


def test_values_have_their_types() -> None:
    policy = somoon()
    assert policy.notice.effective == date(2023, 4, 28)
    assert policy.notice.choice_lifetime == Period(days=180)
    assert policy.records["access_log"].keep == Period(years=1)
    assert policy.records["access_log"].law is None
    assert policy.records["contract"].archive is True
    assert policy.text == MENDED.read_text("utf-8")
    assert len(policy.digest) == 64


@pytest.mark.parametrize(
    ("old", "new", "key"),
    [
        ("schema = 1", "schema = 2", "schema"),
        ("schema = 1", "", "schema"),
        ("minimum_age = 14", "minimum_age = true", "notice.minimum_age"),
        ("minimum_age = 14", "minimum_age = -1", "notice.minimum_age"),
        ("minimum_age = 14", "minimum_age = 14\nmin_age = 14", "notice.min_age"),
        ('version = "2023-04-28"', 'version = "v 1"', "notice.version"),
        ('version = "2023-04-28"', "", "notice.version"),
        ("effective = 2023-04-28", 'effective = "2023-04-28"', "notice.effective"),
        ("effective = 2023-04-28", "effective = 2023-04-28T00:00:00", "notice.effective"),
        ('languages = ["ko", "en"]', "languages = []", "notice.languages"),
        ('languages = ["ko", "en"]', 'languages = ["ko", "xx"]', "notice.languages"),
        ('timezone = "Asia/Seoul"', 'timezone = "Mars/Olympus"', "notice.timezone"),
        ('timezone = "Asia/Seoul"', 'timezone = "../etc/passwd"', "notice.timezone"),
        ('choice_lifetime = "P180D"', 'choice_lifetime = "180"', "notice.choice_lifetime"),
        ("query_keys = []", 'query_keys = ["a&b"]', "notice.query_keys"),
        ("query_keys = []", 'unsearched_paths = ["/*"]', "notice.unsearched_paths"),
        ("query_keys = []", 'unsearched_paths = ["goods/*"]', "notice.unsearched_paths"),
        ('[officer]\ntitle.ko = "개인정보 보호책임자 (이사)"', "[officer]", "officer.title.ko"),
        ('label.ko = "통계 및 접속 빈도 파악"\n', "", "purposes.statistics.label.ko"),
        ('label.ko = "통계 및 접속 빈도 파악"', 'label.ja = "統計"\nlabel.ko = "통계"', "purposes.statistics.label.ja"),
        ('basis = "contract"', 'basis = "habit"', "purposes.member.basis"),
        ('"cookie", "service_usage"]', '"cookie", "shoe_size"]', "purposes.personalisation.items"),
        ('"cookie", "service_usage"]', '"cookie", "cookie"]', "purposes.personalisation.items"),
        ('"cookie", "service_usage"]', '"cookie", 7]', "purposes.personalisation.items"),
        ('record = "access_log"', 'record = "diary"', "purposes.statistics.record"),
        ('google_consent = ["analytics_storage"]', 'google_consent = ["all"]', "purposes.statistics.google_consent"),
        ('opt_out_signals = ["gpc"]', 'opt_out_signals = ["dnt"]', "purposes.marketing.opt_out_signals"),
        ('opt_out_signals = ["gpc"]', 'depends_on = ["fun"]', "purposes.marketing.depends_on"),
        ("[purposes.analysis]", "[purposes.Analysis]", "purposes.Analysis"),
        ('lifetime = "P400D"', 'lifetime = "forever"', "cookies[1].lifetime"),
        ('name = "_fbp"\npurpose = "marketing"', 'name = "_fbp"\npurpose = "ads"', "cookies[2].purpose"),
        ('name = "_fbp"', 'name = "a b"', "cookies[2].name"),
        ('keep = "P5Y"', 'keep = "PT5H"', "records.contract.keep"),
        ("archive = true", 'archive = "yes"', "records.contract.archive"),
        ('on_withdrawal = "archive"', 'on_withdrawal = "keep"', "records.contract.on_withdrawal"),
        ('country = "KR"\ncontact = "https', 'country = "Korea"\ncontact = "https', "processors[1].country"),
        ('limits = ["PIPA 35(4)"', 'limits = ["the law"', "rights.limits"),
        ('url = "https://privacy.kisa.or.kr"', 'url = "javascript:alert(1)"', "remedies[1].url"),
    ],
    ids=lambda value: None if " " in value or "=" in value or not value else value,
)
def test_what_cannot_be_executed_names_its_key(old: str, new: str, key: str) -> None:
    assert key in problems(edited((old, new)))


def test_what_is_never_searched_reaches_whoever_scrubs() -> None:
    lines = 'unsearched_paths = ["/상품/*"]\nunsearched_properties = ["order_no"]'
    policy = parse(edited(("query_keys = []", lines)))
    wanted = {"unsearched_paths": ["/%EC%83%81%ED%92%88/*"], "unsearched_properties": ["order_no"]}
    for told in (compiled(policy, site="s", accepts=[]), notice(policy, lang="ko", site="s", accepts=[])):
        assert {key: told[key] for key in wanted} == wanted


def test_a_missing_officer_is_named() -> None:
    text = edited(("[officer]", "[nobody]"))
    found = problems(text)
    assert {"officer", "nobody"} <= found.keys()


def test_all_problems_are_told_at_once() -> None:
    found = problems(
        edited(('basis = "contract"', "basis = 1"), ('keep = "P5Y"', "keep = 5"), ("schema = 1", "schema = 1\nx = 1"))
    )
    assert {"purposes.member.basis", "records.contract.keep", "x"} <= found.keys()


def test_a_near_miss_is_guessed() -> None:
    with pytest.raises(PolicyError, match=r"policy\.toml: notice\.minimum_agee: .* — did you mean minimum_age\?"):
        parse(edited(("minimum_age = 14", "minimum_age = 14\nminimum_agee = 14")))


def test_a_consent_can_not_be_granted_beforehand() -> None:
    found = problems(edited(('refusal.ko = "거부하셔도', 'default = "granted"\nrefusal.ko = "거부하셔도')))
    assert "before it is given" in found["purposes.statistics.default"]


def test_a_file_that_is_no_toml_or_no_text(tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    file.write_bytes(b"schema = 1\nx = \xff")
    with pytest.raises(PolicyError, match=r"mine\.toml: .*UTF-8"):
        load(file)
    file.write_text("schema = \n")
    with pytest.raises(PolicyError, match=r"mine\.toml: .*line 1"):
        load(file)
    with pytest.raises(FileNotFoundError):
        load(tmp_path / "absent.toml")


@given(st.one_of(st.text(), st.text(alphabet='[]{}="\n.#a1,', max_size=60)))
def test_any_text_is_a_policy_error_at_worst(text: str) -> None:
    with pytest.raises(PolicyError):
        parse("schema = 1\n" + text)


LINES = MENDED.read_text("utf-8").splitlines()


@given(st.sets(st.integers(0, len(LINES) - 1), min_size=1, max_size=30))
def test_any_mutilated_policy_loads_or_says_what_is_missing(gone: set[int]) -> None:
    text = "\n".join(line for n, line in enumerate(LINES) if n not in gone)
    with contextlib.suppress(PolicyError):
        assert parse(text).purposes


def test_deep_nesting_is_refused() -> None:
    assert "" in problems("schema = 1\nx = " + "[" * 20_000)


def test_texts_may_be_the_same_in_every_language() -> None:
    assert somoon().notice.service == {"ko": "somoon.ai", "en": "somoon.ai"}


def test_built_in_items_need_no_declaration() -> None:
    text = edited()
    start, end = text.index("[items.advertising_id]"), text.index("[items.access_environment]")
    assert parse(text[:start] + text[end:]).items["advertising_id"].protect == "encrypt"


def test_compiled_decides() -> None:
    policy = compiled(somoon(), site="S", accepts=["2023-04-28"])
    assert policy["purposes"]["statistics"]["basis"] == "consent"
    assert policy["purposes"]["marketing"]["signals"] == ["gpc"]
    assert policy["cookies"][0] == {"name": "_ga*", "purpose": "statistics", "record": False, "seconds": 34_560_000}
    assert policy["choice_seconds"] == 15_552_000
    assert policy["accepts"] == ["2023-04-28"]
    assert "utm_source" in policy["query_keys"]
    assert policy["items"]["ip_address"] == {"protect": "encrypt"}


@pytest.mark.parametrize(("wanted", "got"), [("ko", "ko"), ("en-GB", "en"), ("KO_kr", "ko"), ("fr", "ko"), ("", "ko")])
def test_a_notice_is_in_the_language_that_fits(wanted: str, got: str) -> None:
    assert notice(somoon(), lang=wanted, site="S", accepts=[])["lang"] == got


def test_the_notice_shows_what_consent_is_asked_with() -> None:
    """S6.3: K1: purpose, items, period, the right to refuse and what refusing changes; recipients per purpose."""
    shown = notice(somoon(), lang="ko", site="a b", accepts=["2023-04-28"])
    marketing = next(purpose for purpose in shown["purposes"] if purpose["id"] == "marketing")
    assert marketing["items"] == ["cookie", "visit_time", "advertising_id"]
    assert (marketing["keep"], marketing["keep_text"]) == ("P1Y", "1년")
    assert marketing["refusal"].startswith("거부하셔도")
    assert {(party["name"], party["country"], party["kind"]) for party in marketing["recipients"]} == {
        ("Amazon Web Services, Inc.", "KR", "processor"),
        ("Meta Platforms, Inc.", "US", "recipient"),
    }
    assert shown["items"]["advertising_id"] == "광고 ID"
    assert shown["policy_url"] == "/policy?site=a+b&lang=ko"
