"""Reports over columns equal the same reports counted visit by visit, whatever has happened to the rows meanwhile."""

from __future__ import annotations

import random
import sys
import threading
import uuid
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from itertools import count
from math import ceil, fsum, isnan
from typing import Any, cast
from zoneinfo import ZoneInfo

import pytest
from dongui_collector.analytics import executor
from dongui_collector.analytics.columns import passes, store
from dongui_collector.analytics.columns.engine import Engine
from dongui_collector.analytics.columns.warming import warm
from dongui_collector.analytics.columns.words import Visitors
from dongui_collector.analytics.entitled_events import EntitledEvents
from dongui_collector.analytics.executor import NOW_MS, Query, report
from dongui_collector.analytics.filters import DIMENSIONS, Filter, parse_filter
from dongui_collector.analytics.intervals import Interval, label, labels
from dongui_collector.analytics.metrics import ordered, ratio
from dongui_collector.analytics.reports import BREAKDOWNS, OF_VALUES
from dongui_collector.analytics.sessions import METRICS, PAGE_VIEWS
from dongui_collector.analytics.snapshot_reader import FrozenDays
from dongui_collector.core.clock import start_of
from dongui_collector.intake.gate import RowMaker, Sender
from dongui_collector.intake.group_commit import GroupCommit, Pending
from dongui_collector.intake.schema import Environment, Event
from dongui_collector.ledger.service import Decision
from dongui_collector.storage.contract.values import Site
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.analytics import visit_by_visit
from tests.analytics.reports_model import FIREFOX
from tests.analytics.visit_by_visit import VALUES, Breakdown, Report, Visit, chosen, table
from tests.retention.house import ALL, CHROME, House, at, policy

FIRST, LAST = date(2025, 3, 8), date(2025, 3, 24)
READERS = (ALL, ("statistics",), ("marketing", "personalisation"))
PHONE = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) "
    "Version/18.1 Mobile/15E148 Safari/604.1"
)
MONEY: dict[str, Any] = {"currency": "KRW", "exchange_rates": ("USD 1380.5",)}
PROPERTIES: list[dict[str, Any]] = [
    {},
    {"plan": "pro"},
    {"plan": "basic", "amount": 12000, "currency": "KRW"},
    {"plan": "basic", "amount": 12000, "currency": "EUR"},
    {"amount": "12.50", "currency": "USD", "tags": ["new", "sale", "new"]},
    {"amount": 7.25, "tags": [], "nested": {"a": 1}, "gone": None, "gift": True},
]
COUNTED = [*BREAKDOWNS, "overview", "timeseries", "pages", "entry_pages", "exit_pages", "events", "searches"]


class Map:
    """Where addresses are, for tests."""

    generation = 0

    def of(self, address: str | None) -> tuple[str | None, str | None]:
        last = int(address.rsplit(".", 1)[1]) if address else 0
        return [("KR", "Seoul"), ("KR", None), ("DE", "Berlin"), (None, None)][last % 4]


