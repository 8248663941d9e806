"""The staff's access log (S7.2, K12): who looked at personal data, when, from where, whose, what was done and why.

Entries are records of kind ``audit`` on the hash chain: append-only, sealed by the days after them, kept for the class
``staff_audit`` and ended in place, without breaking the chain. Whose data it was stands in a record of its own beside
the entry: when that person is erased it goes, and that somebody looked, who and why, stays.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date
from typing import Annotated, Any

import msgspec

from dongui_collector.access import audit_review as reviewing
from dongui_collector.access.audit_review import AuditEntry, Review
from dongui_collector.core.clock import start_of
from dongui_collector.core.errors import CollectorError, NotAllowed
from dongui_collector.core.operations import AccessRequest, AttributedRequest, Field, Request, operation
from dongui_collector.core.pseudonyms import Pseudonyms
from dongui_collector.storage.contract.installation import StoredInstallation
from dongui_collector.storage.contract.values import Json, LedgerRecord

KIND = "audit"
WHOSE = "whose"  # the action of the record that says whose data an entry is about
_ACTION = re.compile(r"[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)*")
_LONGEST = {"by": 200, "reason": 500, "address": 60}


def record_access(
    core: StoredInstallation,
    *,
    action: str,
    by: str,
    reason: str,
    site_ref: int | None = None,
    visitor: bytes | None = None,
    address: str = "",
    what: Json | None = None,
) -> None:
    """Write down that personal data is looked at; durable when this returns, so call it before showing anything.

    ``action`` is a dotted name such as ``archive.read``; ``by`` who looks (an account, a token's id, the system's
    user); ``reason`` why, in the words of who looks, may be empty where the action says it; ``visitor`` the 16-byte key
    of whom it is about (a visitor or a member), ``address`` from where, ``what`` which part of it, as plain values
    without any identifier of a person. Inside a writing transaction it becomes part of it. Raises
    :class:`CollectorError` for an action that is no name or an entry that nobody made. Source: S7.2, K12.
    """
    if not _ACTION.fullmatch(action) or action == WHOSE:
        raise CollectorError(f"an audit entry needs an action such as archive.read, not {action[:40]!r}")
    if not by.strip():
        raise CollectorError(f"an audit entry ({action}) must say who looked")
    said = {"by": by.strip(), "reason": reason.strip(), "address": address}
    body: Json = {"action": action, **{name: text[: _LONGEST[name]] for name, text in said.items() if text}}
    if what:
        body["what"] = what
    with core.storage.ledger.writing():
        now = core.clock.now()
        record = core.storage.ledger.append(KIND, now, body, site_ref=site_ref)
        if visitor is not None:
            of = {"action": WHOSE, "of": record.seq}
            core.storage.ledger.append(KIND, now, of, site_ref=site_ref, visitor=visitor)


def record_request(
    core: StoredInstallation,
    request: AccessRequest[Any],
    action: str,
    reason: str,
    *,
    site_ref: int,
    visitor: bytes | None = None,
    what: Json | None = None,
) -> None:
    """Write down what a request looks at; see :func:`record_access`."""
    who = {"by": request.by, "address": request.address}
    record_access(core, action=action, reason=reason, site_ref=site_ref, visitor=visitor, what=what, **who)


class RecordAccess(Request[None], frozen=True):
    """Write an access down for a process that only reads: ``site`` is an id, ``visitor`` the key in hexadecimal."""

    action: str
    by: str
    reason: str = ""
    site: str | None = None
    visitor: str | None = None
    address: str = ""
    what: Json | None = None


@operation("audit.look")
def record_access_from_desk(core: StoredInstallation, request: RecordAccess) -> None:
    """Raises what :func:`record_access` raises."""
    found = next((one for one in core.storage.ledger.sites() if one.id == request.site), None)
    record_access(
        core,
        action=request.action,
        by=request.by,
        reason=request.reason,
        site_ref=found.ref if found else None,
        visitor=bytes.fromhex(request.visitor) if request.visitor else None,
        address=request.address,
        what=request.what,
    )


# --- reading it ------------------------------------------------------------------------------------------------------

REVIEW = "audit.review"
ERASED = "erased"
_PAGE = 1000


def entries(core: StoredInstallation, first: date, end: date) -> Iterator[AuditEntry]:
    """The entries of the days ``first`` to before ``end``, oldest first. A person has a name within this log only."""
    zone, names = core.settings.zone, Pseudonyms(core.keyring, "audit log")
    sites = {site.ref: site.id for site in core.storage.ledger.sites()}
    waiting: LedgerRecord | None = None
    for record in _records(core, start_of(first, zone), start_of(end, zone)):
        if waiting is not None:
            about = record if _is_about(record, waiting) else None
            yield _entry(sites, waiting, _whose(about, names))
            waiting = None
            if about is not None:
                continue
        if record.body is not None and record.body.get("action") != WHOSE:
            waiting = record
    if waiting is not None:
        yield _entry(sites, waiting, None)


def _records(core: StoredInstallation, first: int, end: int) -> Iterator[LedgerRecord]:
    after = 0
    while page := core.storage.ledger.records_between(KIND, first, end, after, _PAGE):
        yield from page
        after = page[-1].seq


def _is_about(record: LedgerRecord, entry: LedgerRecord) -> bool:
    """Whether a record says whose data the entry right before it is about, or said so until the person was erased."""
    if record.seq != entry.seq + 1:
        return False
    return record.body is None or (record.body.get("action") == WHOSE and record.body.get("of") == entry.seq)


def _whose(about: LedgerRecord | None, names: Pseudonyms) -> str | None:
    if about is None:
        return None
    return ERASED if about.visitor is None else names.visitor(about.visitor)


def _entry(sites: dict[int, str], record: LedgerRecord, whose: str | None) -> AuditEntry:
    site = sites[record.site_ref] if record.site_ref is not None else None
    return reviewing.entry_of(record.seq, record.at, record.body or {}, site=site, whose=whose)


def month(core: StoredInstallation, text: str) -> Review:
    """The review of a month (``YYYY-MM``). Raises :class:`CollectorError` for what is no month."""
    return reviewing.review(text, entries(core, *_days(text)), core.settings.zone)


def reviews(core: StoredInstallation) -> dict[str, AuditEntry]:
    """Which months were reviewed: month → the newest entry that says so."""
    today = core.clock.today(core.settings.zone)
    found = entries(core, date(2000, 1, 1), today.replace(year=today.year + 1, day=1))
    return {str(entry.what.get("month")): entry for entry in found if entry.action == REVIEW}


class ReviewSigned(msgspec.Struct, frozen=True):
    """Which month was reviewed, how many entries it had, and who says so."""

    reviewed: str
    entries: int
    by: str


class SignReview(AttributedRequest[ReviewSigned], frozen=True):
    """Write down that you have reviewed a month of the access log (K12)."""

    month: Annotated[str, Field("The month.", metavar="YYYY-MM")]
    note: Annotated[str, Field("What you found.")] = ""


@operation("audit.review", right="audit", audit=REVIEW)
def sign_review(core: StoredInstallation, request: SignReview) -> ReviewSigned:
    """Raises :class:`NotAllowed` before the month is over."""
    month = request.month
    _, end = _days(month)
    if core.clock.today(core.settings.zone) < end:
        raise NotAllowed(f"{month} is not over; it can be reviewed from {end} on")
    found = reviewing.review(month, entries(core, *_days(month)), core.settings.zone)
    what = {"month": month, "entries": found.entries, "up_to": found.last_seq}
    record_access(core, action=REVIEW, by=request.by, reason=request.note, what=what)
    return ReviewSigned(month, found.entries, request.by)


def _days(text: str) -> tuple[date, date]:
    try:
        return reviewing.month_days(text)
    except ValueError:
        raise CollectorError(f"{text[:20]!r} is no month such as 2026-10") from None
