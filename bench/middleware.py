"""What the middleware costs the host: its thread's own time for a request, beside the bare application and sentry-sdk's
tracing middleware. Nothing is sent in these rounds; what delivery costs afterwards, in its own thread, stands apart.
"""

from __future__ import annotations

import asyncio
import contextlib
import io
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

import sentry_sdk
from dongui import Client, ConsentMiddleware, Delivery
from dongui.asgi import ConsentMiddleware as AsgiMiddleware
from dongui.rules import Choice, encode_choice
from dongui.testing import FakeClient
from sentry_sdk.integrations.wsgi import SentryWsgiMiddleware
from sentry_sdk.transport import Transport as SentryTransport

from bench.report import Figure

ROUNDS = 15
NOTHING, VIEW = 10.0, 30.0  # µs, DESIGN section 9

_HEADERS = [
    ("Content-Type", "text/html; charset=utf-8"),
    ("Content-Length", "5"),
    ("Vary", "Accept-Encoding"),
    ("X-Frame-Options", "DENY"),
    ("Set-Cookie", "session=abcdef; Path=/; HttpOnly"),
]
_BROWSER = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36"


def application(environ: dict[str, Any], start_response: Any) -> list[bytes]:
    """A page, or an answer of an API."""
    headers = list(_HEADERS)
    if environ["PATH_INFO"].startswith("/api/"):
        headers[0] = ("Content-Type", "application/json")
    start_response("200 OK", headers)
    return [b"hello"]


def working(environ: dict[str, Any], start_response: Any) -> list[bytes]:
    """A page that takes the half millisecond that rendering a small one takes."""
    sum(range(25_000))
    return application(environ, start_response)


async def asgi_application(scope: dict[str, Any], receive: Any, send: Any) -> None:
    """The same page."""
    headers = [(name.lower().encode(), value.encode()) for name, value in _HEADERS]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": b"hello"})


class _Discarding(FakeClient):
    """Queues for nobody: what is measured is the host's part alone."""

    def send_event(self, visitor: str, event: dict[str, Any]) -> bool:
        return True


class _Nowhere(SentryTransport):
    def capture_envelope(self, envelope: Any) -> None:
        pass


def request(path: str, *purposes: str, decided: bool = True) -> dict[str, Any]:
    """A WSGI environment as a browser behind one proxy makes it."""
    choice = f"; dongui={encode_choice(Choice('test', purposes, int(time.time())))}" if decided else ""
    visitor = f"; dongui_id={'v' * 22}" if purposes else ""
    return {
        "REQUEST_METHOD": "GET",
        "SCRIPT_NAME": "",
        "PATH_INFO": path,
        "QUERY_STRING": "utm_source=mail&gclid=abc&q=shoes",
        "SERVER_NAME": "shop.example.com",
        "SERVER_PORT": "80",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": "203.0.113.7",
        "HTTP_HOST": "shop.example.com",
        "HTTP_USER_AGENT": _BROWSER,
        "HTTP_ACCEPT_LANGUAGE": "ko-KR,ko;q=0.9,en;q=0.8",
        "HTTP_REFERER": "https://search.example.com/find?q=shoes",
        "HTTP_SEC_FETCH_DEST": "document",
        "HTTP_COOKIE": f"session=abcdef; theme=dark{choice}{visitor}",
        "wsgi.url_scheme": "http",
        "wsgi.input": io.BytesIO(),
    }


def cost(app: Callable[..., Any], environ: dict[str, Any], count: int) -> float:
    """The thread's own µs for one request: the best of several rounds, since others share this machine."""

    def start(status: str, headers: Any, exc_info: Any = None) -> None:
        """Where the server begins."""

    best = float("inf")
    for _ in range(ROUNDS):
        begin = time.thread_time()
        for _ in range(count):
            app(dict(environ), start)
        best = min(best, (time.thread_time() - begin) / count * 1e6)
    return best


def cost_asgi(app: Any, environ: dict[str, Any], count: int) -> float:
    """As :func:`cost`, inside one event loop."""
    names = {
        "HTTP_COOKIE",
        "HTTP_HOST",
        "HTTP_USER_AGENT",
        "HTTP_ACCEPT_LANGUAGE",
        "HTTP_REFERER",
        "HTTP_SEC_FETCH_DEST",
    }
    headers = [(name[5:].replace("_", "-").lower().encode(), environ[name].encode()) for name in sorted(names)]
    scope = {
        "type": "http",
        "method": "GET",
        "path": environ["PATH_INFO"],
        "query_string": environ["QUERY_STRING"].encode(),
        "headers": headers,
        "client": ("203.0.113.7", 4000),
        "scheme": "http",
    }

    async def send(message: Any) -> None:
        """Where the server begins."""

    async def rounds() -> float:
        best = float("inf")
        for _ in range(ROUNDS):
            begin = time.thread_time()
            for _ in range(count):
                await app(dict(scope), None, send)
            best = min(best, (time.thread_time() - begin) / count * 1e6)
        return best

    return asyncio.run(rounds())


_COLLECTOR = r"""
import socket
server = socket.create_server(("127.0.0.1", 0))
print(server.getsockname()[1], flush=True)
body = b'{"recorded":1,"refused":{}}'
answer = b"HTTP/1.1 202 Accepted\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n%b" % (len(body), body)
connection = server.accept()[0]
waiting = b""
while data := connection.recv(1 << 16):
    waiting += data
    while b"\r\n\r\n" in waiting:
        head, _, rest = waiting.partition(b"\r\n\r\n")
        length = next(int(line[15:]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:"))
        if len(rest) < length:
            break
        waiting = rest[length:]
        connection.sendall(answer)
"""


