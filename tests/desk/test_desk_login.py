"""Signing in: nobody without, slow for who guesses, over with the password."""

from __future__ import annotations

import pytest
from desk_world import World, csrf, send, sign_in
from dongui_collector.access.throttle import Throttle
from hypothesis import given
from hypothesis import strategies as st

PAGES = ["/console/", "/console/destructions", "/console/holds", "/console/ledger", "/console/access"]


@pytest.mark.parametrize("page", PAGES)
def test_no_page_without_signing_in(world: World, page: str) -> None:
    answer = world.browser().get(page)
    assert answer.status_code == 303
    assert answer.headers["Location"].startswith("/console/login?next=")


def test_signing_in_leads_on_to_the_page_asked_for(world: World) -> None:
    answer = sign_in(world.browser(), "admin", world.installed.console_password, next="/console/holds")
    assert (answer.status_code, answer.headers["Location"]) == (303, "/console/holds")


@pytest.mark.parametrize(
    "elsewhere",
    [
        "https://evil.example/",
        "//evil.example",
        "/\\evil.example",
        "/console/\\evil.example",
        "javascript:alert(1)",
        "//[",
        "http://[",
        "//℀.com/",
        "//evil.example:x/",
        "/console/#x",
        "/console/../evil",
        "/console/%2e%2e/evil",
        "/console/holds/..%2f../evil",
        "/console/..",
    ],
)
def test_signing_in_never_leads_elsewhere(world: World, elsewhere: str) -> None:
    answer = sign_in(world.browser(), "admin", world.installed.console_password, next=elsewhere)
    assert answer.headers["Location"] == "/console/"


@pytest.mark.parametrize("name", ["admin", "nobody"])
def test_a_wrong_password_and_an_unknown_name_look_the_same(world: World, name: str) -> None:
    answer = sign_in(world.browser(), name, "wrong")
    assert answer.status_code == 401
    assert "Set-Cookie" not in answer.headers or "_user_id" not in answer.headers["Set-Cookie"]
    assert "맞지 않습니다" in answer.text


def test_guessing_is_slowed_down_even_with_the_right_password(world: World) -> None:
    browser = world.browser()
    codes = [sign_in(browser, "admin", "wrong").status_code for _ in range(6)]
    assert codes == [401] * 5 + [429]
    answer = sign_in(browser, "admin", world.installed.console_password)
    assert answer.status_code == 429
    assert int(answer.headers["Retry-After"]) >= 1


@given(failures=st.integers(1, 30))
def test_the_throttle_waits_longer_each_time_but_not_for_ever(failures: int) -> None:
    throttle, now = Throttle(), 1000.0
    for _ in range(failures):
        throttle.failed("ana", now)
    wait = throttle.wait("ana", now)
    assert wait == (0 if failures < 5 else min(900.0, 5.0 * 2 ** (failures - 5)))
    assert throttle.wait("ana", now + wait) == 0
    assert throttle.wait("ben", now) == 0
    throttle.succeeded("ana")
    assert throttle.wait("ana", now) == 0


def test_the_throttle_forgets_the_oldest_when_it_is_full() -> None:
    throttle = Throttle(free=1, known=3)
    for name in "abcd":
        throttle.failed(name, 0.0)
    assert [throttle.wait(name, 0.0) > 0 for name in "abcd"] == [False, True, True, True]


def test_a_form_without_its_token_is_refused(world: World) -> None:
    fields = {"name": "admin", "password": world.installed.console_password}
    assert world.browser().post("/console/login", data=fields).status_code == 400


def test_signing_out_needs_the_form_and_ends_the_session(world: World) -> None:
    browser = world.signed_in()
    assert browser.get("/console/logout").status_code == 405
    send(browser, "/console/", "/console/logout")
    assert browser.get("/console/").status_code == 303


def test_another_password_ends_the_sessions_of_the_old_one(world: World) -> None:
    browser = world.signed_in()
    world.ask("accounts.put", name="admin", password="another long password")
    assert browser.get("/console/").status_code == 303
    assert world.signed_in(password="another long password").get("/console/").status_code == 200


def test_the_session_cookie_is_kept_from_scripts_and_other_sites(world: World) -> None:
    answer = sign_in(world.browser(), "admin", world.installed.console_password)
    [cookie] = [c for c in answer.headers.getlist("Set-Cookie") if c.startswith("dongui_desk=")]
    assert "HttpOnly" in cookie
    assert "SameSite=Strict" in cookie


@pytest.mark.parametrize(
    ("role", "allowed"),
    [
        ("officer", {"/console/", "/console/destructions", "/console/holds", "/console/ledger"}),
        ("auditor", {"/console/", "/console/destructions", "/console/holds", "/console/ledger"}),
        ("analyst", {"/console/"}),
    ],
)
def test_a_role_sees_its_pages(world: World, role: str, allowed: set[str]) -> None:
    world.ask("accounts.put", name="kim", password="a long enough password", role=role)
    browser = world.signed_in("kim", "a long enough password")
    assert {page for page in PAGES if browser.get(page).status_code == 200} == allowed


def test_an_auditor_changes_nothing(world: World) -> None:
    world.ask("accounts.put", name="kim", password="a long enough password", role="auditor")
    browser = world.signed_in("kim", "a long enough password")
    token = csrf(browser, "/console/ledger")
    for action, fields in (
        ("/console/destructions/approve", {}),
        ("/console/destructions/standing", {}),
        ("/console/holds", {"reason": "x"}),
        ("/console/access/tokens", {"purpose": "statistics"}),
        ("/console/access/accounts", {"name": "x", "password": "a long enough password", "role": "admin"}),
    ):
        assert browser.post(action, data={**fields, "csrf_token": token}).status_code == 403, action
    assert world.core.retention.overview.status().standing_approval
    assert world.core.storage.admin.holds() == []


@pytest.mark.parametrize("password", ["short", ""])
def test_a_short_password_is_refused(world: World, password: str) -> None:
    answer = send(
        world.signed_in(), "/console/access", "/console/access/accounts", name="kim", password=password, role="officer"
    )
    assert answer.status_code == 400
    assert world.core.storage.accounts.account("kim") is None
