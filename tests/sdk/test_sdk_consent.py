"""What the application sees."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from dongui.rules import read_choice, visitor_ids
from dongui.rules.compiled_policy import UNKNOWN, CompiledPolicy
from dongui.web.consent import Consent, cookie_pairs, has_gpc
from dongui.web.own_cookies import CookieNaming
from hypothesis import given
from hypothesis import strategies as st

from tests.clock import now_s
from tests.sdk.calls import choice
from tests.sdk.sdk_stub import POLICY

pytestmark = pytest.mark.hours

TERMS = CompiledPolicy(POLICY)
VISITOR = "AbCdEfGhIjKlMnOpQrStU_"


def test_what_was_granted_is_granted_and_lists_its_items() -> None:
    consent = Consent(TERMS, f"a=1; {choice('statistics')}; dongui_id={VISITOR}")
    assert consent.granted("statistics")
    assert not consent.granted("marketing")
    assert consent.allowed("ip_address")
    assert not consent.allowed("advertising_id")
    assert consent.visitor == VISITOR
    assert consent.decided
    assert consent.purposes == {"statistics"}


def test_purposes_on_another_basis_need_no_grant_and_unknown_ones_never_act() -> None:
    consent = Consent(TERMS)
    assert consent.granted("service")
    assert not consent.granted("surveillance")
    assert not consent.allowed("cookie")
    assert not consent.decided


def test_a_refusal_is_a_decision_without_a_visitor() -> None:
    consent = Consent(TERMS, f"{choice()}; dongui_id={VISITOR}")
    assert consent.decided
    assert consent.visitor is None


@pytest.mark.parametrize(
    ("cookie", "gpc", "granted"),
    [
        pytest.param(choice("statistics", version="v0"), "", [], id="superseded notice"),
        pytest.param(choice("statistics", at=now_s() - 15552001), "", [], id="expired"),
        pytest.param(choice("statistics", at=now_s() + 200_000), "", [], id="from the future"),
        pytest.param("dongui=everything", "", [], id="malformed"),
        pytest.param("xdongui=" + choice("statistics")[7:], "", [], id="another cookie"),
        pytest.param(choice("marketing", "statistics"), "1", ["statistics"], id="gpc"),
        pytest.param(choice("marketing"), "0, 1", [], id="gpc among duplicates"),
        pytest.param(choice("marketing"), "true", ["marketing"], id="gpc is exactly 1"),
        pytest.param(choice("marketing", at=1000) + "; " + choice(), "", [], id="the newest of two counts"),
        pytest.param(choice("service"), "", [], id="a purpose that cannot be granted"),
    ],
)
def test_a_choice_is_judged(cookie: str, gpc: str, granted: list[str]) -> None:
    assert sorted(Consent(TERMS, cookie, gpc).purposes) == granted


def test_before_any_policy_nothing_is_granted() -> None:
    consent = Consent(UNKNOWN, f"{choice('statistics')}; dongui_id={VISITOR}")
    assert not consent.granted("statistics")
    assert not consent.granted("service")
    assert consent.visitor is None
    assert not consent.decided


def test_only_reading_counts_as_having_read() -> None:
    consent = Consent(TERMS, choice("statistics"), "1")
    assert "statistics" in repr(consent)
    consent.effective()
    assert not consent.was_read
    reads: list[Callable[[Consent], object]] = [
        lambda c: c.granted("x"),
        lambda c: c.allowed("x"),
        lambda c: c.visitor,
        lambda c: c.signals,
        lambda c: c.decided,
    ]
    for read in reads:
        fresh = Consent(TERMS, "", "")
        read(fresh)
        assert fresh.was_read
    assert consent.signals == {"gpc"}


@given(st.text(max_size=80), st.text(max_size=8))
def test_no_header_breaks_it(cookie: str, gpc: str) -> None:
    consent = Consent(TERMS, cookie, gpc)
    consent.granted("statistics")
    assert consent.visitor is None or visitor_ids(cookie_pairs(cookie), False, False).use == consent.visitor
    has_gpc(gpc)


def test_values_of_a_cookie() -> None:
    assert cookie_pairs("a=1; b=2=3;a=3 ; =5; a") == [("a", "1"), ("b", "2=3"), ("a", "3"), ("", "5"), ("a", "")]


@pytest.mark.parametrize(
    "policy",
    [
        {},
        {**POLICY, "version": 1},
        {**POLICY, "accepts": "v1"},
        {**POLICY, "choice_seconds": "1"},
        {**POLICY, "purposes": []},
        {**POLICY, "purposes": {"x": {"basis": "consent"}}},
        {**POLICY, "cookies": [{"name": "x"}]},
        [],
        None,
        "policy",
    ],
    ids=lambda value: str(value)[:20],
)
def test_what_is_no_policy_is_refused_at_once(policy: Any) -> None:
    with pytest.raises(ValueError, match="not a compiled policy"):
        CompiledPolicy(policy)


def test_caches_do_not_grow_with_what_visitors_invent() -> None:
    terms = CompiledPolicy(POLICY)
    for number in range(5000):
        assert terms.purpose_of(f"_ga_{number}") == "statistics"
    assert len(terms._cookie_purposes) <= 1024


OWN_HEADERS = st.lists(
    st.sampled_from(
        ["dongui", "__Host-dongui", "__Secure-dongui", "dongui_id", "__Host-dongui_id", "x", " dongui", "dongui "]
    )
    | st.text(alphabet="dongui_-=\x85\xa0 \t", max_size=14),
    max_size=4,
).map(lambda names: ";".join(f"{name}=1~v1~statistics~{'t68n40'}" for name in names))


@given(OWN_HEADERS | st.text(max_size=60), st.booleans(), st.booleans())
def test_the_quick_look_at_our_cookies_is_the_rule(cookie: str, https: bool, shared: bool) -> None:
    naming = CookieNaming(https, "example.com" if shared else "")
    consent = Consent(TERMS, cookie, naming=lambda: naming, shared=shared)
    pairs = cookie_pairs(cookie)
    assert consent.claimed_choice() == read_choice(pairs, https, shared)
    assert consent.ids() == visitor_ids(pairs, https, shared)
