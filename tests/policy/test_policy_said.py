"""What the check and the diff say can be said in every language of the console: no sentence without its words."""

from __future__ import annotations

import copy
import json
import pickle
import re
from dataclasses import asdict
from importlib import import_module

import pytest
from dongui.i18n import MESSAGES, Message, translated, words
from dongui.policy import PolicyError, check, diff, load, parse
from policies import FIRST, MENDED, edited, somoon
from test_policy_check import CASES, text_of

from tests.said import assembled, untold
from tests.test_locale import SPEAKING

KO = words("ko", MESSAGES)
WRONG = ('""', '"?"', "7", "1.5", "true", "2026-01-01", '["?"]', '["?", "?", 1]', '{ fr = "x" }', '"P0D"', "[[]]")


def test_no_sentence_is_put_together_from_pieces() -> None:
    assert [text for name in SPEAKING for text in assembled(import_module(name))] == []


@pytest.mark.parametrize(("rule", "edits"), [(case[0], case[3]) for case in CASES])
def test_every_rule_speaks_korean(rule: str, edits: list[tuple[str, str]]) -> None:
    found = check(text_of(rule, edits))
    assert [text for one in found for said in (one.message, one.remedy) for text in untold(KO, said)] == []


def test_whatever_is_wrong_with_a_key_is_said_in_korean() -> None:
    """Every key of the example once, left out and with values of the wrong kind."""
    lines = MENDED.read_text("utf-8").splitlines()
    places = {
        match[1]: n for n, line in enumerate(lines) if (match := re.match(r"([a-z_]+(?:\.ko)?) = .*[^\[]$", line))
    }
    met: set[str] = set()
    for n in places.values():
        key = lines[n].split(" = ")[0]
        for line in ("", *(f"{key} = {value}" for value in WRONG), f"{key}x = 1"):
            for one in check("\n".join([*lines[:n], line, *lines[n + 1 :]])):
                assert [*untold(KO, one.message), *untold(KO, one.remedy)] == []
                met.add(getattr(one.message, "sentence", one.message))
    assert len(met) > 20


@pytest.mark.parametrize("text", ["schema = ", "schema = 2", "schema = 1\n" + "a.b = 1\na = 2", "x = " + "[" * 5000])
def test_what_does_not_load_is_a_korean_sentence_round_the_parsers_own_words(text: str) -> None:
    for one in check(text):
        assert [*untold(KO, one.message), *untold(KO, one.remedy)] == []


@pytest.mark.parametrize(
    "edits",
    [
        [("P180D", "P200D"), ("Asia/Seoul", "Europe/Berlin")],
        [('"P1Y"', '"P2Y"'), ('basis = "contract"', 'basis = "legitimate_interest"')],
        [('["cookie", "service_usage"]', '["cookie", "visit_time"]'), ('["gpc"]', "[]")],
    ],
)
def test_every_change_is_said_in_korean(edits: list[tuple[str, str]]) -> None:
    old, new = somoon(), parse(edited(*edits))
    both = (*diff(old, new).changes, *diff(new, old).changes)
    assert both
    assert [text for change in both for text in untold(KO, change.text)] == []


def test_two_versions_of_the_example_differ_in_korean() -> None:
    both = (*diff(load(FIRST), somoon()).changes, *diff(somoon(), load(FIRST)).changes)
    assert len(both) > 10
    assert [text for change in both for text in untold(KO, change.text)] == []


# --- what is said ----------------------------------------------------------------------------------------------------


def test_what_is_said_stays_english_text() -> None:
    said = Message("{name!r} is {kind}", name="{x}", kind=Message("a text"))
    assert said == "'{x}' is a text"
    assert json.dumps(said) == json.dumps("'{x}' is a text")
    for again in (copy.deepcopy(said), pickle.loads(pickle.dumps(said))):
        assert (again, again.sentence, again.facts) == (said, said.sentence, said.facts)


def test_facts_are_put_into_the_other_language_as_they_are() -> None:
    table = {"{name} is {kind}": "{kind}: {name}", "a text": "문자열"}
    assert translated(table, Message("{name} is {kind}", name="a text", kind=Message("a text"))) == "문자열: a text"
    assert translated(table, Message("{name} is {kind}", name="{0}", kind=Message("a list"))) == "a list: {0}"
    assert translated(table, "a text") == "문자열"
    assert translated(table, "something else") is None
    assert translated(table, Message("{n} more", n=1)) is None


def test_a_finding_is_plain_text_to_json() -> None:
    with pytest.raises(PolicyError) as caught:
        parse("schema = 1")
    problems = [asdict(problem) for problem in caught.value.problems]
    assert json.loads(json.dumps(problems)) == problems
