"""What a request held is freed with its answer, at once: nothing of it waits for the cycle collector, in no address,
no cookie and no body.
"""

from __future__ import annotations

import asyncio
import gc
import weakref
from collections.abc import Iterator
from typing import Any

import pytest
from dongui import ConsentMiddleware
from dongui.asgi import ConsentMiddleware as AsgiMiddleware
from dongui.testing import FakeClient

from tests.sdk.calls import environ


class Request(dict[str, Any]):
    """An ``environ`` or a ``scope`` of which a test can tell whether it is still about."""


@pytest.fixture
def by_counting_alone() -> Iterator[None]:
    gc.collect()
    gc.disable()
    yield
    gc.enable()


def page(environ: dict[str, Any], start_response: Any) -> list[bytes]:
    assert not environ["dongui.consent"].granted("marketing")
    start_response("200 OK", [("Content-Type", "text/html")])
    return [b"<html><head></head></html>"]


@pytest.mark.parametrize("purposes", [None, (), ("statistics",)], ids=["unasked", "refused", "granted"])
@pytest.mark.parametrize("inject", [False, True], ids=["bare", "inject"])
@pytest.mark.usefixtures("by_counting_alone")
def test_a_wsgi_request_is_freed_with_its_answer(purposes: tuple[str, ...] | None, inject: bool) -> None:
    client = FakeClient(inject=inject)
    app = ConsentMiddleware(page, client=client)
    request = Request(environ("/goods", cookie="" if purposes is None else client.cookie(*purposes)))
    freed = weakref.ref(request)
    answer = app(request, lambda status, headers, exc_info=None: lambda data: None)
    assert b"".join(answer)
    del answer, request
    assert freed() is None


@pytest.mark.parametrize("purposes", [None, (), ("statistics",)], ids=["unasked", "refused", "granted"])
@pytest.mark.usefixtures("by_counting_alone")
def test_an_asgi_request_is_freed_with_its_answer(purposes: tuple[str, ...] | None) -> None:
    client = FakeClient()
    seen: list[weakref.ref[Any]] = []

    async def application(scope: Any, receive: Any, send: Any) -> None:
        seen.append(weakref.ref(scope["dongui.test"]))
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/html")]})
        await send({"type": "http.response.body", "body": b"hello"})

    async def send(message: Any) -> None:
        """Where the server begins."""

    async def ask() -> bool:
        cookie = "" if purposes is None else client.cookie(*purposes)
        headers = [(b"host", b"shop.example.com"), (b"cookie", cookie.encode())]
        scope = Request({"type": "http", "method": "GET", "path": "/", "query_string": b"", "headers": headers})
        scope["dongui.test"] = Request()
        freed = weakref.ref(scope)
        await AsgiMiddleware(application, client=client)(scope, None, send)  # type: ignore[arg-type]
        del scope
        return freed() is None and seen[0]() is None

    assert asyncio.run(ask())
