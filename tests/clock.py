"""The present, for tests that run a real ``dongui serve``: the only place in which tests read the host's clock.

Days are always those of a named zone: an installation under the default policy counts its days in Seoul, wherever
the host stands. Tests of one process need none of this; their installation has a clock that moves when it is told to.
"""

from __future__ import annotations

import time
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

SEOUL = ZoneInfo("Asia/Seoul")


def now_ms() -> int:
    """Epoch milliseconds."""
    return time.time_ns() // 1_000_000


def now_s() -> int:
    """Epoch seconds."""
    return now_ms() // 1000


def now_utc() -> datetime:
    """The present instant, in UTC."""
    return datetime.fromtimestamp(now_ms() / 1000, UTC)


def today(zone: ZoneInfo = SEOUL) -> date:
    """The present day in ``zone``; without one, in that of the default policy."""
    return datetime.fromtimestamp(now_ms() / 1000, zone).date()
