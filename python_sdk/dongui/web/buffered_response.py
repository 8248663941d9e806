"""Answers that are held until their first part is there, so that the snippet's tag can be put into pages."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Iterator, MutableMapping
from typing import TYPE_CHECKING, Any

from dongui.web.inject import TagInjector
from dongui.web.set_cookie import Headers

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

Decide = Callable[[str, Headers], TagInjector | None]
Message = MutableMapping[str, Any]


class BufferedResponse:
    """WSGI. Stands before the server's ``start_response``; :meth:`around` is put around the application's answer.

    A server may begin an answer with its first non-empty part only, so calling its ``start_response`` that late shows
    nowhere. ``decide`` says of an answer whether it may take the tag; one that may not begins at once.
    """

    def __init__(self, start: StartResponse, environ: WSGIEnvironment, decide: Decide) -> None:
        self._server_start = start
        self._file_wrapper = environ.get("wsgi.file_wrapper")
        self._decide = decide
        self._waiting: tuple[str, Headers, TagInjector] | None = None
        self._write: Callable[[bytes], object] | None = None
        self._started = False

    def start(self, status: str, headers: Headers, exc_info: Any = None) -> Callable[[bytes], object]:
        """As ``start_response``."""
        if self._started and exc_info is not None:
            return self._server_start(status, headers, exc_info)
        injector = self._decide(status, headers)
        if injector is None:
            self._waiting = None
            self._started = True
            return self._server_start(status, headers)
        self._waiting = (status, headers, injector)
        return self._written

    def around(self, result: Iterable[bytes]) -> Iterable[bytes]:
        """The answer, wrapped only where it must be: servers treat their file wrapper and lists of one apart."""
        if self._waiting is None:
            return result if self._started else _Parts(result, self)
        if isinstance(result, list) and len(result) == 1:
            injector = self._waiting[2]
            return [self.begin(result[0]) + injector.end()]
        if isinstance(self._file_wrapper, type) and isinstance(result, self._file_wrapper):
            self.begin(b"")
            return result
        return _Parts(result, self)

    @property
    def injector(self) -> TagInjector | None:
        """Of an answer that waits for its first part."""
        return None if self._waiting is None else self._waiting[2]

    def begin(self, part: bytes) -> bytes:
        """Begins an answer that waits: what of its first part goes out. An empty part leaves the page as it is."""
        assert self._waiting is not None
        (status, headers, injector), self._waiting = self._waiting, None
        out, longer = injector.first(part)
        self._started = True
        self._write = self._server_start(status, injector.headers(headers, longer))
        return out

    def _written(self, data: bytes) -> object:
        """``write()`` before anything was returned: whoever uses that gets no tag."""
        if self._waiting is not None:
            self.begin(b"")
        assert self._write is not None
        return self._write(data)


class _Parts:
    """The application's answer, part by part."""

    def __init__(self, result: Iterable[bytes], held: BufferedResponse) -> None:
        self._result = result
        self._parts = iter(result)
        self._held = held
        self._injector: TagInjector | None = None

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        try:
            part = next(self._parts)
        except StopIteration:
            return self._last()
        injector = self._held.injector
        if injector is not None:
            # An empty part says that the application waits for something: we must not wait for the next one.
            self._injector = injector if part else None
            return self._held.begin(part)
        return part if self._injector is None else self._injector.more(part)

    def _last(self) -> bytes:
        if self._held.injector is not None:
            self._held.begin(b"")
        rest = b"" if self._injector is None else self._injector.end()
        self._injector = None
        if not rest:
            raise StopIteration
        return rest

    def close(self) -> None:
        """Closes the application's answer."""
        close = getattr(self._result, "close", None)
        if close is not None:
            close()


class BufferedSend:
    """ASGI. Stands before the server's ``send``."""

    def __init__(self, send: Callable[[Message], Awaitable[None]], decide: Decide) -> None:
        self._send = send
        self._decide = decide
        self._waiting: tuple[Message, Headers, TagInjector] | None = None
        self._injector: TagInjector | None = None

    async def __call__(self, message: Message) -> None:
        """As ``send``."""
        kind = message["type"]
        if kind == "http.response.start":
            headers = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in message.get("headers", ())]
            injector = self._decide(str(message["status"]), headers)
            if injector is not None:
                self._waiting = (message, headers, injector)
                return
        elif kind == "http.response.body" and (self._waiting is not None or self._injector is not None):
            message = await self._injected(message)
        elif self._waiting is not None and kind not in _BEFORE_THE_START:
            await self._begin(None)
        await self._send(message)

    async def _injected(self, message: Message) -> Message:
        part, more = message.get("body", b""), message.get("more_body", False)
        if self._waiting is not None:
            self._injector = self._waiting[2]
            out = await self._begin(part)
        else:
            assert self._injector is not None
            out = self._injector.more(part)
        if not more:
            out += self._injector.end()
            self._injector = None
        return message if out == part else {**message, "body": out}

    async def _begin(self, part: bytes | None) -> bytes:
        """Sends the start of an answer that waits: what of its first part goes out; None leaves the page as it is."""
        assert self._waiting is not None
        (start, headers, injector), self._waiting = self._waiting, None
        out, longer = (b"", None) if part is None else injector.first(part)
        if longer is not None:
            changed = injector.headers(headers, longer)
            raw = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in changed]
            start = {**start, "headers": raw}
        await self._send(start)
        return out


_BEFORE_THE_START = {"http.response.push", "http.response.debug"}
