"""What the command line and the desk may ask the keeper to change. Each is one operation of the control socket."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Annotated, get_args

import msgspec
from dongui.policy.model import Obligation

from dongui_collector.access.audit_log import record_access, record_request
from dongui_collector.core.clock import day_of, parse_day
from dongui_collector.core.errors import CollectorError, Unknown
from dongui_collector.core.operations import (
    AccessRequest,
    AttributedRequest,
    Field,
    Request,
    SignedRequest,
    SiteName,
    operation,
)
from dongui_collector.keys.keyring import day_name
from dongui_collector.ledger.sites import find_site
from dongui_collector.retention import reconfirmation
from dongui_collector.retention.installation import Installation
from dongui_collector.retention.reconfirmation import DueMember
from dongui_collector.retention.records import RecordDetails
from dongui_collector.retention.serializers import ArchiveGroup, DestructionSummary, archive_groups
from dongui_collector.retention.service import RoundOutcome
from dongui_collector.retention.standing_approval import ApprovalRevoked, SignedSchedule

BACKED_UP = "backup.last"  # the setting that says when the last backup was begun


class RunRetention(Request[RoundOutcome], frozen=True):
    """Select what is due and destroy what is approved. A running serve does the same by itself.

    Exit code 1 when a destruction failed; it is tried again at the next run.
    """


@operation("retention.run", right="approve", audit="destruction")
def run(core: Installation, request: RunRetention) -> RoundOutcome:
    """Destroy what is due and approved, now."""
    return core.retention.run()


class DestructionsApproved(msgspec.Struct, frozen=True):
    """The destructions that were approved, as they stand now, and how many failed."""

    approved: list[DestructionSummary]
    failed: int


class ApproveDestructions(AttributedRequest[DestructionsApproved], frozen=True):
    """Approve destructions that wait (all for None), and carry them out."""

    ids: list[int] | None = None


@operation("destruction.approve", right="approve", audit="destruction")
def approve(core: Installation, request: ApproveDestructions) -> DestructionsApproved:
    """Approve selected destructions (all for None) and carry them out.

    In two-person mode nobody approves what they selected themselves. Raises what :meth:`Keeper.approve` raises.
    """
    core.retention.approvals.select()
    approved = core.retention.approvals.approve(request.ids, request.by)
    outcome = core.retention.run()
    again = (core.storage.admin.destruction(d.id) for d in approved)
    return DestructionsApproved(approved=[DestructionSummary.of(d) for d in again if d], failed=outcome.failed)


class DestructionsSelected(msgspec.Struct, frozen=True):
    """The destructions that were selected, and how many records they are of."""

    selected: list[DestructionSummary]
    records: int


class SelectDestruction(SignedRequest[DestructionsSelected], frozen=True):
    """Select records whose purpose is achieved. They wait for an approval; what other law names is then kept apart."""

    record_class: Annotated[str, Field("The record class.", option="--class", metavar="CLASS")]
    reason: Annotated[str, Field("Why the purpose is achieved; it stands in the certificate.")]
    subject: Annotated[str | None, Field("Only of this visitor (by id) or member (by reference).", metavar="ID")] = None
    before: Annotated[str | None, Field("Only what is of this day or earlier.", metavar="DAY")] = None
    site: SiteName = None


@operation("destruction.select", right="approve", audit="destruction")
def select(core: Installation, request: SelectDestruction) -> DestructionsSelected:
    """Select live records whose purpose is achieved (S5.1), of one subject, up to a day, or all of a class.

    They wait for an approval; then what other law names moves into the archive and the rest is destroyed. Raises
    :class:`CollectorError` without a reason, :class:`Unknown` for a class without live records.
    """
    found = find_site(core, request.site)
    if not request.reason.strip():
        raise CollectorError("a selection needs a reason: why is its purpose achieved? say it with --reason")
    whom = core.retention.records.subject_key(found, request.subject) if request.subject else None
    chosen = core.retention.planner.achieved(
        found.ref,
        request.record_class,
        f"the purpose is achieved: {request.reason.strip()[:300]}",
        core.retention.today(),
        subject=whom,
        before=_day(request.before, "the last day"),
    )
    if not chosen:
        raise Unknown(f"there is no live record of the class {request.record_class!r} that this would select")
    selected = core.retention.approvals.select_achieved(chosen, request.by)
    return DestructionsSelected(
        selected=[DestructionSummary.of(d, core.retention.today()) for d in selected],
        records=sum(len(d.what["ids"]) for d in selected),
    )


class GrantApproval(SignedRequest[SignedSchedule], frozen=True):
    """Sign policy versions for routine ageing-out: what is destroyed because a period that you signed has ended."""

    version: Annotated[
        str | None, Field("Sign this policy version besides those signed; without it, all.", metavar="VERSION")
    ] = None
    site: SiteName = None


@operation("approval.grant", right="approve", audit="approval")
def grant(core: Installation, request: GrantApproval) -> SignedSchedule:
    """Record a standing approval for routine ageing-out: for every published version, or for one more."""
    return core.retention.standing.grant(
        request.by, site_ref=find_site(core, request.site).ref if request.site else None, version=request.version
    )


class RevokeApproval(SignedRequest[ApprovalRevoked], frozen=True):
    """Revoke the standing approval: from now on every destruction waits for `destruction approve`."""


@operation("approval.revoke", right="approve", audit="approval")
def revoke(core: Installation, request: RevokeApproval) -> ApprovalRevoked:
    """End the standing approval."""
    return core.retention.standing.revoke(request.by)


class ReadArchive(AccessRequest[list[RecordDetails]], frozen=True):
    """Read archived records of one class. Written in the access log before anything is shown."""

    record_class: Annotated[str, Field(argument=True, metavar="CLASS")]
    reading_for: Annotated[
        str,
        Field(
            "For what; the policy's class says for which of these it may be read.",
            option="--for",
            choices=get_args(Obligation),
        ),
    ]
    reason: Annotated[str, Field("What is asked for today; it stands in the access log.")]
    subject: Annotated[str | None, Field("Only of this visitor (by id) or member (by reference).", metavar="ID")] = None
    site: SiteName = None


@operation("archive.read", right="requests", audit="archive.read")
def read_archive(core: Installation, request: ReadArchive) -> list[RecordDetails]:
    """Read archived records for the obligation that they are kept for; in the access log before anything is shown.

    Raises :class:`NotAllowed` for what the class may not be read for (``read_for`` in the policy) or without a reason.
    """
    found = find_site(core, request.site)
    core.retention.records.archive_for(found, request.record_class, request.reading_for, request.reason)
    whom = core.retention.records.subject_key(found, request.subject) if request.subject else None
    what = {"class": request.record_class, "for": request.reading_for}
    record_request(core, request, "archive.read", request.reason, site_ref=found.ref, visitor=whom, what=what)
    return core.retention.records.read_archive(found, request.record_class, subject=request.subject)


class ListArchive(Request[list[ArchiveGroup]], frozen=True):
    """List what lies in the archive: how many records of which class, until when. Names nobody."""

    site: SiteName = None


@operation("archive.list", right="read", changes=False)
def list_archive(core: Installation, request: ListArchive) -> list[ArchiveGroup]:
    """What lies in the archive: how many records of which class, until when, under which law. Names nobody."""
    return archive_groups(core, find_site(core, request.site) if request.site else None)


class FindDueMembers(AttributedRequest[list[DueMember]], frozen=True):
    """Find those of the site's own member references who must be told of a consent within some days (K16)."""

    references: list[str]
    days: int = 30
    site: str | None = None


