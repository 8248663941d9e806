"""The console's language, and how it writes numbers, days and times."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from babel.dates import format_date, format_interval, format_skeleton
from babel.numbers import format_decimal, format_percent
from dongui.i18n import LANGUAGES, MESSAGES, Words, translated
from dongui.i18n import words as words_of
from flask import Flask, g, request, session
from markupsafe import Markup, escape

from dongui_collector.core.operations import plain
from dongui_collector.retention.installation import Installation


def set_up(app: Flask) -> None:
    """Choose a language for every request and give the templates their words."""

    @app.before_request
    def choose() -> None:
        asked = request.args.get("lang")
        if asked in LANGUAGES:
            session["lang"] = asked
        kept = session.get("lang")
        g.lang = kept if kept in LANGUAGES else request.accept_languages.best_match(LANGUAGES, LANGUAGES[0])

    app.context_processor(lambda: {"lang": g.get("lang", LANGUAGES[0]), "w": words()})
    app.add_template_filter(number, "number")
    app.add_template_filter(percent, "percent")
    app.jinja_env.policies["json.dumps_function"] = lambda value, **how: app.json.dumps(value, default=plain, **how)
    app.add_template_filter(day, "day")
    app.add_template_filter(month, "month")
    app.add_template_filter(lambda at: instant(at, app.extensions["dongui"]), "instant")
    app.add_template_filter(text, "text")
    app.add_template_filter(days, "days")
    app.add_template_filter(share, "share")
    app.add_template_filter(said, "said")


def words() -> Words:
    """The words of this request's language."""
    return words_of(g.get("lang", LANGUAGES[0]), "console")


def number(value: int) -> str:
    return str(format_decimal(value, locale=g.lang))


def percent(share: float | None) -> str:
    """A share of 0 to 1; ``–`` for none."""
    return "–" if share is None else str(format_percent(share, locale=g.lang))


def day(value: date | str | None) -> str:
    """A day in words; ``–`` for none."""
    if value is None:
        return "–"
    return str(format_date(date.fromisoformat(value) if isinstance(value, str) else value, "medium", locale=g.lang))


def month(first: date) -> str:
    """A month by its first day, shortly: the year is said in January, and where it begins."""
    return str(format_skeleton("yyMMM" if first.month == 1 else "MMM", first, locale=g.lang))


def instant(at: int | None, core: Installation) -> str:
    """An instant (epoch ms) in the installation's zone; ``–`` for none."""
    if at is None:
        return "–"
    moment = datetime.fromtimestamp(at / 1000, core.settings.zone)
    return f"{format_date(moment.date(), 'medium', locale=g.lang)} {moment:%H:%M:%S}"


def days(value: tuple[date, date]) -> str:
    """A range of days in words; one day alone as itself."""
    first, last = value
    return day(first) if first == last else str(format_interval(first, last, "yMMMd", locale=g.lang))


def share(value: float) -> str:
    return str(format_percent(value, "#,##0.#%", locale=g.lang))


def text(value: Mapping[str, str] | str | None) -> Any:
    """A text of the policy in this request's language, else in the policy's first."""
    if value is None or isinstance(value, str):
        return value or ""
    return value.get(g.lang) or next(iter(value.values()), "")


def said(text: str) -> Markup:
    """What the policy's check, its diff or ``doctor`` says, in this request's language; marked where it is English."""
    lang = g.get("lang", LANGUAGES[0])
    if lang == "en":
        return escape(text)
    words = translated(words_of(lang, MESSAGES), text)
    return Markup('<span lang="en">{}</span>').format(text) if words is None else escape(words)
