"""Which user agents are programs rather than people: crawlers, previews, monitors, libraries. Pure.

The list is isbot's (Unlicense), written into ``crawlers.json`` by ``sdk_js/crawlers.mjs``; the snippet reads the same.
"""

from __future__ import annotations

import json
import re
from importlib.resources import files
from typing import Any

__all__ = ["is_crawler"]

_LIST: dict[str, Any] = json.loads(files(__package__).joinpath("crawlers.json").read_text(encoding="utf-8"))
_WORDS: tuple[str, ...] = tuple(_LIST["words"])
_START = re.compile("|".join(_LIST["starts"]), re.ASCII)
_ANYWHERE = re.compile("|".join(_LIST["patterns"]), re.ASCII)


def is_crawler(user_agent: str) -> bool:
    """Whether a ``User-Agent`` says that nobody sits before it. It is a claim: who wants to be taken for a person is.

    It takes tens of microseconds; callers remember the answer. Without an agent nothing is said, so that is no crawler.
    """
    if not user_agent:
        return False
    text = user_agent.lower()
    return any(word in text for word in _WORDS) or _START.match(text) is not None or _ANYWHERE.search(text) is not None