class Shop:
    """A site whose visitors do everything that reports count; by chance, but always the same for a seed."""

    def __init__(self, house: House, site: Site, seed: int) -> None:
        self.house, self.site, self.rng = house, site, random.Random(seed)
        self.ids: list[str] = []
        self.open: list[Any] = []
        rows = RowMaker(house.core.registry, house.core.keyring, Map())  # type: ignore[arg-type]
        self.commit = GroupCommit(
            house.core.storage.events, house.core.registry, rows, house.core.clock, house.settings
        )

    def arrive(self) -> None:
        granted = self.rng.choice([ALL, ALL, ("statistics",), ("marketing", "personalisation"), ("personalisation",)])
        self.ids.append(self.house.arrive(*granted, site=self.site))

    def events(self, number: int, *, late_days: int = 0) -> None:
        """Some events, in one commit; ``late_days`` before now."""
        pending = []
        for _ in range(number):
            self.house.now += self.rng.choice([0, 1, 400, 1800]) * 1000
            moment = self.house.now - late_days * 86_400_000
            key = self.house.core.ledger.key_of(self.rng.choice(self.ids))
            agent = self.rng.choice([CHROME, FIREFOX, PHONE])
            address = f"203.0.113.{self.rng.randrange(8)}"
            sender = Sender(address, agent, self.rng.choice(["ko", "en"]), True, False, "service_use")
            event = self.event(moment, agent, address)
            pending.append(
                Pending(self.site.ref, key, [event], sender, self.house.now, self.house.loop.create_future())
            )
        self.commit.commit(pending)

    def event(self, moment: int, agent: str, address: str) -> Event:
        rng = self.rng
        name = rng.choice(["pageview"] * 4 + ["engagement", "vital", "purchase", "scroll", "page_view"])
        host = rng.choice(["shop.example.com", "shop.example.com", "www.shop.example.com", "blog.example.com"])
        query = rng.choice(["", "", "?utm_source=letter&utm_medium=email&utm_campaign=c1", "?gclid=G-1", "?fbclid=F"])
        said: dict[str, Any] = {"seconds": rng.choice([3, 2.5, 0.0005, 90, "x"])} if name == "engagement" else {}
        if name == "vital":
            said = {"name": rng.choice([*METRICS, "no such"]), "value": rng.choice([0.05, 120, 2500])}
        if name in ("purchase", "pageview", "scroll") and rng.random() < 0.7:
            said = rng.choice(PROPERTIES) | rng.choice(PROPERTIES)
        event = Event(id=uuid.uuid4(), name=name, at=moment)
        event.url = rng.choice([f"https://{host}{rng.choice(['/', '/a', '/a/b', '/c'])}{query}", None])
        event.referrer = rng.choice([None, None, "https://search.naver.com/search.naver", "https://blog.example.org/x"])
        event.search = rng.choice([None] * 4 + ["Shoes", " shoes ", "lamp"])
        event.props, event.user_agent, event.ip = said, agent, address
        event.environment = rng.choice([None, Environment(language="ko-KR", screen=rng.choice(["390x844", None]))])
        return event

    def withdraw(self, *, finish: bool) -> None:
        core, id = self.house.core, self.rng.choice(self.ids)
        with core.storage.ledger.writing():
            notice = core.registry.in_force(self.site.ref, self.house.now)
            refused = self.rng.choice([("statistics",), ("marketing",), ("personalisation",), ALL])
            outcome = core.ledger.choose(notice, id, Decision((), refused, "banner", "ko", {}, None))
        if outcome.answer["visitor"] is None:
            self.ids.remove(id)
            self.arrive()
        if outcome.intent:
            core.retention.endings.finish(outcome.intent) if finish else self.open.append(outcome.intent)

    def erase(self) -> None:
        id = self.rng.choice(self.ids)
        self.ids.remove(id)
        self.house.erase(id)
        self.arrive()

    def suspend(self, suspended: bool) -> None:
        self.house.core.ledger.suspend(self.house.core.ledger.key_of(self.ids[0]), suspended)

    def do(self, what: str) -> None:
        {
            "events": lambda: self.events(6),
            "late": lambda: self.events(3, late_days=2),
            "next day": lambda: setattr(self.house, "now", self.house.now + 86_400_000),
            "withdraw": lambda: self.withdraw(finish=True),
            "decide": lambda: self.withdraw(finish=False),
            "finish": lambda: [self.house.core.retention.endings.finish(self.open.pop()) for _ in list(self.open)],
            "erase": self.erase,
            "suspend": lambda: self.suspend(True),
            "resume": lambda: self.suspend(False),
        }[what]()


WHATS = ("events", "events", "events", "late", "next day", "withdraw", "decide", "finish", "erase", "suspend", "resume")


@pytest.fixture(scope="module")
def shops(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[int], Shop]]:
    """One installation for the module; every shop is a site of its own, beside all those of before."""
    with pytest.MonkeyPatch.context() as patch:
        house = House(tmp_path_factory.mktemp("columns"), patch, **MONEY)
        number = count()
        yield lambda seed: Shop(house, house.add_site(name=f"site{next(number)}"), seed)
        house.close()
        house.loop.close()


# --- visit by visit --------------------------------------------------------------------------------------------------


def visits_of(shop: Shop, reader: tuple[str, ...], filters: tuple[Filter, ...]) -> list[Visit]:
    covered = EntitledEvents(shop.house.core, shop.site, reader)
    choose = chosen(filters)
    return [v for day in covered.days(FIRST, LAST) for v in visit_by_visit.visits(covered, day) if choose(v)]


def slowly(shop: Shop, question: Query, visits: list[Visit]) -> list[dict[str, Any]]:
    zone = shop.house.core.registry.in_force(shop.site.ref, shop.house.now).zone
    made: Report
    if question.name == "timeseries":
        named = label(question.interval, zone)
        empty = labels(question.interval, FIRST, LAST, zone)
        made = Breakdown("time", key=lambda visit: (named(visit.start),), empty=empty)
    else:
        made = table(question.name)
    for visit in visits:
        made.add(visit)
    first = "time" if question.name == "timeseries" else made.figures[0]
    sort = question.sort or first
    return ordered(made.rows(), made.names, sort, ascending=sort in made.names)


