"""The ASGI middleware: the same guard around Starlette, FastAPI, Django's ASGI and any other ASGI application."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from typing import Any, TypeVar, Unpack, cast

from dongui.client import Client
from dongui.compiled_policy import UNKNOWN
from dongui.consent import Consent
from dongui.options import OptionValues
from dongui.web.buffered_response import BufferedSend
from dongui.web.page_view import Facts, Navigation, address_of, authority, from_the_right, url_of
from dongui.web.proxy_rules import MOST_BODY, UNAVAILABLE, Local, ProxiedRequest
from dongui.web.request import SiteRequest
from dongui.web.set_cookie import hide
from dongui.web.site import SiteContext

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

    The application finds the visitor's :class:`~dongui.consent.Consent` in ``scope["dongui.consent"]``, of a websocket
    too. The options are those of :class:`dongui.options.Options`. Only the headers that begin an answer, or accept a
    websocket, are looked at; bodies, trailers, messages, extensions and lifespan pass untouched; before a lifespan
    ends, what still waits is delivered, two seconds at most. Below ``/_dongui/`` the collector answers; that takes
    asyncio: threads of our own wait for the collector, so that neither the loop nor the application's threads do.

    Trusted: the server's ``client``; of ``X-Forwarded-For`` and ``-Proto`` what ``trusted_proxies`` proxies wrote.
    """

    def __init__(self, app: ASGIApp, *, client: Client | None = None, **options: Unpack[OptionValues]) -> None:
        self.app = app
        self.site = SiteContext(client, options)
        self._hide = self.site.options.hide_cookies
        self._inject = self.site.options.inject

    @property
    def client(self) -> Client:
        """The client of this site, for events of the application's own: ``client.track(consent, "purchase")``."""
        return self.site.client

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        kind = scope["type"]
        if kind not in ("http", "websocket"):
            await self.app(scope, receive, self._to_the_end(send) if kind == "lifespan" else send)
            return
        request, scope = self._begun(scope, send)
        if request is None:
            await self.app(scope, receive, send)
        elif kind == "http" and self.site.claims(request.path_below):
            await _mounted(request, receive, send)
        else:
            if self._inject and kind == "http":
                request.hold()
            await self.app(scope, receive, request.send)

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

    def _begun(self, scope: Scope, send: Send) -> tuple[_Request | None, Scope]:
        """The request and the scope with its consent; None where we have failed, and then stay out of the way."""
        try:
            request = _Request(self.site, scope, send)
            # A copy, as the specification asks of middlewares: what is upstream does not see what we add.
            changed = {**scope, CONSENT: request.consent, "headers": request.raw_headers}
            if self._hide and request.cookies:
                changed["headers"] = _hidden(request)
        except Exception:
            self.client.mishap("request")
            return None, {**scope, CONSENT: Consent(UNKNOWN)}
        return request, changed


