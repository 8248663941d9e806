"""The matrix of roles (S7.2): least privilege, and a deputy only where there is no officer."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from dongui_collector.access.roles import CONSOLE_ROLES, MATRIX, RIGHTS, may, without_officer

DATA = {"requests", "export"}  # rights that show persons


@pytest.mark.parametrize("right", sorted(DATA | {"approve", "holds", "audit"}))
def test_s5_3_an_administrator_neither_sees_persons_nor_approves_beside_an_officer(right: str) -> None:
    assert not may("admin", right)
    assert may("officer", right)
    assert may("admin", right, deputy=True)


@pytest.mark.parametrize("role", ["officer", "auditor", "analyst"])
def test_nobody_but_the_administrator_gives_rights(role: str) -> None:
    assert not may(role, "access")
    assert not may(role, "access", deputy=True)


def test_an_auditor_sees_the_log_and_no_person() -> None:
    assert may("auditor", "audit")
    assert not any(may("auditor", right) for right in DATA)


def test_a_consumer_and_a_stranger_have_nothing_in_the_console() -> None:
    assert not any(may(role, right, deputy=True) for role in ("consumer", "", "root") for right in RIGHTS)


def test_the_matrix_knows_every_role_and_no_right_that_there_is_not() -> None:
    assert set(MATRIX) == set(CONSOLE_ROLES)
    assert set().union(*MATRIX.values()) == set(RIGHTS)


@pytest.mark.parametrize(("roles", "expected"), [(["admin"], True), (["admin", "officer"], False), ([], True)])
def test_who_is_without_an_officer(roles: list[str], expected: bool) -> None:
    assert without_officer(roles) is expected


def test_the_documentation_prints_this_very_matrix() -> None:
    page = (Path(__file__).parents[2] / "docs" / "security.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `(\w+)` \| [^|]* \| (\w*) ?\| (\w*) ?\| (\w*) ?\| (\w*) ?\|$", page, re.M)
    printed = {
        right: dict(zip(("officer", "analyst", "auditor", "admin"), cells, strict=True)) for right, *cells in rows
    }
    for right in RIGHTS:
        for role in CONSOLE_ROLES:
            as_deputy = "deputy" if may(role, right, deputy=True) else ""
            assert printed[right][role] == ("yes" if may(role, right) else as_deputy), (right, role)