def some_filters(shop: Shop, visits: list[Visit]) -> list[tuple[Filter, ...]]:
    """Of every dimension a value that there is, what is unknown, a pattern, and all others; and several at once."""
    found: list[tuple[Filter, ...]] = []
    for name in DIMENSIONS:
        values = sorted({str(v) for visit in visits for v in VALUES[name](visit) if v is not None})
        value = shop.rng.choice(values) if values else "nothing"
        one = shop.rng.choice([value, value, "", value[:1] + "*", "no such"])
        if name == "prop":
            one = shop.rng.choice([value, f"{value.partition('=')[0]}=*", "plan=no such", "plan=*o", "tags=s*"])
            one = one if "=" in one else "plan=pro"
        if name == "event_page":
            one = shop.rng.choice([value, "pageview=/a*", "purchase=/", "purchase=*", "no such=*"])
            one = one if "=" in one else "scroll=/c"
        found.append((parse_filter(f"{shop.rng.choice(['', '!'])}{name}:{one}"),))
    found.append(tuple(map(parse_filter, ("prop:plan=pro", "prop:plan=b*", "prop:tags=sale"))))
    found.append((parse_filter("page:/a"), parse_filter("page:/c"), parse_filter("!event:purchase")))
    one, other = (shop.rng.choice(found)[0] for _ in range(2))
    found.append((parse_filter(f"{one.text}|{other.text}"), *shop.rng.choice(found)))
    found.append((*shop.rng.choice(found[:-1]), *shop.rng.choice(found[:-1])))
    return found


def compare(shop: Shop, reader: tuple[str, ...], names: Sequence[str] = COUNTED) -> None:
    """Reports, plainly and some of them with some filters, against the same counted visit by visit."""
    every, items = visits_of(shop, reader, ()), EntitledEvents(shop.house.core, shop.site, reader).items()
    for filters in [(), *shop.rng.sample(some_filters(shop, every), 4)]:
        if not {DIMENSIONS[d] for f in filters for d in f.dimensions} <= items:
            continue
        choose = chosen(filters)
        visits = [visit for visit in every if choose(visit)]
        for name in shop.rng.sample(COUNTED, 2) if filters else names:
            if {DIMENSIONS[d] for d in BREAKDOWNS.get(name, ())} <= items:
                _same(shop, reader, name, filters, visits)
        if shop.rng.random() < 0.4:
            journeys(shop, reader, filters, visits)
            properties(shop, reader, filters, visits)
            goals(shop, reader, filters, visits)


def _same(shop: Shop, reader: tuple[str, ...], name: str, filters: tuple[Filter, ...], visits: list[Visit]) -> None:
    interval = shop.rng.choice(["hour", "day", "week", "month"])
    question = Query(name, FIRST, LAST, filters, limit=1000, interval=interval)  # type: ignore[arg-type]
    answer = report(shop.house.core, shop.site, reader, question)
    wanted = slowly(shop, question, visits)
    rows = [{column: value for column, value in row.items() if column != "state"} for row in answer["rows"]]
    assert rows == wanted, (name, filters)
    assert (answer["visitors"], answer["visits"]) == (len({v.visitor for v in visits}), len(visits)), (name, filters)
    if wanted and name != "timeseries" and shop.rng.random() < 0.5:  # a page of it, by any column
        question = replace(question, limit=2, offset=shop.rng.randrange(3), sort=shop.rng.choice(list(wanted[0])))
        some = report(shop.house.core, shop.site, reader, question)
        assert some["rows"] == slowly(shop, question, visits)[question.offset :][:2], question
        assert some["total"] == len(wanted)


# --- properties, once more -------------------------------------------------------------------------------------------


def properties(shop: Shop, reader: tuple[str, ...], filters: tuple[Filter, ...], visits: list[Visit]) -> None:
    """Which there are and their values, of all events and of one."""
    said = [(visit, id(e), e.name, p) for visit in visits for e in visit.events for p in e.properties]
    event = shop.rng.choice(["", "purchase", "pageview", "no such"])
    said = [one for one in said if event in ("", one[2])]
    asked = Query("properties", FIRST, LAST, filters, event_name=event, limit=1000)
    rows = report(shop.house.core, shop.site, reader, asked)["rows"]
    assert rows == occurring(visits, ("event", "property"), [(v, e, (name, p.name)) for v, e, name, p in said])
    for name in ("plan", "tags", "amount", "no such"):
        asked = Query("property_values", FIRST, LAST, filters, event_name=event, property_name=name, limit=1000)
        rows = report(shop.house.core, shop.site, reader, asked)["rows"]
        assert rows == occurring(visits, ("value",), [(v, e, (p.value,)) for v, e, _, p in said if p.name == name])
    asked = Query("property_numbers", FIRST, LAST, filters, event_name=event, limit=1000)
    samples: dict[tuple[str | None, str], list[float]] = {}
    for _, _, name, p in said:
        samples.setdefault((name, p.name), []).extend([] if isnan(p.number) else [p.number])
    rows = report(shop.house.core, shop.site, reader, asked)["rows"]
    assert {(row.pop("event"), row.pop("property")): row for row in rows} == {
        key: _numbers(sorted(values)) for key, values in samples.items() if values
    }


