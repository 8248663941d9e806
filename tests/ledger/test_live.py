"""The rule's pure half (DESIGN section 1): which purposes may record now, held against a second wording of it."""

from __future__ import annotations

from dataclasses import replace
from itertools import product
from types import SimpleNamespace
from typing import Any

import pytest
from dongui_collector.ledger.state import change, changed, is_known, live, live_until, newest, state_of, states
from dongui_collector.storage.contract.values import ConsentStatus, Visitor

# Purpose 0 asks for consent and heeds the signal, 1 asks and heeds none, 2 does not ask any more.
ASKED, HEEDS, GONE = 0, 0, 2
CURRENT: Any = SimpleNamespace(consent_mask=0b011, signal_mask=0b001, accepts=frozenset({7, 8}))
STALE = 3  # a notice version that the one in force does not accept
NOW = 1000


class Registry:
    """A consent lives for 100 ms; under notice 8 that of purpose 1 for 10."""

    def ends_at(self, notice_ref: int, at: int, bit: int) -> int:
        return at + (10 if (notice_ref, bit) == (8, 1) else 100)

    def expired(self, notice_ref: int, at: int, now: int, bit: int) -> bool:
        return now >= self.ends_at(notice_ref, at, bit)


REGISTRY: Any = Registry()


def standing(
    bit: int, state: Any = "given", *, seq: int = 5, notice: int = 7, at: int = 990, knowing: bool = False
) -> ConsentStatus:
    return ConsentStatus(bit, state, seq, notice, at, knowing)


def visitor(*standings: ConsentStatus, suspended: bool = False) -> Visitor:
    return Visitor(b"v" * 16, 1, suspended, {s.bit: s for s in standings})


@pytest.mark.parametrize("state", ["given", "refused", "withdrawn"])
@pytest.mark.parametrize("bit", [ASKED, 1, GONE])
def test_one_consent_records_exactly_where_the_rule_lets_it(bit: int, state: str) -> None:
    for notice, at, knowing, gpc, suspended in product(
        (7, 8, STALE), (900, 901, 990, 991, 1000), (False, True), (False, True), (False, True)
    ):
        one = standing(bit, state, notice=notice, at=at, knowing=knowing)
        age, lasts = NOW - at, 10 if (notice, bit) == (8, 1) else 100
        may = state == "given" and notice != STALE and age < lasts and bit != GONE and not suspended
        may = may and not (gpc and bit == HEEDS and not knowing)
        found = live(visitor(one, suspended=suspended), CURRENT, REGISTRY, NOW, gpc=gpc)
        assert found == ((1 << bit, 5) if may else (0, 0)), (notice, at, knowing, gpc, suspended)


def test_several_consents_record_together_under_the_newest_of_them_alone() -> None:
    some = visitor(standing(0, seq=9), standing(1, seq=4), standing(2, seq=12))
    assert live(some, CURRENT, REGISTRY, NOW) == (0b11, 9)
    assert live(some, CURRENT, REGISTRY, NOW, gpc=True) == (0b10, 4), "what records nothing gives no sequence"
    assert live(visitor(standing(0, seq=2), standing(1, seq=4)), CURRENT, REGISTRY, NOW) == (0b11, 4)
    assert live(visitor(standing(0, "refused", seq=9), standing(1, seq=4)), CURRENT, REGISTRY, NOW) == (0b10, 4)
    assert live(None, CURRENT, REGISTRY, NOW) == live(visitor(), CURRENT, REGISTRY, NOW) == (0, 0)


def test_the_state_of_one_consent() -> None:
    assert state_of(None, CURRENT, REGISTRY, NOW) == "unasked"
    for state in ("refused", "withdrawn"):
        assert state_of(standing(0, state, notice=STALE, at=0), CURRENT, REGISTRY, NOW) == state
    assert state_of(standing(0, notice=STALE, at=0), CURRENT, REGISTRY, NOW) == "invalidated"
    assert state_of(standing(0, at=900), CURRENT, REGISTRY, NOW) == "expired"
    assert state_of(standing(0, at=901), CURRENT, REGISTRY, NOW) == "given"
    assert state_of(standing(1, notice=8, at=990), CURRENT, REGISTRY, NOW) == "expired"


def test_until_when_what_is_live_stays_so() -> None:
    some = visitor(standing(0, at=950), standing(1, notice=8, at=995), standing(2, at=700))
    assert live_until(some, 0b011, REGISTRY) == 1005
    assert live_until(some, 0b001, REGISTRY) == 1050
    assert live_until(some, 0b100, REGISTRY) == 800
    assert live_until(some, 0, REGISTRY) == 0
    assert live_until(visitor(standing(0, at=700), standing(1, at=950)), 0b010, REGISTRY) == 1050


