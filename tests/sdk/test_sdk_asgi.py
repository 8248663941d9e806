"""The ASGI middleware: generated applications with and without it, and the collector behind it."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import pytest
from dongui import Client, Delivery
from dongui.asgi import ConsentMiddleware
from hypothesis import given
from hypothesis import strategies as st

from tests.sdk.calls import choice
from tests.sdk.conftest import QUICK, ClientOf
from tests.sdk.sdk_stub import ORIGIN, POLICY, SECRET, SITE, Collector

Messages = list[dict[str, Any]]


def scope_of(
    path: str = "/", *, kind: str = "http", method: str = "GET", query: str = "", **headers: str
) -> dict[str, Any]:
    """A scope; keyword arguments are headers, with underscores for hyphens."""
    given_headers = {"host": "shop.example.com", "user_agent": "Mozilla/5.0 Firefox/130.0", **headers}
    scope = {
        "type": kind,
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "scheme": "http" if kind == "http" else "ws",
        "path": path,
        "raw_path": path.encode(),
        "query_string": query.encode(),
        "root_path": "",
        "headers": [
            (name.replace("_", "-").encode(), value.encode()) for name, value in given_headers.items() if value
        ],
        "client": ("203.0.113.7", 4000),
        "server": ("shop.example.com", 80),
    }
    return {**scope, "method": method} if kind == "http" else scope


async def converse(app: Any, scope: dict[str, Any], incoming: Messages) -> tuple[Messages, Messages, str]:
    """What the application sent, what it received, and how it failed."""
    sent: Messages = []
    received: Messages = []
    waiting = list(incoming)

    async def receive() -> dict[str, Any]:
        received.append(waiting.pop(0) if waiting else {"type": f"{scope['type']}.disconnect"})
        return received[-1]

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    try:
        await app(scope, receive, send)
    except LookupError as error:
        return sent, received, str(error)
    return sent, received, ""


def ask(app: Any, path: str = "/", *, body: bytes = b"", **request: Any) -> tuple[int, list[tuple[str, str]], bytes]:
    """(status, headers, body) of an HTTP request."""
    sent, _, error = asyncio.run(converse(app, scope_of(path, **request), [{"type": "http.request", "body": body}]))
    assert not error
    start, *bodies = sent
    assert not bodies[-1].get("more_body")
    headers = [(name.decode(), value.decode()) for name, value in start["headers"]]
    return start["status"], headers, b"".join(message.get("body", b"") for message in bodies)


def cookies(headers: list[tuple[str, str]]) -> list[str]:
    return [value.partition("=")[0] for name, value in headers if name == "set-cookie"]


def page(*set_cookies: str, kind: str = "text/html") -> Callable[..., Awaitable[None]]:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        headers = [(b"content-type", kind.encode()), *((b"set-cookie", value.encode()) for value in set_cookies)]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": b"<p>"})

    return app


@pytest.fixture
def guard(collector: Collector, client_of: ClientOf) -> Callable[..., ConsentMiddleware]:
    def make(app: Any, **options: Any) -> ConsentMiddleware:
        return ConsentMiddleware(app, client=client_of(collector, **options))

    return make


def test_a_page_view_is_recorded_as_far_as_it_was_granted(collector: Collector, guard: Any) -> None:
    visitor = collector.visitor("statistics")
    app = guard(page("_ga=1", "_fbp=2", "theme=3"))
    _, headers, body = ask(
        app,
        "/상품/1",
        query="q=1&gclid=SENTINEL",
        cookie=f"{choice('statistics')}; dongui_id={visitor}",
        accept_language="ko,en",
    )
    assert (cookies(headers), body) == (["_ga", "theme"], b"<p>")
    assert app.client.flush(60)
    [event] = collector.of(visitor)
    assert event["url"] == "http://shop.example.com/%EC%83%81%ED%92%88/1?q=1"
    assert (event["ip"], event["environment"]) == ("203.0.113.7", {"language": "ko"})


def test_cookie_headers_may_come_apart_as_http_2_sends_them(collector: Collector, guard: Any) -> None:
    visitor = collector.visitor("statistics")
    app = guard(page())
    scope = scope_of()
    scope["headers"] += [(b"cookie", choice("statistics").encode()), (b"cookie", f"dongui_id={visitor}".encode())]
    asyncio.run(converse(app, scope, [{"type": "http.request"}]))
    assert app.client.flush(60)
    assert len(collector.of(visitor)) == 1


def test_header_names_with_an_underscore_are_others(collector: Collector, guard: Any) -> None:
    visitor = collector.visitor("statistics")
    app = guard(page(), trusted_proxies=1)
    scope = scope_of(cookie=f"{choice('statistics')}; dongui_id={visitor}", x_forwarded_for="198.51.100.4")
    scope["headers"].append((b"x_forwarded_for", b"6.6.6.6"))
    asyncio.run(converse(app, scope, [{"type": "http.request"}]))
    assert app.client.flush(60)
    assert collector.of(visitor)[0]["ip"] == "198.51.100.4"


def test_the_application_reads_the_consent(guard: Any) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        granted = scope["dongui.consent"].granted("statistics")
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": str(granted).encode()})

    _, headers, body = ask(guard(app), cookie=choice("statistics"))
    assert body == b"True"
    assert headers == [("vary", "Cookie"), ("cache-control", "private")]


def test_cookies_can_be_hidden(guard: Any) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": dict(scope["headers"]).get(b"cookie", b"none")})

    assert ask(guard(app, hide_cookies=True), cookie="_ga=1; theme=2")[2] == b"theme=2"
    assert ask(guard(app, hide_cookies=True), cookie="_ga=1")[2] == b"none"
    assert ask(guard(app), cookie="_ga=1; theme=2")[2] == b"_ga=1; theme=2"


def test_a_decision_and_what_is_held(collector: Collector, guard: Any) -> None:
    app = guard(page())
    body = {"site": SITE, "notice": "v1", "granted": ["statistics"], "refused": [], "method": "banner", "lang": "ko"}
    status, headers, answer = ask(
        app, "/_dongui/v1/consents", method="POST", body=json.dumps(body).encode(), origin=ORIGIN
    )
    assert (status, json.loads(answer)["visitor_cookie"]) == (201, True)
    [visitor] = collector.granted
    own = [value for name, value in headers if name == "set-cookie" and "Max-Age=0" not in value]
    assert [value.partition("=")[0] for value in own] == ["dongui_id", "dongui"]
    status, _, answer = ask(app, "/_dongui/v1/me", cookie=f"dongui_id={visitor}", x_dongui="1")
    assert (status, json.loads(answer)["state"]) == (200, {"statistics": "given"})
    assert ask(app, "/_dongui/v1/records")[0] == 404
    assert ask(app, "/_dongui/v1/events", method="POST", body=b" " * 70_000)[0] == 413
    assert ask(app, "/_dongui/v1/policy", query=f"site={SITE}", method="HEAD")[2] == b""


def test_a_mount_below_a_root_path(collector: Collector, guard: Any) -> None:
    app = guard(page())
    for path in ("/shop/_dongui/v1/policy", "/_dongui/v1/policy"):
        scope = {**scope_of(path, query=f"site={SITE}"), "root_path": "/shop"}
        sent, _, _ = asyncio.run(converse(app, scope, [{"type": "http.request"}]))
        assert json.loads(b"".join(message.get("body", b"") for message in sent)) == {
            **POLICY,
            "page_views": "server",
        }


def test_a_slow_collector_holds_up_neither_the_loop_nor_the_executor(collector: Collector, guard: Any) -> None:
    app = guard(page())
    held = collector.held = threading.Event()

    async def both() -> list[str]:
        order: list[str] = []

        async def mounted() -> None:
            await converse(app, scope_of("/_dongui/v1/policy", query=f"site={SITE}"), [{"type": "http.request"}])
            order.append("collector")

        async def own() -> None:
            await asyncio.to_thread(lambda: None)
            await converse(app, scope_of(), [{"type": "http.request"}])
            order.append("site")
            held.set()

        await asyncio.gather(*(mounted() for _ in range(4)), own())
        return order

    assert asyncio.run(both())[0] == "site"


def test_a_visitor_who_leaves_gives_the_connection_back(collector: Collector, guard: Any) -> None:
    app = guard(page())
    collector.delay = 0.2

    async def leave() -> None:
        for _ in range(40):
            task = asyncio.create_task(converse(app, scope_of("/_dongui/v1/policy"), [{"type": "http.request"}]))
            await asyncio.sleep(0.01)
            task.cancel()
        async with asyncio.timeout(60):
            while any(thread.name == "dongui-proxy" for thread in threading.enumerate()):
                await asyncio.sleep(0.01)

    asyncio.run(leave())
    collector.delay = 0.0
    assert ask(app, "/_dongui/v1/policy", query=f"site={SITE}")[0] == 200


# Invariant 6.

RAW = st.sampled_from(
    [
        (b"x-a", b"1"),
        (b"vary", b"Origin"),
        (b"set-cookie", b"_ga=1"),
        (b"set-cookie", b"session=2"),
        (b"set-cookie", b"_fbp=3"),
        (b"content-type", b"text/html"),
        (b"content-length", b"3"),
        (b"x-bytes", b"\xff"),
    ]
)
STARTS = st.builds(
    lambda status, headers, extra: {"type": "http.response.start", "status": status, "headers": headers, **extra},
    st.sampled_from([200, 204, 304, 404, 500]),
    st.lists(RAW, max_size=5),
    st.sampled_from([{}, {"trailers": True}]),
)
REST = st.lists(
    st.sampled_from(
        [
            {"type": "http.response.body", "body": b"abc", "more_body": True},
            {"type": "http.response.body", "body": b""},
            {"type": "http.response.body"},
            {
                "type": "http.response.trailers",
                "headers": [(b"x-sum", b"1"), (b"set-cookie", b"_ga=9")],
                "more_trailers": False,
            },
            {"type": "http.response.pathsend", "path": "/tmp/x"},
            {"type": "http.response.zerocopysend", "file": 3},
            {"type": "http.response.push", "path": "/x", "headers": []},
            {"type": "http.response.debug", "info": {}},
        ]
    ),
    max_size=4,
)
SOCKET = st.lists(
    st.sampled_from(
        [
            {"type": "websocket.accept", "subprotocol": "chat", "headers": [(b"x-a", b"1")]},
            {"type": "websocket.accept"},
            {"type": "websocket.send", "text": "hello"},
            {"type": "websocket.send", "bytes": b"\x00"},
            {"type": "websocket.close", "code": 1000},
        ]
    ),
    max_size=4,
)
LIFESPAN = st.lists(
    st.sampled_from([{"type": "lifespan.startup.complete"}, {"type": "lifespan.shutdown.complete"}]), max_size=2
)

PLANS = (
    st.tuples(st.just("http"), st.builds(lambda start, rest: [start, *rest], STARTS, REST))
    | st.tuples(st.just("websocket"), SOCKET)
    | st.tuples(st.just("lifespan"), LIFESPAN)
)


@pytest.fixture(scope="module")
def lonely() -> Iterator[Client]:
    """The client of a collector that is away."""
    client = Client(site=SITE, collector="http://127.0.0.1:9", secret_key=SECRET, policy=POLICY, delivery=QUICK)
    yield client
    client.close()


@given(plan=PLANS, reads=st.integers(0, 3), fails=st.sampled_from(["", "", "before", "after"]), granted=st.booleans())
def test_with_and_without(lonely: Client, plan: tuple[str, Messages], reads: int, fails: str, granted: bool) -> None:
    kind, messages = plan

    async def app(scope: Any, receive: Any, send: Any) -> None:
        if fails == "before":
            raise LookupError("before")
        for _ in range(reads):
            await receive()
        for message in messages:
            await send(message)
        if fails == "after":
            raise LookupError("after")

    if kind == "lifespan":
        scope: dict[str, Any] = {"type": "lifespan", "asgi": {"version": "3.0"}}
    else:
        scope = scope_of(kind=kind, cookie=choice(*["statistics"] * granted))
    incoming: list[dict[str, Any]] = [
        {"type": f"{kind}.request", "body": b"1", "more_body": True},
        {"type": f"{kind}.request"},
    ]
    plain = asyncio.run(converse(app, dict(scope), incoming))
    guarded = asyncio.run(converse(ConsentMiddleware(app, client=lonely), dict(scope), incoming))
    assert guarded[1:] == plain[1:]
    assert guarded[0] == [allowed(message, granted) for message in plain[0]]


def allowed(message: dict[str, Any], granted: bool) -> dict[str, Any]:
    if message["type"] != "http.response.start":
        return message
    refused = {b"_fbp=3"} if granted else {b"_ga=1", b"_fbp=3"}
    return {**message, "headers": [pair for pair in message["headers"] if pair[1] not in refused]}


def test_what_accepts_a_websocket_sets_no_cookie_either(lonely: Client) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        assert scope["dongui.consent"].granted("statistics") is False
        await send({"type": "websocket.accept", "headers": [(b"set-cookie", b"_ga=1"), (b"x-a", b"1")]})

    guarded, _, _ = asyncio.run(converse(ConsentMiddleware(app, client=lonely), scope_of(kind="websocket"), []))
    assert guarded == [{"type": "websocket.accept", "headers": [(b"x-a", b"1")]}]


def test_an_error_of_our_own_changes_nothing(lonely: Client) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": "?", "headers": [("no", "bytes")]})

    sent, _, _ = asyncio.run(converse(ConsentMiddleware(app, client=lonely), scope_of(), []))
    assert sent == [{"type": "http.response.start", "status": "?", "headers": [("no", "bytes")]}]
    scope = {**scope_of(), "headers": None}
    sent, _, _ = asyncio.run(converse(ConsentMiddleware(app, client=lonely), scope, []))
    assert len(sent) == 1


async def shut_down() -> dict[str, Any]:
    return {"type": "lifespan.shutdown"}


async def living(scope: Any, receive: Any, send: Any) -> None:
    assert scope["type"] == "lifespan"
    await send({"type": "lifespan.startup.complete"})
    await send({"type": "lifespan.shutdown.complete"})


def test_what_waits_is_delivered_before_a_lifespan_ends(collector: Collector, client_of: ClientOf) -> None:
    client = client_of(collector, delivery=Delivery(linger=600, exit_deadline=60))
    visitor = collector.visitor("statistics")
    assert client.track(visitor, "waiting")
    delivered: list[int] = []

    async def send(message: Any) -> None:
        delivered.append(len(collector.of(visitor)))

    asyncio.run(ConsentMiddleware(living, client=client)({"type": "lifespan"}, shut_down, send))
    assert delivered == [0, 1]
    assert client.track(visitor, "later"), "and the work goes on"
    assert client.flush(60)


def test_a_lifespan_ends_as_ever_where_there_is_no_asyncio(collector: Collector, client_of: ClientOf) -> None:
    """As under trio."""
    client, sent = client_of(collector), []

    async def send(message: Any) -> None:
        sent.append(message["type"])

    coroutine = ConsentMiddleware(living, client=client)({"type": "lifespan"}, shut_down, send)
    with pytest.raises(StopIteration):
        coroutine.send(None)
    assert sent == ["lifespan.startup.complete", "lifespan.shutdown.complete"]
    assert client.stats()["mishaps"] == {"lifespan": 1}
