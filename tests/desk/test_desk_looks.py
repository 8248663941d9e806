"""Every route of the desk is known to show nobody's data, or leaves an entry on the access log (S7.2, K12)."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from desk_world import World, send
from dongui_collector.access.roles import RIGHTS
from dongui_collector.desk.pages import DeskPages, menu, views
from flask import url_for
from flask.testing import FlaskClient

Drive = Callable[[World, FlaskClient], object]


def _export(world: World, browser: FlaskClient) -> object:
    today = world.core.clock.today(world.settings.zone)
    return browser.get(f"/v1/export/events?from={today}&to={today}").data


def _filed(world: World) -> str:
    """A request for access whose identity was checked."""
    id = world.ask("requests.add", kind="access", channel="letter")["id"]
    world.ask("requests.identity", id=id, how="document")
    return f"/console/requests/{id}"


def _request(world: World, browser: FlaskClient) -> object:
    return browser.get(_filed(world)).data


def _package(world: World, browser: FlaskClient) -> object:
    page = _filed(world)
    return send(browser, "/console/holds", f"{page}/package").data


def _letter(world: World, browser: FlaskClient) -> object:
    page = _filed(world)
    world.ask("requests.answer", id=int(page.rsplit("/", 1)[-1]), outcome="granted")
    return send(browser, "/console/holds", f"{page}/letter").data


def _archive(world: World, browser: FlaskClient) -> object:
    world.record(ended=True)
    fields = {"record_class": "payment", "reading_for": "dispute", "reason": "invoice 7 is disputed"}
    return send(browser, "/console/archive", "/console/archive", **fields).data


def _receipts(world: World, browser: FlaskClient) -> object:
    [notice] = world.core.registry.notices(1)
    visitor = world.choose(None, notice.policy.consent_purposes)
    fields = {"visitor": visitor, "reason": "asked on the telephone"}
    return send(browser, "/console/holds", "/console/consent/receipts", **fields).data


# How each audited view is opened, by somebody signed in, in an installation with one visitor.
DRIVES: dict[str, Drive] = {
    "api.export": _export,
    "requests.show": _request,
    "keeping.archive_read": _archive,
    "requests.package": _package,
    "requests.letter": _letter,
    "consent.look_up": _receipts,
}


AUDITED = {view.endpoint: view.audit for view in views.values() if view.audit}


def test_every_route_is_described(world: World) -> None:
    """By itself, where it is defined: it shows nobody's data, leaves an entry, or stands in the disclosure ledger."""
    assert {rule.endpoint for rule in world.desk.url_map.iter_rules()} == set(views)


def test_a_view_that_does_not_say_what_it_shows_cannot_be_made() -> None:
    pages = DeskPages("new", __name__)
    with pytest.raises(TypeError, match="one of nobody=, audit= and discloses="):
        pages.get("/new", endpoint="page")(lambda: "")
    with pytest.raises(TypeError, match="one of nobody="):
        pages.get("/new", endpoint="page", nobody="numbers", audit="export")(lambda: "")
    assert "new.page" not in views


def test_every_right_is_one_of_the_matrix_and_every_console_page_has_one(world: World) -> None:
    console = {r.endpoint for r in world.desk.url_map.iter_rules() if r.rule.startswith("/console")}
    without = {endpoint for endpoint in console if views[endpoint].right is None}
    assert without == {"login", "logout", "preview_files.script"}
    assert {view.right for view in views.values() if view.right} <= set(RIGHTS)


def test_the_menu_is_what_the_views_say(world: World, officer: FlaskClient) -> None:
    page = officer.get("/console/holds").text
    nav = page[page.index("<nav") : page.index("</nav>")]
    listed = [view for _, some in menu() for view in some]
    with world.desk.test_request_context():
        assert re.findall(r'<li><a href="([^"]+)"', nav) == [url_for(view.endpoint) for view in listed]
    places = [(view.menu.group, view.menu.place) for view in listed if view.menu]
    assert len(set(places)) == len(places) > 10


def test_every_audited_view_is_opened_below() -> None:
    assert set(DRIVES) == set(AUDITED)


@pytest.mark.parametrize("endpoint", sorted(AUDITED))
def test_k12_a_look_is_on_the_log_before_it_is_shown(
    world: World, officer: FlaskClient, visitor: str, endpoint: str
) -> None:
    before = world.core.storage.ledger.head()[0]
    DRIVES[endpoint](world, officer)
    since = world.core.storage.ledger.records(after=before)
    entries = [record.body for record in since if record.kind == "audit" and record.body]
    assert [entry["by"].removeprefix("console: ") for entry in entries if entry["action"] == AUDITED[endpoint]] == [
        "admin"
    ]


@pytest.mark.parametrize(
    "page",
    [
        "/console/",
        "/console/destructions",
        "/console/holds",
        "/console/ledger",
        "/console/archive",
        "/console/access",
        "/console/audit",
        "/console/requests",
        "/console/consent",
        "/console/consent/receipts",
    ],
)
def test_what_shows_nobody_holds_no_key_of_a_visitor(
    world: World, officer: FlaskClient, visitor: str, page: str
) -> None:
    key = world.core.ledger.key_of(visitor)
    text = officer.get(page).text
    assert visitor not in text
    assert key.hex() not in text
    assert "203.0.113.9" not in text