def test_who_is_known_and_what_the_next_record_follows() -> None:
    assert not is_known(None)
    assert not is_known(visitor())
    assert not is_known(visitor(standing(0, "refused"), standing(1, "withdrawn")))
    assert is_known(visitor(standing(0, "refused"), standing(1)))
    assert newest(visitor()) == 0
    assert newest(visitor(standing(0, "withdrawn", seq=8), standing(1, seq=3))) == 8


# --- what a choice changes -------------------------------------------------------------------------------------------

BITS = {"heeds": 0, "asks": 1, "gone": 2}
ASKING: Any = SimpleNamespace(
    **vars(CURRENT), ref=8, bits=BITS, items_by_bit={}, policy=SimpleNamespace(consent_purposes=("heeds", "asks"))
)


def decide(some: Visitor | None, granted: tuple[str, ...] = (), refused: tuple[str, ...] = ()) -> Any:
    found = change(some, ASKING, BITS, granted, refused)
    return found.given, found.refused, found.withdrawn, found.withdrawn_mask


def test_every_purpose_that_the_notice_asks_for_has_a_state() -> None:
    assert states(None, ASKING, REGISTRY, NOW) == {"heeds": "unasked", "asks": "unasked"}
    some = visitor(standing(0, "refused"), standing(2))
    assert states(some, ASKING, REGISTRY, NOW) == {"heeds": "refused", "asks": "unasked"}


def test_a_first_choice_withdraws_nothing() -> None:
    assert decide(None, ("asks",), ("heeds",)) == (("asks",), ("heeds",), (), 0)
    assert decide(None, (), ("heeds", "asks")) == ((), ("heeds", "asks"), (), 0)


def test_refusing_what_was_given_withdraws_it_and_what_was_withdrawn_ends_nothing_more() -> None:
    both = visitor(standing(0), standing(1))
    assert decide(both, (), ("heeds",)) == ((), (), ("heeds",), 0b01)
    assert decide(visitor(standing(0, "withdrawn"), standing(1)), (), ("heeds",)) == ((), (), ("heeds",), 0)
    assert decide(visitor(standing(0, "refused"), standing(1)), (), ("heeds",)) == ((), ("heeds",), (), 0)


def test_with_the_last_that_is_asked_for_those_end_that_nobody_asks_for_any_more() -> None:
    some = visitor(standing(0), standing(1, "refused"), standing(2))
    assert decide(some, (), ("heeds",)) == ((), (), ("heeds", "gone"), 0b101)
    assert decide(some, ("asks",), ("heeds",)) == (("asks",), (), ("heeds",), 0b001), "the id stays, and with it a way"
    assert decide(visitor(standing(0), standing(1), standing(2)), (), ("heeds",)) == ((), (), ("heeds",), 0b001)
    assert decide(visitor(standing(0), standing(2)), (), ("gone",)) == ((), (), ("gone",), 0b100)


def test_a_choice_stands_under_the_notice_that_was_shown_and_only_a_grant_is_given_knowingly() -> None:
    before = visitor(standing(0), standing(2, seq=3))
    decided = change(before, ASKING, BITS, ("asks",), ("heeds",))
    shown: Any = SimpleNamespace(ref=7)
    for notice, ref in ((None, 8), (shown, 7)):
        after = changed(before, decided, ASKING, BITS, seq=20, at=NOW, knowing=True, shown=notice)
        assert after.standings == {
            0: ConsentStatus(0, "withdrawn", 20, ref, NOW, False),
            1: ConsentStatus(1, "given", 20, ref, NOW, True),
            2: standing(2, seq=3),
        }
    assert not changed(before, decided, ASKING, BITS, seq=20, at=NOW, knowing=False).standings[1].knowing


def test_the_member_is_forgotten_once_nothing_given_lists_the_reference() -> None:
    listing: Any = SimpleNamespace(**vars(ASKING) | {"items_by_bit": {1: ("member_reference",), 0: ("cookie",)}})
    joined = replace(visitor(standing(0), standing(1)), member=b"m" * 16)
    for refused, member in (("heeds", b"m" * 16), ("asks", None)):
        decided = change(joined, listing, BITS, (), (refused,))
        after = changed(joined, decided, listing, BITS, seq=20, at=NOW, knowing=False)
        assert after.member == member
