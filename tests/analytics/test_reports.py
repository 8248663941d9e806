"""Reports hold exactly what the reader's purposes cover: against a model, and by showing that nothing else matters."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator
from datetime import date, datetime
from itertools import combinations
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from dongui_collector.analytics.entitled_events import no_recipient
from dongui_collector.analytics.executor import Query, report
from dongui_collector.analytics.filters import ReportError, parse_filter
from dongui_collector.analytics.reports import NEIGHBOURS, REPORTS
from dongui_collector.core.errors import NotAllowed
from dongui_collector.exports.export import entitle, export_events
from dongui_collector.storage.contract.values import Site
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.analytics.reports_model import (
    ITEMS,
    Life,
    Seen,
    expected,
    expected_overview,
    origin,
    shown_visits,
    steps,
    views,
)
from tests.retention.house import ALL, CHROME, SEOUL, House, at, policy

FIRST, LAST = date(2025, 3, 1), date(2025, 12, 31)
READERS = [tuple(some) for n in (1, 2, 3) for some in combinations(ALL, n)]
# With these a report is refused: nothing that they cover says when and what.
BLIND = [r for r in READERS if not set().union(*(ITEMS[p] for p in r)) >= {"cookie", "visit_time", "service_usage"}]
NAMES = {"pages": "page", "entry_pages": "page", "exit_pages": "page", "events": "event", "searches": "search"}
NAMES |= {"channels": "channel", "referrers": "referrer", "browsers": "browser", "timeseries": "time"}
NUMBER = {"pages": "page_views", "events": "events", "searches": "searches"}


def ask(house: House, site: Site, reader: tuple[str, ...], name: str, *filters: str, **more: Any) -> dict[str, Any]:
    days = (more.pop("first", FIRST), more.pop("last", LAST))
    if name == "funnel":
        more.setdefault("steps", (parse_filter("page:/"), parse_filter("event:purchase")))
    if name == "property_values":
        more.setdefault("property_name", "plan")
    if name in NEIGHBOURS:
        more.setdefault("beside", "/")
    question = Query(name, *days, tuple(map(parse_filter, filters)), limit=more.pop("limit", 1000), **more)
    return report(house.core, site, reader, question)


@pytest.fixture(scope="module")
def sites(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[], tuple[House, Site]]]:
    """One installation for the module; every life has a site of its own, beside all those that were lived before."""
    with pytest.MonkeyPatch.context() as patch:
        house = House(tmp_path_factory.mktemp("reports"), patch)
        number = iter(range(10_000))
        yield lambda: (house, house.add_site(name=f"site{next(number)}"))
        house.close()
        house.loop.close()


def rows_of(answer: dict[str, Any]) -> dict[Any, dict[str, Any]]:
    name = answer["report"]
    if name == "sources":
        return {(row["source"], row["channel"]): row for row in answer["rows"]}
    return {row[NAMES[name]]: row for row in answer["rows"]}


def compare(house: House, life: Life, reader: tuple[str, ...], wanted: Callable[[Any], bool], *filters: str) -> None:
    """Every report of one reader against the model's."""
    visits = [v for v in shown_visits(life, reader, SEOUL) if wanted(v)]
    assert ask(house, life.site, reader, "overview", *filters)["rows"] == [expected_overview(visits)]
    for name, counts in expected(visits, reader, SEOUL).items():
        if name == "browsers" and "statistics" not in reader:
            continue
        found = rows_of(ask(house, life.site, reader, name, *filters))
        if name == "timeseries":
            found = {key: row for key, row in found.items() if row["visits"]}
        if name == "browsers":
            assert {k: r["visits"] for k, r in found.items() if k} == by_first_known(visits, reader)
            continue
        assert found.keys() == counts.keys(), name
        for key, (visitors, number, occurrences) in counts.items():
            assert (found[key]["visitors"], found[key]["visits"]) == (visitors, number), (name, key)
            if name in NUMBER:
                assert found[key][NUMBER[name]] == occurrences, (name, key)


def by_first_known(visits: list[Any], reader: tuple[str, ...]) -> dict[str, int]:
    """Visits by the browser of their first event that may show one."""
    found: dict[str, int] = {}
    for visit in visits:
        known = [e.browser for e in visit.events if "statistics" in e.purposes and "statistics" in reader]
        if known:
            found[known[0]] = found.get(known[0], 0) + 1
    return found


