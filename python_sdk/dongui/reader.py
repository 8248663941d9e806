"""For consumers: reports, exports and the erasure feed, under a token that is bound to sites and purposes.

Whoever keeps a copy of what it reads here follows :meth:`Reader.follow` and destroys what ended: a withdrawal reaches
copies downstream only that way.
"""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing
from datetime import date
from typing import Any
from urllib.parse import quote, urlencode

from dongui.errors import AnswerError, ConfigurationError
from dongui.http.client import TROUBLE, HttpClient, StreamedResponse

__all__ = ["Reader"]

_LONGEST_ANSWER = 1 << 26
_PAGE = 2000
_EXPORT = "/v1/export/events"
_NEXT = re.compile(rf'<({_EXPORT}\?[!-;=?-~]+)>; rel="next"')

Json = dict[str, Any]


class Reader:
    """Reads from the desk of a collector (``http://127.0.0.1:8788``) with a token of ``dongui tokens create``.

    Everything raises :class:`~dongui.errors.AnswerError` when the desk refuses or does not answer: a consumer wants to
    know. ``site`` is needed only where the token is bound to several. ``timeout`` is in seconds, for one answer.
    """

    def __init__(self, desk: str, token: str, *, site: str | None = None, timeout: float = 60.0) -> None:
        if not token or not token.isascii() or not token.isprintable():
            raise ConfigurationError("token", "give a token that `dongui tokens create` printed")
        self._wire = HttpClient(desk, timeout=timeout)
        self._headers = {"Authorization": f"Bearer {token}", "Accept": "application/json"}
        self._site = {"site": site} if site else {}
        self._timeout = timeout

    def report(
        self,
        name: str,
        first: date,
        last: date,
        *,
        filters: Iterable[str] = (),
        interval: str | None = None,
        compare: bool = False,
        steps: Iterable[str] = (),
        event: str | None = None,
        property: str | None = None,
        goal: str | None = None,
        value: str | None = None,
        currency: str | None = None,
        purposes: Iterable[str] = (),
        sort: str | None = None,
        order: str | None = None,
        limit: int | None = None,
        offset: int | None = None,
    ) -> Json:
        """A report over the days ``first`` to ``last``, both included: ``GET /v1/reports/{name}`` of the desk.

        ``filters`` are texts such as ``"country:KR"`` or ``"!page:/shop/*"``; ``steps`` are those of a funnel;
        ``compare`` adds the period before; ``event`` and ``property`` say whose properties, ``goal`` whose conversions;
        the others are as docs/api.md has them. It holds only what ``purposes`` (by default all of the token) cover.
        """
        if any(isinstance(texts, str) for texts in (filters, steps, purposes)):
            raise ConfigurationError("filters", 'give a list, as in filters=["country:KR"]; steps, purposes likewise')
        given: Json = {"filter": list(filters), "purpose": list(purposes), "compare": "previous" if compare else None}
        given |= {"step": list(steps), "event": event, "property": property}
        given |= {"goal": goal, "value": value, "currency": currency}
        given |= {"interval": interval, "sort": sort, "order": order, "limit": limit, "offset": offset}
        query = {key: value for key, value in given.items() if value is not None and value != []}
        asked = {**self._site, **_days(first, last), **query}
        return self._get(f"/v1/reports/{quote(name, safe='')}?{urlencode(asked, doseq=True)}")

    def events(self, first: date, last: date, *, purposes: Iterable[str] = ()) -> Iterator[Json]:
        """The events of the days ``first`` to ``last``, both included, one after the other, read in pages.

        Only rows and items that ``purposes`` (by default all of the token) cover; ``visitor`` and ``id`` are names that
        this consumer alone knows. A page that breaks off is asked for once more, and then raises: what has come so far
        is not all.
        """
        if isinstance(purposes, str):
            raise ConfigurationError("purposes", 'give a list, as in purposes=["statistics"]')
        query = {**self._site, **_days(first, last), "purpose": list(purposes), "format": "ndjson", "limit": str(_PAGE)}
        return self._rows(f"{_EXPORT}?{urlencode(query, doseq=True)}")

    def _rows(self, path: str) -> Iterator[Json]:
        while path:
            try:
                rows, path = self._page(path)
            except AnswerError as error:
                if error.status:
                    raise
                rows, path = self._page(path)  # the very same page, as often as it is asked for
            yield from rows

    def _page(self, path: str) -> tuple[list[Json], str]:
        """The rows of a page, and where the next one is; empty for the last."""
        with closing(self._open(path)) as answer:
            try:
                *lines, rest = answer.read(_LONGEST_ANSWER).split(b"\n")
            except TROUBLE as trouble:
                raise _no_answer(trouble) from trouble
        if rest:
            raise AnswerError(0, "", "the desk's answer broke off: what came so far is not all of it")
        link = _NEXT.fullmatch(answer.headers.get("link", ""))
        return [_object(line) for line in lines if line], link[1] if link else ""

    def erasures(self, after: int = 0) -> Iterator[Json]:
        """What ended since the cursor ``after``, oldest first: ``{cursor, at, kind, visitor?, purposes?, day?}``.

        Keep the ``cursor`` of each entry once its copies are destroyed, and begin there the next time.
        """
        while True:
            found = self._get(f"/v1/feed/erasures?after={after}")
            entries = found.get("entries", [])
            yield from entries
            if not entries or found["next"] == after:
                return
            after = found["next"]

    def follow(self, after: int = 0, *, every: float = 60.0, stop: threading.Event | None = None) -> Iterator[Json]:
        """As :meth:`erasures`, and then on and on: looks again ``every`` seconds, until ``stop`` is set."""
        stop = stop or threading.Event()
        while True:
            for entry in self.erasures(after):
                yield entry
                after = entry["cursor"]
            if stop.wait(every):
                return

    def close(self) -> None:
        """Closes the connection."""
        self._wire.close()

    def _get(self, path: str) -> Json:
        with closing(self._open(path)) as answer:
            try:
                return _object(answer.read(_LONGEST_ANSWER))
            except TROUBLE as trouble:
                raise _no_answer(trouble) from trouble

    def _open(self, path: str) -> StreamedResponse:
        try:
            answer = self._wire.open("GET", path, self._headers)
            if answer.status == 200:
                return answer
            with closing(answer):
                raise _refusal(answer.status, answer.headers, answer.read(1 << 20))
        except TROUBLE as trouble:
            raise _no_answer(trouble) from trouble


def _days(first: date, last: date) -> dict[str, Any]:
    return {"from": first.isoformat(), "to": last.isoformat()}


def _object(text: bytes) -> Json:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, dict):
        raise AnswerError(200, "", "the desk's answer is not what its API promises")
    return value


def _refusal(status: int, headers: Mapping[str, str], body: bytes) -> AnswerError:
    try:
        problem = _object(body)
    except AnswerError:
        problem = {}
    what = problem.get("detail") or problem.get("title") or "no explanation"
    after = headers.get("retry-after", "")
    pause = float(after) if after.isascii() and after.isdigit() and len(after) < 6 else None
    return AnswerError(status, str(problem.get("type", "")), f"the desk answered {status}: {what}", retry_after=pause)


def _no_answer(trouble: Exception) -> AnswerError:
    return AnswerError(
        0, "", f"the desk did not answer ({type(trouble).__name__}); is it running, and is this its port?"
    )
