"""What may be asked about legal holds: placing, listing, showing and releasing one (S3.2)."""

from __future__ import annotations

from typing import Annotated

import msgspec

from dongui_collector.core.errors import CollectorError, Unknown
from dongui_collector.core.operations import Day, Field, Request, SignedRequest, SiteName, operation
from dongui_collector.ledger.sites import find_site
from dongui_collector.retention.holds import GROUNDS, HoldCoverage, check_ground
from dongui_collector.retention.installation import Installation
from dongui_collector.retention.serializers import HoldSummary
from dongui_collector.storage.contract.values import Hold

_GROUND = "On which of the three grounds: an investigation, an outstanding claim, an exceptional provision (S3.2a-c)."


class AddHold(SignedRequest[HoldSummary], frozen=True):
    """Suspend destruction of what the options name. Without any of them, of everything."""

    reason: Annotated[str, Field("Why it is kept, in words: which investigation, which claim …")]
    ground: Annotated[str, Field(_GROUND, choices=GROUNDS, default="claim")] = ""
    statute: Annotated[str | None, Field("The provision that it rests on.")] = None
    record_class: Annotated[
        str | None, Field("Only this record class, such as access_log.", option="--class", metavar="CLASS")
    ] = None
    subject: Annotated[str | None, Field("Only this visitor (by id) or member (by reference).", metavar="ID")] = None
    first_day: Annotated[Day, Field("Only what is of this day or later.", option="--from")] = None
    last_day: Annotated[Day, Field("Only what is of this day or earlier.", option="--to")] = None
    until: Annotated[Day, Field("The last day of the hold; without it, until it is released.")] = None
    site: SiteName = None


class ListHolds(Request[list[HoldSummary]], frozen=True):
    """List the legal holds. They say that they name someone, never whom."""

    everything: Annotated[bool, Field("Released ones too.", option="--all")] = False


class HoldDetails(HoldSummary, frozen=True):
    """A hold, and in numbers what it holds now; None for one that does not stand."""

    holds_now: HoldCoverage | None


class ShowHold(Request[HoldDetails], frozen=True):
    """Show a hold, and in numbers what it holds now, and how much of that would be destroyed without it."""

    id: Annotated[int, Field(argument=True)]


class HoldReleased(msgspec.Struct, frozen=True):
    """What endings that had waited for a hold destroyed, and the destructions that fell due meanwhile, in numbers."""

    released: int
    rows_destroyed: int
    rows_reduced: int
    records_destroyed: int
    records_archived: int
    destroyed: int
    waiting: int


class ReleaseHold(SignedRequest[HoldReleased], frozen=True):
    """Release a hold. What it kept and what fell due meanwhile is destroyed right away."""

    id: Annotated[int, Field(argument=True)]


@operation("holds.add", right="holds", audit="hold")
def add_hold(core: Installation, request: AddHold) -> HoldSummary:
    """Place a hold. ``subject`` is a visitor's id or a member's reference.

    Raises :class:`CollectorError` for a hold without ground or reason, or on a subject without a site.
    """
    reason, by = request.reason.strip(), request.by
    if not reason:
        raise CollectorError("a legal hold needs a reason; say it with --reason")
    named = find_site(core, request.site) if request.site is not None or request.subject is not None else None
    records = core.retention.records
    hold = Hold(
        id=0,
        site_ref=named.ref if named else None,
        reason=f"{reason} ({by})" if by else reason,
        statute=request.statute,
        class_id=request.record_class,
        visitor=records.subject_key(named, request.subject) if named and request.subject is not None else None,
        first_day=request.first_day,
        last_day=request.last_day,
        at=core.clock.now(),
        until=request.until,
        ground=request.ground,
    )
    check_ground(hold)
    return HoldSummary.of(core.retention.holds.add(hold))


@operation("holds.list", right="read", changes=False)
def list_holds(core: Installation, request: ListHolds) -> list[HoldSummary]:
    """The holds in the order in which they were placed."""
    return [HoldSummary.of(hold) for hold in core.storage.admin.holds(active=not request.everything)]


@operation("holds.show", right="read", changes=False)
def show_hold(core: Installation, request: ShowHold) -> HoldDetails:
    """One hold. Counts rows, which takes its time. Raises :class:`Unknown`."""
    found = next((h for h in core.storage.admin.holds(active=False) if h.id == request.id), None)
    if found is None:
        raise Unknown(f"there is no legal hold {request.id}; see `dongui holds list --all`")
    today = core.retention.today()
    now = core.retention.holds.holds_now(found, today) if found.stands(today) else None
    return HoldDetails(**msgspec.structs.asdict(HoldSummary.of(found)), holds_now=now)


@operation("holds.release", right="holds", audit="hold")
def release_hold(core: Installation, request: ReleaseHold) -> HoldReleased:
    """Release a hold; what it kept and what is due is destroyed right away. Raises :class:`Unknown`."""
    core.retention.approvals.release_hold(request.id, request.by)
    ended = core.retention.endings.resume()
    outcome = core.retention.run()
    return HoldReleased(
        request.id,
        ended.destroyed,
        ended.changed,
        ended.records,
        ended.archived,
        outcome.destroyed,
        outcome.waiting,
    )
