"""docs/troubleshooting.md: every mistake names the test that finds its remedy, and the test is there."""

from __future__ import annotations

import re

import pytest

from tests.imports import ROOT
from tests.site_check.test_site_judge import MISTAKES

TEXT = (ROOT / "docs" / "troubleshooting.md").read_text(encoding="utf-8")
SECTIONS = {part.splitlines()[0]: part for part in TEXT.split("\n## ")[1:]}


def rows(section: str) -> list[list[str]]:
    """The cells of each mistake of a section."""
    lines = [line.strip("| ").split(" | ") for line in section.splitlines() if line.startswith("| ")]
    return [cells for cells in lines if cells[0] != "mistake"]


def named_tests(section: str, cell: str) -> list[tuple[str, str]]:
    """File and name of each test of a cell; a name alone is in the file that the section's beginning names."""
    before = section.split("\n|", 1)[0]
    default = next(iter(re.findall(r"`(tests/[\w/]+\.py)", before)), "")
    return [(file or default, name) for file, name in re.findall(r"`(?:(tests/[\w/]+\.py)::)?(test_\w+)`", cell)]


@pytest.mark.parametrize("title", SECTIONS)
def test_every_test_that_a_mistake_names_is_there(title: str) -> None:
    section = SECTIONS[title]
    named = [(row[0], test) for row in rows(section) for test in named_tests(section, row[-1])]
    assert named
    assert [m for m, (file, name) in named if f"def {name}(" not in (ROOT / file).read_text("utf-8")] == []


def test_every_case_that_a_mistake_names_is_there() -> None:
    cases = re.findall(r'"([^"`]+)"', " ".join(row[-1] for row in rows(SECTIONS["With `dongui check-site`"])))
    assert len(cases) > 8
    assert set(cases) <= set(MISTAKES)


def test_no_mistake_goes_without_a_test_and_there_are_more_than_twenty() -> None:
    found = [row for section in SECTIONS.values() for row in rows(section)]
    assert len(found) > 20
    assert [row[0] for row in found if not re.search(r"test|\"|the same", row[-1])] == []
