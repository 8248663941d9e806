"""A draft of a policy that takes hours to read keeps neither the desk nor a later draft waiting."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from dongui.errors import PolicyError
from dongui.policy import parse
from dongui_collector.desk import draft_parser
from dongui_collector.desk.draft_parser import DraftParser

from tests.desk.desk_world import World, csrf

POLICY = Path("examples/somoon/policy.toml").read_text("utf-8")
LONG_KEYS = {
    "bare": "a." * 60_000 + "a = 1",
    "spaced": "a . " * 40_000 + "a = 1",
    "table": "[" + "a." * 60_000 + "a]",
    "array-of-tables": "[[" + "a." * 60_000 + "a]]",
    "indented": "   " + "a." * 60_000 + "a = 1",
    "in-a-policy": POLICY + "\n" + "a." * 60_000 + "a = 1",
}


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with World(World.template(tmp_path / "d")) as world:
        yield world


@pytest.mark.parametrize("draft", LONG_KEYS.values(), ids=LONG_KEYS.keys())
def test_a_key_of_60000_parts_is_refused_before_it_is_read(draft: str) -> None:
    with pytest.raises(PolicyError, match="parts"):
        DraftParser(within=60).parse(draft)


def test_the_page_answers_such_a_draft(world: World) -> None:
    officer = world.signed_in()
    token = csrf(officer, "/console/holds")
    for path in ("/console/policy/check", "/console/policy/edit", "/console/preview"):
        fields = {"text": LONG_KEYS["bare"], "csrf_token": token}
        assert officer.post(path, data=fields).status_code == 200


@pytest.mark.parametrize(
    "quoted", ['"a".' * 40_000 + "a = 1", "x = {" + "a." * 90_000 + "a = 1}"], ids=["quoted", "inline"]
)
def test_what_slips_past_the_bound_is_ended_and_the_next_draft_is_read(quoted: str) -> None:
    parser = DraftParser(within=0.5)
    with pytest.raises(PolicyError, match="too long to read"):
        parser.parse(quoted)
    patient = DraftParser(within=60)
    assert patient.parse(POLICY) == parse(POLICY)
    parser._within = 60  # a child takes its time to start on a busy machine
    assert parser.parse(POLICY) == parse(POLICY)


@pytest.mark.parametrize("text", ["x", "x = " + "[" * 20_000, "x = " + "{a=" * 20_000, "\x00", ""])
def test_what_is_no_policy_is_named_as_ever(text: str) -> None:
    with pytest.raises(PolicyError) as ours:
        DraftParser(within=60).parse(text)
    with pytest.raises(PolicyError) as theirs:
        parse(text)
    assert len(ours.value.problems) == len(theirs.value.problems)


def test_prose_with_many_sentences_is_no_key() -> None:
    prose = POLICY.replace('service = "', 'service = "' + "One. " * 60, 1)
    assert prose != POLICY
    assert DraftParser(within=60).parse(prose) == parse(prose)


def test_the_bound_is_above_every_key_of_the_examples() -> None:
    deepest = max(draft_parser._key_of(line).count(".") for line in POLICY.splitlines())
    assert deepest * 10 < draft_parser.MOST_KEY_PARTS
