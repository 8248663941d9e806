"""Code as users write it, for mypy --strict. Never run: ``test_typing.py`` has it checked, and mistakes in it found."""

from __future__ import annotations

import datetime
from typing import Any, assert_type
from wsgiref.types import StartResponse, WSGIEnvironment

from dongui import AnswerError, Client, Consent, ConsentMiddleware, Delivery, Policy
from dongui.asgi import ConsentMiddleware as AsgiMiddleware
from dongui.integrations.flask import Dongui
from dongui.integrations.flask import requires_consent as flask_requires
from dongui.integrations.starlette import ConsentMiddleware as StarletteMiddleware
from dongui.policy import load
from dongui.reader import Reader
from dongui.result import Result
from dongui.testing import FakeClient, Recorded, consent
from flask import Flask
from starlette.applications import Starlette


def page(environ: WSGIEnvironment, start_response: StartResponse) -> list[bytes]:
    given: Consent = environ["dongui.consent"]
    assert_type(given.granted("statistics"), bool)
    assert_type(given.visitor, str | None)
    assert_type(given.purposes, frozenset[str])
    start_response("200 OK", [])
    return []


async def asgi_page(scope: Any, receive: Any, send: Any) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": []})


def wsgi() -> None:
    policy: Policy = load("policy.toml")
    application = ConsentMiddleware(page, site="s", collector="http://127.0.0.1:1", secret_key="k", policy=policy)
    again = ConsentMiddleware(application, client=application.client)
    assert_type(again.client, Client)
    app = Flask(__name__)
    app.wsgi_app = ConsentMiddleware(app.wsgi_app, strict=True)  # type: ignore[method-assign]
    Dongui(app, trusted_proxies=1)
    AsgiMiddleware(asgi_page, inject=True)
    Starlette().add_middleware(StarletteMiddleware, page_views=False)


def client(given: Consent) -> None:
    made = Client(site="s", collector="http://127.0.0.1:1", secret_key="k", delivery=Delivery(queue=5))
    at = datetime.datetime(2026, 3, 10, tzinfo=datetime.UTC)
    assert_type(made.track(given, "purchase", props={"won": 1}, at=at), bool)
    made.track(given.visitor, "purchase", at=1)
    assert_type(made.withdraw("visitor", "statistics", "marketing"), Result)
    assert_type(given.decide(granted=["marketing"], method="signup"), Result)
    if answer := made.access("visitor"):
        print(answer.data["events"])


def reading() -> None:
    day = datetime.date(2026, 3, 10)
    try:
        reader = Reader("http://127.0.0.1:1", "token")
        reader.report("pages", day, day, filters=["country:KR"], compare=True, order="desc", limit=10)["rows"]
        for event in reader.events(day, day, purposes=["statistics"]):
            assert_type(event, dict[str, Any])
    except AnswerError as error:
        assert_type(error.retry_after, float | None)


def tests() -> None:
    fake = FakeClient(policy="policy.toml", strict=True)
    assert_type(fake.cookie("statistics"), str)
    assert_type(fake.events, list[Recorded])
    assert_type(consent("statistics"), Consent)


@flask_requires("marketing")
def view(name: str) -> str:
    return name


view(name="x")