@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps(), st.sampled_from([r for r in READERS if r not in BLIND]))
def test_reports_equal_the_model_also_after_withdrawals_erasures_and_suspensions(
    sites: Callable[[], tuple[House, Site]], lived: list[dict[str, Any]], reader: tuple[str, ...]
) -> None:
    """S6.1, S3.0, S9, K10; for any set of purposes that a reader can have."""
    house, site = sites()
    house.now = at("2025-03-10T20:00")
    life = Life(house, site)
    for step in lived:
        life.do(step)
    for again in (False, True):  # with endings decided but not carried out, and after them
        for one in {reader, ALL}:
            compare(house, life, one, lambda _visit: True)
        compare(house, life, ALL, lambda v: any(e.path == "/a" for e in views(v)), "page:/a")
        compare(house, life, ALL, lambda v: origin(v, ALL)[0] != "direct", "!channel:direct")
        compare(house, life, ALL, lambda v: any(e.name == "purchase" for e in v.events), "event:purch*")
        if not again:
            life.finish()


@pytest.mark.parametrize("reader", BLIND, ids=" ".join)
def test_purposes_that_do_not_say_when_and_what_get_no_report(house: House, reader: tuple[str, ...]) -> None:
    house.visit(house.arrive())
    for name in set(REPORTS) - {"consent"}:
        with pytest.raises(NotAllowed, match="do not cover"):
            ask(house, house.site, reader, name)


@pytest.mark.parametrize(
    ("name", "filters"),
    [
        ("browsers", ()),
        ("locations", ()),
        ("overview", ("browser:Chrome",)),
        ("overview", ("!country:KR",)),
        ("pages", ("page:/", "screen:")),
    ],
)
def test_a_dimension_that_the_purposes_do_not_cover_is_refused(
    house: House, name: str, filters: tuple[str, ...]
) -> None:
    house.visit(house.arrive())
    reader = ("marketing", "personalisation")
    assert ask(house, house.site, reader, "overview")["visits"] == 1
    with pytest.raises(NotAllowed, match=r"access_environment|ip_address"):
        ask(house, house.site, reader, name, *filters)


# --- nothing else matters --------------------------------------------------------------------------------------------

FILTERS = [
    "page:/a",
    "!page:/",
    "channel:direct",
    "source:",
    "browser:Chrome",
    "country:",
    "event:purchase",
    "search:*",
]


def every_answer(house: House, site: Site, reader: tuple[str, ...]) -> str:
    """All reports, each with all filters and in every order, as they would go out; the site's own id apart."""
    said = []
    for name in REPORTS:
        plain = answered(house, site, reader, name, [], compare=name == "overview")
        said.append(plain)
        if name == "consent":
            continue
        said += [answered(house, site, reader, name, [filter_]) for filter_ in FILTERS]
        for sort in plain["rows"][0] if plain.get("rows") and name != "overview" else ():
            more = {"sort": sort, "ascending": len(said) % 2 == 0, "limit": 2, "offset": 1}
            said.append(answered(house, site, reader, name, [], **more))
    return json.dumps(said).replace(site.id, "SITE")


def answered(
    house: House, site: Site, reader: tuple[str, ...], name: str, filters: list[str], **more: Any
) -> dict[str, Any]:
    try:
        days = {"first": date(2025, 3, 10), "last": date(2025, 3, 11)}
        return ask(house, site, reader, name, *filters, **days, **more)
    except (NotAllowed, ReportError) as error:
        return {"refused": str(error)}


