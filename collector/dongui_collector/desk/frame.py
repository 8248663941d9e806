"""The frame of every page: the menu for who is signed in, the site, the theme, and links back to the page itself."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from flask import Flask, request, session, url_for
from flask_login import current_user
from werkzeug.wrappers import Response

from dongui_collector.core import Core
from dongui_collector.desk.shell import MENU, Entry, open_core
from dongui_collector.publishing import find_site
from dongui_collector.storage.values import Site

_THEMES = ("light", "dark")
_THEME_COOKIE = "dongui_theme"  # how somebody's browser shows the console; nothing about anybody
_REMEMBERED_S = 400 * 86_400


def set_up(app: Flask, core: Core) -> None:
    """Give every page its frame, and remember the theme that was asked for (``?theme=dark``; ``auto`` forgets it)."""

    @app.after_request
    def remember(response: Response) -> Response:
        if (asked := request.args.get("theme")) in (*_THEMES, "auto") and request.endpoint != "static":
            age = _REMEMBERED_S if asked in _THEMES else 0
            path = app.config["SESSION_COOKIE_PATH"] or "/"
            response.set_cookie(_THEME_COOKIE, asked, max_age=age, path=path, samesite="Strict", httponly=True)
        return response

    app.context_processor(lambda: _frame(core))


def chosen_site() -> Site:
    """The site that a page is about: ``?site=``, remembered while signed in, else the first.

    Raises :class:`~dongui_collector.errors.Unknown` where a site is named that there is not.
    """
    core = open_core()
    if asked := request.args.get("site"):
        site = find_site(core, asked)
        session["site"] = site.id
        return site
    return _remembered(core)


def home() -> str:
    """The address of the first page of who is signed in."""
    return url_for("console.overview")


def here(**changes: str) -> str:
    """The present page with some of its query changed. The answer to a form has no address of its own: home."""
    if request.method != "GET":
        return f"{home()}?{urlencode(changes)}"
    kept = [(key, value) for key, value in request.args.items(multi=True) if key not in changes]
    return f"{request.path}?{urlencode([*kept, *changes.items()])}"


def _frame(core: Core) -> dict[str, Any]:
    asked = request.args.get("theme", request.cookies.get(_THEME_COOKIE))
    return {
        "menu": _menu(),
        "home": home(),
        "here": here,
        "here_name": _name_of_page(),
        "theme": asked if asked in _THEMES else None,
        "sites_to_choose": core.book.sites(),
        "site_chosen": _remembered(core),
    }


def _remembered(core: Core) -> Site:
    kept = core.book.site(session.get("site", ""))
    return kept or core.book.sites()[0]


def _menu() -> list[tuple[str, list[Entry]]]:
    if not current_user.is_authenticated:
        return []
    return [(group, [entry for entry in some if current_user.may(entry.needs)]) for group, some in MENU.items()]


def _name_of_page() -> str | None:
    """The name of the menu's entry that the present page belongs to: its own, or the one above it."""
    if request.endpoint == "account.own":
        return "own_account"
    found = None
    for entry in (entry for some in MENU.values() for entry in some):
        if entry.endpoint == request.endpoint:
            return entry.name
        if found is None and request.path.startswith(f"{url_for(entry.endpoint)}/"):
            found = entry.name
    return found
