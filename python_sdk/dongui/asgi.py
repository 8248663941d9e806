"""The ASGI middleware: the same guard around Starlette, FastAPI, Django's ASGI and any other ASGI application."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from typing import Any, TypeVar, Unpack, cast

from dongui.client import Client, client_of
from dongui.rules.body import MOST_BODY
from dongui.rules.compiled_policy import UNKNOWN
from dongui.web.buffered_response import BufferedSend
from dongui.web.consent import Consent
from dongui.web.options import OptionValues
from dongui.web.page_view import authority
from dongui.web.proxy_rules import BODY_TIME, TOO_SLOW, UNAVAILABLE, Local
from dongui.web.request import SiteRequest
from dongui.web.site import SiteContext
from dongui.web.site_client import LongBody

CONSENT = "dongui.consent"

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
ASGIApp = Callable[[Scope, Receive, Send], Awaitable[None]]

_BEGINNINGS = {"http.response.start", "websocket.accept", "websocket.http.response.start"}

_ENDS = {"lifespan.shutdown.complete", "lifespan.shutdown.failed"}

T = TypeVar("T")

RawHeaders = Iterable[tuple[bytes, bytes]]


class ConsentMiddleware:
    """Guards an ASGI application: what the visitor has not consented to is neither set nor recorded.

    ``app = ConsentMiddleware(app, site="…", collector="http://127.0.0.1:8787", secret_key="…")``

    The application finds the visitor's :class:`~dongui.Consent` in ``scope["dongui.consent"]``, of a websocket too. The
    options are those of :class:`dongui.web.options.Options`. Only the headers that begin an answer, or accept a
    websocket, are looked at; bodies, trailers, messages, extensions and lifespan pass untouched; before a lifespan
    ends, what still waits is delivered, two seconds at most. Below ``/_dongui/`` the collector answers; that takes
    asyncio: threads of our own wait for the collector, so that neither the loop nor the application's threads do.

    Trusted: the server's ``client``; of ``X-Forwarded-For`` and ``-Proto`` what ``trusted_proxies`` proxies wrote.
    """

    def __init__(self, app: ASGIApp, *, client: Client | None = None, **options: Unpack[OptionValues]) -> None:
        self.app = app
        self._client = client_of(client, options)
        self.site = SiteContext(self._client)
        self._inject = self.site.options.inject
        self._changes_requests = self._inject or self.site.options.hide_cookies

    @property
    def client(self) -> Client:
        """The client of this site, for events of the application's own: ``client.track(consent, "purchase")``."""
        return self._client

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        kind = scope["type"]
        if kind not in ("http", "websocket"):
            await self.app(scope, receive, self._to_the_end(send) if kind == "lifespan" else send)
            return
        request, scope = self._begun(scope)
        if request is None:
            await self.app(scope, receive, send)
        elif kind == "http" and self.site.claims(request.incoming.mounted_path):
            await _mounted(request, receive, send)
        else:
            held = BufferedSend(send, request.injector) if self._inject and kind == "http" else send
            await self.app(scope, receive, _Answer(request, held).send)

    def _to_the_end(self, send: Send) -> Send:
        """``send`` of a lifespan, at whose end what waits is delivered: uvicorn ends itself by the signal that it got,
        which skips the interpreter's own exit.
        """

        async def sent(message: Message) -> None:
            if message["type"] in _ENDS:
                try:
                    await in_thread(self.client.deliver)
                except Exception:  # no asyncio, or no thread: then the exit has to do
                    self.client.mishap("lifespan")
            await send(message)

        return sent

    def _begun(self, scope: Scope) -> tuple[SiteRequest | None, Scope]:
        """The request and the scope with its consent; None where we have failed, and then stay out of the way."""
        try:
            incoming = AsgiRequest(scope)
            request = SiteRequest(self.site, incoming)
            # A copy, as the specification asks of middlewares: what is upstream does not see what we add.
            changed = {**scope, CONSENT: request.consent, "headers": incoming.raw_headers}
            if self._changes_requests and (headers := request.changed_headers()):
                changed["headers"] = _replaced(incoming.raw_headers, headers)
        except Exception:
            self.client.mishap("request")
            return None, {**scope, CONSENT: Consent(UNKNOWN)}
        return request, changed


class AsgiRequest:
    """A scope as an :class:`~dongui.web.incoming.IncomingRequest`. Looks into it only when asked."""

    __slots__ = ("_headers", "method", "mounted_path", "path", "raw", "raw_headers", "root")

    def __init__(self, scope: Scope) -> None:
        given = scope["headers"]
        # Any iterable will do for the specification; a second look must find the same.
        self.raw_headers: RawHeaders = given if isinstance(given, list | tuple) else list(given)
        self.raw = scope
        self.method: str = scope.get("method", "")
        self._headers = _joined(self.raw_headers)
        self.path = _latin(scope["path"])
        self.root = root = _latin(scope.get("root_path", ""))
        # Servers differ in whether ``path`` begins with ``root_path``; what is mounted lies below it.
        self.mounted_path = self.path[len(root) :] if root and self.path.startswith(root + "/") else self.path

    def header(self, name: str) -> str:
        """As the server handed it over; several are joined."""
        return self._headers.get(name.encode("latin-1"), "")

    @property
    def query(self) -> str:
        return bytes(self.raw.get("query_string", b"")).decode("latin-1")

    @property
    def remote(self) -> str:
        client = self.raw.get("client")
        return str(client[0]) if client else ""

    @property
    def server_scheme(self) -> str:
        scheme = str(self.raw.get("scheme", "http"))
        return {"ws": "http", "wss": "https"}.get(scheme, scheme)

    @property
    def host(self) -> str:
        server = self.raw.get("server") or ("localhost", None)
        return self._headers.get(b"host") or authority(server[0], server[1] or "")


