"""When the ledger's own contents end: consent records, the staff's audit, privacy requests, disclosures. Pure.

A consent record is kept for its class's period counted from the consent's *end*, and never shorter than the rows that
may stand on it: who must prove a consent (K2) needs its record as long as the data.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date

from dongui.rules.periods import Period, last_day

from dongui_collector.core.clock import day_of
from dongui_collector.ledger.notices import LoadedNotice
from dongui_collector.ledger.periods import class_last_day
from dongui_collector.storage.contract.disclosures import Disclosure
from dongui_collector.storage.contract.requests import StoredRequest
from dongui_collector.storage.contract.values import Hold, LedgerRecord

CONSENT, AUDIT, REQUEST = "consent_record", "staff_audit", "request"
CONSENT_KINDS = frozenset({"consent", "suspension", "resumption", "minor", "channel"})

DISCLOSURE = "disclosure"
# Kind of record on the ledger → the record class with which its content ends.
CLASS_OF = {
    **dict.fromkeys(CONSENT_KINDS, CONSENT),
    **dict.fromkeys(("profile", "reconfirmed"), CONSENT),
    **dict.fromkeys(("audit", "keys", "account", "refused"), AUDIT),
    "request": REQUEST,
    "disclosure": DISCLOSURE,
}
# Those that end by themselves, day by day, once nothing needs them any more.
BOOKS = ("request", "disclosure", "keys", "account", "refused", "profile", "reconfirmed")


def class_in(notice: LoadedNotice, class_id: str) -> str:
    """The class that counts under a notice: one published before disclosures had theirs keeps them as requests."""
    return REQUEST if class_id == DISCLOSURE and class_id not in notice.policy.records else class_id


def book_last_day(record: LedgerRecord, notices: Iterable[LoadedNotice]) -> date | None:
    """The last day of a record of :data:`BOOKS`: the longest period that any of the notices in force says."""
    class_id = CLASS_OF[record.kind]
    found = [_kept(n, class_in(n, class_id), day_of(record.at, n.zone)) for n in notices]
    return max((kept for kept in found if kept), default=None)


def disclosure_last_day(entry: Disclosure, notice: LoadedNotice) -> date | None:
    """The last day of an entry of the disclosure ledger, counted from its end; a plan's from when it was to happen."""
    day = day_of(entry.done_at or entry.at, notice.zone)
    if entry.state == "planned" and entry.until:
        day = max(day, date.fromisoformat(entry.until))
    return _kept(notice, class_in(notice, DISCLOSURE), day)


def consent_last_days(records: Sequence[LedgerRecord], notices: Sequence[LoadedNotice]) -> dict[int, date]:
    """For one visitor's records, oldest first: sequence → last day on which its content may be held.

    ``notices`` are the site's, in the order in which they come into force. Records without content are left out.
    """
    by_version = {n.version: n for n in notices}
    living = [r for r in records if r.body is not None and r.kind in CONSENT_KINDS]
    found: dict[int, date] = {}
    for index, record in enumerate(living):
        body = record.body or {}
        notice = by_version.get(body.get("notice", ""), notices[-1])
        own_day = day_of(record.at, notice.zone)
        lasts = [_kept(notice, CONSENT, own_day) or own_day]
        if record.kind == "minor":  # whoever was under age then is not any more (S8)
            lasts = [last_day(own_day, Period(years=notice.policy.notice.minimum_age))]
        if record.kind == "channel":  # a consent to receive advertising stands until its word changes (K16)
            lasts += [_channel_last_day(id, notice, living[index + 1 :]) for id in body.get("on", ())]
        for purpose in body.get("given", ()):
            end = consent_end(purpose, record, notice, living[index + 1 :], notices)
            rows = class_last_day(notice.policy.records[notice.policy.purposes[purpose].record], end)
            lasts.append(max(rows, _kept(notice, CONSENT, end) or rows))
        found[record.seq] = max(lasts)
    return found


def _channel_last_day(id: str, notice: LoadedNotice, later: Iterable[LedgerRecord]) -> date:
    """How long the proof of a consent to receive advertising is kept: as long as it stands, and its class's period."""
    for other in later:
        body = other.body or {}
        if other.kind == "channel" and (id in body.get("on", ()) or id in body.get("off", ())):
            end = day_of(other.at, notice.zone)
            return _kept(notice, CONSENT, end) or end
    return date.max


def consent_end(
    purpose: str,
    record: LedgerRecord,
    notice: LoadedNotice,
    later: Iterable[LedgerRecord],
    notices: Sequence[LoadedNotice],
) -> date:
    """The day on which the consent given by ``record`` ended or will end at the latest.

    It ends with the visitor's next word on the purpose, with its lifetime, or with a notice that needs a new one.
    """
    ends = [last_day(day_of(record.at, notice.zone), notice.policy.notice.choice_lifetime)]
    for other in later:
        body = other.body or {}
        if any(purpose in body.get(word, ()) for word in ("given", "refused", "withdrawn")):
            ends.append(day_of(other.at, notice.zone))
            break
    after = notices[[n.ref for n in notices].index(notice.ref) + 1 :]
    ends += [max(n.effective, day_of(record.at, notice.zone)) for n in after if notice.ref not in n.accepts][:1]
    return min(ends)


def audit_last_day(at: int, notices: Iterable[LoadedNotice]) -> date | None:
    """The last day of an audit entry: the longest period that any of the notices in force says (K12: a floor)."""
    found = [kept for n in notices if (kept := _kept(n, AUDIT, day_of(at, n.zone)))]
    return max(found, default=None)


def request_last_day(request: StoredRequest, notice: LoadedNotice) -> date | None:
    """The last day of a privacy request, counted from the day on which it was closed; None while it is open."""
    return _kept(notice, REQUEST, day_of(request.closed_at, notice.zone)) if request.closed_at else None


def earliest_end(notices: Iterable[LoadedNotice], day: date) -> date:
    """A lower bound of the last day of anything recorded on ``day``: younger records need not be looked at."""
    ends = (_kept(n, class_id, day) for n in notices for class_id in (CONSENT, AUDIT))
    return min((end for end in ends if end is not None), default=day)


def held(holds: Iterable[Hold], class_id: str, site_ref: int | None, day: date, visitor: bytes | None) -> bool:
    """Whether a standing hold covers one of these records."""
    return any(h.covers(site_ref, class_id, day, visitor) for h in holds)


def in_ranges(found: Iterable[Sequence[int]]) -> set[int]:
    """The numbers of :func:`~dongui_collector.storage.contract.targets.ranges`."""
    return {n for first, last in found for n in range(first, last + 1)}


def _kept(notice: LoadedNotice, class_id: str, day: date) -> date | None:
    record_class = notice.policy.records.get(class_id)
    return class_last_day(record_class, day) if record_class else None
