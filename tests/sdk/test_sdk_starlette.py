"""Starlette and FastAPI."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Annotated, Any

import pytest
from dongui import Consent
from dongui.integrations.starlette import ConsentMiddleware, consent_of, for_templates, requires_consent
from dongui.testing import FakeClient
from fastapi import Depends, FastAPI
from starlette.applications import Starlette
from starlette.requests import HTTPConnection, Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response
from starlette.routing import Route, WebSocketRoute
from starlette.templating import Jinja2Templates
from starlette.websockets import WebSocket

from tests.sdk.test_sdk_asgi import ask, converse, cookies, scope_of


@pytest.fixture
def fake() -> FakeClient:
    return FakeClient()


async def home(request: Any) -> Response:
    response = HTMLResponse(str(request.consent.granted("statistics")))
    response.set_cookie("_ga", "1")
    response.set_cookie("theme", "dark")
    return response


@requires_consent("marketing")
async def offer(request: Request) -> Response:
    return PlainTextResponse("offer")


@requires_consent("marketing", otherwise=lambda request: PlainTextResponse("without"))
def either(request: Request) -> Response:
    return PlainTextResponse("with")


async def socket(websocket: Any) -> None:
    await websocket.accept()
    await websocket.send_text(str(websocket.consent.granted("statistics")))
    await websocket.close()


@pytest.fixture
def app(fake: FakeClient, tmp_path: Path) -> Starlette:
    (tmp_path / "page.html").write_text("{% if consent.granted('marketing') %}advertisement{% else %}plain{% endif %}")
    templates = Jinja2Templates(directory=tmp_path, context_processors=[for_templates])

    async def page(request: Request) -> Response:
        return templates.TemplateResponse(request, "page.html")

    routes = [Route("/", home), Route("/offer", offer), Route("/either", either), Route("/page", page)]
    app = Starlette(routes=[*routes, WebSocketRoute("/socket", socket)])
    app.add_middleware(ConsentMiddleware, client=fake)
    return app


def test_endpoints_see_the_consent_and_cookies_are_guarded(app: Starlette, fake: FakeClient) -> None:
    _, headers, body = ask(app, "/")
    assert (body, cookies(headers)) == (b"False", ["theme"])
    _, headers, body = ask(app, "/", cookie=fake.cookie("statistics"))
    assert (body, cookies(headers)) == (b"True", ["_ga", "theme"])
    assert [event.name for event in fake.events] == ["pageview"]


def test_endpoints_that_require_a_purpose(app: Starlette, fake: FakeClient) -> None:
    granted = fake.cookie("marketing")
    assert ask(app, "/offer")[0] == 403
    assert ask(app, "/offer", cookie=granted)[2] == b"offer"
    assert [ask(app, "/either")[2], ask(app, "/either", cookie=granted)[2]] == [b"without", b"with"]
    assert [ask(app, "/page")[2], ask(app, "/page", cookie=granted)[2]] == [b"plain", b"advertisement"]


def test_websockets_see_the_consent(app: Starlette, fake: FakeClient) -> None:
    scope = scope_of("/socket", kind="websocket", cookie=fake.cookie("statistics"))
    sent, _, _ = asyncio.run(converse(app, scope, [{"type": "websocket.connect"}]))
    assert [message.get("text") for message in sent] == [None, "True", None]


def test_fastapi_depends_on_a_purpose(fake: FakeClient) -> None:
    app = FastAPI()
    app.add_middleware(ConsentMiddleware, client=fake)

    @app.get("/offer")
    async def offer(consent: Annotated[Consent, Depends(requires_consent("marketing"))]) -> dict[str, list[str]]:
        return {"granted": sorted(consent.purposes)}

    @app.get("/any")
    def anybody(consent: Annotated[Consent, Depends(consent_of)]) -> bool:
        return consent.granted("marketing")

    assert ask(app, "/offer")[0] == 403
    assert json.loads(ask(app, "/offer", cookie=fake.cookie("marketing"))[2]) == {"granted": ["marketing"]}
    assert json.loads(ask(app, "/any")[2]) is False
    [offered] = json.loads(ask(app, "/openapi.json")[2])["paths"]["/offer"].values()
    assert "parameters" not in offered, "the dependency is nothing that callers send"


def test_without_the_middleware_nothing_is_granted() -> None:
    assert not consent_of(HTTPConnection({"type": "http", "headers": []})).granted("statistics")


def spoken(app: Any, cookie: str) -> list[dict[str, Any]]:
    """What an application sends over a websocket that a browser opens."""
    scope = {**scope_of("/live", kind="websocket", cookie=cookie), "subprotocols": []}
    sent, _, error = asyncio.run(converse(app, scope, [{"type": "websocket.connect"}]))
    assert not error
    return sent


def test_a_websocket_depends_on_consent(fake: FakeClient) -> None:
    app = FastAPI()

    @app.websocket("/live")
    async def live(socket: WebSocket, consent: Annotated[Consent, Depends(requires_consent("statistics"))]) -> None:
        await socket.accept()
        await socket.send_text("yes" if consent.granted("statistics") else "no")
        await socket.close()

    app.add_middleware(ConsentMiddleware, client=fake)
    assert spoken(app, fake.cookie("statistics"))[1] == {"type": "websocket.send", "text": "yes"}
    [refused] = spoken(app, fake.cookie())
    assert (refused["type"], refused["code"]) == ("websocket.close", 1008)


def test_a_decorated_websocket_endpoint_too(fake: FakeClient) -> None:
    @requires_consent("statistics")
    async def live(socket: WebSocket) -> None:
        await socket.accept()
        await socket.send_text("yes")
        await socket.close()

    app = ConsentMiddleware(Starlette(routes=[WebSocketRoute("/live", live)]), client=fake)
    assert spoken(app, fake.cookie("statistics"))[1] == {"type": "websocket.send", "text": "yes"}
    assert [message["type"] for message in spoken(app, "")] == ["websocket.close"]
