"""K1, SA, K16: a version that asks for more ends earlier consents at its first instant; who must be told, by when."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from dongui.policy import parse
from dongui.policy.period import Period
from dongui_collector.core.clock import start_of
from dongui_collector.core.errors import NotAllowed, Unknown
from dongui_collector.core.operations import perform
from dongui_collector.evidence.verify.verify import verify
from dongui_collector.ledger import state as consents
from dongui_collector.ledger.notices import earliest_effective
from dongui_collector.retention.reconfirmation import Reconfirmation, counts, reminded_by
from hypothesis import example, given
from hypothesis import strategies as st

from tests.collector import Installation
from tests.retention.house import ALL, House, at, policy


def more(version: str, effective: date, zone: str = "Asia/Seoul") -> str:
    """A version in which marketing takes another item."""
    old = 'items = ["cookie", "visit_time", "advertising_id"]'
    text = policy(version, effective).replace(old, old.replace("]", ', "access_environment"]'), 1)
    return text.replace('timezone = "Asia/Seoul"', f'timezone = "{zone}"')


def states(house: House, visitor: str) -> dict[str, str]:
    notice = house.core.registry.in_force(house.site.ref, house.now)
    known = house.core.storage.ledger.visitor(house.core.ledger.key_of(visitor))
    return dict(consents.states(known, notice, house.core.registry, house.now))


# The first instant of 2025-06-01 in each zone, as a time in Seoul.
INSTANTS = {"Asia/Seoul": "2025-06-01T00:00", "America/New_York": "2025-06-01T13:00", "UTC": "2025-06-01T09:00"}


@pytest.mark.parametrize("zone", INSTANTS)
@pytest.mark.parametrize("restarts", [False, True], ids=["goes on", "restarts"])
def test_sa_k1_recording_stops_and_asks_again_at_the_first_instant_of_the_version(
    new_house: Callable[..., House], zone: str, restarts: bool
) -> None:
    house = new_house(timezone=zone)
    house.add_site(policy().replace('timezone = "Asia/Seoul"', f'timezone = "{zone}"'))
    visitor = house.arrive()
    perform(house.core, "policy.publish", {"text": more("v2", date(2025, 6, 1), zone)})
    assert house.visit(visitor, marker="before") == {}
    house.now = at(INSTANTS[zone]) - 1
    assert house.visit(visitor, marker="last") == {}
    old = house.core.registry.in_force(house.site.ref, house.now)
    assert (old.version, old.compiled["accepts"]) == ("v1", ["v1"])
    house.now += 1
    if restarts:
        house.reopen()
    assert house.visit(visitor, marker="after") == {"no_consent": 1}
    assert {state for p, state in states(house, visitor).items() if p in ALL} == {"invalidated"}
    new = house.core.registry.in_force(house.site.ref, house.now)
    assert (new.version, new.compiled["accepts"]) == ("v2", ["v2"]), "snippet and middleware ask again"
    assert house.markers() == {"before", "last"}, "rows that are there stay under their own version"
    assert house.choose(["statistics"], visitor=visitor) == visitor
    assert house.visit(visitor, marker="again") == {}
    assert verify(house.core).ok


def test_sa_a_version_that_asks_for_no_more_accepts_the_earlier_choice(house: House) -> None:
    visitor = house.arrive()
    perform(house.core, "policy.publish", {"text": policy("v2", date(2025, 6, 1))})
    house.now = at("2025-06-01T00:00")
    assert house.visit(visitor) == {}
    assert house.core.registry.in_force(house.site.ref, house.now).compiled["accepts"] == ["v1", "v2"]


def test_sa_versions_count_in_the_order_of_their_dates_not_of_their_publication(house: House) -> None:
    visitor = house.arrive()
    perform(house.core, "policy.publish", {"text": more("later", date(2025, 7, 1))})
    perform(house.core, "policy.publish", {"text": policy("sooner", date(2025, 6, 1))})
    house.now = at("2025-06-30T23:59:59.999")
    assert house.visit(visitor) == {}
    house.now = at("2025-07-01T00:00")
    assert house.visit(visitor) == {"no_consent": 1}


def test_sa_a_version_that_would_never_come_into_force_is_not_published(house: House) -> None:
    perform(house.core, "policy.publish", {"text": more("v2", date(2025, 3, 1))})
    before = house.core.storage.ledger.head()
    with pytest.raises(NotAllowed, match=r"2025-02-28 is before 2025-03-01.*'v2'.*`effective` to 2025-03-01 or later"):
        perform(house.core, "policy.publish", {"text": policy("v3", date(2025, 2, 28))})
    assert house.core.storage.ledger.head() == before
    assert not perform(house.core, "policy.publish", {"text": policy("v1")})["published"], "said again, it is no error"
    perform(house.core, "policy.publish", {"text": policy("v3", date(2025, 3, 1))})
    assert house.core.registry.in_force(house.site.ref, house.now).version == "v3"


def test_sa_nor_from_the_command_line(tmp_path: Path) -> None:
    one = Installation(tmp_path / "d")
    try:
        (tmp_path / "past.toml").write_text(policy("past"), encoding="utf-8")
        refused = one.run("policy", "publish", str(tmp_path / "past.toml"), code=2)
        assert "never come into force" in refused.stderr
        assert "Set `effective` to" in refused.stderr
        assert "past" not in one.run("sites", "list", "--json").stdout
    finally:
        one.close()


def test_sa_a_version_dated_before_one_that_has_yet_to_begin_is_published(new_house: Callable[..., House]) -> None:
    house = new_house()
    house.add_site(policy("v1", date(2025, 6, 1)))
    perform(house.core, "policy.publish", {"text": policy("v2", date(2025, 3, 1))})
    assert house.core.registry.in_force(house.site.ref, house.now).version == "v2"


@pytest.mark.parametrize("zone", ["UTC", "Asia/Tokyo", "Pacific/Kiritimati"])
def test_an_installation_has_one_zone(new_house: Callable[..., House], zone: str) -> None:
    """Also a zone whose days begin at the same instant today: nobody promises that they always will."""
    house = new_house()
    site = house.add_site()
    for name, arguments in {
        "sites.add": {"name": "elsewhere", "origins": [], "text": more("v2", date(2025, 6, 1), zone)},
        "policy.publish": {"text": more("v2", date(2025, 6, 1), zone)},
    }.items():
        with pytest.raises(NotAllowed, match=rf"notice\.timezone.*{zone}.*Asia/Seoul.*dongui init"):
            perform(house.core, name, arguments)
    assert [one.id for one in house.core.registry.sites()] == [site.id], "nothing is left of a site that was refused"
    assert [notice.version for notice in house.core.registry.notices(site.ref)] == ["v1"]


ZONES = st.sampled_from(["Asia/Seoul", "America/New_York", "Pacific/Kiritimati", "America/Sao_Paulo", "UTC"])
DATES = st.dates(date(2017, 10, 10), date(2017, 10, 20)) | st.dates(date(2024, 2, 26), date(2024, 3, 3))


@given(DATES, ZONES, DATES, ZONES, DATES)
@example(date(2024, 3, 1), "Asia/Seoul", date(2024, 3, 1), "America/New_York", date(2024, 3, 3))
# A day without midnight:
@example(date(2017, 10, 15), "America/Sao_Paulo", date(2017, 10, 15), "UTC", date(2017, 10, 20))
def test_sa_the_remedy_is_the_first_date_that_works(
    old: date, old_zone: str, new: date, new_zone: str, today: date
) -> None:
    in_force, now = parse(more("v1", old, old_zone)), at(f"{today}T12:00")
    earliest = earliest_effective(parse(more("v2", new, new_zone)), in_force, now)
    began = start_of(old, ZoneInfo(old_zone))
    assert (earliest is not None) == (start_of(new, ZoneInfo(new_zone)) < began <= now)
    if earliest is not None:
        assert earliest > new
        assert earliest_effective(parse(more("v2", earliest, new_zone)), in_force, now) is None
        assert earliest_effective(parse(more("v2", earliest - timedelta(days=1), new_zone)), in_force, now) == earliest


# --- K16 -------------------------------------------------------------------------------------------------------------


def reconfirmed(silence: str, period: str = "P3M") -> str:
    old = 'opt_out_signals = ["gpc"]'
    text = policy().replace(old, f'{old}\nreconfirm = "{period}"\nsilence = "{silence}"', 1)
    return text.replace('choice_lifetime = "P180D"', 'choice_lifetime = "P400D"')


@pytest.fixture
def asking(new_house: Callable[..., House]) -> Callable[[str], House]:
    def make(silence: str) -> House:
        house = new_house()
        house.add_site(reconfirmed(silence))
        return house

    return make


@pytest.mark.parametrize("silence", ["keeps", "ends"])
def test_k16_what_silence_means_is_the_policys_choice(asking: Callable[[str], House], silence: str) -> None:
    house = asking(silence)
    visitor = house.arrive("statistics", "marketing")
    only = house.arrive("marketing")
    house.now = at("2025-06-10T23:59:59.999")  # three months from 10 March
    assert states(house, visitor)["marketing"] == "given"
    assert house.visit(only, marker="in time") == {}
    house.now += 1
    kept = silence == "keeps"
    assert states(house, visitor)["marketing"] == ("given" if kept else "expired")
    assert states(house, visitor)["statistics"] == "given", "another purpose is not asked about"
    assert house.visit(only, marker="late") == ({} if kept else {"no_consent": 1})
    assert house.choose(["marketing"], visitor=visitor) == visitor
    assert states(house, visitor)["marketing"] == "given"
    assert verify(house.core).ok


def test_k16_who_must_be_told_by_when(asking: Callable[[str], House]) -> None:
    house = asking("keeps")
    first, second = house.arrive("marketing", "analysis"), house.arrive("statistics")
    member = house.core.ledger.member_key(house.site.ref, "member-1")
    notice = house.core.registry.in_force(house.site.ref, house.now)
    assert house.core.ledger.identify(notice, house.core.ledger.key_of(first), member)
    house.now = at("2025-03-20T12:00")
    house.arrive("marketing")
    assert second
    house.now = at("2025-06-01T12:00")
    listed = perform(house.core, "policy.reconfirm", {"references": ["member-1", "member-2"], "days": 30, "by": "Kim"})
    assert listed == [{"member": "member-1", "purposes": ["marketing"], "by": "2025-06-10"}]
    entry = house.core.storage.ledger.last_of("audit")
    assert entry is not None
    assert entry.body is not None
    assert (entry.body["action"], entry.body["by"]) == ("consents.reconfirm", "Kim")
    assert "member-1" not in str(entry.body)
    assert perform(house.core, "policy.reconfirm", {"references": ["member-1"], "days": 8}) == []

    def lines(until: date) -> list[tuple[str, int, int]]:
        return [(c["by"], c["people"], c["members"]) for c in counts(house.core, house.site, until)]

    assert lines(date(2025, 6, 30)) == [("2025-06-10", 1, 1), ("2025-06-20", 1, 0)]
    perform(house.core, "policy.reconfirmed", {"until": "2025-06-15", "by": "Kim"})
    assert lines(date(2025, 6, 30)) == [("2025-06-20", 1, 0)], "told: not due before three months from now"
    assert lines(date(2025, 9, 30)) == [("2025-06-20", 1, 0), ("2025-09-01", 1, 1)]
    with pytest.raises(Unknown, match="statistics"):
        perform(house.core, "policy.reconfirmed", {"until": "2025-06-15", "purposes": ["statistics"]})
    assert verify(house.core).ok


@given(
    st.dates(date(2020, 1, 1), date(2030, 1, 1)),
    st.lists(st.tuples(st.integers(0, 2000), st.integers(0, 800)), max_size=6),
)
def test_k16_being_told_never_makes_it_due_sooner(given_on: date, told: list[tuple[int, int]]) -> None:
    period = Period(years=2)
    notes = [
        Reconfirmation(given_on + timedelta(days=on), given_on + timedelta(days=until)) for on, until in sorted(told)
    ]
    dues = [reminded_by(given_on, notes[:n], period) for n in range(len(notes) + 1)]
    assert dues == sorted(dues)
    assert dues[0] == reminded_by(given_on, [], period)


def test_k16_on_the_command_line(tmp_path: Path) -> None:
    (tmp_path / "policy.toml").write_text(reconfirmed("keeps"), encoding="utf-8")
    one = Installation(tmp_path / "d", testing=True, policy=tmp_path / "policy.toml")
    try:
        (tmp_path / "members").write_text("member-1\n\n", encoding="utf-8")
        assert one.run("policy", "reconfirm", "--json").stdout.strip() == "[]"
        out = tmp_path / "due.tsv"
        one.run("policy", "reconfirm", "--members", str(tmp_path / "members"), "-o", str(out))
        assert out.read_text(encoding="utf-8") == ""
        assert out.stat().st_mode & 0o077 == 0
        assert "marketing" in one.run("policy", "reconfirm", "--told", "2030-01-01").stdout
    finally:
        one.close()