@settings(max_examples=3, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.randoms(use_true_random=False), st.sampled_from([r for r in READERS if r not in BLIND]))
def test_what_is_not_covered_changes_no_byte_of_any_answer(
    sites: Callable[[], tuple[House, Site]], rng: random.Random, reader: tuple[str, ...]
) -> None:
    """Non-interference (S1.0, S4.0): two sites, the same but for what the reader's purposes do not cover."""
    house, one = sites()
    _, other = sites()
    start = house.now = at("2025-03-10T20:00")
    plan = [rng.getrandbits(64) for _ in range(12)]
    more = [p for p in ALL if p not in reader]
    for site, hidden in ((one, False), (other, True)):
        house.now = start
        granted = [*reader, *(more if hidden else ())]
        visitors = [house.arrive(*granted, site=site) for _ in range(3)]
        strangers = [house.arrive(*more, site=site) for _ in range(3)] if hidden and more else []
        gone = [house.arrive(*ALL, site=site)] if hidden else []
        for seed in plan:
            draw = random.Random(seed)
            house.now += draw.choice([1, 10, 40, 150]) * 60_000
            who, seen = draw.randrange(3), _fields(draw)
            if hidden:  # between what both sites have, so that positions differ
                for stranger in (*strangers[:1], *gone):
                    house.visit(stranger, site=site, **(_fields(rng) | {"url": "https://shop.example.com/hidden"}))
            house.visit(visitors[who], site=site, **seen)
        for stranger in gone:
            house.core.ledger.suspend(house.core.ledger.key_of(stranger), True)
    first, second = every_answer(house, one, reader), every_answer(house, other, reader)
    assert "hidden" not in second
    assert _without_consent(first) == _without_consent(second)


def _fields(draw: random.Random) -> dict[str, Any]:
    return {
        "name": draw.choice(["pageview", "pageview", "purchase"]),
        "url": f"https://shop.example.com{draw.choice(['/', '/a', '/b'])}{draw.choice(['', '?gclid=G-1'])}",
        "referrer": draw.choice([None, "https://search.daum.net/search"]),
        "search": draw.choice([None, "shoes"]),
    }


def _without_consent(text: str) -> list[Any]:
    """Whoever was suspended had agreed before, and is counted there."""
    return [answer for answer in json.loads(text) if answer.get("report") != "consent"]


# --- one by one ------------------------------------------------------------------------------------------------------


def test_a_purpose_whose_period_ended_counts_nothing_more(new_house: Callable[..., House]) -> None:
    """K17: marketing's rows are kept for half a year; without it the day of a visit is not covered."""
    house = new_house()
    house.add_site(policy(short_marketing=True))
    house.visit(house.arrive("marketing", "personalisation"))
    reader = ("marketing", "personalisation")
    house.now = at("2025-09-10T23:59")
    assert ask(house, house.site, reader, "overview")["visits"] == 1
    house.now = at("2025-09-11T00:00")
    assert ask(house, house.site, reader, "overview")["visits"] == 0


NEW_YORK = ZoneInfo("America/New_York")


def in_new_york(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=NEW_YORK).timestamp() * 1000)


@pytest.mark.parametrize("moved", [False, True], ids=["a policy of this zone", "of another one, from before"])
def test_days_of_reports_and_exports_are_the_installations(new_house: Callable[..., House], moved: bool) -> None:
    """A New York site's 8 March held what was of 7 March: file, key, period, report and export mean the same day."""
    house = new_house() if moved else new_house(timezone=NEW_YORK.key)
    house.add_site(policy() if moved else policy().replace('timezone = "Asia/Seoul"', f'timezone = "{NEW_YORK.key}"'))
    if moved:  # such a ledger was possible once
        house.move_to(NEW_YORK.key)
    visitor = house.arrive("statistics")
    for when in ("2025-03-08T23:50", "2025-03-09T00:10", "2025-03-09T03:30", "2025-03-09T23:55", "2025-03-10T00:05"):
        house.now = in_new_york(when)
        house.visit(visitor, name="pageview")
    days = {"first": date(2025, 3, 8), "last": date(2025, 3, 10)}
    answer = ask(house, house.site, ("statistics",), "timeseries", **days)
    expected = {"2025-03-08": 1, "2025-03-09": 3, "2025-03-10": 1}
    assert {row["time"]: row["page_views"] for row in answer["rows"]} == expected
    assert answer["zone"] == NEW_YORK.key
    assert [day.isoformat() for day in house.core.storage.events.days()] == list(expected)
    reader = entitle(house.core, house.site, ("statistics",))
    for day, number in expected.items():
        one = date.fromisoformat(day)
        assert [row["day"] for row in export_events(house.core, reader, one, one)] == [day] * number
    one = {"first": date(2025, 3, 9), "last": date(2025, 3, 9), "interval": "hour"}
    assert len(ask(house, house.site, ("statistics",), "timeseries", **one)["rows"]) == 23, (
        "the day on which the clocks are put forward"
    )


