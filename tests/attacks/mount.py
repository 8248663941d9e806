"""A site with the middleware before a stub collector, for attacks on its mount."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from dongui import Client, ConsentMiddleware

from tests.sdk.calls import Result, call
from tests.sdk.conftest import QUICK
from tests.sdk.sdk_stub import ORIGIN, SECRET, SITE, Collector, running

HOST = ORIGIN.removeprefix("http://")
SECURE = f"https://{HOST}"


def page(environ: dict[str, Any], start_response: Any) -> list[bytes]:
    start_response("200 OK", [("Content-Type", "text/html")])
    return [b"<!doctype html><html><head><title>shop</title></head></html>"]


@contextmanager
def shop(**options: Any) -> Iterator[tuple[ConsentMiddleware, Collector]]:
    """(the guarded site, its collector)."""
    application = options.pop("application", page)
    with running() as collector:
        given = {"site": SITE, "secret_key": SECRET, "delivery": QUICK, "learn_timeout": 60, **options}
        client = Client(collector=collector.url, **given)
        try:
            yield ConsentMiddleware(application, client=client), collector
        finally:
            client.close()
    assert collector.complaints == []


def post(app: Any, path: str, body: Any, **headers: str) -> Result:
    """As a page of the shop would; keyword arguments are headers."""
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    sent: dict[str, Any] = {"ORIGIN": ORIGIN, "CONTENT_TYPE": "text/plain", **headers}
    return call(app, f"/_dongui/v1/{path}", method="POST", body=data, **sent)


def decision(*granted: str, refused: tuple[str, ...] = (), **more: Any) -> dict[str, Any]:
    said = {"site": SITE, "visitor": None, "notice": "v1", "granted": list(granted), "refused": list(refused)}
    return {**said, "method": "banner", "lang": "ko", **more}


def set_cookies(got: Result) -> dict[str, str]:
    """What is set, not ended, by name: the attributes included."""
    return {
        value.partition("=")[0]: value.partition("=")[2] for value in got.all("Set-Cookie") if "Max-Age=0" not in value
    }
