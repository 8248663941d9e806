"""What is added to an event: browser, system and device from the user agent."""

from __future__ import annotations

import re
from functools import cache
from typing import NamedTuple

from dongui.rules.crawlers import is_crawler
from ua_parser import BestAvailableResolver, Domain, Parser
from ua_parser.loaders import load_lazy_builtins
from user_agents.parsers import UserAgent, parse_browser, parse_device, parse_operating_system

from dongui_collector.intake.caches import HashedCache
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


@cache
def _engine() -> Parser:
    """The Rust engine, without the cache of raw agents that the library's own default puts before it."""
    return Parser(BestAvailableResolver(load_lazy_builtins()))


def _parsed(text: str) -> Agent:
    """Parse a user agent.

    ``user_agents.parse`` would take the slow engine (700 µs), so its class is filled from the Rust one.
    """
    if not text:
        return Agent(None, None, None, False)
    try:
        parsed = _engine()(text, Domain.ALL).complete().with_defaults()
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


# A large site sees tens of thousands of distinct agents a day, again and again; hostile ones must not fill the memory.
agent_of = HashedCache(_parsed, 32_768)


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