def _numbers(values: list[float]) -> dict[str, float]:
    found = {"samples": len(values), "sum": round(fsum(values), 6), "average": round(fsum(values) / len(values), 6)}
    return found | {f"p{share}": values[ceil(share * len(values) / 100) - 1] for share in (50, 75, 95)}


def goals(shop: Shop, reader: tuple[str, ...], filters: tuple[Filter, ...], visits: list[Visit]) -> None:
    """What each source, entry page and the like brought of a goal, and what that was worth."""
    items = EntitledEvents(shop.house.core, shop.site, reader).items()
    goal = parse_filter(
        shop.rng.choice(
            ["event:purchase", "prop:plan=pro", "page:/a*", "event:s*", "!event:pageview", "event_page:purchase=/a*"]
        )
    )
    name = shop.rng.choice([n for n in OF_VALUES if {DIMENSIONS[d] for d in BREAKDOWNS.get(n, ())} <= items])
    interval = cast(Interval, shop.rng.choice(["hour", "day"]))
    asked = Query(name, FIRST, LAST, filters, interval, goal=goal, value_name="amount", limit=1000)
    answer = report(shop.house.core, shop.site, reader, asked)
    assert (answer["goal"], answer["currency"]) == (goal.text, "KRW")
    names = tuple(column for column in answer["rows"][0] if column in (*DIMENSIONS, "time")) if answer["rows"] else ()
    one_by_one = {tuple(row[n] for n in names): row for row in answer["rows"]}
    zone = shop.house.core.registry.in_force(shop.site.ref, shop.house.now).zone
    key_of = {"overview": lambda _: (), "timeseries": lambda visit: (label(interval, zone)(visit.start),)}
    wanted: dict[Any, list[float]] = {}
    for visit in visits:
        if name == "entry_pages" and not visit.pages:
            continue
        read = [VALUES["entry_page" if name == "entry_pages" else n] for n in names if n in VALUES]
        key = key_of[name](visit) if name in key_of else tuple(next(iter(one(visit))) for one in read)
        met = [event for event in visit.events if _meets(event, goal)]
        worth = [_worth(event) for event in met if any(p.name == "amount" for p in event.properties)]
        row = wanted.setdefault(key, [0, 0, 0, 0])
        more = (1, bool(met), sum(w for w in worth if w is not None), worth.count(None))
        wanted[key] = [a + b for a, b in zip(row, more, strict=True)]
    for key, (number, converted, cents, unpriced) in wanted.items():
        row = one_by_one.pop(key)
        found = (row["visits"], row["conversions"], row["conversion_rate"], row["revenue"], row["unpriced"])
        assert found == (number, converted, ratio(converted, number), cents / 100, unpriced), (name, key)
    assert not any(row["visits"] or row["conversions"] or row["revenue"] for row in one_by_one.values())


def _worth(event: visit_by_visit.VisitEvent) -> int | None:
    said = {p.name: p for p in event.properties}
    rate = {"USD": 1380.5, "KRW": 1}.get(said["currency"].value) if "currency" in said else None
    amount = said["amount"].number
    return None if rate is None or isnan(amount) else round(amount * rate * 100)


def occurring(
    visits: list[Visit], names: tuple[str, ...], found: Sequence[tuple[Visit, int, tuple[Any, ...]]]
) -> list[dict[str, Any]]:
    """Rows by a key of (visit, event, key): who, in how many visits, of how many events."""
    rows = []
    for key in {key for *_, key in found}:
        theirs = [(visit, event) for visit, event, said in found if said == key]
        number = len({id(visit) for visit, _ in theirs})
        figures = {"visitors": len({v.visitor for v, _ in theirs}), "visits": number}
        figures |= {"events": len({event for _, event in theirs}), "rate": ratio(number, len(visits))}
        rows.append(dict(zip(names, key, strict=True)) | figures)
    return ordered(rows, names, "visitors", ascending=False)


