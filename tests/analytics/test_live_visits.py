"""The last half hour: what is counted in which minute, for whom, and that it is gone as soon as it has ended."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

from dongui_collector.analytics.live import MINUTES, LiveFigures, begin_of, counted, live
from dongui_collector.analytics.site_rules import SiteRules
from dongui_collector.ledger.service import Decision
from dongui_collector.storage.contract.values import Fact
from hypothesis import given
from hypothesis import strategies as st

from tests.retention.house import ALL, House, at, policy

MINUTE = 60_000
NOON = at("2025-03-10T12:00")


def fact(visitor: bytes, moment: int, name: str | None, path: str | None) -> Fact:
    url = None if path is None else f"https://shop.example.com{path}?utm_source=x"
    return Fact(*(1, b"k", visitor, 0, 1, 1, moment, name, url), *(None,) * 11)


def seen(house: House, *purposes: str) -> LiveFigures:
    return live(house.core, house.site, purposes or ALL)


FACTS = st.lists(
    st.tuples(
        st.sampled_from([b"a" * 16, b"b" * 16, b"c" * 16]),
        st.integers(-2 * MINUTE, (MINUTES + 2) * MINUTE),
        st.sampled_from(["pageview", "page_view", "purchase", "scroll", "", None]),
        st.sampled_from(["/", "/a", None]),
    ),
    max_size=40,
)


@given(FACTS)
def test_every_figure_equals_its_definition(several: list[tuple[bytes, int, str | None, str | None]]) -> None:
    begins = begin_of(NOON)
    figures = counted((fact(who, begins + ms, name, path) for who, ms, name, path in several), begins, SiteRules())
    inside = [one for one in several if 0 <= one[1] < MINUTES * MINUTE]
    assert figures.minutes == [
        len({who for who, ms, _, _ in inside if n * MINUTE <= ms < (n + 1) * MINUTE}) for n in range(MINUTES)
    ]
    assert figures.visitors == len({who for who, *_ in inside})
    views = [one for one in inside if one[2] in ("pageview", "page_view")]
    assert figures.page_views == len(views)
    for found, column, rows in ((figures.pages, 3, views), (figures.events, 2, [o for o in inside if o not in views])):
        wanted = {row[column] for row in rows if row[column]}
        assert {name for name, _ in found} == wanted
        for name, one in found:
            theirs = [row for row in rows if row[column] == name]
            assert (one.visitors, one.number) == ({row[0] for row in theirs}, len(theirs))
            assert one.last == begins + max(row[1] for row in theirs)
    assert [one.last for _, one in figures.events] == sorted((one.last for _, one in figures.events), reverse=True)


def test_half_an_hour_ends_to_the_millisecond(house: House) -> None:
    """The minute that is going on counts as the last of thirty."""
    house.visit(house.arrive())
    for minutes, visitors in ((29, 1), (30, 0)):
        house.now = NOON + minutes * MINUTE + (MINUTE - 1 if visitors else 0)
        figures = seen(house)
        assert (figures.visitors, figures.minutes[0]) == (visitors, visitors)
        assert len(figures.minutes) == MINUTES


def test_around_midnight_both_days_are_read(house: House) -> None:
    house.now = at("2025-03-10T23:50")
    house.visit(house.arrive())
    house.now = at("2025-03-11T00:05")
    house.visit(house.arrive())
    assert (seen(house).visitors, sum(seen(house).minutes)) == (2, 2)


def test_a_day_is_not_read_from_its_beginning_and_nothing_is_missed(house: House) -> None:
    """What came before is passed over, by its position; what comes late, or under a clock that was set back, counts."""
    for _ in range(3):
        house.visit(house.arrive())
    house.now = NOON + 60 * MINUTE
    one = house.arrive()
    assert seen(house).visitors == 0
    ((_, passed),) = house.core.cached["live"].values()
    assert passed == 3
    house.visit(one, when="2025-03-10T12:45")  # said later than it happened
    house.visit(house.arrive())
    assert seen(house).visitors == 2
    house.now = NOON + 5 * MINUTE
    assert seen(house).visitors == 3


def test_what_has_ended_is_gone_at_once(house: House) -> None:
    """S3.0: from the decision on, also before its rows are gone."""
    one, other = house.arrive(), house.arrive()
    house.visit(one, url="https://shop.example.com/one")
    house.visit(other, url="https://shop.example.com/other")
    core = house.core
    assert [page for page, _ in seen(house).pages] == ["/one", "/other"]
    with core.storage.ledger.writing():
        notice = core.registry.in_force(house.site.ref, house.now)
        intent = core.ledger.choose(notice, one, Decision((), ALL, "banner", "ko", {}, None)).intent
    assert intent
    assert [page for page, _ in seen(house).pages] == ["/other"]
    core.retention.endings.finish(intent)
    core.ledger.suspend(core.ledger.key_of(other), True)
    assert seen(house).visitors == 0
    core.ledger.suspend(core.ledger.key_of(other), False)
    assert [page for page, _ in seen(house).pages] == ["/other"]
    house.erase(other)
    assert seen(house) == LiveFigures(begin_of(house.now), [0] * MINUTES, 0, 0, [], [])


def test_a_reader_sees_what_its_purposes_cover(house: House) -> None:
    """S1.0: neither the rows nor the words of others."""
    house.visit(house.arrive("statistics"), url="https://shop.example.com/for-statistics")
    house.visit(house.arrive("marketing", "personalisation"), url="https://shop.example.com/for-others")
    assert [page for page, _ in seen(house, "statistics").pages] == ["/for-statistics"]
    assert [page for page, _ in seen(house, "marketing", "personalisation").pages] == ["/for-others"]
    assert seen(house).visitors == 2


def test_minutes_are_the_same_in_every_zone(new_house: Callable[..., House]) -> None:
    """Half an hour is half an hour, also where the clocks change (New York, 9 March 2025, 2:00 becomes 3:00)."""
    house = new_house(start="2025-03-09T15:50", timezone="America/New_York")  # 1:50 there
    site = house.add_site(policy().replace('timezone = "Asia/Seoul"', 'timezone = "America/New_York"'))
    visitor = house.arrive(site=site)
    house.visit(visitor, site=site)
    house.now += 20 * MINUTE
    house.visit(visitor, site=site)
    figures = live(house.core, site, ALL)
    assert (figures.visitors, sum(figures.minutes)) == (1, 2)
    assert house.core.storage.events.days() == [date(2025, 3, 9)]