@operation("policy.reconfirm", right="requests", audit="consents.reconfirm")
def who_is_due(core: Installation, request: FindDueMembers) -> list[DueMember]:
    """Of the site's own member references those who must be told of a consent within ``days`` (K16); audited."""
    found = find_site(core, request.site)
    what = {"references": len(request.references), "days": request.days}
    record_access(core, action="consents.reconfirm", by=request.by, reason="", site_ref=found.ref, what=what)
    return reconfirmation.of_members(
        core, found, request.references, core.retention.today() + timedelta(days=request.days)
    )


class Reconfirmed(msgspec.Struct, frozen=True):
    """Until which day those who were due have been told, and of which purposes."""

    site: str
    until: str
    purposes: list[str]


class NoteReconfirmed(AttributedRequest[Reconfirmed], frozen=True):
    """Note that everyone whose telling was due by a day was told today (K16)."""

    until: str
    purposes: list[str] | None = None
    site: str | None = None


@operation("policy.reconfirmed", right="requests", audit="reconfirmed")
def were_told(core: Installation, request: NoteReconfirmed) -> Reconfirmed:
    """Note that everyone whose telling was due by a day was told today (K16). Raises :class:`Unknown`."""
    found = find_site(core, request.site)
    now = core.clock.now()
    notice = core.registry.in_force(found.ref, now)
    asked = reconfirmation.asking(notice)
    for purpose in request.purposes or ():
        if purpose not in asked:
            raise Unknown(f"the notice in force does not reconfirm {purpose!r}; it does {', '.join(asked) or 'none'}")
    day = _day(request.until, "the day")
    with core.storage.ledger.writing():
        for purpose in request.purposes or asked:
            body = {"purpose": purpose, "on": day_of(now, notice.zone).isoformat(), "until": str(day), "by": request.by}
            core.storage.ledger.append(reconfirmation.KIND, now, body, site_ref=found.ref)
    return Reconfirmed(site=found.id, until=request.until, purposes=list(request.purposes or asked))


class BackupPrepared(msgspec.Struct, frozen=True):
    """How many days are stored, and how many keys were made for them."""

    days: int
    keys_made: int


class PrepareBackup(AttributedRequest[BackupPrepared], frozen=True):
    """Before a backup: every day gets a key, whose destruction shreds the backup; journal and ledger know of it."""


@operation("backup.prepare", right="access", audit="backup")
def prepare_backup(core: Installation, request: PrepareBackup) -> BackupPrepared:
    """Before a backup: every day gets a key, whose destruction shreds the backup; journal and ledger know of it."""
    today = core.retention.today()
    made = sum(1 for day in core.storage.events.days() if _give_key(core, day))
    with core.storage.ledger.writing():
        core.storage.ledger.append("audit", core.clock.now(), {"action": "backup", "by": request.by})
        core.storage.admin.put_setting(BACKED_UP, {"at": core.clock.now()})
    core.ledger.journal.append({"kind": "backup", "day": today.isoformat()})
    return BackupPrepared(days=len(core.storage.events.days()), keys_made=made)


def _give_key(core: Installation, day: date) -> bool:
    if core.storage.keys.destroyed(day_name(day)) or core.keyring.day(day) is not None:
        return False
    return core.keyring.day(day, create=True) is not None


def _day(text: str | None, what: str) -> date | None:
    try:
        return None if text is None else parse_day(text)
    except ValueError:
        raise Unknown(f"{what} must be a day such as 2026-11-23") from None
