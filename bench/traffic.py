"""A realistic year of a shop, streamed day by day into real day files: ``write_year`` for whoever needs such data.

Pages follow Zipf's law, hours and weekdays their waves; visitors come back, a few of them very often; campaigns run for
weeks, bots look at hundreds of pages in a row. Who comes first consents on the ledger that day, some of them to a part
of the purposes, some refuse; some withdraw, of one purpose or of all, and what that ends is ended by the collector.
"""

from __future__ import annotations

import random
from bisect import bisect_left
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from itertools import accumulate
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.history import opened
from bench.payloads import ORIGIN, address_of

if TYPE_CHECKING:
    from dongui_collector.retention.installation import Installation
    from dongui_collector.storage.contract.values import Row

_CHUNK = 10_000
_PER_VISIT = 4.0  # events, on average
_HOURS = (3, 2, 1, 1, 1, 2, 4, 7, 9, 10, 11, 12, 14, 12, 11, 11, 11, 12, 13, 14, 15, 16, 13, 8)
_WEEK = (1.0, 1.02, 1.04, 1.0, 0.95, 0.75, 0.8)  # from Monday
_GRANTS = (("statistics", "marketing", "personalisation"), ("statistics",), ("statistics", "marketing"))
_SOURCES = (  # how often, query, referrer
    (34, "", None),
    (22, "", "https://search.naver.com/search.naver"),
    (12, "", "https://www.google.com/"),
    (6, "", "https://search.daum.net/search"),
    (5, "", "https://l.instagram.com/"),
    (4, "", "https://www.youtube.com/"),
    (3, "utm_source=kakao&utm_medium=alimtalk&utm_campaign=restock", None),
    (3, "", "https://blog.example.org/lamps"),
    (2, "", "https://chatgpt.com/"),
)
_CAMPAIGNS = ("cpc", "email", "display", "social", "affiliate")
_PLACES = (
    (52, "KR", "Seoul"),
    (12, "KR", "Busan"),
    (8, "KR", "Incheon"),
    (6, "KR", None),
    (5, "US", "New York"),
    (4, "JP", "Tokyo"),
    (3, "US", "San Jose"),
    (2, "DE", "Berlin"),
)
_DEVICES = (  # how often, browser, os, device, screens
    (38, "Samsung Internet", "Android", "Phone", ("360x800", "384x854", "412x915")),
    (24, "Mobile Safari", "iOS", "Phone", ("390x844", "393x852", "430x932")),
    (26, "Chrome", "Windows", "PC", ("1920x1080", "1536x864", "2560x1440")),
    (6, "Safari", "Mac OS X", "PC", ("1440x900", "1512x982")),
    (4, "Edge", "Windows", "PC", ("1920x1080", "1366x768")),
    (2, "Chrome", "Android", "Tablet", ("800x1280",)),
)
_SEARCHES = ("lamp", "moon lamp", "desk", "쿠션", "조명", "gift", "sale", "blanket", "chair", "무드등")


@dataclass(frozen=True, slots=True)
class Made:
    """What a year holds: events written, visitors who consented, endings that were carried out."""

    events: int
    visitors: int
    withdrawals: int
    days: int


@dataclass(slots=True)
class Person:
    """One visitor, as rows name them; the rest is the same in every visit of theirs."""

    number: int
    id: str
    key: bytes
    mask: int
    seq: int
    notice: int
    place: tuple[str | None, str | None]
    gear: tuple[str, str, str, str, str]


class Chance:
    """Draws by weight: ``of(items)`` by their first field, ``zipf(n)`` a rank from 0."""

    def __init__(self, seed: int, ranks: int) -> None:
        self.rng = random.Random(seed)
        self._zipf = list(accumulate(1 / (rank + 2) ** 1.05 for rank in range(ranks)))

    def of(self, items: tuple[Any, ...]) -> Any:
        return self.rng.choices(items, [item[0] for item in items])[0]

    def zipf(self) -> int:
        return bisect_left(self._zipf, self.rng.random() * self._zipf[-1])


@dataclass(slots=True)
class Site:
    """The crowd so far, and what chance decides."""

    chance: Chance
    people: list[Person] = field(default_factory=list)
    written: int = 0
    withdrawn: int = 0


