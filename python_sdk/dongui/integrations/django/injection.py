"""The snippet's tag in Django's answers, whole and streamed."""

from __future__ import annotations

from collections.abc import AsyncIterable, AsyncIterator, Iterable, Iterator
from typing import cast

from django.http import FileResponse, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase

from dongui.web.inject import TagInjector
from dongui.web.request import SiteRequest


def inject(response: HttpResponseBase, visit: SiteRequest) -> None:
    """Puts the tag into a page that takes one.

    A stream that has promised its length, byte ranges or a file is left as it is: its headers leave before its first
    part is known.
    """
    streams = isinstance(response, StreamingHttpResponse)
    if streams and (isinstance(response, FileResponse) or any(map(response.has_header, _PROMISES))):
        return
    injector = visit.injector(str(response.status_code), list(response.items()))
    if injector is None:
        return
    if isinstance(response, HttpResponse):
        _whole(response, injector)
    elif isinstance(response, StreamingHttpResponse):
        parts = response.streaming_content
        response.streaming_content = (
            _parts_async(cast(AsyncIterable[bytes], parts), injector)
            if response.is_async
            else _parts(cast(Iterable[bytes], parts), injector)
        )


def _whole(response: HttpResponse, injector: TagInjector) -> None:
    page, longer = injector.first(response.content)
    page += injector.end()
    if len(page) == len(response.content):
        return
    kept = list(response.items())
    response.content = page
    for name, _ in kept:
        del response.headers[name]
    for name, value in injector.headers(kept, longer):
        response.headers[name] = value


def _parts(parts: Iterable[bytes], injector: TagInjector) -> Iterator[bytes]:
    injected = _Injected(injector)
    for part in parts:
        yield injected.part(part)
    yield injector.end()


async def _parts_async(parts: AsyncIterable[bytes], injector: TagInjector) -> AsyncIterator[bytes]:
    injected = _Injected(injector)
    async for part in parts:
        yield injected.part(part)
    yield injector.end()


class _Injected:
    """What goes out for each part: of all but the first only where that one left the place to be sought."""

    def __init__(self, injector: TagInjector) -> None:
        self._injector = injector
        self._first = True
        self._seeking = False

    def part(self, part: bytes) -> bytes:
        if self._first:
            self._first = False
            out, longer = self._injector.first(part)
            self._seeking = longer is not None
            return out
        return self._injector.more(part) if self._seeking else part


_PROMISES = ("Content-Length", "Accept-Ranges")
