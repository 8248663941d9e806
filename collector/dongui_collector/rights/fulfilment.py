"""Carrying a granted request out. What is decided is one transaction with the answer; what is destroyed follows.

Killed in between, the endings are on the ledger, mask every read, and are finished by the next start. What another law
names is left where it is and named in the answer: which class, under which statute, until when (S9.5).
"""

from __future__ import annotations

from datetime import date

from dongui.rules.periods import last_day

from dongui_collector.core.errors import NotAllowed
from dongui_collector.retention.installation import Installation
from dongui_collector.rights.subjects import Subject
from dongui_collector.storage.contract.values import Json, Record, Selection, Visitor


def decide_erasure(core: Installation, subject: Subject) -> list[int]:
    """Decide that everything of a person ends; the ledger numbers of the endings. Inside a writing transaction."""
    seqs = [core.ledger.erase(key, "request").seq for key in subject.visitors]
    if subject.member:
        if core.storage.ledger.visitor(subject.member):
            core.storage.ledger.drop_visitor(subject.member)  # a suspension of the whole membership
        seqs.append(core.ledger.end_member(subject.site_ref, subject.member, "request").seq)
    return seqs


def finish(core: Installation, seqs: list[int]) -> int:
    """Carry endings through; the rows destroyed now. Those that a hold keeps open stay open."""
    wanted = set(seqs)
    open_ = [intent for intent in core.storage.ledger.intents() if intent.seq in wanted]
    return sum(core.retention.endings.finish(intent).destroyed for intent in open_)


def suspend(core: Installation, subject: Subject, suspended: bool) -> None:
    """Suspend a person's processing, or resume it (K10). Inside a writing transaction.

    For a member a mark of its own is kept, so that a visitor joined later is suspended too.
    """
    ledger = core.storage.ledger
    if subject.member:
        mark = ledger.visitor(subject.member)
        if mark is None and suspended:
            ledger.put_visitor(Visitor(subject.member, subject.site_ref, False, {}))
        if mark is not None or suspended:
            core.ledger.suspend(subject.member, suspended)
        if not suspended:
            ledger.drop_visitor(subject.member)
    for key in subject.visitors:
        core.ledger.suspend(key, suspended)


def is_suspended(core: Installation, subject: Subject) -> bool:
    """Whether anything of the person is suspended."""
    visitors = (core.storage.ledger.visitor(key) for key in subject.keys)
    return any(visitor is not None and visitor.suspended for visitor in visitors)


def records_of(core: Installation, subject: Subject) -> list[tuple[Record, bool]]:
    """The person's records of other classes, each with whether it lies in the archive."""
    return [
        (record, archived)
        for store, archived in ((core.storage.records, False), (core.storage.archive, True))
        for key in subject.keys
        for record in store.of_subject(subject.site_ref, key)
    ]


def rows_of(core: Installation, subject: Subject) -> int:
    """How many recorded events stand under the person's visitors."""
    events = core.storage.events
    return sum(events.count(day, Selection(visitor=key)) for key in subject.visitors for day in events.days())


def kept_by_law(core: Installation, subject: Subject) -> list[Json]:
    """What is left, or would be, after an erasure: ``{class, label, law, until, records}``, by class (S9.5)."""
    found: dict[tuple[str, str], Json] = {}
    for record, _archived in records_of(core, subject):
        record_class = core.registry.notice(record.notice_ref).policy.records[record.class_id]
        floor = last_day(record.day, record_class.min_keep) if record_class.min_keep else None
        if record_class.archive and record_class.law:
            until: date | None = record.last_day
        else:
            until = floor if floor and floor >= core.retention.today() else None
        if until is None:
            continue
        law = dict(record_class.law) if record_class.law else None
        entry = found.setdefault(
            (record.class_id, str(law)),
            {"class": record.class_id, "label": dict(record_class.label), "law": law, "until": "", "records": 0},
        )
        entry["records"] += 1
        entry["until"] = max(entry["until"], until.isoformat())
    return list(found.values())


def kept_by_holds(core: Installation, subject: Subject) -> list[Json]:
    """Legal holds that reach the person, by their statute; why they stand is not the person's to be told (S3.2)."""
    return [
        {"hold": hold.id, "law": {"ko": hold.statute, "en": hold.statute} if hold.statute else None}
        | {"until": hold.until.isoformat() if hold.until else None}
        for hold in core.retention.holds.standing()
        if hold.site_ref in (None, subject.site_ref) and (hold.visitor is None or hold.visitor in subject.keys)
    ]


def must_be_erasable(core: Installation, subject: Subject) -> None:
    """Raises :class:`NotAllowed` where everything that is held is kept under other law: such a request is refused."""
    if subject.visitors:
        return
    held, kept = records_of(core, subject), kept_by_law(core, subject)
    if held and len(held) == sum(k["records"] for k in kept):
        named = "; ".join(f"{k['class']} until {k['until']} ({(k['law'] or {}).get('ko', 'K15')})" for k in kept)
        raise NotAllowed(f"all that is held is kept under other law: {named}; refuse it under PIPA 36(1)")
