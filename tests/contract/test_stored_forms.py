"""What earlier versions stored of approvals, certificates, shared links and views is read, and written as it was."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from dongui_collector.analytics.saved_views import DayNote, Funnel, Goal, SavedView, SavedViews
from dongui_collector.analytics.shared_links import SharedLink
from dongui_collector.retention.standing_approval import SignedSchedule
from dongui_collector.storage.contract.disclosures import Disclosure
from dongui_collector.storage.contract.targets import AppliedRule, DestructionCertificate

STORED: dict[str, tuple[str, msgspec.Struct]] = {
    "a standing approval": (
        '{"at": 1741564800000, "by": "officer", "schedule": [["access_log", "P1Y", ""]], "versions": [["1", "v1"]]}',
        SignedSchedule("officer", 1741564800000, (("1", "v1"),), (("access_log", "P1Y", ""),)),
    ),
    "a certificate of a day": (
        '{"approved_at": 5, "approved_by": "officer", "at": 9, "bytes": 77824, "destruction": 1, "intent": 8,'
        ' "method": "m", "reason": "r", "rows": null, "rules": [{"class": "access_log", "keep": "P1Y",'
        ' "min_keep": null}], "selected_by": "", "seq": 9, "what": {"day": "2025-03-10", "kind": "day"}}',
        DestructionCertificate(
            approved_at=5,
            approved_by="officer",
            at=9,
            bytes=77824,
            destruction=1,
            intent=8,
            method="m",
            reason="r",
            rows=None,
            rules=[AppliedRule("access_log", "P1Y", None)],
            selected_by="",
            seq=9,
            what={"day": "2025-03-10", "kind": "day"},
        ),
    ),
    "what is noted of a destruction that runs": ('{"intent": 8}', DestructionCertificate(intent=8)),
    "a certificate of a purpose's rows": (
        '{"in_full": false, "rows_destroyed": 0, "rows_reduced": 2}',
        DestructionCertificate(in_full=False, rows_destroyed=0, rows_reduced=2),
    ),
    "views of a screen": (
        '{"funnels": [{"id": 2, "name": "Sale", "steps": ["page:/a", "event:b"]}],'
        ' "goals": [{"id": 1, "name": "Bought", "what": "event:b"}],'
        ' "notes": [{"day": "2025-03-10", "id": 3, "text": "new"}],'
        ' "views": [{"id": 4, "name": "Week", "query": "period=7d"}]}',
        SavedViews(
            (Goal(1, "Bought", "event:b"),),
            (Funnel(2, "Sale", ("page:/a", "event:b")),),
            (DayNote(3, "2025-03-10", "new"),),
            (SavedView(4, "Week", "period=7d"),),
        ),
    ),
    "a hand-over that was noted": (
        '{"at": 5, "by": "officer", "country": null, "digest": null, "everyone": true, "from": null,'
        ' "handed": "2025-03-10", "id": 3, "items": ["ip_address"], "notice": "v1", "party": "recipient",'
        ' "people": null, "purposes": ["statistics"], "recipient": "Lab", "rows": 2, "site_ref": 1,'
        ' "state": "done", "to": "2025-03-09",'
        ' "way": "noted", "what": "a letter"}',
        Disclosure(
            id=3,
            at=5,
            state="done",
            way="noted",
            recipient="Lab",
            party="recipient",
            country=None,
            purposes=["statistics"],
            items=["ip_address"],
            last="2025-03-09",
            by="officer",
            rows=2,
            notice="v1",
            what="a letter",
            everyone=True,
            handed="2025-03-10",
            site_ref=1,
        ),
    ),
    "a shared link": (
        '{"created_at": 1, "expires_at": 2, "filters": [], "hash": "ab", "id": 1, "name": "x", "period": "week",'
        ' "purposes": ["statistics"], "site": "s"}',
        SharedLink(
            id=1,
            name="x",
            site="s",
            purposes=("statistics",),
            filters=(),
            period="week",
            created_at=1,
            expires_at=2,
            hash="ab",
        ),
    ),
}


@pytest.mark.parametrize("case", STORED)
def test_what_was_stored_is_read_and_written_alike(case: str) -> None:
    text, value = STORED[case]
    stored: Any = json.loads(text)
    assert msgspec.convert(stored, type(value)) == value
    assert json.loads(msgspec.json.encode(value)) == stored


def test_a_link_without_a_period_is_of_months() -> None:
    old = json.loads(STORED["a shared link"][0])
    del old["period"]
    assert msgspec.convert(old, SharedLink).period == "month"