# --- journeys, once more ---------------------------------------------------------------------------------------------


STEPS = [
    ("page:/*", "page:/a", "event:purchase"),
    ("event:s*", "page:/"),
    ("page:/*", "prop:plan=pro", "!prop:tags=sale"),
    ("prop:amount=*", "page:/a"),
    ("page:/*", "event_page:purchase=/a*", "!event_page:scroll=/"),
]


def journeys(shop: Shop, reader: tuple[str, ...], filters: tuple[Filter, ...], visits: list[Visit]) -> None:
    core = shop.house.core
    steps = tuple(map(parse_filter, shop.rng.choice(STEPS)))
    asked = Query("funnel", FIRST, LAST, filters, steps=steps)
    rows = report(core, shop.site, reader, asked)["rows"]
    reached = [visit for visit in visits if _reaches(visit, steps) > 0]
    for n, row in enumerate(rows):
        there = [visit for visit in visits if _reaches(visit, steps) > n]
        assert (row["step"], row["visits"]) == (n + 1, len(there))
        assert (row["visitors"], row["share"]) == (len({v.visitor for v in there}), ratio(len(there), len(reached)))
    rows = report(core, shop.site, reader, Query("retention", FIRST, LAST, filters))["rows"]
    assert {(r["week"], r["after"]): (r["visitors"], r["returned"]) for r in rows} == _retention(shop, visits)
    zone = core.registry.in_force(shop.site.ref, shop.house.now).zone
    began = [datetime.fromtimestamp(visit.start / 1000, zone) for visit in visits]
    rows = report(core, shop.site, reader, Query("weekdays", FIRST, LAST, filters, limit=1000))["rows"]
    assert [((row["weekday"], row["hour"]), row["visits"]) for row in rows] == sorted(
        Counter((at.isoweekday(), at.hour) for at in began).items()
    )
    page = shop.rng.choice(["/", "/a", "/a*", "/no such"])
    for name, step in (("next_pages", 1), ("previous_pages", -1)):
        beside: dict[str | None, list[Visit]] = {}
        for visit in visits:
            around = [None, *visit.pages, None]
            for n, seen in enumerate(around):
                if seen is not None and parse_filter(f"page:{page}").holds([seen]):
                    beside.setdefault(around[n + step], []).append(visit)
        rows = report(core, shop.site, reader, Query(name, FIRST, LAST, filters, beside=page, limit=1000))["rows"]
        assert {row["page"]: (row["visitors"], row["visits"], row["page_views"]) for row in rows} == {
            key: (len({v.visitor for v in theirs}), len({id(v) for v in theirs}), len(theirs))
            for key, theirs in beside.items()
        }
    rows = report(core, shop.site, reader, Query("vitals", FIRST, LAST, filters, limit=1000))["rows"]
    assert {row.pop("page"): row for row in rows} == _vitals(visits)
    now = report(core, shop.site, reader, Query("now", FIRST, LAST, filters))["rows"]
    active = [v for v in visits if v.events[-1].at >= shop.house.now - NOW_MS]
    assert now == [{"visitors": len({v.visitor for v in active}), "visits": len(active)}]


def _reaches(visit: Visit, steps: tuple[Filter, ...]) -> int:
    number = 0
    for event in visit.events:
        if number == len(steps):
            break
        number += _meets(event, steps[number])
    return number


def _meets(event: visit_by_visit.VisitEvent, step: Filter) -> bool:
    from dongui_collector.core.addresses import parts_of

    if step.dimension == "prop":
        return step.holds([f"{p.name}={p.value}" for p in event.properties]) is not step.negated
    if step.dimension == "event_page":
        page = parts_of(event.url)[1]
        return page is not None and event.name is not None and step.holds((f"{event.name}={page}",)) is not step.negated
    said = event.name if step.dimension == "event" else parts_of(event.url)[1] if event.name in PAGE_VIEWS else None
    return said is not None and step.holds((said,)) is not step.negated


def _retention(shop: Shop, visits: list[Visit]) -> dict[tuple[str, int], tuple[int, float | None]]:
    zone = shop.house.core.registry.in_force(shop.site.ref, shop.house.now).zone
    weeks = labels("week", FIRST, LAST, zone)
    week_of = label("week", zone)
    seen: dict[bytes, set[int]] = {}
    for visit in visits:
        seen.setdefault(visit.visitor, set()).add(weeks.index(week_of(visit.start)))
    found: dict[tuple[str, int], tuple[int, float | None]] = {}
    for first, week in enumerate(weeks):
        cohort = [theirs for theirs in seen.values() if min(theirs) == first]
        for after in range(len(weeks) - first) if cohort else ():
            back = sum(first + after in theirs for theirs in cohort)
            found[week, after] = (back, ratio(back, len(cohort)))
    return found