_HANGING = r"""
import socket, time
server = socket.create_server(("127.0.0.1", 0))
print(server.getsockname()[1], flush=True)
kept = []
while True:
    kept.append(server.accept())
"""
_GARBAGE = r"""
import socket
server = socket.create_server(("127.0.0.1", 0))
print(server.getsockname()[1], flush=True)
while True:
    connection = server.accept()[0]
    connection.recv(1 << 16)
    connection.sendall(b"not http at all\r\n\r\n")
    connection.close()
"""
COLLECTORS = {"answers": _COLLECTOR, "is away": "", "hangs": _HANGING, "talks nonsense": _GARBAGE}


def ninety_ninth(app: Callable[..., Any], count: int) -> float:
    """The 99th percentile of a request's wall time in µs, over page views of a site that is not saturated.

    The least of three rounds: what others do on this machine only ever adds.
    """
    return min(_ninety_ninth(app, count // 3) for _ in range(3))


def _ninety_ninth(app: Callable[..., Any], count: int) -> float:
    made = request("/goods/17", "statistics")
    times = []
    for number in range(count):
        environ = {**made, "HTTP_COOKIE": made["HTTP_COOKIE"].replace("v" * 22, f"{number:022}")}
        begin = time.perf_counter()
        app(environ, _start)
        times.append(time.perf_counter() - begin)
        time.sleep(0.001)
    return sorted(times)[int(count * 0.99)] * 1e6


def _start(status: str, headers: Any, exc_info: Any = None) -> None:
    """Where the server begins."""


def beside_a_collector_that(script: str, count: int) -> float:
    """:func:`ninety_ninth` of the guarded application, whose events go to this collector."""
    with contextlib.ExitStack() as stack:
        port = 9
        if script:
            server = stack.enter_context(
                subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True)
            )
            stack.callback(server.kill)
            assert server.stdout is not None
            port = int(server.stdout.readline())
        policy = FakeClient().knowledge.terms.policy
        address = f"http://127.0.0.1:{port}"
        client = Client(
            site="test-site", collector=address, secret_key="test", policy=policy, delivery=Delivery(exit_deadline=0.1)
        )
        stack.callback(client.close)
        return ninety_ninth(ConsentMiddleware(working, client=client), count)


def cost_of_delivery(count: int) -> float:
    """µs of the sending thread for one page view of a visitor who has no other waiting: the worst case of batching."""
    with subprocess.Popen([sys.executable, "-c", _COLLECTOR], stdout=subprocess.PIPE, text=True) as server:
        try:
            assert server.stdout is not None
            address = f"http://127.0.0.1:{int(server.stdout.readline())}"
            policy = FakeClient().knowledge.terms.policy
            client = Client(site="test-site", collector=address, secret_key="test", policy=policy)
            event = {
                "id": "0" * 36,
                "name": "pageview",
                "at": 1,
                "url": "http://shop.example.com/goods/17?utm_source=mail",
            }
            begin = time.process_time()
            for number in range(count):
                client.send_event(f"visitor-{number}", dict(event))
            assert client.flush(60)
            spent = time.process_time() - begin
            client.close()
        finally:
            server.kill()
    return spent / count * 1e6


def measure(quick: bool) -> tuple[list[Figure], str]:
    """The figures of ``docs/performance.md``."""
    count = 50 if quick else 3000
    client = _Discarding()
    guarded = ConsentMiddleware(application, client=client)
    bare = cost(application, request("/goods/17"), count)
    sentry_sdk.init(
        dsn="http://key@127.0.0.1/1", traces_sample_rate=1.0, transport=_Nowhere, default_integrations=False
    )
    traced = cost(SentryWsgiMiddleware(application), request("/goods/17"), max(10, count // 10)) - bare
    sentry_sdk.init()
    figures = []
    for what, made, budget in (
        ("nobody has chosen yet", request("/goods/17", decided=False), NOTHING),
        ("an answer of an API", request("/api/cart", "statistics"), NOTHING),
        ("a page, refused", request("/goods/17"), NOTHING),
        ("a page view, recorded", request("/goods/17", "statistics"), VIEW),
    ):
        spent = cost(guarded, made, count) - bare
        beside = f"sentry-sdk, traced: {traced:.0f} µs"
        figures.append(Figure(f"WSGI: {what}", f"{spent:.1f} µs", beside, f"≤ {budget:.0f} µs", spent <= budget))
    asgi = AsgiMiddleware(asgi_application, client=client)  # type: ignore[arg-type]
    plain = cost_asgi(asgi_application, request("/goods/17"), count)
    for what, made in (("a page, refused", request("/goods/17")), ("a page view", request("/goods/17", "statistics"))):
        spent = cost_asgi(asgi, made, count) - plain
        figures.append(Figure(f"ASGI: {what}", f"{spent:.1f} µs", "the application alone"))
    alone = ninety_ninth(working, count)
    for what, script in COLLECTORS.items():
        spent = beside_a_collector_that(script, count)
        beside = f"the application alone: {alone:.0f} µs"
        figures.append(Figure(f"99th percentile of a page view, a collector that {what}", f"{spent:.0f} µs", beside))
    delivery = cost_of_delivery(max(50, count // 3))
    figures.append(
        Figure("delivery of one page view, in the background", f"{delivery:.0f} µs", "one request a visitor")
    )
    notes = (
        f"The thread's own time beyond the bare application ({bare:.2f} µs a call), best of {ROUNDS} rounds of {count} "
        "requests with five response headers and a browser's request headers. Delivery is the process's CPU time for "
        "queueing and sending page views of as many different visitors; events of one visitor share a request. The "
        "99th percentiles, the least of three rounds, are wall time at some 1,000 requests/s, with the delivery's "
        "thread at work. Counting page views without identifiers is part of all of it."
    )
    return figures, notes