class _Request(SiteRequest):
    """Stands between the application and the server's ``send``."""

    __slots__ = ("_send", "headers", "path", "path_below", "raw_headers", "scope")

    def __init__(self, site: SiteContext, scope: Scope, send: Send) -> None:
        given = scope["headers"]
        # Any iterable will do for the specification; a second look must find the same.
        self.raw_headers: RawHeaders = given if isinstance(given, list | tuple) else list(given)
        self.headers = _joined(self.raw_headers)
        get = self.headers.get
        super().__init__(site, scope.get("method", ""), get(b"cookie", ""), get(b"sec-gpc", ""))
        self.scope = scope
        self._send = send
        self.path: str = scope["path"]
        root = scope.get("root_path", "")
        # Servers differ in whether ``path`` begins with ``root_path``; what is mounted lies below it.
        self.path_below = self.path[len(root) :] if root and self.path.startswith(root + "/") else self.path

    async def send(self, message: Message) -> None:
        """``send`` as the application sees it."""
        if message["type"] in _BEGINNINGS:
            message = self.begun(message)
        await self._send(message)
        if self.viewed:
            self.viewed = False
            self.record()

    def begun(self, message: Message) -> Message:
        """The start of the answer as it may leave: the very same message when nothing had to change."""
        try:
            given = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in message.get("headers", ())]
            status = str(message.get("status", 101))
        except Exception:
            self.site.client.mishap("answer")
            return message
        headers = self.answered(status, given)
        if headers is given:
            return message
        raw = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers]
        return {**message, "headers": raw}

    def hold(self) -> None:
        """Has the answer wait for its first part, since it may be a page that takes the snippet's tag."""
        root = self.scope.get("root_path", "")
        self._send = BufferedSend(self._send, lambda status, headers: self.weaver(status, headers, root))

    def header(self, name: str) -> str:
        """From the scope."""
        return self.headers.get(name.lower().encode("latin-1"), "")

    def asked(self) -> Navigation:
        """From the scope."""
        get = self.headers.get
        purpose = get(b"sec-purpose") or get(b"purpose") or get(b"x-moz", "")
        return Navigation(self.path, get(b"user-agent", ""), get(b"sec-fetch-dest", ""), purpose)

    def facts(self) -> Facts:
        """From the scope."""
        get = self.headers.get
        return Facts(
            url=url_of(self.scheme(), self.host(), self._latin(self.path), _query(self.scope)),
            referrer=get(b"referer", ""),
            user_agent=get(b"user-agent", ""),
            language=get(b"accept-language", ""),
            query=_query(self.scope),
        )

    def raw(self) -> Scope:
        """The scope."""
        return self.scope

    def host(self) -> str:
        """``Host``, or the server's own address."""
        server = self.scope.get("server") or ("localhost", None)
        return self.headers.get(b"host") or authority(server[0], server[1] or "")

    def address(self) -> str | None:
        """The socket's, or what the trusted proxies say."""
        remote = self.scope.get("client")
        hops = self.site.options.trusted_proxies
        return address_of(str(remote[0]) if remote else "", self.headers.get(b"x-forwarded-for", ""), hops)

    def scheme(self) -> str:
        """The server's, or what the trusted proxies say."""
        hops = self.site.options.trusted_proxies
        said = from_the_right(self.headers.get(b"x-forwarded-proto", ""), hops) if hops else None
        return said if said in ("http", "https") else str(self.scope.get("scheme", "http"))

    @staticmethod
    def _latin(path: str) -> str:
        """ASGI decodes paths as UTF-8; the shared code expects them as WSGI has them."""
        return path if path.isascii() else path.encode("utf-8", "replace").decode("latin-1")


async def _mounted(request: _Request, receive: Receive, send: Send) -> None:
    """Answers below ``/_dongui/``."""
    try:
        body = await _body(receive)
        answer, rest = await in_thread(lambda: _asked(request, body), _close)
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
    return await done


def _close(asked: tuple[Local, Any]) -> None:
    if asked[1] is not None:
        asked[1].close()


def _asked(request: _Request, body: bytes) -> tuple[Local, Any]:
    """Runs in a thread: the answer, and its body when that is still on its way."""
    site = request.site
    visit = ProxiedRequest(
        method=request.method,
        path=request.path_below,
        query=_query(request.scope),
        header=request.header,
        cookies=request.cookies,
        address=request.address(),
        secure=request.scheme() == "https",
    )
    return site.ask(visit, body, request.consent)


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


def _hidden(request: _Request) -> list[tuple[bytes, bytes]]:
    """The request's headers without the cookies that may not be used, in one header."""
    shown = hide(request.cookies, request.consent.effective(), request.consent.terms).encode("latin-1")
    kept = [(name, value) for name, value in request.raw_headers if name.lower() != b"cookie"]
    return [*kept, (b"cookie", shown)] if shown else kept


def _query(scope: Scope) -> str:
    return bytes(scope.get("query_string", b"")).decode("latin-1")
