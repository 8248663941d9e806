"""What events mean to reports: views, passive reports, what a page measured. Pure; ``docs/api.md`` defines it."""

from __future__ import annotations

import json
import re
from functools import lru_cache
from typing import Any

GAP_MS = 30 * 60 * 1000  # a longer silence ends a visit; exactly this one does not
PAGE_VIEWS = frozenset({"pageview", "page_view"})
# What a page reports by itself, without the visitor having done anything new: no sign that somebody stayed.
PASSIVE = frozenset({"engagement", "scroll", "vital", "missing"})
ENGAGEMENT = "engagement"
VITAL = "vital"
MEASUREMENTS = frozenset({ENGAGEMENT, VITAL})  # their properties have reports of their own
METRICS = ("LCP", "INP", "CLS", "FCP", "TTFB")  # what a vital measures: ms, but for CLS, which is a score
LONGEST_S = 24 * 60 * 60  # a page's report of more seconds than a day has is a mistake

_VERSION = re.compile(r"\s+[\d.]+$")


def milliseconds(seconds: float) -> int:
    return round(seconds * 1000)


def seconds_of(props: str | None) -> float | None:
    """The seconds in use that a page reported in an event's properties (JSON); None for what is no such report."""
    said = _loaded(props).get("seconds")
    if isinstance(said, bool) or not isinstance(said, int | float):
        return None
    return float(said) if 0 <= said <= LONGEST_S else None


def vital_of(props: str | None) -> tuple[str, float] | None:
    """The metric and the value that a page reported in an event's properties; None for what is no such report."""
    said = _loaded(props)
    name, value = said.get("name"), said.get("value")
    if name not in METRICS or isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return (name, float(value)) if 0 <= value <= LONGEST_S * 1000 else None


def _loaded(props: str | None) -> dict[str, Any]:
    said = json.loads(props) if props else None
    return said if isinstance(said, dict) else {}


def family(name: str | None) -> str | None:
    """A browser's or system's name without its version: ``Chrome 131`` → ``Chrome``."""
    return _VERSION.sub("", name) or name if name else name


def term(search: str | None) -> str | None:
    """A search as it is counted: case and blanks make no difference."""
    return " ".join(search.split()).casefold() or None if search else None


@lru_cache(maxsize=1024)
def language_tag(language: str | None) -> str | None:
    """A language as BCP 47 (RFC 5646, 2.1.1) writes it, since case makes no difference: ``KO_KR`` → ``ko-KR``."""
    if not language:
        return language
    first, *rest = language.replace("_", "-").split("-")
    parts = [part.title() if len(part) == 4 else part.upper() if len(part) == 2 else part.lower() for part in rest]
    return "-".join((first.lower(), *parts))