def write_year(
    config: Path,
    events: int,
    *,
    last: date | None = None,
    days: int = 365,
    seed: int = 11,
    advance: Callable[[int], object] = lambda _day: None,
) -> Made:
    """Some ``events`` events over the ``days`` days up to ``last`` (default: yesterday), each day sealed.

    The installation must say ``testing = true``: consents are given at their own day. No ``serve`` may run beside.
    """
    site = Site(Chance(seed, 3000))
    with opened(config) as core:
        last = last or core.clock.today(core.settings.zone) - timedelta(days=1)
        zone = core.settings.zone
    shares = [_weight(last - timedelta(days=days - 1 - n), n / days, site.chance.rng) for n in range(days)]
    for n, share in enumerate(shares):
        day = last - timedelta(days=days - 1 - n)
        with opened(config, clock=datetime.combine(day, time(0, 5), zone)) as core:
            _write_day(core, site, day, int(events * share / sum(shares)))
        advance(n + 1)
    return Made(site.written, len(site.people), site.withdrawn, days)


def _weight(day: date, age: float, rng: random.Random) -> float:
    """The site grows by half over the year, with a season before the winter's feasts."""
    season = 1.4 if day.month in (11, 12) else 0.85 if day.month in (2, 8) else 1.0
    return _WEEK[day.weekday()] * season * (1 + age / 2) * rng.uniform(0.93, 1.07)


# --- one day ---------------------------------------------------------------------------------------------------------


