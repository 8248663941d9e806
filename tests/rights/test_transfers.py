"""Business transfers (S4.2a, K6): blocked until everybody could say no; who did is not in it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import pytest
from dongui.rules.periods import Period, last_day
from dongui_collector.core.errors import CollectorError, NotAllowed
from dongui_collector.core.operations import perform, plain
from dongui_collector.rights.disclosures import Handover, listed, load
from dongui_collector.rights.transfers import MEANS, handed_over, missing
from dongui_collector.storage.contract.disclosures import Disclosure, TransferNotice
from hypothesis import given
from hypothesis import strategies as st

from tests.retention.house import House, at
from tests.rights.members import join
from tests.rights.test_disclosures import call, told

PLAN = {
    "recipient": "Example Successor",
    "address": "1 Example Street",
    "contact": "+82 2 000 0000",
    "fact": "sale of the service",
    "opt_out": "write to privacy@example.com",
    "until": "2025-04-10",
}


def ask(house: House, operation: str, **said: Any) -> dict[str, Any]:
    made: dict[str, Any] = perform(house.core, operation, said)
    return made


def planned(house: House, **said: Any) -> int:
    return int(ask(house, "transfers.plan", **{**PLAN, **said})["id"])


def noticed(house: House, **said: Any) -> int:
    id = planned(house, **said)
    ask(house, "transfers.notice", id=id, means="email", proof="dispatch 17")
    return id


def carried_out(house: House, id: int) -> list[dict[str, Any]]:
    """What ``dongui transfer export`` does."""
    ask(house, "transfers.begin", id=id)
    with Handover(call(house), id) as handing:
        return list(handing.counted(handed_over(house.core, load(house.core, id), handing.before)))


def names(rows: list[dict[str, Any]]) -> set[str]:
    return {row["url"].rsplit("/", 1)[-1].split("?")[0] for row in rows if row["kind"] == "event"}


# --- blocked ---------------------------------------------------------------------------------------------------------


def test_s4_2a_nothing_goes_before_a_notice_is_logged_and_opting_out_is_over(house: House) -> None:
    house.visit(house.arrive())
    id = planned(house)
    with pytest.raises(NotAllowed, match=r"no notice is logged.*opt out until 2025-04-10"):
        ask(house, "transfers.begin", id=id)
    house.now = at("2025-04-11T00:00")
    with pytest.raises(NotAllowed, match="no notice is logged"):
        ask(house, "transfers.begin", id=id)
    assert [e["state"] for e in plain(listed(house.core))] == ["planned"]
    house.now = at("2025-04-09T12:00")
    ask(house, "transfers.notice", id=id, means="letter", proof="dispatch 17")
    house.now = at("2025-04-10T23:59")
    with pytest.raises(NotAllowed, match="opt out until 2025-04-10; from 2025-04-11 on"):
        ask(house, "transfers.begin", id=id)
    house.now = at("2025-04-11T00:00")
    assert len(carried_out(house, id)) == 1


@given(
    st.dates(date(2025, 1, 1), date(2025, 6, 30)),
    st.lists(st.tuples(st.sampled_from(MEANS), st.dates(date(2025, 1, 1), date(2025, 6, 30))), max_size=3),
    st.dates(date(2025, 1, 1), date(2025, 8, 30)),
)
def test_s4_2a_k6_what_must_have_happened_first(until: date, notices: list[tuple[str, date]], today: date) -> None:
    entry = Disclosure(
        id=1,
        state="planned",
        way="transfer",
        recipient="Successor",
        party="successor",
        country=None,
        purposes=[],
        items=[],
        by="officer",
        site_ref=1,
        until=str(until),
        notices=[TransferNotice(m, str(on), "proof", "officer") for m, on in notices],
    )
    timely = [(means, on) for means, on in notices if on < until]
    posted = min((on for _, on in notices), default=until)
    reached = any(means != "website" for means, _ in notices) or last_day(posted, Period(days=30)) <= until
    assert (missing(entry, today) == []) == (bool(timely) and reached and today > until)


def test_a_plan_or_a_notice_that_is_not_whole_is_refused(house: House) -> None:
    for wrong in ({"address": " "}, {"contact": ""}, {"opt_out": ""}, {"until": "2025-03-10"}, {"purposes": ["x"]}):
        with pytest.raises(CollectorError):
            planned(house, **wrong)
    id = planned(house)
    for wrong in ({"means": "pigeon", "proof": "x"}, {"means": "email", "proof": ""}):
        with pytest.raises(CollectorError):
            ask(house, "transfers.notice", id=id, **wrong)
    with pytest.raises(CollectorError, match="not before"):
        ask(house, "transfers.notice", id=id, means="email", proof="x", on="2025-03-11")


def test_a_cancelled_one_stays_cancelled_and_nobody_is_told_of_it(house: House) -> None:
    visitor = house.arrive()
    house.visit(visitor)
    id = noticed(house)
    ask(house, "transfers.cancel", id=id)
    house.now = at("2025-04-11T12:00")
    with pytest.raises(NotAllowed, match="is cancelled"):
        ask(house, "transfers.begin", id=id)
    assert told(house, visitor) == []


# --- who is left out -------------------------------------------------------------------------------------------------


def test_s4_2a_who_opted_out_withdrew_or_is_suspended_is_left_out(house: House) -> None:
    stays = {name: house.arrive("statistics", "personalisation") for name in ("stays", "early")}
    goes = {name: house.arrive("statistics", "personalisation") for name in ("opted", "withdrew", "silent")}
    for name, visitor in {**stays, **goes}.items():
        house.visit(visitor, marker=name)
    house.choose(refused=["personalisation"], visitor=stays["early"])  # before the plan: no answer to it
    house.now += 1000
    id = noticed(house)
    ask(house, "transfers.opt_out", id=id, visitors=[goes["opted"]])
    house.choose(refused=["personalisation"], visitor=goes["withdrew"])
    house.core.ledger.suspend(house.core.ledger.key_of(goes["silent"]), True)
    house.now = at("2025-04-11T12:00")
    assert names(carried_out(house, id)) == {"stays", "early"}
    assert [len(told(house, v)) for v in (*stays.values(), *goes.values())] == [1, 1, 0, 0, 0]
    (entry,) = plain(listed(house.core))
    assert (entry["state"], entry["rows"], entry["people"], entry["opted_out"]) == ("done", 2, 2, 1)


def test_a_member_who_says_no_does_so_with_every_browser_and_record(new_house: Callable[..., House]) -> None:
    house = new_house()
    site = house.add_site()
    members = {name: house.arrive("analysis", "statistics") for name in ("stays", "out", "withdrew")}
    notice = house.core.registry.in_force(site.ref, house.now)
    for name, visitor in members.items():
        key = house.core.ledger.member_key(site.ref, name)
        assert house.core.ledger.identify(notice, house.core.ledger.key_of(visitor), key)
        house.visit(visitor, marker=name)
        house.core.retention.records.add(site, "abuse", name, house.now, "service_use", {"what": name})
    id = noticed(house)
    ask(house, "transfers.opt_out", id=id, members=["out"])
    house.choose(refused=["statistics"], visitor=members["withdrew"])
    house.now = at("2025-04-11T12:00")
    rows = carried_out(house, id)
    assert names(rows) == {"stays"}
    records = [row for row in rows if row["kind"] == "record"]
    assert [(r["class"], r["subject"], r["data"]) for r in records] == [("abuse", "stays", {"what": "stays"})]


def test_what_ended_meanwhile_is_not_in_it(house: House) -> None:
    gone, old = house.arrive(), house.arrive()
    house.visit(old, "2025-03-10T01:00", marker="old")
    house.visit(gone, marker="gone")
    id = noticed(house, until="2026-03-10")
    house.erase(gone)
    house.now = at("2026-03-11T00:00")
    assert names(carried_out(house, id)) == set()
    assert date(2026, 3, 11) - timedelta(days=366) == date(2025, 3, 10)


@pytest.mark.parametrize("how", ["withdraws everything", "is erased"])
def test_s4_2a_a_member_whose_browser_says_no_is_left_out_whole(house: House, how: str) -> None:
    """The last withdrawal unjoins the browser: what it said still counts for the member's records."""
    stays, goes = house.arrive("analysis"), house.arrive("analysis")
    for visitor, member in ((stays, "m-1"), (goes, "m-2")):
        join(house, visitor, member)
        house.core.retention.records.add(house.site, "payment", member, house.now, "settlement", {"whose": member})
    id = noticed(house)
    house.choose((), ("analysis",), stays) if how.startswith("withdraws") else house.erase(stays)
    house.now = at("2025-04-11T00:00")
    records = [row["data"]["whose"] for row in carried_out(house, id) if row["kind"] == "record"]
    assert records == ["m-2"]
