"""Privacy requests (열람등요구): what was asked, by when it is due, and how it was answered (S9, K10)."""

from __future__ import annotations

from datetime import date
from typing import Any

from dongui_collector.control import operation
from dongui_collector.core import Core
from dongui_collector.errors import CollectorError, NotAllowed, Unknown
from dongui_collector.ledger import consents
from dongui_collector.storage.base import Json, Selection

OUTCOMES = ("granted", "postponed", "refused")
_ERASURE = ("erase", "erasure")


def listed(core: Core, *, closed: bool = False) -> list[Json]:
    """The requests, the most urgent first; with ``closed`` those already answered for good, too. Names nobody."""
    found = [_summary(core, r) for r in core.storage.office.requests(open_only=not closed)]
    return sorted(found, key=lambda r: (r["state"] in ("granted", "refused"), r["due"], r["id"]))


def shown(core: Core, id: int) -> Json:
    """One request with its text, its answers, and how much is held about its visitor. Raises :class:`Unknown`."""
    request = _request(core, id)
    return {
        **_summary(core, request),
        "text": request.get("text"),
        "answers": request.get("answers", []),
        "held": _held(core, request),
    }


@operation("requests.answer")
def answer(
    core: Core, id: int, outcome: str, reason: str = "", until: str | None = None, by: str = "command line"
) -> Json:
    """Answer a request: ``granted`` (an erasure is carried out before this returns), ``refused``, or ``postponed``.

    Refusing and postponing carry a reason, postponing also the day ``until`` which (K10). The outcome goes on the
    ledger, the reason stays with the request and ages out with it. Raises :class:`NotAllowed` for a request that is
    closed, :class:`CollectorError` for an answer that is not whole.
    """
    request = _request(core, id)
    if request.get("closed_at"):
        raise NotAllowed(f"request {id} is closed already; see `dongui requests show {id}`")
    due = _checked(core, outcome, reason, until)
    now = core.clock.now()
    given = {"outcome": outcome, "reason": reason.strip(), "at": now, "by": by}
    changes: Json = {"answers": [*request.get("answers", []), given], "state": outcome}
    changes |= {"due": due.isoformat()} if due else {"closed_at": now}
    erased = _carry_out(core, request) if outcome == "granted" else None
    if erased is not None:
        changes["visitor"] = None  # who it was is gone
    with core.storage.ledger.writing():
        core.storage.office.update_request(id, changes)
        core.storage.ledger.append(
            "request",
            now,
            {"id": id, "kind": request["kind"], "outcome": outcome, "by": by},
            site_ref=request["site_ref"],
        )
    return {"id": id, "outcome": outcome, "due": due and due.isoformat(), "rows_destroyed": erased}


def _checked(core: Core, outcome: str, reason: str, until: str | None) -> date | None:
    """The new due day of a postponement, None for an answer that closes the request."""
    if outcome not in OUTCOMES:
        raise CollectorError(f"an answer is one of {', '.join(OUTCOMES)}")
    if outcome != "granted" and not reason.strip():
        raise CollectorError(f"an answer that is {outcome} needs a reason; say it with --reason")
    if outcome != "postponed":
        return None
    try:
        day = date.fromisoformat(until or "")
    except ValueError:
        raise CollectorError("a postponement needs a day such as 2026-11-23; say it with --until") from None
    if day <= core.clock.today(core.settings.zone):
        raise CollectorError("a postponement needs a day to come")
    return day


def _carry_out(core: Core, request: Json) -> int | None:
    """Erase where that was asked; the rows destroyed, None where there was nothing to carry out."""
    if request["kind"] not in _ERASURE or not request.get("visitor"):
        return None
    key = bytes.fromhex(request["visitor"])
    if core.storage.ledger.visitor(key) is None:
        return 0  # erased by themselves meanwhile
    return core.ledger.finish(core.ledger.erase(key, "request")).destroyed


def _request(core: Core, id: int) -> Json:
    found = core.storage.office.request(id)
    if found is None:
        raise Unknown(f"there is no privacy request {id}; see `dongui requests list`")
    return found


def _summary(core: Core, request: Json) -> Json:
    due = date.fromisoformat(request["due"])
    closed = bool(request.get("closed_at"))
    return {
        "id": request["id"],
        "site": core.book.site_by_ref(request["site_ref"]).name,
        "kind": request["kind"],
        "at": request["at"],
        "due": request["due"],
        "days_left": None if closed else (due - core.clock.today(core.settings.zone)).days,
        "state": request.get("state", "open"),
    }


def _held(core: Core, request: Json) -> dict[str, Any] | None:
    """How much there is; None where it is known of nobody any more."""
    key = bytes.fromhex(request["visitor"]) if request.get("visitor") else None
    visitor = core.storage.ledger.visitor(key) if key else None
    if visitor is None:
        return None
    now = core.clock.now()
    selection = Selection(visitor=visitor.key)
    counts = [core.storage.events.count(day, selection) for day in core.storage.events.days()]
    current = core.book.in_force(visitor.site_ref, now)
    return {
        "rows": sum(counts),
        "days": sum(1 for count in counts if count),
        "suspended": visitor.suspended,
        "consents": consents.states(visitor, current, core.book, now),
    }
