"""Until when a token is good. Making and ending one is in ``exports/tokens.py``, where what it reads is known."""

from __future__ import annotations

from datetime import date, timedelta
from zoneinfo import ZoneInfo

from dongui.rules.periods import Period, last_day

from dongui_collector.core.clock import parse_day, start_of
from dongui_collector.core.errors import CollectorError

DEFAULT_LIFE = "P1Y"


def expiry(text: str, today: date, zone: ZoneInfo) -> int | None:
    """The instant (epoch ms) at which what is good for a period, or until a day, ends; None for ``never``.

    Raises :class:`CollectorError`.
    """
    if text == "never":
        return None
    try:
        last = last_day(today, Period.parse(text)) if text.startswith("P") else parse_day(text)
        ends = start_of(last + timedelta(days=1), zone)
    except (ValueError, OverflowError):
        raise CollectorError(f"{text[:20]!r} is neither a period (P90D) nor a day (2027-01-31) nor never") from None
    if last < today:
        raise CollectorError(f"{last} is over; a token ends today at the earliest")
    return ends
