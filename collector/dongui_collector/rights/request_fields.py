"""What people write on a privacy request: how long it may be, and days as they are written. Pure."""

from __future__ import annotations

from datetime import date

from dongui_collector.core.clock import parse_day
from dongui_collector.core.errors import CollectorError

_LONGEST = {"name": 200, "contact": 200, "text": 4000, "reason": 4000, "note": 1000, "attorney": 1000}


def text_of(name: str, text: str) -> str:
    if len(text) > _LONGEST[name]:
        raise CollectorError(f"{name} has at most {_LONGEST[name]} characters")
    return text.strip()


def written_day(text: str, what: str) -> date:
    try:
        return parse_day(text)
    except ValueError:
        raise CollectorError(f"{what} must be a day such as 2026-11-23") from None
