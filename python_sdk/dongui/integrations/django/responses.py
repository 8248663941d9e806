"""Django's answers: made of ours, and made to say what may leave."""

from __future__ import annotations

from collections.abc import Container
from http.cookies import Morsel, SimpleCookie
from typing import Any

from django.http import HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase

from dongui.asgi import in_thread
from dongui.web.proxy_rules import Local
from dongui.web.set_cookie import Headers, attributes, cookie_name
from dongui.web.site_client import LongBody


def response_of(answer: Local, rest: Any) -> HttpResponseBase:
    """The answer to a request below ``/_dongui/``. Django closes ``rest`` with it: a ``LongBody``, or ``Pieces``."""
    response: HttpResponseBase
    try:
        if rest is None:
            response = HttpResponse(answer.body, status=answer.status)
        else:
            response = StreamingHttpResponse(rest, status=answer.status)
        put_headers(response, answer.headers)
    except BaseException:
        if rest is not None:
            rest.close()
        raise
    return response


class Pieces:
    """A long answer's body under ASGI. No generator: Django closes it also when nobody began to read."""

    def __init__(self, rest: LongBody) -> None:
        self._rest = rest

    def __aiter__(self) -> Pieces:
        return self

    async def __anext__(self) -> bytes:
        data = await in_thread(lambda: next(self._rest, b""))
        if not data:
            raise StopAsyncIteration
        return data

    def close(self) -> None:
        """Lets go of the connection."""
        self._rest.close()


def put_headers(response: HttpResponseBase, headers: Headers) -> None:
    """Makes a response say ``headers`` and nothing else; the application's own cookies stay as they are in the jar."""
    lines = [value for name, value in headers if name.lower() == "set-cookie"]
    for key, morsel in list(response.cookies.items()):
        line = morsel.OutputString()
        if line in lines:
            lines.remove(line)
        else:
            del response.cookies[key]
    for line in lines:
        _add_cookie(response.cookies, line)
    said: dict[str, tuple[str, list[str]]] = {}
    for name, value in headers:
        if name.lower() != "set-cookie":
            said.setdefault(name.lower(), (name, []))[1].append(value)
    for name, _ in list(response.items()):
        if name.lower() not in said:
            del response.headers[name]
    for name, values in said.values():
        if response.headers.get(name) != (value := ", ".join(values)):
            response.headers[name] = value


def _add_cookie(jar: SimpleCookie, line: str) -> None:
    """Adds a ``Set-Cookie`` line of ours under a key of its own: one name may be there for several places, and set by
    the application as well.
    """
    key = cookie_name(line)
    while key in jar:
        key += ";"  # stands in no cookie's name
    dict.__setitem__(jar, key, SetCookieLine(line))


class SetCookieLine(Morsel[str]):
    """A ``Set-Cookie`` line that leaves as it is. A morsel of its own making knows neither every attribute
    (``Partitioned`` since Python 3.14) nor takes every name (``path``).
    """

    def __init__(self, line: str) -> None:
        super().__init__()
        self._line = line
        for name, value in attributes(line).items():
            if self.isReservedKey(name):
                self[name] = value or True

    @property
    def key(self) -> str:
        return cookie_name(self._line)

    @property
    def value(self) -> str:
        return self._line.partition(";")[0].partition("=")[2]

    @property
    def coded_value(self) -> str:
        return self.value

    def OutputString(self, attrs: Container[str] | None = None) -> str:
        """The line."""
        return self._line

    def __reduce__(self) -> Any:
        return SetCookieLine, (self._line,)
