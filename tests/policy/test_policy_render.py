"""The published page: sections of K8, every article's facts, escaped, accessible, without inline style or script."""

from __future__ import annotations

from datetime import date
from html.parser import HTMLParser

import pytest
from dongui.i18n import words
from dongui.policy import default_policy_text, parse, render
from dongui.policy.words import citation
from markdown_it import MarkdownIt
from policies import edited, somoon, variant

SECTIONS = [
    "purposes",
    "items",
    "periods",
    "recipients",
    "processors",
    "overseas",
    "destruction",
    "cookies",
    "behaviour",
    "rights",
    "automated",
    "children",
    "safety",
    "officer",
    "remedies",
    "history",
]

VOID = {"meta", "link", "br"}


class Outline(HTMLParser):
    """Checks that tags are balanced and gathers what the tests ask about."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text: list[str] = []
        self.feed(html)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text.append(data)

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]


def test_the_korean_title_is_exact() -> None:
    """K8."""
    html = render(somoon(), "ko")
    assert "<title>개인정보 처리방침</title>" in html
    assert "<h1>개인정보 처리방침</h1>" in html
    assert render(somoon(), "ko", format="markdown").startswith("# 개인정보 처리방침\n")


@pytest.mark.parametrize("lang", ["ko", "en"])
def test_every_section_of_the_law_is_there_and_linked(lang: str) -> None:
    """K8."""
    outline = Outline(render(somoon(), lang))
    assert [attributes["id"] for attributes in outline.all("h2")] == SECTIONS
    inner = [a["href"] for a in outline.all("a") if (a["href"] or "").startswith("#")]
    assert inner == ["#content", *(f"#{id}" for id in SECTIONS)]
    markdown = render(somoon(), lang, format="markdown")
    for n, id in enumerate(SECTIONS, 1):
        title = words(lang, "policy page")[id]
        assert f"\n## {n}. {title}\n" in markdown


# What the page must say of each article, in the words of policy file and page (S, K8).
FACTS = {
    "S1": [
        "회원 관리",
        "서비스 제공 및 정산",
        "통계 및 접속 빈도 파악",
        "마케팅 및 광고",
        "서비스 고도화를 위한 데이터 분석",
    ],
    "S2.1a": ["닉네임", "비밀번호", "전화번호", "이메일 주소"],
    "S2.1b": ["IP 주소", "쿠키", "방문 일시", "서비스 이용 기록", "불량 이용 기록", "광고 ID", "접속 환경"],
    "S2.2": ["홈페이지에서 회원가입 시", "요금 정산 시", "고객센터 문의 시"],
    "S3": [
        "동의를 철회",
        "지체 없이 파기",
        "5년",
        "3년",
        "1년",
        "거래 내역과 최소한의 기본정보",
        "그 보존의 목적으로만",
    ],
    "S3.2": ["수사·조사", "채권·채무관계", "그 사유에 정해진 보유기간까지"],
    "S4": [
        "Amazon Web Services",
        "호스팅 서비스 제공, 이메일 발송",
        "먼저 동의",
        "매각·인수합병",
        "프로필 조회를 허용",
        "수사기관",
    ],
    "S5": ["별도의 데이터베이스", "선정", "승인", "재생할 수 없도록", "분쇄하거나 소각"],
    "S6": ["인기 검색어", "보안접속", "맞춤형 서비스 이용에 어려움", "브라우저 설정"],
    "S7": ["내부관리계획", "접근권한", "접근통제", "암호화", "출입 통제"],
    "S8": ["만 14세 미만"],
    "S9": [
        "열람, 정정, 삭제, 처리정지",
        "서면",
        "전자우편",
        "위임장",
        "제35조제4항",
        "다른 법령",
        "본인이거나 정당한 대리인",
    ],
    "S10": ["개인정보 보호책임자 (이사)", "partner@seeso.kr"],
    "S11": ["침해신고센터", "118", "분쟁조정위원회", "1833-6972", "02-3480-3573", "182"],
    "SA": ["2023년 4월 28일부터"],
    "K7": ["미국", "정보통신망을 통해"],
    "K8": ["행태정보", "Global Privacy Control", "광고 ID를 지우", "동의 없이 처리하는 항목"],
    "K10": ["10일 안에"],
    "K10a": ["자동화된 결정"],
}


@pytest.mark.parametrize("article", FACTS)
def test_the_page_carries_every_article(article: str) -> None:
    """Every article's facts: S1.1, S1.2 and S1.4 (purposes), S6.1 (cookies), S10 (officer), S11 (remedies).

    Among them K5: the processors and their tasks.
    """
    said = "".join(Outline(render(somoon(), "ko")).text)
    assert [fact for fact in FACTS[article] if fact not in said] == []


def test_the_officer_is_not_named() -> None:
    assert "이동근" not in render(somoon(), "ko")


def test_hostile_texts_are_escaped() -> None:
    hostile = "</td><script>alert(1)</script>&\\\" onload='x' | `a` [b](javascript:1)\\nline"
    edits = [
        ('service = "somoon.ai"', f'service = "{hostile}"'),
        ('name = "(주)시소"', f'name = "{hostile}"'),
        ('label.ko = "회원 관리"', f'label.ko = "{hostile}"'),
        ('description.ko = "가입', f'description.ko = "{hostile} 가입'),
        ('task.ko = "방문 통계', f'task.ko = "{hostile}방문 통계'),
        ('contact = "https://aws.amazon.com/contact-us/compliance-support/"', 'contact = "https://x/\\"><script>1"'),
    ]
    policy = variant(*edits)
    html = render(policy, "ko")
    Outline(html)
    assert "<script" not in html
    assert "onload='" not in html
    markdown = render(policy, "ko", format="markdown")
    again = Outline(MarkdownIt("commonmark").enable("table").render(markdown))
    plain = Outline(MarkdownIt("commonmark").enable("table").render(render(somoon(), "ko", format="markdown")))
    assert {tag for tag, _ in again.tags} == {tag for tag, _ in plain.tags}
    assert len(again.all("td")) == len(plain.all("td")), "a bar in a text must not make another column"
    assert not [a for a in again.all("a") if (a["href"] or "").startswith("javascript")]
    assert hostile.replace('\\"', '"').replace("\\n", " ") in "".join(again.text)


@pytest.mark.parametrize("lang", ["ko", "en"])
def test_the_page_passes_a_strict_content_security_policy(lang: str) -> None:
    outline = Outline(render(somoon(), lang))
    assert {tag for tag, _ in outline.tags} & {"script", "style", "img", "iframe", "form", "object"} == set()
    assert not [
        name for _, attributes in outline.tags for name in attributes if name == "style" or name.startswith("on")
    ]
    assert [link["href"] for link in outline.all("link")] == ["v1/policy.css"]
    assert not [a["href"] for a in outline.all("a") if (a["href"] or "").startswith(("javascript:", "data:"))]


@pytest.mark.parametrize("lang", ["ko", "en"])
def test_the_page_is_accessible(lang: str) -> None:
    """WCAG 1.3.1, 2.1.1, 2.4.1, 3.1.1, 3.1.2: structure, keyboard, skip link, language of page and of parts."""
    outline = Outline(render(somoon(), lang))
    assert outline.all("html") == [{"lang": lang}]
    assert len(outline.all("h1")) == len(outline.all("main")) == 1
    assert outline.all("a")[0]["href"] == "#content"
    assert len(outline.all("table")) == len(outline.all("caption"))
    assert all("scope" in cell for cell in outline.all("th"))
    regions = [attributes for attributes in outline.all("div") if attributes.get("role") == "region"]
    assert all(region["tabindex"] == "0" and region["aria-label"] for region in regions)
    ids = [attributes["id"] for _, attributes in outline.tags if "id" in attributes]
    assert len(ids) == len(set(ids))
    other = {"ko": "en", "en": "ko"}[lang]
    assert [a["hreflang"] for a in outline.all("a") if "hreflang" in a] == [other]


def test_earlier_versions_and_languages_are_linked_relatively() -> None:
    """SA, K8: earlier versions stay reachable."""
    html = render(somoon(), "ko", earlier=[("v1", date(2020, 1, 2)), ("v2", date(2021, 3, 4))], site="a&b")
    links = [a["href"] for a in Outline(html).all("a")]
    assert "?site=a%26b&lang=en" in links
    newest, oldest = links.index("?site=a%26b&lang=ko&version=v2"), links.index("?site=a%26b&lang=ko&version=v1")
    assert newest < oldest
    assert "2020년 1월 2일 시행 (v1)" in html


def test_a_small_policy_renders_every_section() -> None:
    """Without processors, recipients, cookies and the rest the sections stay and say so (K8)."""
    text = """