def _write_day(core: Installation, site: Site, day: date, events: int) -> None:
    """Consents first, then the visits in the order of their beginning, then the day's withdrawals."""
    visits = max(1, round(events / _PER_VISIT))
    before = len(site.people)
    _arrive(core, site, number=max(1, visits // 6))
    rows: list[Row] = []
    make = _maker(core, day)
    starts = sorted(_moment(site.chance) for _ in range(visits))
    wrote = 0
    for at in starts:
        rows += _visit(site, _whoever(site, before), day, at, make)
        if len(rows) >= _CHUNK:
            wrote += _insert(core, day, rows)
    wrote += _insert(core, day, rows)
    core.storage.events.seal(day)
    site.written += wrote
    _withdraw(core, site, day)


def _insert(core: Installation, day: date, rows: list[Row]) -> int:
    rows.sort(key=lambda row: row.at or 0)
    with core.storage.events.ingest(day) as transaction:
        transaction.insert(rows)
    number = len(rows)
    rows.clear()
    return number


def _moment(chance: Chance) -> int:
    """Milliseconds into the day. None so late that its visit would run over midnight."""
    hour = chance.rng.choices(range(24), _HOURS)[0]
    return min(hour * 3_600_000 + chance.rng.randrange(3_600_000), 84_000_000)


def _whoever(site: Site, before: int) -> Person:
    """A newcomer of today, or somebody known; the earliest the most faithful."""
    rng = site.chance.rng
    if before == 0 or rng.random() < 0.2:
        return site.people[rng.randrange(before, len(site.people))]
    return site.people[int(before * rng.random() ** 1.7)]


def _arrive(core: Installation, site: Site, number: int) -> None:
    from dongui_collector.ledger.service import Decision

    rng, place = site.chance.rng, core.registry.sites()[0]
    notice = core.registry.in_force(place.ref, core.clock.now())
    for start in range(0, number, 500):
        with core.storage.ledger.writing():
            for _ in range(min(500, number - start)):
                granted = rng.choices(_GRANTS, (60, 30, 10))[0]
                refused = tuple(p for p in _GRANTS[0] if p not in granted)
                choice = Decision(granted, refused, "banner", "ko", {}, None)
                id = core.ledger.choose(notice, None, choice).answer["visitor"]
                if rng.random() < 0.5:  # as many again refuse everything
                    core.ledger.choose(notice, None, Decision((), _GRANTS[0], "banner", "ko", {}, None))
                site.people.append(_person(core, site, id))


def _person(core: Installation, site: Site, id: str) -> Person:
    chance = site.chance
    key = core.ledger.key_of(id)
    found = core.storage.ledger.visitor(key)
    assert found is not None
    given = [s for s in found.standings.values() if s.state == "given"]
    _, country, city = chance.of(_PLACES)
    _, browser, system, device, screens = chance.of(_DEVICES)
    version, language = chance.rng.randrange(110, 143), chance.rng.choice(("ko-KR", "ko-KR", "ko", "en-US", "ja"))
    gear = (f"{browser} {version}", f"{system} {version % 7 + 11}", device, language, chance.rng.choice(screens))
    bits, seq = sum(1 << s.bit for s in given), max(s.seq for s in given)
    return Person(len(site.people), id, key, bits, seq, given[0].notice_ref, (country, city), gear)


def _withdraw(core: Installation, site: Site, day: date) -> None:
    """About twice a month somebody withdraws, every other time of everything; the collector ends it all at once."""
    from dongui_collector.ledger.service import Decision

    rng = site.chance.rng
    if rng.random() > 0.07 or len(site.people) < 20:
        return
    person = site.people.pop(rng.randrange(len(site.people)))
    refused = _GRANTS[0] if rng.random() < 0.5 else ("marketing",)
    notice = core.registry.in_force(core.registry.sites()[0].ref, core.clock.now())
    with core.storage.ledger.writing():
        outcome = core.ledger.choose(notice, person.id, Decision((), refused, "banner", "ko", {}, None))
    if outcome.intent:
        core.retention.endings.finish(outcome.intent)
        site.withdrawn += 1


# --- one visit -------------------------------------------------------------------------------------------------------

Make = Callable[[Person, int], "Row"]


def _maker(core: Installation, day: date) -> Make:
    """A function (who, ms into the day) → a row such as ingest writes, without what was done."""
    from dongui_collector.core.clock import start_of
    from dongui_collector.core.sealing import seal
    from dongui_collector.ledger.rows import associated
    from dongui_collector.storage.contract.values import Row

    begin, rng, ref = start_of(day, core.settings.zone), random.Random(day.toordinal()), core.registry.sites()[0].ref
    key = core.keyring.day(day, create=True)
    assert key is not None

    def make(who: Person, at: int) -> Row:
        moment = begin + at
        row = Row(moment.to_bytes(6, "big") + rng.randbytes(10), ref, who.key, who.seq, who.mask, who.notice, moment)
        row.country, row.city = who.place
        row.browser, row.os, row.device, row.language, row.screen = who.gear
        row.source, row.secure = "homepage", 1
        row.ip = seal(key, address_of(who.number).encode(), associated(ref, day, row.key, "ip"))
        return row

    return make


def _visit(site: Site, who: Person, day: date, at: int, make: Make) -> Iterator[Row]:
    """Page views with the time spent on each, here and there a search, a goal, a vital."""
    rng = site.chance.rng
    query, referrer = _origin(site.chance, day)
    pages = min(12, 1 + int(rng.expovariate(1 / 1.4)))
    if rng.random() < 0.0004:
        pages = 300  # a bot that somebody's consent brought along
    for n in range(pages):
        path = _path(site.chance)
        row = make(who, min(at, 86_399_000))
        row.name, row.url = "pageview", f"{ORIGIN}{path}{'?' + query if query and not n else ''}"
        row.referrer = referrer if not n else f"{ORIGIN}/"
        if path == "/search":
            row.search = rng.choice(_SEARCHES)
        yield row
        spent = 1 + int(rng.expovariate(1 / 25)) if pages < 300 else 1
        at += spent * 1000
        yield from _beside(rng, who, path, at, spent, make)


def _beside(rng: random.Random, who: Person, path: str, at: int, spent: int, make: Make) -> Iterator[Row]:
    said = [("engagement", f'{{"seconds":{spent}}}')] if rng.random() < 0.8 else []
    if rng.random() < 0.04:
        said.append((rng.choice(("add_to_cart", "signup", "purchase", "outbound")), '{"list":"new"}'))
    if rng.random() < 0.05:
        said.append(("vital", f'{{"name":"LCP","value":{600 + int(rng.expovariate(1 / 900))},"rating":"good"}}'))
    for name, props in said:
        row = make(who, min(at, 86_399_500))
        row.name, row.url, row.props = name, f"{ORIGIN}{path}", props
        yield row


def _origin(chance: Chance, day: date) -> tuple[str, str | None]:
    if chance.rng.random() < 0.09:  # three campaigns at a time, each for a month
        number = day.toordinal() // 30 * 3 + chance.rng.randrange(3)
        medium = _CAMPAIGNS[number % len(_CAMPAIGNS)]
        return f"utm_source=partner{number % 7}&utm_medium={medium}&utm_campaign=c{number}", None
    _, query, referrer = chance.of(_SOURCES)
    return query, referrer


def _path(chance: Chance) -> str:
    rank = chance.zipf()
    named = ("/", "/search", "/cart", "/category/lighting", "/category/sale", "/my/orders")
    return named[rank] if rank < len(named) else f"/products/{rank}"


def main() -> None:
    """``python -m bench.traffic FOLDER [EVENTS]``: an installation with such a year, to try on."""
    import sys

    from bench.installation import Installation

    installation = Installation.make(Path(sys.argv[1]), testing=True)
    print(installation.site, installation.secret_key)
    print(write_year(installation.config, int(sys.argv[2]) if len(sys.argv) > 2 else 200_000))


if __name__ == "__main__":
    main()
