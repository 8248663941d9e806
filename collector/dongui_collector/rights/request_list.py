"""The list of privacy requests: the most urgent first, in pages, and how many wait. Names nobody (S9, K10)."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Annotated

import msgspec

from dongui_collector.core.operations import Field, Request, operation
from dongui_collector.retention.installation import Installation
from dongui_collector.rights.grounds import DUE_SOON_DAYS, kind_of, urgency
from dongui_collector.storage.contract.requests import StoredRequest


class RequestSummary(msgspec.Struct, frozen=True):
    """What a list says of a privacy request; ``days_left`` is None of a closed one, ``identity`` before the check."""

    id: int
    site: str
    kind: str
    channel: str
    agent: bool
    at: int | None
    received: str | None
    due: date
    days_left: int | None
    urgency: str
    state: str
    identity: str | None


def count(core: Installation, *, closed: bool = False) -> int:
    """How many are open; with ``closed`` all of them."""
    return core.storage.admin.request_count(closed=closed)


def listed(core: Installation, *, closed: bool = False, offset: int = 0, limit: int = -1) -> list[RequestSummary]:
    """Requests, the most urgent first; with ``closed`` those already answered for good, too. All for ``limit`` -1.

    Those of visitors of whom nothing was held come last, until they are due soon.
    """
    soon = core.clock.today(core.settings.zone) + timedelta(days=DUE_SOON_DAYS)
    found = core.storage.admin.request_page(soon, closed=closed, offset=offset, limit=limit)
    return [summary(core, request) for request in found]


class ListRequests(Request[list[RequestSummary]], frozen=True):
    """List the open requests, the most urgent first."""

    closed: Annotated[bool, Field("Also those that are closed.", option="--all")] = False


@operation("requests.list", right="read", changes=False)
def list_requests(core: Installation, form: ListRequests) -> list[RequestSummary]:
    """Names nobody."""
    return listed(core, closed=form.closed)


def waiting(core: Installation) -> dict[str, int]:
    """How many are open, due soon and overdue. For the menu, ``dongui doctor`` and the metrics."""
    counts = {"open": 0, "due_soon": 0, "overdue": 0}
    today = core.clock.today(core.settings.zone)
    for due, number in core.storage.admin.requests_due().items():
        counts[urgency(due, today, closed=False)] += number
    return counts


def summary(core: Installation, request: StoredRequest) -> RequestSummary:
    """What a list says of a request."""
    due, closed = date.fromisoformat(request.due or ""), bool(request.closed_at)
    today = core.clock.today(core.settings.zone)
    return RequestSummary(
        request.id,
        core.registry.site_by_ref(request.site_ref).name,
        kind_of(request.kind) or request.kind,
        request.channel or "online",
        request.agent,
        request.at,
        request.received,
        due,
        None if closed else (due - today).days,
        urgency(due, today, closed=closed),
        request.state,
        request.identity.result if request.identity else None,
    )
