"""Words that every page needs, by language: bases, countries, statutes, dates, sentences. Nothing here names a site.

To add a language: its column in every table here, and its code in ``dongui.policy.builtin.LANGUAGES``.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from datetime import date
from functools import cache
from importlib.resources import files

from dongui.policy.model import Text

BASES: Mapping[str, Text] = {
    "consent": {"ko": "정보주체의 동의", "en": "Consent"},
    "contract": {"ko": "계약의 체결·이행", "en": "Contract"},
    "legal_obligation": {"ko": "법령상 의무의 준수", "en": "Legal obligation"},
    "legitimate_interest": {"ko": "개인정보처리자의 정당한 이익", "en": "Legitimate interest"},
    "vital_interest": {"ko": "급박한 생명·신체·재산의 이익", "en": "Vital interest"},
    "public_task": {"ko": "공공기관의 소관 업무 수행", "en": "Public task"},
}

_COUNTRIES: Mapping[str, Text] = {
    "AU": {"ko": "호주", "en": "Australia"},
    "CA": {"ko": "캐나다", "en": "Canada"},
    "CN": {"ko": "중국", "en": "China"},
    "DE": {"ko": "독일", "en": "Germany"},
    "FR": {"ko": "프랑스", "en": "France"},
    "GB": {"ko": "영국", "en": "United Kingdom"},
    "IE": {"ko": "아일랜드", "en": "Ireland"},
    "IN": {"ko": "인도", "en": "India"},
    "JP": {"ko": "일본", "en": "Japan"},
    "KR": {"ko": "대한민국", "en": "Republic of Korea"},
    "NL": {"ko": "네덜란드", "en": "Netherlands"},
    "SG": {"ko": "싱가포르", "en": "Singapore"},
    "TW": {"ko": "대만", "en": "Taiwan"},
    "US": {"ko": "미국", "en": "United States"},
}

_MONTHS = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
]

_ACTS: Mapping[str, Text] = {
    "PIPA": {"ko": "개인정보 보호법", "en": "Personal Information Protection Act"},
    "DECREE": {
        "ko": "개인정보 보호법 시행령",
        "en": "Enforcement Decree of the Personal Information Protection Act",
    },
}
_CITATION = re.compile(r"([A-Z]+) (\d+)(?:-(\d+))?(?:\((\d+)\))?")


def country_name(code: str, lang: str) -> str:
    """A country in words; its code where it is not in the table."""
    return _COUNTRIES[code][lang] if code in _COUNTRIES else code


def citation(short: str, lang: str) -> str:
    """``"PIPA 35(4)"`` as the country's lawyers write it: ``개인정보 보호법 제35조제4항``."""
    match = _CITATION.fullmatch(short)
    if match is None:
        return short
    act, article, sub, paragraph = match.groups()
    name = _ACTS.get(act, {}).get(lang, act)
    if lang == "ko":
        return f"{name} 제{article}조" + (f"의{sub}" if sub else "") + (f"제{paragraph}항" if paragraph else "")
    return f"{name}, Article {article}" + (f"-{sub}" if sub else "") + (f"({paragraph})" if paragraph else "")


LANGUAGE_NAMES: Mapping[str, str] = {"ko": "한국어", "en": "English"}


def long_date(day: date, lang: str) -> str:
    """A date in words: ``2023년 4월 28일``, ``28 April 2023``."""
    if lang == "ko":
        return f"{day.year}년 {day.month}월 {day.day}일"
    return f"{day.day} {_MONTHS[day.month - 1]} {day.year}"


@cache
def sentences() -> Mapping[str, Text]:
    """The sentences of the page, from ``sentences.toml``, by their keys."""
    return tomllib.loads((files("dongui.policy") / "sentences.toml").read_text("utf-8"))