def test_the_period_before_is_as_long_and_right_before(house: House) -> None:
    visitor = house.arrive()
    for when in ("2025-03-11T10:00", "2025-03-12T10:00", "2025-03-13T10:00", "2025-03-14T10:00"):
        house.now = at(when)
        house.visit(visitor)
    days = {"first": date(2025, 3, 13), "last": date(2025, 3, 14)}
    (row,) = ask(house, house.site, ("statistics",), "overview", compare=True, **days)["rows"]
    assert (row["visits"], row["previous"]["visits"], row["visitors"]) == (2, 2, 1)
    days = {"first": date(2025, 3, 14), "last": date(2025, 3, 20)}
    (row,) = ask(house, house.site, ("statistics",), "overview", compare=True, **days)["rows"]
    assert (row["visits"], row["previous"]["visits"]) == (1, 3)


def test_pages_of_rows_never_overlap_and_their_order_is_always_the_same(house: House) -> None:
    visitor = house.arrive()
    for path in "badc":
        house.visit(visitor, name="pageview", url=f"https://shop.example.com/{path}")
    house.visit(visitor, name="pageview", url="https://shop.example.com/c")
    asked = [ask(house, house.site, ("statistics",), "pages", sort="page_views", limit=2, offset=n) for n in (0, 2, 4)]
    assert [[row["page"] for row in answer["rows"]] for answer in asked] == [["/c", "/a"], ["/b", "/d"], []]
    assert {answer["total"] for answer in asked} == {4}
    up = ask(house, house.site, ("statistics",), "pages", sort="page_views", ascending=True)
    assert [row["page"] for row in up["rows"]] == ["/a", "/b", "/d", "/c"]


def test_choices_are_counted_for_the_readers_own_purposes_alone(house: House) -> None:
    """K2, W4: how many agreed and refused, of whom nothing else is known."""
    visitor = house.arrive("statistics", "marketing")
    house.choose(refused=("statistics", "marketing"))
    house.choose(refused=("statistics",), visitor=visitor)
    answer = ask(house, house.site, ("statistics",), "consent")
    assert answer["rows"] == [
        {
            "day": "2025-03-10",
            "purpose": "statistics",
            "given": 1,
            "refused": 1,
            "withdrawn": 1,
            "chosen": 2,
            "given_rate": 0.5,
        }
    ]
    assert answer["consented"] is None


def test_a_recipient_gets_no_report() -> None:
    no_recipient(None)
    with pytest.raises(NotAllowed, match="exported"):
        no_recipient("Mail House")


@pytest.mark.parametrize(
    "bad",
    [
        {"name": "persons"},
        {"first": date(2025, 3, 2), "last": date(2025, 3, 1)},
        {"last": date.max},
        {"interval": "minute"},
        {"limit": 0},
        {"limit": 1001},
        {"offset": -1},
        {"name": "timeseries", "compare": True},
        {"name": "next_pages"},
        {"name": "pages", "beside": "/"},
    ],
    ids=str,
)
def test_a_question_that_makes_no_sense_is_refused(bad: dict[str, Any]) -> None:
    with pytest.raises(ReportError):
        Query(**{"name": "overview", "first": FIRST, "last": LAST, **bad})


def test_a_sort_by_what_is_no_column_is_refused(house: House) -> None:
    with pytest.raises(ReportError, match="page_views"):
        ask(house, house.site, ("statistics",), "pages", sort="ip_address")


def test_the_model_itself_sees_what_it_should(house: House) -> None:
    """A model that saw nothing would agree with reports that say nothing."""
    life = Life(house, house.site)
    step = {"what": "visit", "who": 0, "name": "pageview", "path": "/", "origin": ("", None), "search": None}
    life.do(step | {"seconds": 1, "agent": CHROME, "minutes": 1, "times": 2})
    assert len(shown_visits(life, ("statistics",), SEOUL)[0].events) == 2
    assert isinstance(life.events[0], Seen)
