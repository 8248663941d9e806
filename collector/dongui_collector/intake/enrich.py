"""What is added to an event: browser, system and device from the user agent, country and city from the address."""

from __future__ import annotations

import re
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import maxminddb
import ua_parser
from dongui.rules.crawlers import is_crawler
from user_agents.parsers import UserAgent, parse_browser, parse_device, parse_operating_system

from dongui_collector.core.errors import SettingsError
from dongui_collector.ledger.counters import OTHER


class Agent(NamedTuple):
    """What a user agent says, coarsely: family and major version, never the whole string."""

    browser: str | None
    os: str | None
    device: str | None
    is_bot: bool


# The browsers within Korean apps, which the engine takes for the system's own. A build number is no version.
_WITHIN_APPS = re.compile(
    r"\b(?:(?P<Naver>NAVER\((?:inapp|higgs); \w+; \d+; )|(?P<KakaoTalk>KAKAOTALK[ /])|(?P<Daum>DaumApps/)"
    r"|(?P<Band>BAND/)|(?P<Instagram>Instagram )|(?P<Whale>Whale/))(?P<major>\d{1,3}(?=\.))?"
)


# A large site sees tens of thousands of distinct agents a day, again and again; hostile ones must not fill the memory.
@lru_cache(maxsize=32_768)
def agent_of(text: str) -> Agent:
    """Parse a user agent.

    ``user_agents.parse`` would take the slow engine (700 µs), so its class is filled from the Rust one.
    """
    if not text:
        return Agent(None, None, None, False)
    try:
        parsed = ua_parser.parse(text).with_defaults()
    except Exception:  # the engine's patterns meet hostile strings; an unknown agent is no reason to lose an event
        return Agent(None, None, None, False)
    b, o, d = parsed.user_agent, parsed.os, parsed.device
    agent = UserAgent.__new__(UserAgent)
    agent.ua_string = text
    agent.browser = parse_browser(b.family, b.major, b.minor, b.patch)
    agent.os = parse_operating_system(o.family, o.major, o.minor, o.patch, o.patch_minor)
    agent.device = parse_device(d.family, d.brand, d.model)
    kind = "Phone" if agent.is_mobile else "Tablet" if agent.is_tablet else "PC" if agent.is_pc else "Other"
    browser = _within_app(text) or _named(b.family, b.major)
    return Agent(browser, _named(o.family, o.major), kind, bool(agent.is_bot) or is_crawler(text))


def device_class(text: str) -> str:
    """The kind of device behind a user agent, one of :data:`~dongui_collector.ledger.counters.DEVICES`."""
    return (agent_of(text).device or OTHER).lower()


def _within_app(text: str) -> str | None:
    """The app whose own browser this is, with its major version; None for any other browser."""
    found = _WITHIN_APPS.search(text)
    if found is None:
        return None
    name = next(name for name, value in found.groupdict().items() if name != "major" and value)
    return _named(name, found["major"])


def _named(family: str | None, major: str | None) -> str | None:
    if not family or family == "Other":
        return None
    return f"{family} {major}"[:64] if major else family[:64]


class GeoDatabase:
    """Country and city of an address, from a MaxMind-format database; none configured is fine."""

    def __init__(self, path: Path | None) -> None:
        try:
            self._reader = maxminddb.open_database(path) if path else None
        except (OSError, maxminddb.InvalidDatabaseError) as error:
            raise SettingsError(
                f"geoip_database: {path} cannot be read as a MaxMind database ({type(error).__name__})"
            ) from None

    def of(self, address: str | None) -> tuple[str | None, str | None]:
        """(ISO country code, English city name), each None when unknown."""
        if self._reader is None or address is None:
            return None, None
        try:
            found = self._reader.get(address)
        except ValueError:  # an IPv6 address and a database of IPv4 alone
            return None, None
        if not isinstance(found, dict):
            return None, None
        return _inside(found, "country", "iso_code"), _inside(found, "city", "names", "en")


def _inside(value: object, *path: str) -> str | None:
    for key in path:
        value = value.get(key) if isinstance(value, dict) else None
    return value if isinstance(value, str) else None
