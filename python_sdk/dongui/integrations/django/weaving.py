"""The snippet's tag in Django's answers, whole and streamed."""

from __future__ import annotations

from collections.abc import AsyncIterable, AsyncIterator, Iterable, Iterator
from typing import cast

from django.http import FileResponse, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase

from dongui.web.inject import TagInjector
from dongui.web.request import SiteRequest


def weave(response: HttpResponseBase, passage: SiteRequest, root: str) -> None:
    """Puts the tag into a page that takes one. ``root``: where the site is mounted.

    A stream that has promised its length, byte ranges or a file is left as it is: its headers leave before its first
    part is known.
    """
    streams = isinstance(response, StreamingHttpResponse)
    if streams and (isinstance(response, FileResponse) or any(map(response.has_header, _PROMISES))):
        return
    weaver = passage.weaver(str(response.status_code), list(response.items()), root)
    if weaver is None:
        return
    if isinstance(response, HttpResponse):
        _whole(response, weaver)
    elif isinstance(response, StreamingHttpResponse):
        parts = response.streaming_content
        response.streaming_content = (
            _parts_async(cast(AsyncIterable[bytes], parts), weaver)
            if response.is_async
            else _parts(cast(Iterable[bytes], parts), weaver)
        )


def _whole(response: HttpResponse, weaver: TagInjector) -> None:
    page, longer = weaver.first(response.content)
    if longer is None:
        return
    response.content = page + weaver.end()
    if response.has_header("Content-Length"):
        response.headers["Content-Length"] = str(len(response.content))


def _parts(parts: Iterable[bytes], weaver: TagInjector) -> Iterator[bytes]:
    woven = _Woven(weaver)
    for part in parts:
        yield woven.part(part)
    yield weaver.end()


async def _parts_async(parts: AsyncIterable[bytes], weaver: TagInjector) -> AsyncIterator[bytes]:
    woven = _Woven(weaver)
    async for part in parts:
        yield woven.part(part)
    yield weaver.end()


class _Woven:
    """What goes out for each part: of all but the first only where that one left the place to be sought."""

    def __init__(self, weaver: TagInjector) -> None:
        self._weaver = weaver
        self._first = True
        self._seeking = False

    def part(self, part: bytes) -> bytes:
        if self._first:
            self._first = False
            out, longer = self._weaver.first(part)
            self._seeking = longer is not None
            return out
        return self._weaver.more(part) if self._seeking else part


_PROMISES = ("Content-Length", "Accept-Ranges")
