"""Holds and destructions as JSON, for people to read and for the ledger. Names nobody."""

from __future__ import annotations

from dongui_collector.storage.base import Destruction, Hold, Json


def hold_json(hold: Hold) -> Json:
    """A hold for people to read. Says that it names someone, never whom."""
    return {
        "id": hold.id,
        "site": hold.site_ref,
        "reason": hold.reason,
        "statute": hold.statute,
        "class": hold.class_id,
        "one_visitor": hold.visitor is not None,
        "from": hold.first_day and hold.first_day.isoformat(),
        "to": hold.last_day and hold.last_day.isoformat(),
        "until": hold.until and hold.until.isoformat(),
        "at": hold.at,
        "released_at": hold.released_at,
    }


def destruction_json(destruction: Destruction) -> Json:
    """A destruction for people to read."""
    return {
        "id": destruction.id,
        "state": destruction.state,
        "what": destruction.what,
        "reason": destruction.reason,
        "selected_at": destruction.selected_at,
        "approved_at": destruction.approved_at,
        "approved_by": destruction.approved_by,
        "done_at": destruction.done_at,
        "certificate": destruction.certificate,
    }
