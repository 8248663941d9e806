"""``docs/law.md`` answers every requirement: each id has its row, each named test exists, and names the id itself."""

from __future__ import annotations

import ast
import re
from functools import lru_cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PAGE = (ROOT / "docs" / "law.md").read_text(encoding="utf-8")

# Every id of the requirements, its ranges written out: the seed policy's articles (S), Korean law (K), standards (W).
_LISTED = (
    "S1.0 S1.1 S1.2 S1.3 S1.4 S2.1a S2.1b S2.2 S3.0 S3.1 S3.1a S3.1b S3.1c S3.1d S3.1e S3.2a S3.2b S3.2c "
    "S4.0 S4.1 S4.2a S4.2b S4.2c S5.1 S5.2 S5.3 S6.1 S6.2 S6.3 S7.2 S8 S9.1 S9.2 S9.3 S9.4 S9.5 S9.6 S10 S11 SA "
    "K1 K2 K3 K4 K5 K6 K7 K8 K9 K10 K10a K11 K12 K13 K14 K15 K16 K17 K18 W1 W2 W3 W4 W5 W6 W7 W8"
)
IDS = _LISTED.split()
NONE = "no automated behaviour"
ROW = re.compile(r"^\| ([SKW][\w.]*) \| ([^|]+) \| ([^|]+) \| ([^|]+) \|$", re.M)
ROWS = {row[0]: row for row in ROW.findall(PAGE)}
TEST = re.compile(r"`(tests/[\w/]+\.py)::(\w+)`")


@lru_cache
def functions(path: str) -> dict[str, str]:
    """Name of each test of a file → its own lines, with the module's docstring and the tables that it refers to."""
    source = (ROOT / path).read_text(encoding="utf-8")
    tree, lines = ast.parse(source), source.splitlines()

    def text(node: ast.stmt, first: int) -> str:
        return "\n".join(lines[first - 1 : node.end_lineno])

    tables = {
        target.id: text(node, node.lineno)
        for node in tree.body
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    found = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            own = text(node, min([d.lineno for d in node.decorator_list] + [node.lineno]))
            used = [table for name, table in tables.items() if re.search(rf"\b{name}\b", own)]
            found[node.name] = "\n".join([ast.get_docstring(tree) or "", own, *used])
    return found


def names(text: str, test: str, id: str) -> bool:
    """Whether a test names an id: ``S5.3`` in its text, or ``s5_3`` in its name."""
    in_name = re.search(rf"(^|_){id.lower().replace('.', '_')}(_|$)", test)
    return bool(in_name or re.search(rf"(?<![\w.]){re.escape(id)}(?!\w|\.\d)", text))


def test_every_id_has_its_row_and_no_other_has() -> None:
    assert [row[0] for row in ROW.findall(PAGE)] == IDS


@pytest.mark.parametrize("id", IDS)
def test_each_row_names_tests_that_exist_and_name_it_or_says_that_there_is_none(id: str) -> None:
    _, requirement, behaviour, tests = ROWS[id]
    assert requirement.strip()
    assert behaviour.strip()
    found = TEST.findall(tests)
    assert bool(found) != (NONE in tests), f"{id}: name its tests, or say “{NONE}”"
    for path, test in found:
        known = functions(path)
        assert test in known, f"{id}: {path} has no {test}"
        assert names(known[test], test, id), f"{id}: {path}::{test} does not name it"


def test_an_id_is_not_found_in_a_longer_one() -> None:
    assert names("", "test_k10_what_is_due", "K10")
    assert names("S3.1a: five years", "test_x", "S3.1a")
    assert not names("S3.1a and K10a", "test_s3_1a_x", "S3.1")
    assert not names("K10a, K17", "test_k10a_x", "K1")
    assert names("as S3.1.", "test_x", "S3.1")


def test_the_page_says_what_the_software_does_not_do() -> None:
    assert "## What the software does not do" in PAGE
    assert "not legal advice" in PAGE
