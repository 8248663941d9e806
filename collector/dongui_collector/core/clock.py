"""The one clock. Every time in the product comes from here."""

from __future__ import annotations

import os
import re
import time
from dataclasses import dataclass
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

from dongui_collector.core.errors import SettingsError


def parse_day(text: str) -> date:
    """A day as people and calls write it, ``2026-11-23`` alone: :meth:`date.fromisoformat` also takes ``20261123`` and
    ``2026-W48``. Raises :class:`ValueError`.
    """
    if not re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", text):
        raise ValueError("a day is written like 2026-11-23")
    return date.fromisoformat(text)


@dataclass(frozen=True, slots=True)
class Clock:
    """Wall-clock time, shifted by ``offset_ms`` in tests. It keeps ticking."""

    offset_ms: int = 0

    def now(self) -> int:
        """Epoch milliseconds."""
        return time.time_ns() // 1_000_000 + self.offset_ms

    def today(self, zone: ZoneInfo) -> date:
        return day_of(self.now(), zone)

    def start_text(self) -> str:
        """The present instant as ``DONGUI_CLOCK`` takes it: hands a shifted clock to a child process."""
        return datetime.fromtimestamp(self.now() / 1000, UTC).isoformat()


def clock_from_environment(*, testing: bool) -> Clock:
    """The clock that ``DONGUI_CLOCK`` (RFC 3339) asks for.

    Raises :class:`SettingsError` when it is set although the settings do not say ``testing = true``: a wrong clock
    destroys.
    """
    text = os.environ.get("DONGUI_CLOCK")
    if not text:
        return Clock()
    if not testing:
        raise SettingsError(
            "DONGUI_CLOCK is set, but the settings file does not say `testing = true`; "
            "unset it (a false clock destroys real data)"
        )
    try:
        start = datetime.fromisoformat(text)
    except ValueError:
        raise SettingsError("DONGUI_CLOCK is not an RFC 3339 time such as 2026-03-10T23:59:50+09:00") from None
    if start.tzinfo is None:
        raise SettingsError("DONGUI_CLOCK needs an offset, such as 2026-03-10T23:59:50+09:00")
    return Clock(int(start.timestamp() * 1000) - time.time_ns() // 1_000_000)


def day_of(at: int, zone: ZoneInfo) -> date:
    """The calendar day of an instant (epoch ms) in a zone."""
    return datetime.fromtimestamp(at / 1000, zone).date()


def start_of(day: date, zone: ZoneInfo) -> int:
    """The instant (epoch ms) at which a day begins in a zone."""
    return int(datetime(day.year, day.month, day.day, tzinfo=zone).timestamp() * 1000)