def _vitals(visits: list[Visit]) -> dict[str, dict[str, Any]]:
    from dongui_collector.core.addresses import parts_of

    values: dict[tuple[str, str], list[float]] = {}
    for event in (e for visit in visits for e in visit.events):
        if event.vital and (page := parts_of(event.url)[1]):
            values.setdefault((page, event.vital[0]), []).append(event.vital[1])
    rows: dict[str, dict[str, Any]] = {}
    for (page, metric), several in values.items():
        row = rows.setdefault(page, {"samples": 0} | {m.lower(): None for m in METRICS})
        row["samples"] += len(several)
        row[metric.lower()] = sorted(several)[ceil(0.75 * len(several)) - 1]
    return rows


# --- the tests -------------------------------------------------------------------------------------------------------


@settings(max_examples=3, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.integers(0, 1 << 32),
    st.lists(st.sampled_from(WHATS), min_size=3, max_size=6),
    st.sampled_from([0, 10, 50_000]),
    st.booleans(),
)
def test_columns_equal_what_is_counted_visit_by_visit(
    shops: Callable[[int], Shop],
    monkeypatch: pytest.MonkeyPatch,
    seed: int,
    whats: list[str],
    unsettled: int,
    room: bool,
) -> None:
    """S3.0, S6.1, K10: also while endings are open, after them, with late events, and without any room in memory."""
    monkeypatch.setattr(store, "UNSETTLED", unsettled)
    shop = shops(seed)
    shop.house.now = at("2025-03-10T20:00")
    engine = Engine(shop.house.core)
    monkeypatch.setitem(shop.house.core.cached, "reports", engine)  # the house outlives this test
    if not room:
        engine.limit = 0
        monkeypatch.setattr(passes, "_MOST", 3)
    for _ in range(4):
        shop.arrive()
    shop.events(15)
    for what in whats:
        report(shop.house.core, shop.site, ALL, Query("overview", FIRST, LAST))  # so that there is something to mend
        shop.do(what)
        compare(shop, ALL, shop.rng.sample(COUNTED, 4))
    for reader in READERS[1:]:
        compare(shop, reader, shop.rng.sample(COUNTED, 4))


@pytest.mark.parametrize("what", sorted(set(WHATS)))
def test_whatever_happens_to_settled_days(shops: Callable[[int], Shop], what: str) -> None:
    """Each by itself, to visitors of whom figures are remembered: what they had is taken away, what they have added."""
    shop = shops(len(what))
    shop.house.now = at("2025-03-10T20:00")
    for _ in range(4):
        shop.arrive()
    shop.events(25)
    before = {"finish": ["decide", "decide"], "resume": ["suspend"]}.get(what, [])
    for one in before:
        shop.do(one)
    for reader in READERS:
        compare(shop, reader)
    for held in Engine.of(shop.house.core).held():
        held.settle()
    for _ in range(2):
        asked(shop)
        shop.do(what)
        for reader in READERS:
            compare(shop, reader)


def test_what_other_purposes_cover_stays_while_an_ending_is_open(house: House) -> None:
    """S3.0: a partial withdrawal takes what it ends, from the moment that it is decided, and nothing else."""
    core, visitor = house.core, house.arrive()
    house.visit(visitor)
    house.visit(house.arrive("statistics"))

    def seen() -> tuple[int, set[str | None]]:
        clicks = report(core, house.site, ALL, Query("click_ids", FIRST, LAST))
        return clicks["visits"], {row["click_id"] for row in clicks["rows"]}

    assert seen() == (2, {"gclid", None})
    for store_ in Engine.of(core).held():
        store_.settle()
    with core.storage.ledger.writing():
        notice = core.registry.in_force(house.site.ref, house.now)
        intent = core.ledger.choose(notice, visitor, Decision((), ("marketing",), "banner", "ko", {}, None)).intent
    assert intent
    assert seen() == (2, {None})
    core.retention.endings.finish(intent)
    assert seen() == (2, {None})


def asked(shop: Shop) -> None:
    """Every report once, so that it is remembered."""
    for name in COUNTED:
        report(shop.house.core, shop.site, ALL, Query(name, FIRST, LAST, limit=1000))


