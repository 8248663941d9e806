"""Invariant 6: the host application answers exactly what it would without the middleware, but for some cookies."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from dongui import Client, ConsentMiddleware
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.sdk.calls import Headers, Result, choice, environ, run
from tests.sdk.conftest import QUICK
from tests.sdk.sdk_stub import POLICY, SECRET, SITE

COOKIES = ["_ga=1; Path=/", "_fbp=2", "session=3; HttpOnly", "theme=4", "_ga=; Max-Age=0", "odd"]
COVERED = {
    "": {"session", "theme"},
    "statistics": {"session", "theme", "_ga"},
    "marketing": {"session", "theme", "_fbp"},
}


@dataclass(frozen=True)
class Plan:
    """What a generated application does, step by step."""

    status: str
    headers: tuple[tuple[str, str], ...]
    written: tuple[bytes, ...]
    parts: tuple[bytes, ...]
    style: str  # list, generator, late generator, iterator with close, file
    fails: str  # no, before, after the start, after the first part, replaced, too late to replace
    reads: bool


def application(plan: Plan, closed: list[str]) -> Callable[[dict[str, Any], Any], Iterable[bytes]]:
    """A WSGI application that keeps to the plan."""

    def body(start: Any | None) -> Iterator[bytes]:
        if start is not None:
            start(plan.status, list(plan.headers))
        for number, part in enumerate(plan.parts):
            yield part
            if number == 0 and plan.fails == "after the first part":
                raise LookupError("half-way")
            if number == 0 and plan.fails == "too late to replace":
                replaced(start)

    def replaced(start: Any) -> None:
        try:
            raise LookupError("replaced")
        except LookupError as error:
            start(
                "500 Oh",
                [("Content-Type", "text/html"), ("Set-Cookie", "_ga=9")],
                (LookupError, error, error.__traceback__),
            )

    def app(environ: dict[str, Any], start: Any) -> Iterable[bytes]:
        if plan.fails == "before":
            raise LookupError("before")
        if plan.reads and (consent := environ.get("dongui.consent")) is not None:
            consent.granted("statistics")
        if plan.style == "late generator":
            return body(start)
        write = start(plan.status, list(plan.headers))
        for data in plan.written:
            write(data)
        if plan.fails == "after the start":
            raise LookupError("after")
        if plan.fails == "replaced" and not plan.written:
            replaced(start)
        if plan.fails == "too late to replace":
            return body_after(start)
        if plan.style == "list":
            return list(plan.parts)
        return WithClose(body(None), closed) if plan.style == "with close" else body(None)

    def body_after(start: Any) -> Iterator[bytes]:
        yield b"begun"
        replaced(start)

    return app


class WithClose:
    def __init__(self, parts: Iterator[bytes], closed: list[str]) -> None:
        self._parts = parts
        self._closed = closed

    def __iter__(self) -> Iterator[bytes]:
        return self._parts

    def close(self) -> None:
        self._closed.append("closed")


NAMES = st.sampled_from(["X-A", "Vary", "Cache-Control", "ETag", "Location", "Content-Language"])
VALUES = st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=12)
HEADERS = st.tuples(NAMES, VALUES) | st.sampled_from(COOKIES).map(lambda value: ("Set-Cookie", value))
KINDS = st.sampled_from(["text/html", "text/html; charset=utf-8", "application/json", "TEXT/HTML", "image/png"])
PARTS = st.lists(st.binary(max_size=20), max_size=4).map(tuple)

PLANS = st.builds(
    Plan,
    status=st.sampled_from(["200 OK", "204 No Content", "302 Found", "304 Not Modified", "404 Not Found", "500 Oh"]),
    headers=st.tuples(KINDS, st.lists(HEADERS, max_size=6)).map(lambda two: (("Content-Type", two[0]), *two[1])),
    written=PARTS,
    parts=PARTS,
    style=st.sampled_from(["list", "generator", "late generator", "with close"]),
    fails=st.sampled_from(
        ["no", "no", "no", "before", "after the start", "after the first part", "replaced", "too late to replace"]
    ),
    reads=st.booleans(),
)


@pytest.fixture(scope="module")
def client() -> Iterator[Client]:
    """Of a collector that is away, so that nothing depends on one."""
    client = Client(site=SITE, collector="http://127.0.0.1:9", secret_key=SECRET, policy=POLICY, delivery=QUICK)
    yield client
    client.close()


def outcome(app: Any, request: dict[str, Any]) -> tuple[Result | None, str]:
    try:
        return run(app, request), ""
    except LookupError as error:
        return None, str(error)


def allowed(headers: Headers, granted: str) -> Headers:
    kept = []
    for name, value in headers:
        sets = name == "Set-Cookie" and "Max-Age=0" not in value and "=" in value
        if not sets or value.partition("=")[0] in COVERED[granted]:
            kept.append((name, value))
    return kept


@settings(
    max_examples=int(os.environ.get("DONGUI_EXAMPLES", "400")),
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    plan=PLANS,
    granted=st.sampled_from(["", "statistics", "marketing"]),
    method=st.sampled_from(["GET", "POST", "HEAD"]),
)
def test_with_and_without(client: Client, plan: Plan, granted: str, method: str) -> None:
    cookie = f"a=1; dongui_id={'v' * 22}; {choice(*filter(None, [granted]))}"
    closed_without: list[str] = []
    closed_with: list[str] = []
    plain, error = outcome(application(plan, closed_without), environ(method=method, cookie=cookie))
    guarded, same_error = outcome(
        ConsentMiddleware(application(plan, closed_with), client=client), environ(method=method, cookie=cookie)
    )
    assert error == same_error
    assert closed_with == closed_without
    if plain is None or guarded is None:
        assert plain is guarded
        return
    assert (guarded.status, guarded.body) == (plain.status, plain.body)
    expected = allowed(plain.headers, granted)
    if plan.reads:
        added = guarded.headers[len(expected) :]
        assert guarded.headers[: len(expected)] == expected
        assert set(added) <= {("Vary", "Cookie"), ("Cache-Control", "private")}
    else:
        assert guarded.headers == expected
