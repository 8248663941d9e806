"""Some weeks of visits for the demo: fictional visitors, each under a consent on the ledger, let in by the same gate.

Deterministic, but for the days: the same people do the same things before whatever day it is.
"""

from __future__ import annotations

import json
import random
import uuid
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from dongui_collector.core.clock import start_of
from dongui_collector.ledger import page_counts
from dongui_collector.ledger.service import Decision
from dongui_collector.retention.installation import Installation
from dongui_collector.runtime.event_import import ImportEvents, import_events

DAYS = 70
_VISITORS = 420
_DAY_MS = 86_400_000
_BATCH = 2000

# (weight, referrer, query) of how a visit begins.
_ORIGINS = (
    (26, None, ""),
    (22, "https://search.naver.com/search.naver", ""),
    (13, "https://www.google.com/", ""),
    (6, "https://www.google.com/", "gclid=fictional"),
    (5, "https://search.daum.net/search", ""),
    (7, "https://www.instagram.com/", "utm_source=instagram&utm_medium=paid_social&utm_campaign=autumn-kettles"),
    (5, "https://blog.naver.com/slowtea", ""),
    (4, None, "utm_source=newsletter&utm_medium=email&utm_campaign=letter-november"),
    (4, "https://talk.kakao.com/", ""),
    (3, "https://www.youtube.com/", ""),
    (3, "https://teahouse.example.org/reviews/kettles", ""),
    (2, "https://chatgpt.com/", ""),
)
_KHTML = "AppleWebKit/537.36 (KHTML, like Gecko)"
_CHROME = f"Mozilla/5.0 (Windows NT 10.0; Win64; x64) {_KHTML} Chrome/141.0.0.0 Safari/537.36"
_ANDROID = f"Mozilla/5.0 (Linux; Android 15; SM-S931N) {_KHTML} Chrome/141.0.0.0 Mobile Safari/537.36"
_WEBKIT = "AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.6"
_MAC = f"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) {_WEBKIT} Safari/605.1.15"
_IPHONE = f"Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) {_WEBKIT} Mobile/15E148 Safari/604.1"
_IPAD = f"Mozilla/5.0 (iPad; CPU OS 18_6 like Mac OS X) {_WEBKIT} Mobile/15E148 Safari/604.1"
_FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:143.0) Gecko/20100101 Firefox/143.0"
_AGENTS = (
    (34, _ANDROID, "360x780"),
    (23, _IPHONE, "393x852"),
    (24, _CHROME, "1920x1080"),
    (7, f"{_CHROME} Edg/141.0.0.0", "1536x864"),
    (7, _MAC, "1512x982"),
    (3, _FIREFOX, "2560x1440"),
    (2, _IPAD, "820x1180"),
)
_PLACES = (
    (54, "192.0.2.10"),
    (14, "192.0.2.80"),
    (6, "192.0.2.150"),
    (8, "198.51.100.7"),
    (6, "198.51.100.70"),
    (3, "198.51.100.130"),
    (2, "198.51.100.200"),
    (3, "203.0.113.9"),
    (2, "203.0.113.70"),
    (2, "203.0.113.130"),
)
_LANGUAGES = ((78, "ko"), (15, "en"), (4, "ja"), (3, "de"))
_PAGES = (
    (30, "/"),
    (18, "/shelf/kettles"),
    (12, "/shelf/tea"),
    (11, "/goods/copper-kettle"),
    (9, "/goods/iron-kettle"),
    (7, "/goods/jeju-green"),
    (5, "/goods/clay-cups"),
    (4, "/shelf/cups"),
    (2, "/about"),
    (2, "/cart"),
)
_VITALS = (("LCP", 1700.0), ("INP", 140.0), ("CLS", 0.06), ("FCP", 1100.0), ("TTFB", 420.0))
_SEARCHES = ("주전자", "녹차", "gift", "철 주전자", "찻잔", "copper")
_HOURS = (1, 1, 1, 0, 0, 1, 2, 4, 6, 7, 8, 8, 10, 8, 7, 7, 7, 8, 9, 10, 12, 12, 9, 4)


def seed(core: Installation, days: int = DAYS, visitors: int = _VISITORS) -> int:
    """Consents and visits of the last ``days`` days. Returns how many events were recorded."""
    rng = random.Random(20)  # noqa: S311 (fictional visits, no secrets)
    site = core.registry.sites()[0]
    origin = site.origins[0] if site.origins else "https://shop.example.com"
    ids = _consents(core, rng, visitors)
    now = core.clock.now()
    _count(core, rng, site.ref, days)
    lines = [
        json.dumps({"visitor": ids[who]} | event)
        for who, event in _events(core, rng, origin, days, visitors)
        if event["at"] <= now
    ]
    recorded = 0
    for start in range(0, len(lines), _BATCH):
        recorded += import_events(core, ImportEvents(lines[start : start + _BATCH], site.id)).recorded
    return recorded


