"""What a decision made in the application changes at once: this request's consent, its cookies, the pages after it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.http import HttpRequest, HttpResponse
from django.test import RequestFactory, override_settings
from dongui import Client, Consent, ConsentMiddleware
from dongui.asgi import ConsentMiddleware as AsgiMiddleware
from dongui.integrations.django import ConsentMiddleware as DjangoMiddleware
from dongui.integrations.flask import Dongui
from dongui.integrations.starlette import ConsentMiddleware as StarletteMiddleware
from dongui.integrations.starlette import consent_of
from flask import Flask, g
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route

import tests.sdk.django_site  # noqa: F401  (configures Django)
from tests.sdk.calls import Result, call, choice
from tests.sdk.conftest import ClientOf
from tests.sdk.sdk_stub import POLICY, Collector
from tests.sdk.test_sdk_asgi import ask

Act = Callable[[Client, Consent], Any]


@pytest.fixture
def client(collector: Collector, client_of: ClientOf) -> Client:
    return client_of(collector)


def asked(client: Client, act: Act, cookie: str) -> tuple[Result, list[str], Any]:
    """The answer to a page that acts, what was granted after it had, and what acting returned."""
    after: list[str] = []
    returned: list[Any] = []

    def application(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        consent = environ["dongui.consent"]
        returned.append(act(client, consent))
        after.extend(sorted(consent.purposes))
        start_response("200 OK", [("Content-Type", "text/plain")])
        return [b""]

    return call(ConsentMiddleware(application, client=client), cookie=cookie), after, returned[0]


def own(got: Result) -> dict[str, str]:
    """Our cookies of this host as a browser has them after an answer; empty ones are gone."""
    sets = [value.partition(";")[0].partition("=") for value in got.all("Set-Cookie") if "Domain=" not in value]
    return {name: value for name, _, value in sets}


@pytest.mark.parametrize("iterable", [iter, tuple, set, dict.fromkeys])
def test_any_iterable_of_purposes_says_the_same_to_ledger_and_cookie(
    client: Client, collector: Collector, iterable: Callable[[list[str]], Any]
) -> None:
    def act(_: Client, consent: Consent) -> Any:
        return consent.decide(granted=iterable(["statistics"]), refused=iterable(["marketing"]))

    got, after, answer = asked(client, act, "")
    assert answer
    assert after == ["statistics"]
    assert "~statistics~" in own(got)["dongui"]
    assert collector.granted[own(got)["dongui_id"]] == {"statistics"}


@pytest.mark.parametrize("argument", ["granted", "refused"])
@pytest.mark.parametrize("value", ["marketing", b"marketing", [7], 7])
def test_what_is_no_list_of_purposes_is_told_and_sent_nowhere(
    client: Client, collector: Collector, argument: str, value: Any
) -> None:
    given: dict[str, Any] = {argument: value}
    with pytest.raises(TypeError):
        Consent(client.knowledge.terms).decide(**given)
    assert not client.consent(None, **given)  # which never raises: it says so in the log
    assert client.stats()["mishaps"] == {"consent": 1}
    assert collector.posts == []


WITHDRAWALS: dict[str, Act] = {
    "decide": lambda _, consent: consent.decide(refused=iter(["marketing"]), timeout=1),
    "consent": lambda client, consent: client.consent(consent, refused=["marketing"], timeout=1),
    "withdraw": lambda client, consent: client.withdraw(consent, "marketing", timeout=1),
}


@pytest.fixture(params=["ok", "down"])
def mode(request: pytest.FixtureRequest, collector: Collector, client: Client) -> Iterator[str]:
    """The collector answers, or is away from now on."""
    collector.mode = request.param
    yield request.param
    collector.mode = "ok"
    assert client.flush(60)


@pytest.mark.parametrize("act", WITHDRAWALS.values(), ids=WITHDRAWALS)
def test_a_withdrawal_is_in_force_at_once(client: Client, collector: Collector, mode: str, act: Act) -> None:
    visitor = collector.visitor("statistics", "marketing")
    before = choice("statistics", "marketing")
    got, after, answer = asked(client, act, f"{before}; dongui_id={visitor}")
    assert (bool(answer), answer.pending) == ((True, False) if mode == "ok" else (False, True))
    assert after == ["statistics"]
    at = before.rpartition("~")[2]  # what is left lives no longer than before
    assert own(got)["dongui"] == f"1~v1~statistics~{at}"
    assert own(got)["dongui_id"] == visitor


LAST: dict[str, Act] = {
    "decide": lambda _, consent: consent.decide(refused=["statistics"], timeout=1),
    "withdraw": lambda client, consent: client.withdraw(consent, "statistics", timeout=1),
    "withdraw all": lambda client, consent: client.withdraw(consent, timeout=1),
    "erase": lambda client, consent: client.erase(consent, timeout=1),
}


@pytest.mark.parametrize("act", LAST.values(), ids=LAST)
def test_the_id_goes_with_the_last_that_was_given(client: Client, collector: Collector, mode: str, act: Act) -> None:
    visitor = collector.visitor("statistics")
    got, after, answer = asked(client, act, f"{choice('statistics')}; dongui_id={visitor}")
    assert answer or answer.pending
    assert after == []
    assert own(got)["dongui"].startswith("1~v1~~")
    assert own(got)["dongui_id"] == ""


def test_an_erasure_that_was_done_before_ends_the_cookies(client: Client) -> None:
    cookie = f"{choice('statistics')}; dongui_id={'v' * 22}"
    got, after, answer = asked(client, lambda client, consent: client.erase(consent), cookie)
    assert answer.problem == "urn:dongui:problem:unknown-visitor"
    assert after == []
    assert own(got)["dongui_id"] == ""


def test_a_withdrawal_without_an_id_is_in_force_too(client: Client) -> None:
    got, after, _ = asked(client, lambda client, consent: client.withdraw(consent), choice("statistics"))
    assert after == []
    assert own(got)["dongui"].startswith("1~v1~~")


def test_refusals_beside_a_grant_under_an_old_notice_are_in_force(client: Client, collector: Collector) -> None:
    visitor = collector.visitor("statistics")
    collector.policy = {**POLICY, "version": "v2", "accepts": ["v2"]}

    def act(_: Client, consent: Consent) -> Any:
        return consent.decide(granted=["marketing"], refused=["statistics"])

    got, after, answer = asked(client, act, f"{choice('statistics')}; dongui_id={visitor}")
    assert answer.status == 409
    assert after == []
    assert own(got)["dongui"].startswith("1~v1~~")


def test_a_grant_that_fails_changes_nothing(client: Client, collector: Collector) -> None:
    collector.mode = "down"

    def act(_: Client, consent: Consent) -> Any:
        return consent.decide(granted=["marketing"], timeout=1)

    got, after, answer = asked(client, act, choice("statistics"))
    assert (bool(answer), answer.pending) == (False, False)
    assert after == ["statistics"]
    assert got.cookies() == []


def test_rights_by_a_bare_id_leave_no_cookies(client: Client, collector: Collector) -> None:
    visitor = collector.visitor("statistics")
    got, after, _ = asked(client, lambda client, _: client.withdraw(visitor), choice("statistics"))
    assert after == ["statistics"]
    assert got.cookies() == []


# A grant and a refusal in one decision, with the collector away.


def mixed(consent: Consent) -> str:
    """What came of it, and what is granted after it."""
    answer = consent.decide(granted=["marketing"], refused=["statistics"], timeout=1)
    said = "recorded" if answer else "pending" if answer.pending else "lost"
    return " ".join([said, *sorted(consent.purposes)])


def by_wsgi(client: Client, cookie: str) -> Result:
    def application(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        text = mixed(environ["dongui.consent"]).encode()
        start_response("200 OK", [("Content-Type", "text/plain")])
        return [text]

    return call(ConsentMiddleware(application, client=client), cookie=cookie)


def asked_asgi(app: Any, cookie: str) -> Result:
    status, headers, body = ask(app, cookie=cookie)
    return Result(str(status), headers, body)


def by_asgi(client: Client, cookie: str) -> Result:
    async def application(scope: Any, receive: Any, send: Any) -> None:
        text = (await asyncio.to_thread(mixed, scope["dongui.consent"])).encode()
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": text})

    return asked_asgi(AsgiMiddleware(application, client=client), cookie)


def by_starlette(client: Client, cookie: str) -> Result:
    def page(request: Request) -> PlainTextResponse:
        return PlainTextResponse(mixed(consent_of(request)))

    app = Starlette(routes=[Route("/", page)])
    app.add_middleware(StarletteMiddleware, client=client)
    return asked_asgi(app, cookie)


def by_flask(client: Client, cookie: str) -> Result:
    app = Flask(__name__)
    Dongui(app, client=client)
    app.add_url_rule("/", view_func=lambda: mixed(g.consent))
    return call(app, cookie=cookie, strict=False)


def by_django(client: Client, cookie: str) -> Result:
    def page(request: HttpRequest) -> HttpResponse:
        return HttpResponse(mixed(request.consent))  # type: ignore[attr-defined]

    with override_settings(DONGUI={"client": client}):
        answer = DjangoMiddleware(page)(RequestFactory().get("/", headers={"Cookie": cookie}))
    sets = [("Set-Cookie", one.OutputString()) for one in answer.cookies.values()]
    return Result(str(answer.status_code), [*answer.items(), *sets], answer.content)


SHELLS = {"WSGI": by_wsgi, "ASGI": by_asgi, "Starlette": by_starlette, "Flask": by_flask, "Django": by_django}


@pytest.mark.parametrize("shell", SHELLS.values(), ids=SHELLS)
def test_beside_a_grant_that_waits_a_withdrawal_is_in_force_at_once(
    client: Client, collector: Collector, shell: Callable[[Client, str], Result]
) -> None:
    visitor = collector.visitor("statistics", "personalisation")
    before = choice("statistics", "personalisation")
    collector.mode = "down"
    got = shell(client, f"{before}; dongui_id={visitor}")
    assert got.body == b"pending personalisation"
    assert own(got)["dongui"] == f"1~v1~personalisation~{before.rpartition('~')[2]}"
    assert own(got)["dongui_id"] == visitor
    collector.mode = "ok"
    assert client.flush(60)
    assert collector.granted[visitor] == {"personalisation"}, "and nothing is given later"


@pytest.mark.parametrize("mode", ["down", "full", "error", "page", "garbage"])
def test_whatever_keeps_the_collector_from_answering(client: Client, collector: Collector, mode: str) -> None:
    visitor = collector.visitor("statistics")
    collector.mode = mode
    got = by_wsgi(client, f"{choice('statistics')}; dongui_id={visitor}")
    assert got.body == b"pending"
    assert (own(got)["dongui"].startswith("1~v1~~"), own(got)["dongui_id"]) == (True, "")
    collector.mode = "ok"
    assert client.flush(60)
    assert collector.granted[visitor] == set()


def test_who_had_not_chosen_is_asked_again(client: Client, collector: Collector) -> None:
    collector.mode = "down"
    got = by_wsgi(client, "")
    assert (got.body, got.cookies()) == (b"pending", []), "no cookie that looks like a refusal"


def test_with_an_answer_both_are_on_record(client: Client, collector: Collector) -> None:
    visitor = collector.visitor("statistics")
    got = by_wsgi(client, f"{choice('statistics')}; dongui_id={visitor}")
    assert got.body == b"recorded marketing"
    assert collector.granted[visitor] == {"marketing"}
