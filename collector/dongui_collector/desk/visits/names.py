"""What a dimension's values are called: countries and languages by Babel, closed lists by the words. Pure."""

from __future__ import annotations

from functools import lru_cache

from babel import Locale, UnknownLocaleError
from dongui.i18n import Words

from dongui_collector.analytics.attribution import CHANNELS

_LONGEST = 300  # characters of a value that are shown: hostile ones must not fill the page
_DEVICES = ("PC", "Phone", "Tablet", "Other")


def label(dimension: str, value: str | None, channel: str | None, lang: str, words: Words) -> str:
    """A value in words. ``channel`` is a source's: what came directly has no source, and is not unknown."""
    if value is None:
        return (
            words["v_channel_direct"] if dimension == "source" and channel == "direct" else words[_nothing(dimension)]
        )
    if dimension == "channel" and value in CHANNELS:
        return words[f"v_channel_{value}"]
    if dimension == "device" and value in _DEVICES:
        return words[f"v_device_{value.lower()}"]
    if dimension == "country":
        return str(_locale(lang).territories.get(value, value))
    if dimension == "language":
        return _language(value, lang)
    return value if len(value) <= _LONGEST else value[:_LONGEST] + "…"


def _nothing(dimension: str) -> str:
    """The word for having no value: not tagged, none, or not known."""
    tags = ("campaign", "medium", "term", "content", "click_id", "referrer")
    if dimension in ("property", "value"):
        return "v_others"
    return "v_without" if dimension in tags else "v_unknown"


@lru_cache(maxsize=8)
def _locale(lang: str) -> Locale:
    return Locale.parse(lang)


@lru_cache(maxsize=512)
def _language(value: str, lang: str) -> str:
    try:
        return Locale.parse(value.replace("-", "_")).get_display_name(lang) or value
    except (ValueError, UnknownLocaleError):
        return value
