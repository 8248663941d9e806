"""What of an event the collector takes: its properties as JSON has them, everything within the wire's limits. Pure.

One event over a limit would be refused with its whole batch, so what is too much is left out here, and a reason told.
``sdk_js/src/rules/json.ts`` and ``events.ts`` are the browser's twins; ``tests/vectors/events.json`` has the cases.
"""

from __future__ import annotations

import math
import re
from collections import deque
from collections.abc import Callable, Collection, Mapping, Set
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from typing import Any

from dongui.rules.addresses import parse_ip

Json = dict[str, Any]
Cut = Callable[[str], object]  # is told why something was left out

MOST_URL = 4096  # bytes
MOST_TEXT = {"name": 128, "search": 512, "user_agent": 2048}
MOST_NAMES = 50
DEEPEST = 6
MOST_VALUES = 2000

_LARGEST = 2**53 - 1  # beyond it a reader in JavaScript, or of doubles, sees another number
_AD_KIND = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,31}\Z")
_NAMED: dict[str, tuple[Callable[[str], object], int]] = {
    "ad_ids": (_AD_KIND.match, 512),
    "cookies": (lambda name: 0 < len(name) <= 128, 4096),
    "environment": ({"language", "screen"}.__contains__, 128),
}
_OUT = object()  # what is left out


def plain(value: Any, cut: Cut, most: float = math.inf) -> Any:
    """A copy of ``value`` of JSON's own types alone: ``DEEPEST`` levels, ``MOST_VALUES`` values, ``most`` characters.

    Names, texts and four for each value are the characters. Aware times are ISO 8601 in UTC to the millisecond, as
    JavaScript writes them; UUIDs, decimals, paths and integers that a double cannot hold are their text, durations
    their seconds, sets and queues lists, NaN and infinities None. What is over the limits, contains itself, holds
    bytes or fails is left out. ``cut`` is called with the reason. Never raises, whatever the host's objects do.
    """
    return _Copy(cut, most).whole(value)


class _Copy:
    __slots__ = ("_above", "_cut", "_room", "_values")

    def __init__(self, cut: Cut, most: float) -> None:
        self._cut = cut
        self._room = most
        self._values = MOST_VALUES
        self._above: list[Any] = []

    def whole(self, value: Any) -> Any:
        out = self._guarded(self._copy, value)
        return None if out is _OUT else out

    def _guarded(self, copy: Callable[[Any], Any], value: Any) -> Any:
        depth = len(self._above)
        try:
            return copy(value)
        except Exception:
            del self._above[depth:]
            self._cut("type")
            return _OUT

    def _copy(self, value: Any) -> Any:
        if isinstance(value, Enum):
            value = value.value
        if value is None or isinstance(value, bool):
            return value
        if isinstance(value, str):
            return self._text(value)
        if isinstance(value, int):
            return int(value) if -_LARGEST <= value <= _LARGEST else self._text(str(int(value)))
        if isinstance(value, float):
            return float(value) if math.isfinite(value) else None
        if isinstance(value, Mapping):
            return self._nested(value, self._members)
        if isinstance(value, list | tuple | deque):
            return self._nested(value, self._list)
        if isinstance(value, Set):
            return self._nested(sorted(value, key=str), self._list)
        return self._other(value)

    def _other(self, value: Any) -> Any:
        if isinstance(value, bytes | bytearray | memoryview):
            raise TypeError
        if isinstance(value, datetime) and value.tzinfo is not None:
            return value.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        if isinstance(value, date | time):
            return value.isoformat()
        if isinstance(value, timedelta):
            return value.total_seconds()
        if isinstance(value, Decimal) and not value.is_finite():
            return None
        return self._text(str(value))

    def _nested(self, value: Any, copied: Callable[[Any], Any]) -> Any:
        if any(value is above for above in self._above):
            self._cut("cycle")
            return _OUT
        if len(self._above) >= DEEPEST:
            self._cut("depth")
            return None
        self._above.append(value)
        out = copied(value)
        self._above.pop()
        return out

    def _has_room(self) -> bool:
        if self._values > 0 and self._room >= 4:
            self._values -= 1
            self._room -= 4
            return True
        self._values = 0
        self._cut("values")
        return False

    def _members(self, value: Mapping[Any, Any]) -> Json:
        out: Json = {}
        for key, member in value.items():
            if not self._has_room():
                break
            name = self._guarded(self._name, key)
            copied = self._guarded(self._copy, member)
            if name is not _OUT and copied is not _OUT:
                out[name] = copied
        return out

    def _name(self, key: Any) -> str:
        """A member's name, as ``json.dumps`` writes it."""
        if key is None or isinstance(key, bool):
            return "null" if key is None else str(key).lower()
        return self._text(key if isinstance(key, str) else str(key))

    def _list(self, value: Collection[Any]) -> list[Any]:
        out = []
        for member in value:
            if not self._has_room():
                break
            copied = self._guarded(self._copy, member)
            out.append(None if copied is _OUT else copied)
        return out

    def _text(self, value: str) -> str:
        whole = value.replace("\0", "") if "\0" in value else str(value)
        if len(whole) != len(value):
            self._cut("nul")
        kept = whole if len(whole) <= self._room else whole[: max(0, int(self._room))]
        self._room -= len(whole)
        if len(kept) != len(whole):
            self._cut("length")
        return kept


