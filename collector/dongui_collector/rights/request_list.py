"""The list of privacy requests: the most urgent first, in pages, and how many wait. Names nobody (S9, K10)."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Annotated

from dongui_collector.core.operations import Field, Request, operation
from dongui_collector.retention.installation import Installation
from dongui_collector.rights.grounds import DUE_SOON_DAYS, kind_of, urgency
from dongui_collector.storage.contract.requests import StoredRequest
from dongui_collector.storage.contract.values import Json


def count(core: Installation, *, closed: bool = False) -> int:
    """How many are open; with ``closed`` all of them."""
    return core.storage.admin.request_count(closed=closed)


def listed(core: Installation, *, closed: bool = False, offset: int = 0, limit: int = -1) -> list[Json]:
    """Requests, the most urgent first; with ``closed`` those already answered for good, too. All for ``limit`` -1.

    Those of visitors of whom nothing was held come last, until they are due soon.
    """
    soon = core.clock.today(core.settings.zone) + timedelta(days=DUE_SOON_DAYS)
    found = core.storage.admin.request_page(soon, closed=closed, offset=offset, limit=limit)
    return [summary(core, request) for request in found]


class ListRequests(Request[list[Json]], frozen=True):
    """List the open requests, the most urgent first."""

    closed: Annotated[bool, Field("Also those that are closed.", option="--all")] = False


@operation("requests.list", right="read", changes=False)
def list_requests(core: Installation, form: ListRequests) -> list[Json]:
    """Names nobody."""
    return listed(core, closed=form.closed)


def waiting(core: Installation) -> dict[str, int]:
    """How many are open, due soon and overdue. For the menu, ``dongui doctor`` and the metrics."""
    counts = {"open": 0, "due_soon": 0, "overdue": 0}
    today = core.clock.today(core.settings.zone)
    for due, number in core.storage.admin.requests_due().items():
        counts[urgency(due, today, closed=False)] += number
    return counts


def summary(core: Installation, request: StoredRequest) -> Json:
    """What a list says of a request."""
    due, closed = date.fromisoformat(request.due or ""), bool(request.closed_at)
    today = core.clock.today(core.settings.zone)
    return {
        "id": request.id,
        "site": core.registry.site_by_ref(request.site_ref).name,
        "kind": kind_of(request.kind) or request.kind,
        "channel": request.channel or "online",
        "agent": request.agent,
        "at": request.at,
        "received": request.received,
        "due": request.due,
        "days_left": None if closed else (due - today).days,
        "urgency": urgency(due, today, closed=closed),
        "state": request.state,
        "identity": request.identity and request.identity.result,
    }