def _count(core: Installation, rng: random.Random, site_ref: int, days: int) -> None:
    """What the shop's middleware would have counted of everybody, without identifiers: a bit more than half agree."""
    today = core.clock.today(core.settings.zone)
    with core.storage.ledger.writing():
        for back in range(days):
            views = rng.randrange(30, 60)
            recorded = {"statistics": views, "statistics.marketing": views * 4 // 5}
            unrecorded = {"unasked": views // 3, "refused": views * 2 // 5, "gpc": views // 9}
            numbers = page_counts.names(unrecorded, recorded, ("statistics", "marketing"))
            core.storage.ledger.add_totals(today - timedelta(days=back), site_ref, numbers)


def _consents(core: Installation, rng: random.Random, visitors: int) -> list[str]:
    """Most agree to statistics, half of those to marketing too; who refuses everything leaves nothing but a number."""
    site = core.registry.sites()[0]
    notice = core.registry.in_force(site.ref, core.clock.now())
    ids: list[str] = []
    with core.storage.ledger.writing():
        for _ in range(visitors):
            both = rng.random() < 0.5
            granted, refused = (("statistics", "marketing"), ()) if both else (("statistics",), ("marketing",))
            answer = core.ledger.choose(notice, None, Decision(granted, refused, "banner", "ko", {})).answer
            ids.append(answer["visitor"])
        for _ in range(visitors * 2 // 5):
            core.ledger.choose(notice, None, Decision((), ("statistics", "marketing"), "banner", "ko", {}))
    core.retention.endings.resume()
    return ids


def _events(
    core: Installation, rng: random.Random, origin: str, days: int, visitors: int
) -> Iterator[tuple[int, dict[str, Any]]]:
    """Days with a week's rhythm and a slow rise; each visit a walk through the shop."""
    today = core.clock.today(core.settings.zone)
    traits = [_traits(rng) for _ in range(visitors)]
    for back in range(days - 1, -1, -1):
        day_start = start_of(today, core.settings.zone) - back * _DAY_MS
        weekday = (today.toordinal() - back - 1) % 7
        count = round((9 + 9 * (days - back) / days) * (1.35 if weekday in (5, 6) else 1.0) * rng.uniform(0.8, 1.25))
        for _ in range(count):
            # The square leans towards few: some visitors come back again and again.
            who = int(visitors * rng.random() ** 1.7)
            at = day_start + (rng.choices(range(24), _HOURS)[0] * 60 + rng.randrange(60)) * 60_000
            yield from ((who, traits[who] | event) for event in _visit(rng, origin, at))


def _traits(rng: random.Random) -> dict[str, Any]:
    _, agent, screen = rng.choices(_AGENTS, [weight for weight, *_ in _AGENTS])[0]
    return {
        "user_agent": agent,
        "ip": _pick(rng, _PLACES),
        "environment": {"screen": screen, "language": _pick(rng, _LANGUAGES)},
    }


def _visit(rng: random.Random, origin: str, at: int) -> Iterator[dict[str, Any]]:
    _, referrer, query = rng.choices(_ORIGINS, [weight for weight, *_ in _ORIGINS])[0]
    for step in range(min(9, 1 + int(rng.expovariate(0.55)))):
        path = _pick(rng, _PAGES)
        tag = f"?{query}" if query and not step else ""
        host = origin if step else referrer
        yield _event(rng, at, "pageview", url=f"{origin}{path}{tag}", referrer=host)
        if path == "/" and step and rng.random() < 0.3:
            yield _event(rng, at + 9000, "search", url=f"{origin}/search", search=rng.choice(_SEARCHES))
        if path.startswith("/goods/") and rng.random() < 0.28:
            goods = {"goods": path.rpartition("/")[2], "amount": 9000 + 1500 * (len(path) % 9), "currency": "KRW"}
            yield _event(rng, at + 21_000, "add_to_cart", url=f"{origin}{path}", props=goods)
            if rng.random() < 0.45:
                yield _event(rng, at + 95_000, "purchase", url=f"{origin}/cart", props=goods)
        if not step and rng.random() < 0.5:
            for name, usual in _VITALS:
                value = round(usual * rng.lognormvariate(0, 0.45), 3)
                yield _event(rng, at + 4000, "vital", url=f"{origin}{path}", props={"name": name, "value": value})
        yield _event(rng, at + 30_000, "engagement", url=f"{origin}{path}", props={"seconds": rng.randrange(4, 90)})
        at += rng.randrange(15, 240) * 1000


def _event(rng: random.Random, at: int, name: str, **more: Any) -> dict[str, Any]:
    id = uuid.UUID(int=rng.getrandbits(128), version=4)
    return {"id": str(id), "name": name, "at": at} | {key: value for key, value in more.items() if value is not None}


def _pick(rng: random.Random, some: tuple[tuple[int, str], ...]) -> str:
    return rng.choices([value for _, value in some], [weight for weight, _ in some])[0]
