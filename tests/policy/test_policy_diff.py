# ruff: noqa: E501 (the tables hold one case a line)
"""What asks for consent again and what does not (K1, S4.0), per purpose."""

from __future__ import annotations

import pytest
from dongui.policy import Period, diff
from dongui.policy.diff import longer
from dongui.rules import last_day
from hypothesis import given
from hypothesis import strategies as st
from policies import somoon, variant

NEW = """[purposes.survey]
label = "s"
description = "s"
basis = "consent"
items = ["cookie"]
record = "access_log"
refusal = "r"

[purposes.security]"""

ASKS = [
    ("a new purpose", [("[purposes.security]", NEW)], ["survey"]),
    ("a new item", [('["cookie", "service_usage"]', '["cookie", "service_usage", "ip_address"]')], ["personalisation"]),
    ("a longer period", [('label.en = "Visit records (logins and access)"\nkeep = "P1Y"', 'label.en = "V"\nkeep = "P2Y"')], ["statistics", "personalisation", "marketing", "analysis"]),
    ("a class that keeps longer", [('record = "access_log"', 'record = "abuse"')], ["statistics"]),
    ("a new recipient", [("[[holds]]", '[[recipients]]\nname = "X"\ntask = "t"\nitems = ["cookie"]\npurposes = ["analysis"]\n[[holds]]')], ["analysis"]),
    ("a recipient's new item", [('items = ["cookie", "visit_time", "advertising_id"]\npurposes', 'items = ["cookie", "visit_time", "advertising_id", "ip_address"]\npurposes')], ["marketing"]),
    ("a recipient's new purpose", [('purposes = ["marketing"]', 'purposes = ["marketing", "statistics"]')], ["statistics"]),
    ("a recipient's country", [('country = "US"', 'country = "CN"')], ["statistics"]),
    ("consent instead of another basis", [('basis = "contract"\nitems = ["nickname", "password"', 'basis = "consent"\nrefusal = "r"\nitems = ["cookie", "nickname", "password"')], ["member"]),
    ("another controller", [('name = "(주)시소"', 'name = "Buyer Inc."')], ["statistics", "personalisation", "marketing", "analysis"]),
    ("a choice that stands longer", [('"P180D"', '"P360D"')], ["statistics", "personalisation", "marketing", "analysis"]),
    ("a signal no longer heeded", [('opt_out_signals = ["gpc"]\n', "")], ["marketing"]),
    ("joining earlier behaviour", [('"member_reference"]\nrecord = "access_log"', '"member_reference"]\njoins_earlier = true\nrecord = "access_log"')], ["analysis"]),
]  # fmt: skip

DOES_NOT_ASK = [
    ("version and date", [('version = "2023-04-28"', 'version = "v2"'), ("effective = 2023-04-28", "effective = 2024-01-01")]),
    ("a shorter period", [('label.en = "Visit records (logins and access)"\nkeep = "P1Y"', 'label.en = "V"\nkeep = "P6M"')]),
    ("fewer items", [('["cookie", "service_usage"]', '["cookie"]')]),
    ("other words", [('label.en = "Statistics"', 'label.en = "Counting"')]),
    ("an item of a purpose without consent", [('"email", "inquiry"]', '"email", "inquiry", "transaction"]')]),
    ("another officer", [('title.en = "Privacy officer (director)"', 'title.en = "Chief privacy officer"')]),
    ("a cookie", [('name = "_fbc"', 'name = "_fbx"')]),
    ("a signal heeded in addition", [('urls = []\n\n[purposes.marketing]', 'urls = []\nopt_out_signals = ["gpc"]\n\n[purposes.marketing]')]),
]  # fmt: skip


@pytest.mark.parametrize(("edits", "purposes"), [case[1:] for case in ASKS], ids=[case[0] for case in ASKS])
def test_asks_again(edits: list[tuple[str, str]], purposes: list[str]) -> None:
    """K1, S4.0: a new purpose, item, recipient or a longer period needs a new consent."""
    found = diff(somoon(), variant(*edits))
    assert found.needs_consent
    assert list(found.purposes) == purposes
    assert (
        not diff(variant(*edits), somoon()).needs_consent
        or "country" in str(edits)
        or "CN" in str(edits)
        or "Buyer" in str(edits)
    )


BOTH_WAYS = {"a recipient's country", "another controller"}
WIDER = [case for case in ASKS if case[0] not in BOTH_WAYS]


@pytest.mark.parametrize("edits", [case[1] for case in WIDER], ids=[case[0] for case in WIDER])
def test_the_way_back_does_not_ask(edits: list[tuple[str, str]]) -> None:
    found = diff(variant(*edits), somoon())
    assert found.changes
    assert not found.needs_consent


@pytest.mark.parametrize("edits", [case[1] for case in DOES_NOT_ASK], ids=[case[0] for case in DOES_NOT_ASK])
def test_does_not_ask_again(edits: list[tuple[str, str]]) -> None:
    found = diff(somoon(), variant(*edits))
    assert found.changes
    assert not found.needs_consent
    assert found.purposes == ()


def test_one_processor_less_does_not_ask() -> None:
    more = variant(
        ("[[holds]]", '[[processors]]\nname = "X"\ntask = "t"\nitems = ["cookie"]\npurposes = ["analysis"]\n[[holds]]')
    )
    found = diff(more, somoon())
    assert [(change.key, change.kind) for change in found.changes] == [("processors.X", "removed")]
    assert not found.needs_consent


def test_nothing_changed() -> None:
    assert diff(somoon(), somoon()).changes == ()


periods = st.builds(Period, st.integers(0, 6), st.integers(0, 14), st.integers(0, 5), st.integers(1, 400))


@given(periods, periods, st.dates())
def test_a_period_that_is_not_longer_never_ends_later(new: Period, old: Period, day: object) -> None:
    if not longer(new, old):
        assert last_day(day, new) <= last_day(day, old)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("new", "old", "expected"),
    [
        ("P1Y", "P12M", False),
        ("P365D", "P1Y", False),
        ("P366D", "P1Y", True),
        ("P2W", "P14D", False),
        ("P13M", "P1Y", True),
    ],
)
def test_periods_that_are_written_differently(new: str, old: str, expected: bool) -> None:
    assert longer(Period.parse(new), Period.parse(old)) is expected