def test_what_ages_out_leaves_columns(new_house: Callable[..., House], monkeypatch: pytest.MonkeyPatch) -> None:
    """K17, S5.1: a period that ends by its purpose takes what that one covers, a day that ends takes all.

    What was frozen of such days is left out here: ``tests/analytics/test_frozen.py`` has it.
    """
    monkeypatch.setattr(executor, "past", lambda *_: FrozenDays())
    monkeypatch.setattr(executor, "unknown", lambda *_: set())
    house = new_house(**MONEY)
    house.approve_routine()
    shop = Shop(house, house.add_site(policy(short_marketing=True)), 5)
    for _ in range(3):
        shop.arrive()
    for _ in range(3):
        shop.events(8)
        house.now += 86_400_000
    for when in ("2025-03-13T09:00", "2025-09-12T00:01", "2025-09-14T00:01", "2026-03-11T00:01", "2026-03-20T00:01"):
        house.now = at(when)
        for run in (False, True):
            if run:
                house.run()
            for reader in READERS:
                compare(shop, reader)
    assert report(house.core, shop.site, ALL, Query("overview", FIRST, LAST))["visits"] == 0


def test_days_are_the_installations_own_wherever_it_is(new_house: Callable[..., House]) -> None:
    house = new_house(timezone="America/New_York", **MONEY)
    zone = policy().replace('timezone = "Asia/Seoul"', 'timezone = "America/New_York"')
    shop = Shop(house, house.add_site(zone), 3)
    shop.arrive()
    shop.arrive()
    for what in ("events", "events", "withdraw", "events", "late", "erase", "events"):
        house.now += 11 * 3_600_000
        shop.do(what)
        compare(shop, ALL)


@pytest.mark.parametrize(
    ("zone", "day"),
    [
        ("America/New_York", date(2025, 3, 9)),
        ("Europe/Berlin", date(2025, 3, 30)),
        ("Europe/Berlin", date(2025, 10, 26)),
        ("America/New_York", date(2025, 11, 2)),
    ],
)
def test_properties_and_goals_across_a_clock_change(
    new_house: Callable[..., House], monkeypatch: pytest.MonkeyPatch, zone: str, day: date
) -> None:
    """By the hour that comes twice or never, by the day of 23 or 25 hours; while endings are open, and after them."""
    here = sys.modules[__name__]
    monkeypatch.setattr(here, "FIRST", day - timedelta(days=2))
    monkeypatch.setattr(here, "LAST", day + timedelta(days=7))
    house = new_house(timezone=zone, **MONEY)
    site = house.add_site(policy().replace('timezone = "Asia/Seoul"', f'timezone = "{zone}"'))
    house.now = start_of(day, ZoneInfo(zone)) - 3_600_000
    shop = Shop(house, site, day.toordinal())
    for _ in range(3):
        shop.arrive()
    for what in ("events", "events", "decide", "events", "finish", "late", "erase", "events"):
        shop.do(what)
        for reader in READERS:
            visits = visits_of(shop, reader, ())
            properties(shop, reader, (), visits)
            journeys(shop, reader, (), visits)
            for _ in range(4):
                goals(shop, reader, (), visits)


def test_the_latest_events_are_late_by_a_moment_at_most_and_endings_never(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store.LoadedDay, "is_late", lambda _: False)
    one, other = house.arrive(), house.arrive()
    house.visit(one)
    house.visit(other)

    def visits() -> int:
        found: int = report(house.core, house.site, ALL, Query("overview", FIRST, LAST))["visits"]
        return found

    assert visits() == 2
    house.visit(house.arrive())
    house.erase(one)
    assert visits() == 1
    monkeypatch.setattr(store.LoadedDay, "is_late", lambda _: True)
    assert visits() == 2


def test_nothing_of_columns_is_on_disk(house: House) -> None:
    """DESIGN 7: text lives in its day's file alone, and dies there."""
    visitor = house.arrive()
    house.visit(visitor, url="https://shop.example.com/somewhere-else")

    def files() -> list[str]:
        return sorted(path.name for path in house.folder.rglob("*") if path.suffix not in (".db-wal", ".db-shm"))

    before = files()
    assert report(house.core, house.site, ALL, Query("pages", FIRST, LAST))["total"] == 1
    assert files() == before
    house.erase(visitor)
    assert report(house.core, house.site, ALL, Query("pages", FIRST, LAST))["total"] == 0
    assert b"somewhere-else" not in house.bytes("data", "keys")


