"""Words that every page needs, by language: bases, countries, statutes, dates. The texts are in ``locale/``."""

from __future__ import annotations

import re
from datetime import date

from dongui.i18n import words

_CITATION = re.compile(r"([A-Z]+) (\d+)(?:-(\d+))?(?:\((\d+)\))?")


def basis_name(basis: str, lang: str) -> str:
    """A basis of processing (처리 근거) in words."""
    return words(lang, "basis")[basis]


def country_name(code: str, lang: str) -> str:
    """A country (ISO 3166 alpha-2) in words; its code where no catalog names it."""
    return str(words(lang, "country").get(code, code))


def language_name(lang: str) -> str:
    """A language by its own name."""
    return words(lang, "language")["name"]


def citation(short: str, lang: str) -> str:
    """``"PIPA 35(4)"`` as the country's lawyers write it: ``개인정보 보호법 제35조제4항``."""
    match = _CITATION.fullmatch(short)
    if match is None:
        return short
    act, article, sub, paragraph = match.groups()
    statute = words(lang, "statute")
    return statute["article"].format(
        act=statute.get(act, act),
        article=article,
        sub=statute["sub"].format(n=sub) if sub else "",
        paragraph=statute["paragraph"].format(n=paragraph) if paragraph else "",
    )


def long_date(day: date, lang: str) -> str:
    """A date in words: ``2023년 4월 28일``, ``28 April 2023``."""
    dates = words(lang, "date")
    return dates["long"].format(year=day.year, month=dates[f"month {day.month}"], day=day.day)
