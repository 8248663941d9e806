"""``docs/policy.md`` lists every key of the schema, every word of its closed lists, and no key that is none."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import fields
from pathlib import Path
from typing import get_args

import pytest
from dongui.policy import model
from dongui.policy.builtin import ITEMS

PAGE = (Path(__file__).parent.parent.parent / "docs" / "policy.md").read_text("utf-8")

PARTS = {
    "## `[notice]`": [model.Notice],
    "## `[controller]` and `[officer]`": [model.Controller, model.Officer],
    "## `[items.ID]`": [model.Item],
    "## `[purposes.ID]`": [model.Purpose],
    "## `[channels.ID]`": [model.Channel],
    "## `[[cookies]]`": [model.CookieRule],
    "## `[records.ID]`": [model.RecordClass],
    "## `[[processors]]` and `[[recipients]]`": [model.Party],
}


def part(heading: str) -> str:
    return PAGE.split(f"\n{heading}\n", 1)[1].split("\n## ", 1)[0]


def keys(classes: Iterable[type]) -> set[str]:
    named = {field.name for cls in classes for field in fields(cls)}  # type: ignore[arg-type]
    return named - {"id"}


@pytest.mark.parametrize("heading", PARTS)
def test_every_key_has_its_row_and_no_other(heading: str) -> None:
    cells = re.findall(r"^\| (`[^|]+) \|", part(heading), re.M)
    assert {name for cell in cells for name in re.findall(r"`(\w+)`", cell)} == keys(PARTS[heading])


def test_the_small_tables_are_named_with_their_keys() -> None:
    rest = part("## What the page states besides")
    for cls in (model.Clause, model.Safeguards, model.Rights, model.Remedy):
        assert [key for key in keys([cls]) if f"`{key}`" not in rest] == []
    assert all(f"`[[{name}]]`" in rest for name in ("holds", "disclosures", "automated_decisions", "remedies"))


def test_every_word_of_a_closed_list_is_told() -> None:
    words = [*get_args(model.Basis), *get_args(model.Collected), *get_args(model.Protect), *ITEMS]
    words += get_args(model.Medium)
    assert [word for word in words if f"`{word}`" not in PAGE] == []