def fit_event(event: Json, now_ms: int, cut: Cut) -> Json:
    """``event`` (of JSON's types, gated) within the limits of ``POST /v1/events``; changes and returns it.

    ``cut`` is told the reasons: texts and addresses are shortened, an advertising id, a cookie's value or an address of
    the network that does not fit is left out (cut short it would be another's), a nameless event is called ``-``.
    """
    for key in ("url", "referrer"):
        text = event.get(key)
        if text is not None and (len(text) * 4 > MOST_URL or "\0" in text):
            event[key] = cut_url(_without_nul(text, cut), MOST_URL, cut)
    for key, longest in MOST_TEXT.items():
        text = event.get(key)
        if text is not None and (len(text) > longest or "\0" in text):
            event[key] = (whole := _without_nul(text, cut))[:longest]
            if len(whole) > longest:
                cut("length")
    if not isinstance(event.get("name"), str) or not event["name"]:
        event["name"] = "-"
        cut("name")
    at = event.get("at")
    if type(at) is not int or not 0 <= at <= _LARGEST:
        event["at"] = now_ms
        cut("at")
    if (ip := event.get("ip")) is not None and (len(ip) > 64 or parse_ip(ip) is None):
        del event["ip"]
        cut("ip")
    for field in _NAMED:
        if field in event:
            _fit_names(event, field, cut)
    return event


def _fit_names(event: Json, field: str, cut: Cut) -> None:
    fits, longest = _NAMED[field]
    given = event[field]
    kept = {
        name: value
        for name, value in given.items()
        if isinstance(name, str) and fits(name) and isinstance(value, str) and len(value) <= longest
        if "\0" not in value and "\0" not in name
    }
    if len(kept) > MOST_NAMES:
        kept = dict(list(kept.items())[:MOST_NAMES])
    if len(kept) < len(given):
        cut(field)
    if kept:
        event[field] = kept
    else:
        del event[field]


def _without_nul(text: str, cut: Cut) -> str:
    if "\0" not in text:
        return text
    cut("nul")
    return text.replace("\0", "")


def cut_url(url: str, longest: int, cut: Cut) -> str:
    """A URL of at most ``longest`` bytes: without its query if that is enough, else cut short."""
    if len(url.encode("utf-8", "replace")) <= longest:
        return url
    cut("length")
    url = url.partition("?")[0]
    return url.encode("utf-8", "replace")[:longest].decode("utf-8", "ignore")
