"""The weekly mail: what it says of each site, as text and as a page. Numbers alone, cut like a shared link's lists."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from email.message import EmailMessage
from typing import Any

from dongui.i18n import Words
from flask import Flask, g, render_template

from dongui_collector.desk.language import days, words
from dongui_collector.desk.visits.answers import ScreenReader, is_whole
from dongui_collector.desk.visits.figures import FigureChange, change, shown
from dongui_collector.desk.visits.panels import TABS, PanelRow, rows
from dongui_collector.desk.visits.screen_state import METRICS, ScreenState
from dongui_collector.retention.installation import Installation
from dongui_collector.storage.contract.values import Site

LISTS = ("channels", "pages", "countries")
_ROWS = 5


@dataclass(frozen=True, slots=True)
class SiteWeek:
    """A site's week. ``figures``: name, figure, change.

    ``lists``: report, its rows, and of how many days they lack what few had in common.
    """

    name: str
    figures: list[tuple[str, str, FigureChange | None]]
    consented: float | None
    purposes: list[str]
    lists: list[tuple[str, list[PanelRow], int]]


def week_before(today: date) -> tuple[date, date]:
    """Monday and Sunday of the last whole week before a day."""
    sunday = today - timedelta(days=today.weekday() + 1)
    return sunday - timedelta(days=6), sunday


def site_week(core: Installation, site: Site, week: tuple[date, date], lang: str, said: Words) -> SiteWeek | None:
    """What the mail says of a site; None where its purposes cover no report."""
    reader = ScreenReader(core, site, ScreenState("custom", *week, fixed=True))
    if reader.lacking():
        return None
    answer = reader.ask("overview")
    earlier = reader.ask("overview", reader.asked.before)
    now, before = answer["rows"][0], earlier["rows"][0] if is_whole(answer) and is_whole(earlier) else {}
    figures = [(n, shown(n, now[n], lang), change(n, now[n], before.get(n), lang)) for n in METRICS]
    policy = reader.notice.policy
    purposes = [policy.purposes[name].label for name in reader.rests_on()]
    lists = [_list(reader, name, lang, said) for name in LISTS if not reader.lacking((TABS[name].dimension,))]
    names = [label.get(lang) or next(iter(label.values()), "") for label in purposes]
    return SiteWeek(site.name, figures, answer["consented"], names, lists)


def _list(reader: ScreenReader, name: str, lang: str, said: Words) -> tuple[str, list[PanelRow], int]:
    answer = reader.ask_of_many(name, _ROWS)
    return name, rows(TABS[name], answer, reader.asked, lang, said, ("visitors",)), answer["shortened"]


def mail(app: Flask, core: Installation, week: tuple[date, date], only: Site | None = None) -> EmailMessage:
    """The mail of a week, addressed as the settings say."""
    settings = core.settings
    with app.test_request_context():  # the templates' filters and words want a request
        g.lang = settings.mail_language
        asked = [only] if only else core.registry.sites()
        found = [one for site in asked if (one := site_week(core, site, week, g.lang, words()))]
        values: dict[str, Any] = {"sites": found, "week": week}
        message = EmailMessage()
        message["Subject"] = f"{words()['m_subject']} · {days(week)}"
        message["From"] = settings.mail_from or receivers(settings.mail_to)[0]
        message["To"] = ", ".join(receivers(settings.mail_to))
        message["Auto-Submitted"] = "auto-generated"
        message.set_content(render_template("mail/weekly.txt", **values))
        message.add_alternative(render_template("mail/weekly.html", **values), subtype="html")
    return message


def receivers(text: str) -> list[str]:
    """The addresses of a setting, with commas between them."""
    return [one.strip() for one in text.split(",") if one.strip()]