schema = 1
[notice]
version = "v1"
effective = 2026-01-01
service = "S"
languages = ["en"]
timezone = "UTC"
minimum_age = 14
choice_lifetime = "P180D"
[controller]
name = "C"
contact = "post office box 1"
[officer]
title = "O"
contact = "c@example.com"
[purposes.count]
label = "Counting"
description = "d"
basis = "consent"
items = ["cookie"]
record = "log"
refusal = "nothing"
[records.log]
label = "Log"
keep = "P1Y"
"""
    outline = Outline(render(parse(text), "en"))
    assert [attributes["id"] for attributes in outline.all("h2")] == SECTIONS
    assert "None." in outline.text
    assert render(parse(text), "ko") == render(parse(text), "en"), "an unknown language is the policy's first"


@pytest.mark.parametrize("format", ["html", "markdown"])
def test_what_an_edit_changes_shows(format: str) -> None:
    """Text and behaviour cannot drift apart: the page is made of the values that the gate works by."""
    before = render(somoon(), "ko", format=format)  # type: ignore[arg-type]
    after = render(parse(edited(('["cookie", "service_usage"]', '["cookie", "ip_address"]'))), "ko", format=format)  # type: ignore[arg-type]
    assert before != after


@pytest.mark.parametrize(
    ("short", "korean", "english"),
    [
        ("PIPA 35(4)", "개인정보 보호법 제35조제4항", "Personal Information Protection Act, Article 35(4)"),
        ("PIPA 28-8", "개인정보 보호법 제28조의8", "Personal Information Protection Act, Article 28-8"),
        ("GDPR 15", "GDPR 제15조", "GDPR, Article 15"),
        ("the law", "the law", "the law"),
    ],
)
def test_citations(short: str, korean: str, english: str) -> None:
    assert (citation(short, "ko"), citation(short, "en")) == (korean, english)


def test_the_default_page_renders_too() -> None:
    policy = parse(default_policy_text(version="v1", effective="2026-01-01"))
    assert "Example Shop" in render(policy, "en")
