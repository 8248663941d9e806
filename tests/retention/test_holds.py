"""S3.2: a legal hold suspends the destruction of precisely what it covers; its release ends what fell due meanwhile."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from itertools import count
from typing import Any

import msgspec
import pytest
from dongui_collector.core.errors import CollectorError, NotAllowed
from dongui_collector.core.operations import perform
from dongui_collector.evidence.verify.verify import verify
from dongui_collector.rights.access_package import events
from dongui_collector.rights.items import Items
from dongui_collector.rights.subjects import Subject
from dongui_collector.storage.contract.values import Hold
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.retention.house import ALL, House, at

OVER = "2026-03-11T00:00"


def place(house: House, **more: Any) -> int:
    made = perform(house.core, "holds.add", {"ground": "claim", "reason": "invoice 7", "by": "officer"} | more)
    return int(made["id"])


def now_held(house: House, id: int) -> dict[str, Any]:
    (hold,) = [h for h in house.core.storage.admin.holds() if h.id == id]
    found: dict[str, Any] = msgspec.structs.asdict(
        house.core.retention.holds.holds_now(hold, house.core.retention.today())
    )
    return found


# --- grounds ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("ground", ["investigation", "claim"])
def test_s3_2a_s3_2b_a_hold_stands_until_it_is_released(house: House, ground: str) -> None:
    house.visit(house.arrive())
    id = place(house, ground=ground)
    assert house.run("2036-01-01T00:00").destroyed == 0 or len(house.rows()) == 1
    assert len(house.rows()) == 1
    assert perform(house.core, "holds.release", {"id": id, "by": "officer"})["destroyed"] >= 1
    assert house.rows() == []
    assert verify(house.core).ok


def test_s3_2c_an_exceptional_provision_stands_until_its_own_period_ends(house: House) -> None:
    house.visit(house.arrive())
    with pytest.raises(NotAllowed, match="statute"):
        place(house, ground="provision")
    with pytest.raises(NotAllowed, match="--until"):
        place(house, ground="provision", statute="Act, Article 1")
    place(house, ground="provision", statute="Act, Article 1", until="2026-06-30")
    house.run("2026-06-30T23:59")
    assert len(house.rows()) == 1
    house.run("2026-07-01T00:00")
    assert house.rows() == []


@pytest.mark.parametrize(
    "bad",
    [
        {"ground": ""},
        {"ground": "because"},
        {"reason": "  "},
        {"until": "tomorrow"},
        {"first_day": "2025-03-10", "last_day": "2025-03-09"},
    ],
    ids=lambda v: next(iter(v)),
)
def test_a_hold_that_does_not_say_why_or_what_is_refused(house: House, bad: dict[str, str]) -> None:
    with pytest.raises(CollectorError):
        place(house, **bad)
    assert house.core.storage.admin.holds() == []


# --- whom and what ---------------------------------------------------------------------------------------------------


def join(house: House, visitor: str, member: str) -> bytes:
    key = house.core.ledger.member_key(house.site.ref, member)
    notice = house.core.registry.in_force(house.site.ref, house.now)
    assert house.core.ledger.identify(notice, house.core.ledger.key_of(visitor), key)
    return key


def test_s3_2_a_hold_on_a_member_holds_all_visitors_joined_to_it_later_ones_too(house: House) -> None:
    everything = (*ALL, "analysis")
    before, later, other = (house.arrive(*everything) for _ in range(3))
    join(house, before, "member-1")
    id = place(house, subject="member-1")
    join(house, later, "member-1")
    join(house, other, "member-2")
    for visitor, marker in ((before, "earlier"), (later, "later"), (other, "other")):
        house.visit(visitor, marker=marker)
    house.core.retention.records.add(house.site, "abuse", "member-1", house.now, "support", {})
    house.core.retention.records.add(house.site, "abuse", "member-2", house.now, "support", {})
    assert now_held(house, id) == {
        "rows": 2,
        "days": 1,
        "first_day": "2025-03-10",
        "last_day": "2025-03-10",
        "records": 1,
        "ended": 0,
        "consent_records": 2,
    }
    for visitor in (before, later, other):
        house.erase(visitor)
    house.run(OVER)
    assert house.markers() == {"earlier", "later"}
    assert now_held(house, id)["ended"] == 2
    perform(house.core, "holds.release", {"id": id, "by": "officer"})
    assert house.markers() == set()
    assert b"earlier?" not in house.bytes()
    assert verify(house.core).ok


def test_a_released_hold_remembers_nobody(house: House) -> None:
    visitor = house.arrive(*ALL, "analysis")
    member = join(house, visitor, "member-1")
    id = place(house, subject="member-1")
    assert member in house.bytes()
    house.erase(visitor)
    perform(house.core, "holds.release", {"id": id, "by": "officer"})
    assert member not in house.bytes()
    assert house.core.ledger.key_of(visitor) not in house.bytes()


def test_what_falls_due_under_a_hold_is_destroyed_at_its_release_without_a_standing_approval(house: House) -> None:
    house.visit(house.arrive())
    house.core.retention.standing.revoke("officer")
    id = place(house)
    house.run(OVER)
    assert perform(house.core, "holds.release", {"id": id, "by": "Kim"})["destroyed"] == 1
    (done,) = [d for d in house.core.storage.admin.destructions() if d.state == "done"]
    assert done.approved_by == f"release of hold {id} by Kim"
    assert house.rows() == []


def test_its_release_approves_nothing_that_waited_before(house: House) -> None:
    visitor = house.arrive()
    house.visit(visitor, marker="waits")
    house.now = at("2025-03-11T12:00")
    house.visit(visitor, marker="held")
    house.core.retention.standing.revoke("officer")
    id = place(house, first_day="2025-03-11")
    house.run("2026-03-12T00:00")
    perform(house.core, "holds.release", {"id": id, "by": "officer"})
    assert house.markers() == {"waits"}


def seen_by_the_person(house: House, visitor: str) -> list[str | None]:
    subject = Subject(house.site.ref, None, (house.core.ledger.key_of(visitor),))
    pages = events(house.core, subject, Items(house.core.registry, house.core.retention.periods))
    return [one.get("kept_for") for page in pages for one in page]


def test_k10_what_is_past_its_period_and_waits_is_told_to_its_owner_with_the_reason_and_to_nobody_else(
    house: House,
) -> None:
    held, waits = house.arrive(), house.arrive()
    for visitor in (held, waits):
        house.visit(visitor)
    id = place(house, subject=held)
    assert seen_by_the_person(house, held) == seen_by_the_person(house, waits) == [None]
    house.core.retention.standing.revoke("officer")
    house.run(OVER)
    assert seen_by_the_person(house, held) == ["legal_hold"]
    assert seen_by_the_person(house, waits) == ["approval"]
    masks, day = house.core.masks(), date(2025, 3, 10)
    assert [house.core.reader.readable(row, day, masks) for row in house.rows()] == [None, None]
    perform(house.core, "holds.release", {"id": id, "by": "officer"})
    perform(house.core, "destruction.approve", {"by": "officer"})
    assert seen_by_the_person(house, held) == seen_by_the_person(house, waits) == []


# --- precisely that: any holds, any endings --------------------------------------------------------------------------

DAYS = (date(2025, 3, 10), date(2025, 3, 11), date(2025, 3, 12))
_NUMBER = count()
HOLD = st.fixed_dictionaries(
    {
        "whom": st.sampled_from([None, 0, 1, 2]),
        "first": st.sampled_from([None, *DAYS]),
        "last": st.sampled_from([None, *DAYS]),
        "class": st.sampled_from([None, "access_log", "abuse"]),
    }
)
ENDINGS = st.lists(st.tuples(st.integers(0, 2), st.sampled_from(["erase", "withdraw", None])), max_size=3)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(holds=st.lists(HOLD, max_size=3), endings=ENDINGS, age=st.booleans())
def test_s3_2_nothing_else_is_suspended(
    new_house: Callable[..., House], holds: list[dict[str, Any]], endings: list[tuple[int, str | None]], age: bool
) -> None:
    """A row stays if and only if nothing has ended it or a hold covers it, whoever is erased or withdraws meanwhile."""
    house = new_house(f"house{next(_NUMBER)}")
    house.add_site()
    house.approve_routine()
    people = [house.arrive() for _ in range(3)]
    rows = {}
    for day in DAYS:
        house.now = at(f"{day}T12:00")
        for who, visitor in enumerate(people):
            rows[who, day] = f"p{who}d{day.day}x"
            house.visit(visitor, marker=rows[who, day])
    keys = [house.core.ledger.key_of(visitor) for visitor in people]
    for h in holds:
        whom = None if h["whom"] is None else keys[h["whom"]]
        fields = (h["class"], whom, h["first"], h["last"])
        house.core.retention.holds.add(Hold(0, 1, "r", None, *fields, house.now, ground="claim"))
    ended = set()
    for who, how in endings:
        if how and who not in ended:
            ended.add(who)
            _ = house.erase(people[who]) if how == "erase" else house.choose((), ALL, people[who])
    if age:
        house.run("2026-03-12T00:00")  # the first two days' year is over

    def covered(who: int, day: date) -> bool:
        return any(
            h["class"] != "abuse" and h["whom"] in (None, who) and (h["first"] or day) <= day <= (h["last"] or day)
            for h in holds
        )

    expected = {
        marker
        for (who, day), marker in rows.items()
        if covered(who, day) or not (who in ended or (age and day < DAYS[2]))
    }
    assert house.markers() == expected
    left = house.bytes()
    assert {m for m in rows.values() if m.encode() in left} == expected
    assert verify(house.core).ok
    house.close()


def test_a_certificate_counts_what_went_before_the_hold_let_the_rest_go_too(house: House) -> None:
    """S5.3: how many, over both rounds and over a restart between them."""
    visitor = house.arrive()
    for day in ("2025-03-08", "2025-03-09", "2025-03-09", "2025-03-10"):
        house.visit(visitor, f"{day}T10:00")
    days = {"first_day": "2025-03-10", "last_day": "2025-03-10"}
    hold = perform(house.core, "holds.add", {"ground": "claim", "reason": "a claim", **days})["id"]
    assert house.erase(visitor).destroyed == 3
    house.reopen()
    house.core.retention.endings.resume()
    assert len(house.rows()) == 1
    told = perform(house.core, "holds.release", {"id": hold, "by": "officer"})
    assert (told["rows_destroyed"], told["destroyed"]) == (1, 0), "what the release let go"
    last = house.core.storage.ledger.last_of("certificate")
    assert last is not None
    assert last.body is not None
    assert (last.body["rows_destroyed"], last.body["days"]) == (4, 3), "and all of it in the certificate"
    assert house.core.storage.admin.setting(f"ending.{last.body['of']}") is None
