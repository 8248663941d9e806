"""The example's README maps every requirement of the seed policy to an element that is really there, or to text."""

from __future__ import annotations

import re
import tomllib
from typing import Any

import pytest
from policies import EXAMPLES, FIRST, MENDED

# Every S-requirement of the law file, its ranges written out.
REQUIREMENTS = [
    "S1.0 S1.1 S1.2 S1.3 S1.4",
    "S2.1a S2.1b S2.2",
    "S3.0 S3.1 S3.1a S3.1b S3.1c S3.1d S3.1e S3.2a S3.2b S3.2c",
    "S4.0 S4.1 S4.2a S4.2b S4.2c",
    "S5.1 S5.2 S5.3",
    "S6.1 S6.2 S6.3",
    "S7.1 S7.2 S7.3",
    "S8",
    "S9.1 S9.2 S9.3 S9.4 S9.5 S9.6",
    "S10 S11 SA",
]

README = (EXAMPLES / "README.md").read_text("utf-8")
ROWS = {row[0]: row for row in re.findall(r"^\| (S[\w.]+) \| ([^|]+) \| ([^|]+) \| ([^|]+) \|$", README, re.M)}
DEFECTS = re.findall(r"^\| ([^|]+) \| `([^|]+)` \| ([^|]+) \|$", README, re.M)


def element(raw: Any, key: str) -> Any:
    """What a dotted key of the README names; a list's entry by its number, id or name (which may hold dots)."""
    head, _, rest = key.partition(".")
    if isinstance(raw, list):
        return next(entry for entry in raw if key in (entry.get("id"), entry.get("name")))
    match = re.fullmatch(r"(\w+)\[(\d+)\]", head)
    inner = raw[match[1]][int(match[2]) - 1] if match else raw[head]
    return element(inner, rest) if rest else inner


def test_every_requirement_has_its_row() -> None:
    assert list(ROWS) == " ".join(REQUIREMENTS).split()


@pytest.mark.parametrize("id", ROWS)
def test_every_element_exists_or_is_marked_as_text(id: str) -> None:
    _, _, elements, executed = ROWS[id]
    keys = re.findall(r"`([^`]+)`", elements)
    assert keys or "(text)" in elements
    raw = tomllib.loads(MENDED.read_text("utf-8"))
    assert all(element(raw, key) not in (None, [], {}) for key in keys)
    assert executed.strip()


def test_every_defect_is_another_element_in_the_first_encoding() -> None:
    mended, first = (tomllib.loads(file.read_text("utf-8")) for file in (MENDED, FIRST))
    assert len(DEFECTS) == 7

    def at(raw: Any, key: str) -> Any:
        try:
            return element(raw, key)
        except KeyError:
            return None

    assert [key for _, key, _ in DEFECTS if at(mended, key) == at(first, key)] == []


def test_no_person_is_named() -> None:
    for file in EXAMPLES.iterdir():
        assert "이동근" not in file.read_text("utf-8")
