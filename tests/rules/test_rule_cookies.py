"""Cookie globs and verdicts: which cookies a choice covers (S6.2), against an oracle of regular expressions."""

from __future__ import annotations

import json
import re
from pathlib import Path

from dongui.rules import classify, cookie_verdict
from dongui.rules.cookies import NECESSARY, matches
from hypothesis import given
from hypothesis import strategies as st

POLICY = json.loads((Path(__file__).parent.parent / "vectors" / "policy.json").read_text("utf-8"))

names = st.text(alphabet="ab_.*", max_size=12)
real = st.sampled_from(
    ["_ga", "_ga_X", "_fbp", "_fbc", "session", "abc", "orphan", "sid", "sessionid", "dongui", "dongui_id"]
)
purposes = st.sets(st.sampled_from(list(POLICY["purposes"])))


@given(names, names)
def test_a_glob_means_what_its_regular_expression_means(pattern: str, name: str) -> None:
    expression = ".*".join(re.escape(part) for part in pattern.split("*"))
    assert matches(pattern, name) == bool(re.fullmatch(expression, name, re.DOTALL))


@given(st.text())
def test_any_name_is_classified(name: str) -> None:
    assert classify(name, POLICY) in {None, "dongui", NECESSARY, "nobody", *POLICY["purposes"]}


@given(real, purposes, purposes, st.booleans())
def test_a_narrower_choice_never_passes_more(name: str, some: set[str], more: set[str], strict: bool) -> None:
    narrow = cookie_verdict(name, some, POLICY, strict)
    wide = cookie_verdict(name, some | more, POLICY, strict)
    assert narrow == wide or (narrow, wide) == ("drop", "pass")


@given(st.one_of(st.text(), real), purposes)
def test_strict_drops_what_is_undeclared_and_nothing_else(name: str, granted: set[str]) -> None:
    usual, strict = cookie_verdict(name, granted, POLICY), cookie_verdict(name, granted, POLICY, strict=True)
    assert strict == ("drop" if usual == "undeclared" else usual)


def test_a_glob_of_many_stars_is_no_trap() -> None:
    """Regular expressions would backtrack here for years."""
    assert not matches("*a" * 60 + "b", "a" * 4000)