class _Answer:
    """Stands between the application and the server's ``send``."""

    __slots__ = ("_request", "_send")

    def __init__(self, request: SiteRequest, send: Send) -> None:
        self._request = request
        self._send = send

    async def send(self, message: Message) -> None:
        """``send`` as the application sees it."""
        if message["type"] in _BEGINNINGS:
            message = self._begun(message)
        await self._send(message)
        if self._request.viewed:
            self._request.viewed = False
            self._request.record()

    def _begun(self, message: Message) -> Message:
        """The start of the answer as it may leave: the very same message when nothing had to change."""
        try:
            given = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in message.get("headers", ())]
            status = str(message.get("status", 101))
        except Exception:
            self._request.site.client.mishap("answer")
            return message
        headers = self._request.answered(status, given)
        if headers is given:
            return message
        raw = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers]
        return {**message, "headers": raw}


def _latin(path: str) -> str:
    """ASGI decodes paths as UTF-8; the shared code expects them as WSGI has them."""
    return path if path.isascii() else path.encode("utf-8", "replace").decode("latin-1")


async def _mounted(request: SiteRequest, receive: Receive, send: Send) -> None:
    """Answers below ``/_dongui/``."""
    try:
        async with asyncio.timeout(BODY_TIME):
            body = await _body(receive)
        visit = request.proxied()
        answer, rest = await in_thread(lambda: request.site.ask(visit, body, request.consent), close_rest)
    except TimeoutError:
        answer, rest = TOO_SLOW, None
    except Exception:
        request.site.client.mishap("mount")
        answer, rest = UNAVAILABLE, None
    headers = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in answer.headers]
    try:
        await send({"type": "http.response.start", "status": answer.status, "headers": headers})
        if rest is not None:
            while data := await in_thread(lambda: next(rest, b"")):
                await send({"type": "http.response.body", "body": data, "more_body": True})
        body = answer.body if rest is None and request.method != "HEAD" else b""
        await send({"type": "http.response.body", "body": body, "more_body": False})
    finally:
        if rest is not None:
            rest.close()


async def in_thread(work: Callable[[], T], abandoned: Callable[[T], object] | None = None) -> T:
    """Runs ``work`` in a daemon thread. What it returns when nobody waits any more is given to ``abandoned``.

    Not asyncio's own executor: its few threads are the application's, and a slow collector must not occupy them.
    """
    loop = asyncio.get_running_loop()
    done: asyncio.Future[T] = loop.create_future()

    def settle(value: T | None, error: BaseException | None) -> None:
        if not done.done():
            done.set_result(cast(T, value)) if error is None else done.set_exception(error)
        elif error is None and abandoned is not None:
            abandoned(cast(T, value))

    def run() -> None:
        value, error = None, None
        try:
            value = work()
        except BaseException as caught:
            error = caught
        try:
            loop.call_soon_threadsafe(settle, value, error)
        except RuntimeError:  # the loop is closed: the server has gone
            if error is None and abandoned is not None:
                abandoned(cast(T, value))

    threading.Thread(target=run, name="dongui-proxy", daemon=True).start()
    try:
        return await done
    except asyncio.CancelledError:
        # Cancelled in the very moment in which the value came: ``settle`` has handed it to us, and we to nobody.
        if abandoned is not None and done.done() and not done.cancelled() and done.exception() is None:
            abandoned(done.result())
        raise


def close_rest(asked: tuple[Local, LongBody | None]) -> None:
    """Closes the body of an answer that nobody waits for any more."""
    if asked[1] is not None:
        asked[1].close()


async def _body(receive: Receive) -> bytes:
    """The request's body, or a little more than is allowed of a longer one."""
    parts: list[bytes] = []
    length = 0
    while length <= MOST_BODY:
        message = await receive()
        if message["type"] != "http.request":
            break
        parts.append(message.get("body", b""))
        length += len(parts[-1])
        if not message.get("more_body", False):
            break
    return b"".join(parts)


def _joined(headers: RawHeaders) -> dict[bytes, str]:
    """Headers by name, duplicates joined as WSGI servers do. Names with ``_`` are others than those with ``-``."""
    found: dict[bytes, str] = {}
    for name, value in headers:
        text = value.decode("latin-1")
        name = name.lower()
        if name in found:
            text = f"{found[name]}{'; ' if name == b'cookie' else ','}{text}"
        found[name] = text
    return found


def _replaced(raw: RawHeaders, changed: dict[str, str]) -> list[tuple[bytes, bytes]]:
    """Request headers with those changed; empty ones are left out."""
    names = {name.encode("latin-1") for name in changed}
    kept = [(name, value) for name, value in raw if name.lower() not in names]
    return kept + [(name.encode("latin-1"), value.encode("latin-1")) for name, value in changed.items() if value]
