"""What a command prints for a person: nobody has to read epoch milliseconds or a list of objects on one line."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest
from dongui_collector.cli.readable import cell, lines

LABEL = {"ko": "대금결제 및 재화 등의 공급에 관한 기록", "en": "Payments and supply"}


@pytest.fixture(autouse=True)
def _seoul() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TZ", "Asia/Seoul")
        time.tzset()
        yield
    time.tzset()


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "–"),
        (True, "yes"),
        (0, "0"),
        (2_000_000, "2000000"),
        (1_740_711_600_000, "2025-02-28 12:00:00+09:00"),
        ([], "–"),
        (["a", 1], "a, 1"),
        ({}, "–"),
        (LABEL, "대금결제 및 재화 등의 공급에 관한 기록 / Payments and supply"),
        ({"rows": 2, "days": 1}, "rows 2, days 1"),
    ],
    ids=str,
)
def test_a_value_in_one_line(value: object, text: str) -> None:
    assert cell(value) == text


def test_objects_stand_below_each_other_and_what_is_long_part_by_part() -> None:
    kept = {"class": "payment", "label": LABEL, "law": LABEL, "until": "2030-02-28", "records": 1, "why": "w" * 40}
    facts = {"id": 1, "kept": [kept, {"class": "abuse"}], "held": {"rows": 2}, "notice": {"ko": "가\n나", "en": "a\nb"}}
    assert list(lines(facts)) == [
        "id: 1",
        "kept:",
        "  - class: payment",
        f"    label: {cell(LABEL)}",
        f"    law: {cell(LABEL)}",
        "    until: 2030-02-28",
        "    records: 1",
        f"    why: {'w' * 40}",
        "  - class abuse",
        "held: rows 2",
        "notice:",
        "  ko:",
        "    가",
        "    나",
        "  en:",
        "    a",
        "    b",
    ]
