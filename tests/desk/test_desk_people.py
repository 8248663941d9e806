"""Accounts, second factors and sessions in the console (S7.2, K12, K13)."""

from __future__ import annotations

import base64
import re
from typing import Any

import pytest
from desk_world import World, csrf, send, sign_in
from dongui_collector.access import totp
from dongui_collector.access.sessions import stands as judged
from dongui_collector.core.clock import Clock
from dongui_collector.core.errors import CollectorError
from dongui_collector.core.settings import load_settings
from dongui_collector.desk.app import create_desk
from dongui_collector.runtime.composition import control
from dongui_collector.storage.contract.access import Account
from dongui_collector.storage.contract.values import Session
from flask.testing import FlaskClient

PASSWORD = "a long enough password"


@pytest.fixture
def kim(world: World, monkeypatch: pytest.MonkeyPatch) -> FlaskClient:
    """An analyst, signed in. Time stands still, so that no step of a code's thirty seconds ends on the way."""
    present = Clock().now()
    monkeypatch.setattr(Clock, "now", lambda clock: present + clock.offset_ms)
    world.ask("accounts.put", name="kim", password=PASSWORD, role="analyst")
    return world.signed_in("kim", PASSWORD)


def account(world: World, name: str = "kim") -> Account:
    found = world.core.storage.accounts.account(name)
    assert found
    return found