@given(st.lists(st.binary(min_size=16, max_size=16), unique=True, max_size=30), st.integers(1, 5))
def test_visitors_are_told_apart_exactly_also_those_who_share_half_a_key(keys: list[bytes], step: int) -> None:
    several = list(dict.fromkeys(key for full in keys for key in (full, full[:8] + bytes(8), full[:8] + b"\1" * 8)))
    who = Visitors()
    number: dict[bytes, int] = {}
    for begin in range(0, len(several), step):
        some = several[begin : begin + step]
        number |= dict(zip(some, who.numbers(some, add=True).tolist(), strict=True))
        assert number == dict(zip(number, who.numbers(list(number)).tolist(), strict=True))
    assert sorted(number.values()) == list(range(len(several)))
    assert who.keys(who.numbers(several)) == several
    assert who.numbers([b"x" * 16]).tolist() == [number.get(b"x" * 16, -1)]


def test_days_are_read_ahead_for_whoever_may_ask_as_far_as_there_is_room(house: House) -> None:
    for _ in range(4):
        house.visit(house.arrive())
        house.now += 86_400_000
    engine, pauses = Engine.of(house.core), list[float]()
    assert warm(house.core, pauses.append) >= 4
    (store,) = engine.held()  # of all purposes together: there is no token
    assert store.days == len(pauses) == warm(house.core, lambda _: None)
    asked = Query("overview", FIRST, LAST)
    assert report(house.core, house.site, ALL, asked)["visits"] == 4
    house.core.cached.clear()
    Engine.of(house.core).limit = 0
    assert warm(house.core, pauses.append) == 0
    assert report(house.core, house.site, ALL, asked)["visits"] == 4


def test_many_may_ask_while_visitors_come_and_go(house: House) -> None:
    """Every answer is one that was true at some moment of its asking: never more than came, never fewer than stayed."""
    for _ in range(3):
        house.visit(house.arrive())
    wrong: list[int] = []
    done = threading.Event()

    def ask() -> None:
        while not done.is_set():
            found = report(house.core, house.site, ALL, Query("overview", FIRST, LAST))
            if not 3 <= found["visits"] == found["visitors"] <= 4:
                wrong.append(found["visits"])

    askers = [threading.Thread(target=ask) for _ in range(3)]
    for asker in askers:
        asker.start()
    for _ in range(12):
        one = house.arrive()
        house.visit(one)
        house.erase(one)
    done.set()
    for asker in askers:
        asker.join()
    assert wrong == []
    assert report(house.core, house.site, ALL, Query("overview", FIRST, LAST))["visits"] == 3


def test_what_one_reader_was_told_is_not_told_to_another(house: House) -> None:
    """S1.0: columns, words and what is remembered belong to one set of purposes."""
    house.visit(house.arrive("statistics"), url="https://shop.example.com/for-statistics")
    house.visit(house.arrive("marketing", "personalisation"), url="https://shop.example.com/for-others")
    question = Query("pages", FIRST, LAST)
    for _ in range(2):
        for reader, page in ((("statistics",), "/for-statistics"), (("marketing", "personalisation"), "/for-others")):
            assert [row["page"] for row in report(house.core, house.site, reader, question)["rows"]] == [page]
    words = [store.words.pages.values for store in Engine.of(house.core).held()]
    assert sorted(words) == [["/for-others"], ["/for-statistics"]]


def test_pages_of_memory_are_given_back(house: House) -> None:
    """The least recently asked for goes first; what fits alone stays."""
    for _ in range(3):
        house.visit(house.arrive())
        house.now += 86_400_000
    engine = Engine.of(house.core)
    question = Query("overview", FIRST, FIRST + timedelta(days=10))
    for reader in (ALL, ("statistics",)):
        report(house.core, house.site, reader, question)
    assert len(engine.held()) == 2
    engine.limit = engine.nbytes - 1
    report(house.core, house.site, ("statistics",), replace(question, first=FIRST + timedelta(days=1)))
    report(house.core, house.site, ("statistics", "marketing"), question)
    assert engine.nbytes <= engine.limit


def test_without_room_nothing_is_left_that_would_take_the_room_of_other_days(house: House) -> None:
    house.visit(house.arrive(), url="https://shop.example.com/first")
    engine, question = Engine.of(house.core), Query("pages", FIRST, LAST)
    report(house.core, house.site, ALL, question)
    (store,), room = engine.held(), engine.limit
    house.now += 86_400_000
    house.visit(house.arrive(), url="https://shop.example.com/second")
    for engine.limit, left in ((0, []), (room, ["/first", "/second"])):
        found = report(house.core, house.site, ALL, question)["rows"]
        assert sorted(row["page"] for row in found) == ["/first", "/second"]
        assert sorted(store.words.pages.values) == left
        assert bool(len(store.who)) == bool(left)
