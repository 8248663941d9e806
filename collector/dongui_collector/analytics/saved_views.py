"""What is kept of the Visits screen, by site: goals, funnels, notes on days, views. Never anything about a visitor.

Small lists under one setting a site; changed through operations, by people of the console or the command line.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from dongui_collector.analytics.filters import ReportError, parse_filter
from dongui_collector.core.clock import parse_day
from dongui_collector.core.errors import Unknown
from dongui_collector.core.operations import COMMAND_LINE, Request, operation
from dongui_collector.ledger.installation import LedgerInstallation
from dongui_collector.ledger.sites import find_site
from dongui_collector.storage.contract.values import Json, Site

KINDS = ("goals", "funnels", "notes", "views")
MOST = 50  # of each kind
MOST_STEPS = 12
_LONGEST = 80


def views_of(core: LedgerInstallation, site: Site) -> dict[str, list[Json]]:
    """Everything that is kept of a site's screen, by kind, in the order in which it was made."""
    found = core.storage.admin.setting(_name(site)) or {}
    return {kind: list(found.get(kind, ())) for kind in KINDS}


class KeepView(Request[Json], frozen=True):
    """Keep a goal, a funnel, a note on a day or a view of the Visits screen."""

    kind: str
    fields: Mapping[str, Any]
    site: str | None = None
    by: str = COMMAND_LINE


@operation("visits.keep", right="visits", audit="visits")
def keep(core: LedgerInstallation, request: KeepView) -> Json:
    """Keep one more; the answer is it, with the ``id`` by which it is dropped.

    ``fields``: of a goal ``name`` and ``what`` (``event:purchase``, ``page:/thanks/*``); of a funnel ``name`` and
    ``steps``, each like a goal's; of a note ``day`` and ``text``; of a view ``name`` and the ``query`` of its address.
    Raises :class:`ReportError` naming what is wrong, without an echo.
    """
    if request.kind not in _CHECKS:
        raise ReportError(f"there are {', '.join(KINDS)}")
    checked = _CHECKS[request.kind](request.fields)
    found = find_site(core, request.site)
    with core.storage.ledger.writing():
        lists = views_of(core, found)
        if len(lists[request.kind]) >= MOST:
            raise ReportError(f"at most {MOST} {request.kind}; drop one first")
        last = max((one["id"] for some in lists.values() for one in some), default=0)
        one: Json = {"id": last + 1} | checked
        lists[request.kind].append(one)
        _put(core, found, lists, f"visits.{request.kind}.keep", one["id"], request.by)
    return one


class DropView(Request[None], frozen=True):
    """Drop one by its id."""

    id: int
    site: str | None = None
    by: str = COMMAND_LINE


@operation("visits.drop", right="visits", audit="visits")
def drop(core: LedgerInstallation, request: DropView) -> None:
    """Drop one by its id. Raises :class:`Unknown` where there is none."""
    found = find_site(core, request.site)
    with core.storage.ledger.writing():
        lists = views_of(core, found)
        kind = next((kind for kind, some in lists.items() if any(one["id"] == request.id for one in some)), None)
        if kind is None:
            raise Unknown("nothing of that number is kept of this site")
        lists[kind] = [one for one in lists[kind] if one["id"] != request.id]
        _put(core, found, lists, f"visits.{kind}.drop", request.id, request.by)


def _put(
    core: LedgerInstallation, site: Site, lists: Mapping[str, Sequence[Json]], action: str, id: int, by: str
) -> None:
    """Write the lists, and on the access log who changed them."""
    core.storage.admin.put_setting(_name(site), dict(lists))
    entry: Json = {"action": action, "by": by, "what": {"id": id}}
    core.storage.ledger.append("audit", core.clock.now(), entry, site_ref=site.ref)


def _name(site: Site) -> str:
    return f"visits.{site.ref}"


# --- what may be kept ------------------------------------------------------------------------------------------------


def _text(fields: Mapping[str, Any], field: str, most: int = _LONGEST) -> str:
    text = fields.get(field)
    if not isinstance(text, str) or not 1 <= len(text.strip()) <= most:
        raise ReportError(f"{field} has 1 to {most} characters")
    return text.strip()


def step(text: Any) -> str:
    """What a goal or a funnel's step asks for: a page or an event, with or without stars."""
    found = parse_filter(text if isinstance(text, str) else "")
    if found.negated or found.dimension not in ("page", "event") or not found.value:
        raise ReportError("a goal or a step is page:PATTERN or event:NAME, such as page:/thanks/* or event:purchase")
    return f"{found.dimension}:{found.value}"


def _goal(fields: Mapping[str, Any]) -> Json:
    return {"name": _text(fields, "name"), "what": step(fields.get("what"))}


def _funnel(fields: Mapping[str, Any]) -> Json:
    steps = fields.get("steps")
    if not isinstance(steps, list) or not 2 <= len(steps) <= MOST_STEPS:
        raise ReportError(f"a funnel has 2 to {MOST_STEPS} steps")
    return {"name": _text(fields, "name"), "steps": [step(one) for one in steps]}


def _note(fields: Mapping[str, Any]) -> Json:
    try:
        day = parse_day(str(fields.get("day")))
    except ValueError:
        raise ReportError("day is a day such as 2026-11-23") from None
    return {"day": day.isoformat(), "text": _text(fields, "text", 200)}


def _view(fields: Mapping[str, Any]) -> Json:
    query = fields.get("query")
    if not isinstance(query, str) or len(query) > 8000:
        raise ReportError("query is the query of the screen's address")
    return {"name": _text(fields, "name"), "query": query.removeprefix("?")}


_CHECKS: Mapping[str, Callable[[Mapping[str, Any]], Json]] = {
    "goals": _goal,
    "funnels": _funnel,
    "notes": _note,
    "views": _view,
}
