"""The choice cookie and effective purposes: strict, never raising, never widening (DESIGN 1 and 4, W1)."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from dongui.rules import Choice, decode_choice, effective_purposes, encode_choice, newest_choice
from hypothesis import given
from hypothesis import strategies as st

POLICY = json.loads((Path(__file__).parent.parent / "vectors" / "policy.json").read_text("utf-8"))

versions = st.from_regex(r"[A-Za-z0-9-]{1,20}", fullmatch=True)
purposes = st.lists(st.from_regex(r"[a-z][a-z0-9_]{0,15}", fullmatch=True), unique=True, max_size=8).map(tuple)
choices = st.builds(Choice, versions, purposes, st.integers(0, 36**10 - 1))
cookies = st.one_of(st.text(), st.from_regex(r"1~[A-Za-z0-9-]*~[a-z0-9_.]*~[0-9a-z]*", fullmatch=True))
known = st.lists(st.sampled_from([*POLICY["purposes"], "everything"]), unique=True).map(tuple)
policy_choices = st.builds(Choice, st.sampled_from(["v0", "v1", "v2"]), known, st.integers(0, 2_000_000_000))


@given(choices)
def test_a_choice_survives_its_cookie(choice: Choice) -> None:
    value = encode_choice(choice)
    assert decode_choice(value) == choice
    assert value.isascii()
    assert not set(value) & set(' ",;\\=\t')


@given(cookies)
def test_decoding_takes_any_text_and_one_spelling_a_choice(value: str) -> None:
    choice = decode_choice(value)
    if choice is not None:
        assert encode_choice(choice) == value


@given(st.text(alphabet="1~v.a0\n", max_size=12))
def test_near_misses_are_no_choice_or_spelt_the_one_way(value: str) -> None:
    choice = decode_choice(value)
    assert choice is None or encode_choice(choice) == value


@pytest.mark.parametrize(
    "choice",
    [
        Choice("", (), 0),
        Choice("v 1", (), 0),
        Choice("v1", ("A",), 0),
        Choice("v1", ("a", "a"), 0),
        Choice("v1", ("a.b",), 0),
        Choice("v1", (), -1),
        Choice("v1", (), 36**10),
        Choice("v1", tuple(f"purpose_{n}" for n in range(600)), 0),
    ],
    ids=["no version", "blank", "upper case", "twice", "dot", "negative time", "late time", "too long for a cookie"],
)
def test_what_cannot_be_read_back_is_not_written(choice: Choice) -> None:
    with pytest.raises(ValueError, match="choice"):
        encode_choice(choice)


@given(st.lists(st.one_of(cookies, choices.map(encode_choice), st.none())))
def test_newest_is_one_of_those_given_and_none_is_newer(values: list[str | None]) -> None:
    decoded = [choice for value in values if (choice := decode_choice(value))]
    newest = newest_choice(values)
    assert newest in decoded or (newest is None and not decoded)
    assert newest is None or all(choice.at <= newest.at for choice in decoded)


@given(policy_choices, st.integers(0, 2_100_000_000), st.booleans())
def test_effective_purposes_never_exceed_the_choice(choice: Choice, now: int, gpc: bool) -> None:
    effective = effective_purposes(choice, POLICY, now, gpc)
    assert effective <= set(choice.granted)
    assert all(POLICY["purposes"][purpose]["basis"] == "consent" for purpose in effective)
    if effective:
        assert choice.version in POLICY["accepts"]
        assert choice.at - 86_400 <= now < choice.at + POLICY["choice_seconds"]


@given(policy_choices, st.integers(0, 2_100_000_000))
def test_a_signal_only_takes_away(choice: Choice, now: int) -> None:
    without = effective_purposes(choice, POLICY, now, False)
    withdrawn = without - effective_purposes(choice, POLICY, now, True)
    assert effective_purposes(choice, POLICY, now, True) <= without
    assert all("gpc" in POLICY["purposes"][purpose]["signals"] for purpose in withdrawn)
