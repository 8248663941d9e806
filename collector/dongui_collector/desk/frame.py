"""The frame of every page: the menu for who is signed in, the site, the theme, and links back to the page itself."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from flask import Flask, g, request, session, url_for
from flask_login import current_user
from werkzeug.wrappers import Response

from dongui_collector.desk.pages import DeskView, menu
from dongui_collector.desk.shell import open_core
from dongui_collector.ledger.sites import find_site
from dongui_collector.retention.installation import Installation
from dongui_collector.storage.contract.values import Site

# What a browser remembers of how it shows the console, as cookies ``dongui_…``; nothing about anybody. The first of
# each is as usual, and forgets.
_LOOKS = {"theme": ("auto", "light", "dark"), "keys": ("on", "off")}
_REMEMBERED_S = 400 * 86_400


def set_up(app: Flask, core: Installation) -> None:
    """Give every page its frame, and remember how it was asked to look (``?theme=dark``, ``?keys=off``)."""

    @app.after_request
    def remember(response: Response) -> Response:
        for name, known in _LOOKS.items():
            if request.endpoint != "static" and (asked := request.args.get(name)) in known:
                age = _REMEMBERED_S if asked != known[0] else 0
                response.set_cookie(f"dongui_{name}", asked, max_age=age, samesite="Strict", httponly=True)
        return response

    app.context_processor(lambda: _frame(core))


def chosen_site() -> Site:
    """The site that a page is about: ``?site=``, remembered while signed in, else the first.

    Raises :class:`Unknown` where a site is named that there is not.
    """
    core = open_core()
    if asked := request.args.get("site"):
        site = find_site(core, asked)
        session["site"] = site.id
        return site
    return _remembered(core)


def home() -> str:
    """The address of the first page of who is signed in: what is due for who decides, visits for an analyst."""
    if current_user.is_authenticated and current_user.may("approve"):
        return url_for("due.due")
    only_visits = current_user.is_authenticated and current_user.may("visits") and not current_user.may("read")
    return url_for("visits.visits" if only_visits else "console.overview")


def here(**changes: str) -> str:
    """The present page with some of its query changed. The answer to a form has no address of its own: home."""
    if request.method != "GET" or g.get("parameters_refused"):
        return f"{home()}?{urlencode(changes)}"
    kept = [(key, value) for key, value in request.args.items(multi=True) if key not in changes]
    return f"{request.path}?{urlencode([*kept, *changes.items()])}"


def _frame(core: Installation) -> dict[str, Any]:
    return {
        "menu": _menu(),
        "home": home(),
        "here": here,
        "here_name": _name_of_page(),
        "theme": _look("theme"),
        "keys_on": _look("keys") == "on",
        "sites_to_choose": core.registry.sites(),
        "site_chosen": _remembered(core),
    }


def _look(name: str) -> str:
    asked, known = request.args.get(name, request.cookies.get(f"dongui_{name}", "")), _LOOKS[name]
    return asked if asked in known else known[0]


def _remembered(core: Installation) -> Site:
    kept = core.registry.site(session.get("site", ""))
    return kept or core.registry.sites()[0]


def _menu() -> list[tuple[str, list[DeskView]]]:
    if not current_user.is_authenticated:
        return []
    return [(group, [view for view in some if current_user.may(view.right)]) for group, some in menu()]


def _name_of_page() -> str | None:
    """The name of the menu's entry that the present page belongs to: its own, or the one above it."""
    if request.endpoint == "account.own":
        return "own_account"
    found = None
    for view in (view for _, some in menu() for view in some):
        name = view.menu.name if view.menu else None
        if view.endpoint == request.endpoint:
            return name
        if found is None and request.path.startswith(f"{url_for(view.endpoint)}/"):
            found = name
    return found
