"""The monthly review (K12): by person and action, unusual hours, refused tries, downloads without a reason."""

from __future__ import annotations

from collections import Counter
from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
from dongui_collector.access.audit_review import AuditEntry, entry_of, is_unusual, month_days, review
from hypothesis import given
from hypothesis import strategies as st

SEOUL = ZoneInfo("Asia/Seoul")


def at(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=SEOUL).timestamp() * 1000)


@pytest.mark.parametrize(
    ("text", "unusual"),
    [
        ("2026-11-23T07:00", False),
        ("2026-11-23T20:59", False),
        ("2026-11-23T06:59", True),
        ("2026-11-23T21:00", True),
        ("2026-11-22T12:00", True),  # a Sunday
        ("2026-11-21T12:00", True),
    ],
)
def test_unusual_hours(text: str, unusual: bool) -> None:
    assert is_unusual(at(text), SEOUL) is unusual


entries = st.builds(
    AuditEntry,
    seq=st.integers(1, 10**6),
    at=st.integers(at("2026-11-01T00:00"), at("2026-11-30T23:59")),
    action=st.sampled_from(["login", "login.refused", "export", "archive.read", "requests.show"]),
    by=st.sampled_from(["kim", "park", "token t_1"]),
    reason=st.sampled_from(["", "request 3"]),
    whose=st.sampled_from([None, "ana", "ben"]),
)


@given(st.lists(entries, max_size=40))
def test_the_numbers_are_those_of_the_entries(found: list[AuditEntry]) -> None:
    summed = review("2026-11", found, SEOUL)
    assert summed.entries == len(found) == sum(p.entries for p in summed.persons)
    assert summed.actions == dict(Counter(e.action for e in found))
    for person in summed.persons:
        theirs = [e for e in found if e.by == person.by]
        assert person.people == len({e.whose for e in theirs} - {None})
        assert person.refused == len([e for e in theirs if e.action == "login.refused"])
        assert person.unusual == len([e for e in summed.unusual if e.by == person.by])
    silent = [e for e in found if e.action in ("export", "archive.read") and not e.reason and e.by != "token t_1"]
    assert summed.without_reason == silent


def test_an_older_entry_is_read_like_a_new_one() -> None:
    body = {"action": "export", "by": "console: kim", "purposes": ["statistics"], "recipient": None}
    entry = entry_of(7, 1, body, site="s", whose=None)
    assert (entry.by, entry.what) == ("kim", {"purposes": ["statistics"]})


@pytest.mark.parametrize("text", ["2026-13", "2026-1", "", "2026", "2026-11-01", "x"])
def test_what_is_no_month(text: str) -> None:
    with pytest.raises(ValueError):
        month_days(text)


def test_a_month_ends_with_the_first_of_the_next() -> None:
    assert [d.isoformat() for d in month_days("2026-12")] == ["2026-12-01", "2027-01-01"]
