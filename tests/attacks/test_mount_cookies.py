"""Cookies that somebody else set: a sibling host, an older page, a name that only looks like ours."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.test import Client as Browser
from django.test import override_settings
from dongui.asgi import ConsentMiddleware as AsgiMiddleware
from dongui.testing import FakeClient

import tests.sdk.django_site  # noqa: F401  (configures Django)
from tests.attacks.mount import ORIGIN, SECURE, decision, post, set_cookies, shop
from tests.clock import now_s
from tests.sdk.calls import call
from tests.sdk.test_sdk_asgi import ask
from tests.sdk.test_sdk_asgi import page as asgi_page

MINE, OTHERS = "M" * 22, "O" * 22
GRANT, REFUSAL = f"1~v1~statistics~{'t68n40'}", "1~v1~~t68n40"


@pytest.fixture
def fake() -> Any:
    client = FakeClient()
    client._granted = {MINE: {"statistics"}, OTHERS: {"statistics"}}
    yield client
    client.close()


def choice(*purposes: str) -> str:
    from dongui.rules import Choice, encode_choice

    return encode_choice(Choice("test", purposes, now_s()))


def recorded(fake: FakeClient, cookie: str, **headers: str) -> list[str]:
    """Under whose ids a page with this ``Cookie`` header is recorded: by WSGI, ASGI and Django, which must agree."""
    from dongui import ConsentMiddleware

    from tests.attacks.mount import page

    found = []
    call(ConsentMiddleware(page, client=fake), cookie=cookie, **headers)
    found.append([event.visitor for event in fake.events])
    fake.events.clear()
    sent = {name.lower(): value for name, value in headers.items()}
    ask(AsgiMiddleware(asgi_page(), client=fake), "/", cookie=cookie, **sent)
    found.append([event.visitor for event in fake.events])
    fake.events.clear()
    with override_settings(DONGUI={"client": fake}):
        Browser().get("/", headers={"Cookie": cookie, **{name.replace("_", "-"): v for name, v in headers.items()}})
    found.append([event.visitor for event in fake.events])
    fake.events.clear()
    assert found[0] == found[1] == found[2], found
    return found[0]


ON_HTTPS = {"SEC_FETCH_SITE": "same-origin"}


def test_the_prefixed_copies_count_and_plain_ones_are_ignored(fake: FakeClient) -> None:
    tossed = f"dongui={choice('statistics', 'marketing')}; dongui_id={OTHERS}"
    own = f"__Host-dongui={choice('statistics')}; __Host-dongui_id={MINE}"
    for cookie in (f"{tossed}; {own}", f"{own}; {tossed}"):
        assert recorded(fake, cookie, **ON_HTTPS) == [MINE]
        assert recorded(fake, cookie) == [MINE], "whatever the scheme seems to be"
    refused = f"__Host-dongui={choice()}"
    assert recorded(fake, f"{tossed}; {refused}", **ON_HTTPS) == []
    assert recorded(fake, f"{tossed}; {refused}") == []


def test_several_ids_record_nothing(fake: FakeClient) -> None:
    given = f"dongui={choice('statistics')}"
    assert recorded(fake, f"{given}; dongui_id={MINE}") == [MINE]
    assert recorded(fake, f"{given}; dongui_id={MINE}; dongui_id={OTHERS}") == []
    assert recorded(fake, f"{given}; dongui_id={OTHERS}; dongui_id={MINE}") == []


def test_any_refusal_wins_among_several_choices(fake: FakeClient) -> None:
    both = [f"dongui={choice('statistics')}", f"dongui={choice()}"]
    for cookies in (both, both[::-1]):
        assert recorded(fake, "; ".join([*cookies, f"dongui_id={MINE}"])) == []


def test_old_plain_grants_are_asked_again_on_https(fake: FakeClient) -> None:
    assert recorded(fake, f"dongui={choice('statistics')}; dongui_id={MINE}", **ON_HTTPS) == []


@pytest.mark.parametrize(
    "name",
    [
        pytest.param("__HOST-dongui", id="in capitals"),
        pytest.param("__host-dongui", id="in small letters"),
        pytest.param("\x85__Host-dongui", id="behind U+0085"),
        pytest.param("\xa0__Host-dongui", id="behind a no-break space"),
        pytest.param("\x0b__Host-dongui", id="behind a vertical tab"),
        pytest.param("\u2000__Host-dongui".encode().decode("latin-1"), id="behind U+2000"),
        pytest.param("=__Host-dongui", id="nameless"),
        pytest.param("__Host-dongui\x85", id="with U+0085 behind it"),
        pytest.param('"__Host-dongui"', id="quoted"),
        pytest.param("__Host-Dongui", id="another case"),
    ],
)
def test_a_name_that_only_looks_like_ours_is_not_ours(fake: FakeClient, name: str) -> None:
    forged = f"{name}={choice('statistics')}; {name}_id={OTHERS}"
    assert recorded(fake, forged, **ON_HTTPS) == []
    own = f"__Host-dongui={choice('statistics')}; __Host-dongui_id={MINE}"
    assert recorded(fake, f"{forged}; {own}", **ON_HTTPS) == [MINE]


def test_white_space_is_space_and_tab(fake: FakeClient) -> None:
    cookie = f" \t__Host-dongui\t = {choice('statistics')} \t;\t__Host-dongui_id ={MINE}"
    assert recorded(fake, cookie, **ON_HTTPS) == [MINE]


# What a decision makes of them.


def test_a_withdrawal_is_carried_out_for_every_id_and_ends_every_copy() -> None:
    with shop() as (app, collector):
        mine, others = collector.visitor("statistics", "marketing"), collector.visitor("statistics")
        cookie = f"dongui={GRANT}; dongui_id={mine}; dongui_id={others}"
        got = post(app, "consents", decision(refused=("marketing",)), cookie=cookie)
        assert got.status == "201 Created"
        assert collector.granted == {mine: set(), others: set()}, "no id is certainly this visitor's: all is taken away"
        assert list(set_cookies(got)) == ["dongui"]
        assert set_cookies(got)["dongui"].startswith("1~v1~~")
        ended = {value for value in got.all("Set-Cookie") if "Max-Age=0" in value}
        assert "dongui_id=; Max-Age=0; Path=/; SameSite=Lax; HttpOnly" in ended
        assert "dongui_id=; Max-Age=0; Path=/; Domain=example.com; SameSite=Lax; HttpOnly" in ended
        assert "dongui=; Max-Age=0; Path=/; Domain=shop.example.com; SameSite=Lax" in ended


def test_a_grant_under_a_strangers_id_gets_one_of_its_own() -> None:
    with shop() as (app, collector):
        mine, others = collector.visitor("statistics"), collector.visitor("marketing")
        cookie = f"dongui={GRANT}; dongui_id={mine}; dongui_id={others}"
        got = post(app, "consents", decision("statistics"), cookie=cookie)
        minted = set_cookies(got)["dongui_id"].partition(";")[0]
        assert minted not in (mine, others)
        assert collector.granted == {mine: set(), others: set(), minted: {"statistics"}}


def test_the_same_decision_repeated_is_the_same_to_the_collector() -> None:
    with shop() as (app, collector):
        cookie = f"dongui_id={collector.visitor('statistics')}; dongui_id={collector.visitor('statistics')}"
        body = decision(refused=("statistics",), id="6f2f6ba9-1e45-4f57-9f5f-7ac45b6e8e62")
        for _ in range(2):
            post(app, "consents", body, cookie=cookie)
        sent = [said["id"] for path, said in collector.posts if path == "/v1/consents"]
        assert len(sent) == 4
        assert sent[:2] == sent[2:]
        assert len(set(sent)) == 2


def test_an_erasure_reaches_every_id_that_the_ledger_knows() -> None:
    with shop() as (app, collector):
        mine, others = collector.visitor("statistics"), collector.visitor("statistics")
        cookie = f"dongui_id={mine}; dongui_id={'u' * 22}; dongui_id={others}"
        got = call(app, "/_dongui/v1/me", method="DELETE", cookie=cookie, X_DONGUI="1")
        assert got.status == "200 OK"
        assert collector.granted == {}


def test_what_is_held_is_shown_for_the_first_id_that_the_ledger_knows() -> None:
    with shop() as (app, collector):
        mine = collector.visitor("statistics")
        cookie = f"dongui_id={'u' * 22}; dongui_id={mine}"
        got = call(app, "/_dongui/v1/me", cookie=cookie, X_DONGUI="1")
        assert json.loads(got.body)["state"] == {"statistics": "given"}


def test_a_script_cannot_name_the_visitor() -> None:
    with shop() as (app, collector):
        others = collector.visitor("statistics")
        for body in (decision(refused=("statistics",), visitor=others), decision("statistics", visitor=others)):
            post(app, "consents", body)
        post(app, "events", {"site": "site-one", "visitor": others, "events": [{"id": MINE, "name": "x", "at": 1}]})
        assert [body["visitor"] for path, body in collector.posts if path == "/v1/consents"] == [None, None]
        assert collector.granted[others] == {"statistics"}
        assert collector.of(others) == []


def test_an_old_id_is_good_for_taking_away_alone_on_https() -> None:
    with shop(https="always") as (app, collector):
        old = collector.visitor("statistics")
        cookie = f"dongui={GRANT}; dongui_id={old}"
        got = post(app, "consents", decision("statistics"), cookie=cookie)
        names = set_cookies(got)
        assert list(names) == ["__Host-dongui_id", "__Host-dongui"]
        assert old not in names["__Host-dongui_id"]
        assert collector.granted[old] == set()


@pytest.mark.parametrize(
    ("options", "headers", "name"),
    [
        ({}, {}, "dongui"),
        ({}, {"ORIGIN": SECURE, "SEC_FETCH_SITE": "same-origin"}, "__Host-dongui"),
        ({"https": "always"}, {}, "__Host-dongui"),
        ({"https": "always", "domain": "example.com"}, {}, "__Secure-dongui"),
        ({"domain": "example.com"}, {}, "dongui"),
        ({"trusted_proxies": 1}, {"X_FORWARDED_PROTO": "https"}, "__Host-dongui"),
        ({}, {"X_FORWARDED_PROTO": "https"}, "dongui"),
    ],
)
def test_how_our_cookies_are_called(options: dict[str, Any], headers: dict[str, str], name: str) -> None:
    from dongui.rules import Choice
    from dongui.web.own_cookies import cookies_after
    from dongui.web.request import SiteRequest
    from dongui.web.wsgi_request import WsgiRequest

    from tests.sdk.calls import environ

    with shop(**options) as (app, _):
        naming = SiteRequest(app.site, WsgiRequest(environ("/", **{"ORIGIN": ORIGIN, **headers}))).consent.naming()
        sets = [
            cookie.header()[1]
            for cookie in cookies_after(naming, MINE, Choice("v1", ("statistics",), 0), 100, 0)
            if cookie.value
        ]
        assert [value.partition("=")[0] for value in sets] == [f"{name}_id", name]
        assert all(value.endswith("; Secure") == name.startswith("__") for value in sets)
        assert all(("; Domain=example.com" in value) == ("domain" in options) for value in sets)


# A browser that could not show them.


CROSS = {"SEC_FETCH_SITE": "cross-site", "ORIGIN": "https://pay.example"}


def bank(environ: dict[str, Any], start_response: Any) -> list[bytes]:
    headers = [("Content-Type", "text/html"), ("Set-Cookie", "_ga=1"), ("Set-Cookie", "session=1")]
    start_response("200 OK", headers)
    return [b"<!doctype html><html><head></head></html>"]


@pytest.mark.parametrize("headers", [CROSS, {"ORIGIN": "https://pay.example"}, {"ORIGIN": "null"}], ids=repr)
def test_a_post_from_another_site_without_our_cookies_is_not_known(headers: dict[str, str]) -> None:
    with shop(application=bank) as (app, _):
        before = app.client.stats()
        got = call(app, method="POST", body=b"paid=1", cookie="_fbp=1; other=2", **headers)
        assert got.cookies() == ["_ga", "session"], "nothing is dropped and nothing is ended"
        assert app.client.stats() == before
        assert call(app, method="POST", body=b"x", ORIGIN=ORIGIN).cookies() == ["session"], "our own page is known"
        assert call(app, method="POST", body=b"x", cookie=f"dongui={REFUSAL}", **headers).cookies() == ["session"]
        assert call(app).cookies() == ["session"]


# A withdrawal that did not arrive.


def test_a_page_whose_cookie_refuses_what_the_ledger_has_delivers_the_withdrawal() -> None:
    with shop() as (app, collector):
        lost, partly = collector.visitor("statistics"), collector.visitor("statistics", "marketing")
        settled = collector.visitor("statistics")
        from tests.sdk.calls import choice as chosen

        for _ in range(2):
            call(app, cookie=f"{chosen()}; dongui_id={lost}")
            call(app, cookie=f"{chosen('marketing')}; dongui_id={partly}")
            call(app, cookie=f"{chosen('statistics')}; dongui_id={settled}")
        collector.wait_for(lambda: collector.granted[lost] == set() and collector.granted[partly] == {"marketing"})
        assert collector.granted[settled] == {"statistics"}
        collector.wait_for(lambda: len(collector.posts) >= 3)
        told = [body["visitor"] for path, body in collector.posts if path == "/v1/consents"]
        assert sorted(told) == sorted([lost, partly, settled]), "once for each choice"
        assert all("given_before" in body for _, body in collector.posts), "and only what was given (by the ledger)"


def test_it_waits_for_a_collector_that_is_away() -> None:
    from tests.sdk.calls import choice as chosen

    with shop() as (app, collector):
        lost = collector.visitor("statistics")
        collector.mode = "full"
        call(app, cookie=f"{chosen()}; dongui_id={lost}")
        collector.wait_for(lambda: any(path == "/v1/consents" for _, path, _ in collector.requests))
        collector.mode = "ok"

        def delivered() -> bool:
            call(app, cookie=f"{chosen()}; dongui_id={lost}")
            return collector.granted[lost] == set()

        collector.wait_for(delivered)