def enrolled(world: World, browser: FlaskClient) -> tuple[bytes, list[str]]:
    """Set up a second factor. Returns its secret and the recovery codes."""
    page = send(browser, "/console/account", "/console/account/factor").text
    found = re.search(r"<code>([A-Z2-7 ]+)</code>", page)
    assert found
    secret = base64.b32decode(found[1].replace(" ", ""))
    now = world.core.clock.now() // 1000
    answer = send(browser, "/console/account", "/console/account/factor/confirm", code=totp.code(secret, now // 30 - 1))
    return secret, re.findall(r"<code>([a-z2-7-]{19})</code>", answer.text)


def with_code(world: World, name: str, code: str) -> tuple[FlaskClient, int]:
    browser = world.browser()
    fields = {"name": name, "password": PASSWORD, "code": code, "csrf_token": csrf(browser, "/console/login")}
    return browser, browser.post("/console/login", data=fields).status_code


# --- one's own password ----------------------------------------------------------------------------------------------


def test_k13_ones_own_password_needs_the_old_one_and_ends_every_session(world: World, kim: FlaskClient) -> None:
    elsewhere = world.signed_in("kim", PASSWORD)
    fields = {"old": PASSWORD, "new": "quite another password", "again": "quite another password"}
    assert send(kim, "/console/account", "/console/account/password", **fields | {"old": "wrong"}).status_code == 400
    assert send(kim, "/console/account", "/console/account/password", **fields | {"again": "x"}).status_code == 400
    assert sign_in(world.browser(), "kim", PASSWORD).status_code == 303
    answer = send(kim, "/console/account", "/console/account/password", **fields)
    assert (answer.status_code, answer.headers["Location"]) == (303, "/console/login")
    assert [b.get("/console/").status_code for b in (kim, elsewhere)] == [303, 303]
    assert sign_in(world.browser(), "kim", PASSWORD).status_code == 401
    assert sign_in(world.browser(), "kim", "quite another password").status_code == 303


@pytest.mark.parametrize("new", ["short", "kimkimkimki"[:9], ""])
def test_a_weak_password_is_refused(world: World, kim: FlaskClient, new: str) -> None:
    before = account(world).password
    answer = send(kim, "/console/account", "/console/account/password", old=PASSWORD, new=new, again=new)
    assert answer.status_code == 400
    assert account(world).password == before


def test_a_stolen_session_does_not_let_guess_the_password(world: World, kim: FlaskClient) -> None:
    for _ in range(5):
        send(
            kim, "/console/account", "/console/account/password", old="guess", new=PASSWORD + "2", again=PASSWORD + "2"
        )
    answer = send(
        kim, "/console/account", "/console/account/password", old=PASSWORD, new=PASSWORD + "2", again=PASSWORD + "2"
    )
    assert answer.status_code == 400, "it waits, even with the right password"
    assert sign_in(world.browser(), "kim", PASSWORD).status_code == 303, (
        "whom it was stolen from is kept out of nothing"
    )


# --- second factor ---------------------------------------------------------------------------------------------------


def test_k12_a_second_factor_is_asked_for_and_a_code_is_good_once(world: World, kim: FlaskClient) -> None:
    secret, _ = enrolled(world, kim)
    assert kim.get("/console/").status_code == 303, "the session was opened with less"
    assert secret.hex() not in str(account(world)), "sealed, not kept as it is"
    step = world.core.clock.now() // 30_000
    assert with_code(world, "kim", "")[1] == 401
    assert with_code(world, "kim", totp.code(secret, step - 1))[1] == 401, "used when it was set up"
    browser, status = with_code(world, "kim", totp.code(secret, step))
    assert status == 303
    assert browser.get("/console/").status_code == 200
    assert with_code(world, "kim", totp.code(secret, step))[1] == 401, "replayed"


def test_a_recovery_code_is_good_once(world: World, kim: FlaskClient) -> None:
    _, codes = enrolled(world, kim)
    assert len(codes) == 10
    assert not any(code in str(account(world)) for code in codes)
    assert with_code(world, "kim", codes[0].upper())[1] == 303
    assert with_code(world, "kim", codes[0])[1] == 401
    assert with_code(world, "kim", codes[1])[1] == 303


def test_guessing_codes_is_slowed_down_too(world: World, kim: FlaskClient) -> None:
    secret, _ = enrolled(world, kim)
    assert [with_code(world, "kim", "000000")[1] for _ in range(6)] == [401] * 5 + [429]
    assert with_code(world, "kim", totp.code(secret, world.core.clock.now() // 30_000))[1] == 429


def test_a_second_factor_goes_with_the_password_or_by_an_administrator(world: World, kim: FlaskClient) -> None:
    _, codes = enrolled(world, kim)
    browser, _ = with_code(world, "kim", codes[0])

    def remove(password: str) -> int:
        return send(browser, "/console/account", "/console/account/factor/remove", password=password).status_code

    assert remove("wrong") == 400
    assert account(world).factor is not None
    assert remove(PASSWORD) == 303
    assert sign_in(world.browser(), "kim", PASSWORD).status_code == 303
    again = world.signed_in("kim", PASSWORD)
    enrolled(world, again)
    reset = world.ask("accounts.reset", name="kim")
    assert sign_in(world.browser(), "kim", reset["password"]).status_code == 303
    found = account(world)
    assert (found.factor, found.recovery, found.factor_step) == (None, (), 0)


def test_where_a_second_factor_is_required_nothing_else_is_shown_before(world: World) -> None:
    config = world.settings.folder / "dongui.toml"
    config.write_text("require_totp = true\n" + config.read_text(encoding="utf-8"), encoding="utf-8")
    world.settings = load_settings(config)
    world.core.settings, world.core.control = world.settings, control(world.settings)
    browser = world.browser()
    answer = sign_in(browser, "admin", world.installed.console_password)
    assert answer.headers["Location"] == "/console/account"
    for page in ("/console/", "/console/access", "/console/ledger"):
        assert browser.get(page).headers.get("Location") == "/console/account", page
    today = world.core.clock.today(world.settings.zone)
    assert browser.get(f"/v1/export/events?from={today}&to={today}").status_code == 403
    enrolled(world, browser)
    assert account(world, "admin").factor is not None


# --- sessions --------------------------------------------------------------------------------------------------------


def test_a_session_that_was_planted_before_signing_in_is_worth_nothing(world: World) -> None:
    """Session fixation: what the browser brought along is another session than the one that signing in opens."""
    browser = world.browser()
    browser.get("/console/login")
    before = browser.get_cookie("dongui_desk")
    assert before
    assert sign_in(browser, "admin", world.installed.console_password).status_code == 303
    attacker = world.browser()
    attacker.set_cookie("dongui_desk", before.value)
    assert attacker.get("/console/").status_code == 303
    with browser.session_transaction() as planted:
        first = planted["_user_id"]
    assert sign_in(browser, "admin", world.installed.console_password).status_code == 303
    with browser.session_transaction() as planted:
        assert planted["_user_id"] != first


def test_sessions_are_listed_and_each_can_be_ended(world: World, kim: FlaskClient) -> None:
    other = world.signed_in("kim", PASSWORD)
    page = kim.get("/console/account").text
    [ends] = re.findall(r'name="session" value="([0-9a-f]{16})"', page)
    send(kim, "/console/account", "/console/account/sessions/end", session=ends)
    assert (kim.get("/console/").status_code, other.get("/console/").status_code) == (200, 303)
    admins = world.core.storage.accounts.account("admin")
    assert admins
    world.signed_in()
    [theirs] = world.core.storage.accounts.sessions(admins.id)
    answer = send(kim, "/console/account", "/console/account/sessions/end", session=theirs.hash.hex()[:16])
    assert answer.status_code == 404
    assert world.core.storage.accounts.sessions(admins.id) == [theirs]


def test_signing_out_ends_the_session_for_a_copied_cookie_too(world: World, kim: FlaskClient) -> None:
    cookie = kim.get_cookie("dongui_desk")
    assert cookie
    send(kim, "/console/", "/console/logout")
    copied = world.browser()
    copied.set_cookie("dongui_desk", cookie.value)
    assert copied.get("/console/").status_code == 303


@pytest.mark.parametrize(
    ("started", "seen", "stands"),
    [(0, 0, True), (7.9, 0, True), (8, 0, False), (1, 0.49, True), (1, 0.5, False)],
    ids=["fresh", "almost too old", "too old", "almost idle", "idle"],
)
def test_a_session_ends_with_its_age_and_when_it_is_idle(
    world: World, started: float, seen: float, stands: bool
) -> None:
    now = world.core.clock.now()
    made = Session(b"", "", now - int(started * 3_600_000), now - int(seen * 3_600_000), "")
    assert judged(made, world.settings, now) is stands


@pytest.mark.parametrize("what", ["disable", "remove", "reset", "role"])
def test_a_changed_account_is_out_at_once(world: World, kim: FlaskClient, officer: FlaskClient, what: str) -> None:
    answer = send(officer, "/console/access", "/console/access/accounts/change", name="kim", what=what, role="auditor")
    assert answer.status_code in (200, 303)
    assert kim.get("/console/").status_code == 303


def test_a_disabled_account_comes_back_and_a_removed_one_does_not(
    world: World, kim: FlaskClient, officer: FlaskClient
) -> None:
    def change(what: str) -> None:
        send(officer, "/console/access", "/console/access/accounts/change", name="kim", what=what)

    change("disable")
    assert sign_in(world.browser(), "kim", PASSWORD).status_code == 401
    change("enable")
    assert sign_in(world.browser(), "kim", PASSWORD).status_code == 303
    change("remove")
    assert sign_in(world.browser(), "kim", PASSWORD).status_code == 401
    assert world.core.storage.accounts.account("kim") is None


# --- guessing --------------------------------------------------------------------------------------------------------


def test_k12_a_lock_out_survives_a_restart(world: World) -> None:
    for _ in range(5):
        assert sign_in(world.browser(), "admin", "wrong").status_code == 401
    world.desk = create_desk(world.core)  # the desk was started anew
    answer = sign_in(world.browser(), "admin", world.installed.console_password)
    assert answer.status_code == 429
    assert 1 <= int(answer.headers["Retry-After"]) <= 900


def test_a_flood_of_unknown_names_does_not_fill_the_ledger(world: World) -> None:
    before = world.core.storage.ledger.head()[0]
    for n in range(6):
        sign_in(world.browser(), f"nobody{n}", "wrong")
    assert world.core.storage.ledger.head()[0] == before + 1
    last = world.core.storage.ledger.last_of("audit")
    assert last
    assert last.body
    assert last.body["action"] == "login.refused"
    assert "nobody0" not in str(last.body), "what was typed may be a password in the wrong field"


# --- who keeps the house ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("what", ["disable", "remove", "role"])
@pytest.mark.parametrize("role", ["admin", "officer"])
def test_s5_3_the_last_of_a_role_cannot_be_taken_away(world: World, officer: FlaskClient, what: str, role: str) -> None:
    name = "admin"
    if role == "officer":
        name = "park"
        world.ask("accounts.put", name=name, password=PASSWORD, role=role)
    fields: dict[str, Any] = {"name": name, "what": what, "role": "analyst"}
    assert send(officer, "/console/access", "/console/access/accounts/change", **fields).status_code == 400
    assert account(world, name).role == role
    world.ask("accounts.put", name="second", password=PASSWORD, role=role)
    assert send(officer, "/console/access", "/console/access/accounts/change", **fields).status_code == 303


def test_s5_3_with_an_officer_the_administrator_approves_nothing(world: World, officer: FlaskClient) -> None:
    token = csrf(officer, "/console/access")
    assert officer.post("/console/destructions/approve", data={"csrf_token": token}).status_code == 303
    world.ask("accounts.put", name="park", password=PASSWORD, role="officer")
    for path in ("/console/destructions/approve", "/console/destructions/standing", "/console/holds"):
        assert officer.post(path, data={"csrf_token": token, "reason": "x"}).status_code == 403, path
    today = world.core.clock.today(world.settings.zone)
    assert officer.get(f"/v1/export/events?from={today}&to={today}").status_code == 403
    park = world.signed_in("park", PASSWORD)
    assert send(park, "/console/destructions", "/console/destructions/approve").status_code == 303
    assert park.get("/console/access").status_code == 403


FORMS = [
    "/console/account/password",
    "/console/account/factor",
    "/console/account/factor/confirm",
    "/console/account/factor/remove",
    "/console/account/sessions/end",
    "/console/access/tokens",
    "/console/access/accounts",
    "/console/access/accounts/change",
]


@pytest.mark.parametrize("path", FORMS)
def test_a_form_from_elsewhere_does_nothing(world: World, officer: FlaskClient, path: str) -> None:
    head = world.core.storage.ledger.head()[0]
    fields = {"name": "admin", "what": "reset", "purpose": "statistics", "password": PASSWORD, "role": "admin"}
    assert officer.post(path, data=fields).status_code == 400
    assert officer.post(path, data=fields | {"csrf_token": "forged"}).status_code == 400
    assert world.core.storage.ledger.head()[0] == head


# --- tokens ----------------------------------------------------------------------------------------------------------


def test_a_token_expires_by_itself_and_shows_when_it_was_used(world: World, visitor: str) -> None:
    made = world.token("statistics", expires="P1D")
    assert world.export(made["token"]).status_code == 200
    [shown] = world.core.storage.admin.tokens()
    assert shown.last_used == world.core.clock.today(world.settings.zone).isoformat()
    world.core.clock = Clock(3 * 86_400_000)
    assert world.export(made["token"]).status_code == 401


@pytest.mark.parametrize("wrong", ["", "soon", "2020-01-01", "P1H", "-P1D", "2027-02-30", "P99999Y"])
def test_a_token_that_ends_at_no_time_is_refused(world: World, wrong: str) -> None:
    with pytest.raises(CollectorError):
        world.token("statistics", expires=wrong)


def test_s4_1_a_token_for_a_recipient_who_is_not_in_the_notice_is_refused(world: World) -> None:
    with pytest.raises(CollectorError, match="names no processor or recipient"):
        world.token("statistics", recipient="Stranger Inc.")
