"""What a site tells of its members: joined (K18), left (회원탈퇴), under age (S8, K4). Each is one decision.

That somebody is under age is kept as one keyed hash and nothing else: without it a later sign-in on another browser
would begin to record again. It ends after as many years as the notice's minimum age: whoever was younger then is not
any more.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from dongui_collector.ledger.notices import LoadedNotice
from dongui_collector.retention.installation import Installation
from dongui_collector.rights import fulfilment
from dongui_collector.rights.subjects import Subject
from dongui_collector.storage.contract.values import Intent, Json, Site

MINOR = "minor"  # the ledger record's kind; how long it stands: retention/ledger_retention.py

Joined = Literal["joined", "no_purpose", "minor"]


@dataclass(frozen=True, slots=True)
class MemberEnd:
    """What a site's word ended: the endings to carry out, how many visitors, whose records other law may keep."""

    intents: tuple[Intent, ...]
    visitors: int
    subject: Subject


def identify(
    core: Installation, notice: LoadedNotice, visitor: bytes, member: bytes
) -> tuple[Joined, MemberEnd | None]:
    """Join a visitor to a member, under a live purpose that lists ``member_reference`` (K18).

    A member who is under age is never joined: what the visitor left is ended instead (S8). Where the member's
    processing is suspended, the visitor's is from now on (K10).
    """
    with core.storage.ledger.writing():
        if is_minor(core, member):
            return "minor", end(core, core.registry.site_by_ref(notice.site_ref), visitor, None, MINOR)
        if not core.ledger.identify(notice, visitor, member):
            return "no_purpose", None
        mark = core.storage.ledger.visitor(member)
        if mark is not None and mark.suspended:
            core.ledger.suspend(visitor, True)
        return "joined", None


def is_minor(core: Installation, member: bytes) -> bool:
    """Whether the site has said that this member is under age."""
    return any(r.kind == MINOR and r.body is not None for r in core.storage.ledger.records_of(member))


def end(core: Installation, site: Site, visitor: bytes | None, member: bytes | None, event: str) -> MemberEnd:
    """Decide that a member, every linked visitor and ``visitor`` end, because the member left or is under age.

    One transaction: either all of it is decided or nothing is. A visitor who is under age stands for the member that
    the browser is joined to.
    """
    ledger = core.storage.ledger
    with ledger.writing():
        held = ledger.visitor(visitor) if visitor else None
        if held is not None and held.site_ref != site.ref:
            held = None
        if event == MINOR and member is None and held is not None:
            member = held.member
        keys = dict.fromkeys([held.key] if held else [])
        keys |= dict.fromkeys(ledger.visitors_of_member(member) if member else [])
        intents = [core.ledger.erase(key, event) for key in keys]
        if member:
            if ledger.visitor(member) is not None:
                ledger.drop_visitor(member)  # a suspension of the whole membership
            intents.append(core.ledger.end_member(site.ref, member, event))
            if event == MINOR and not is_minor(core, member):
                ledger.append(MINOR, core.clock.now(), {}, site_ref=site.ref, visitor=member)
        elif event == MINOR and held is not None and not is_minor(core, held.key):
            ledger.append(MINOR, core.clock.now(), {}, site_ref=site.ref, visitor=held.key)  # no membership to mark
    return MemberEnd(tuple(intents), len(keys), Subject(site.ref, member, tuple(keys)))


def left_by_law(core: Installation, ending: MemberEnd) -> list[Json]:
    """What other law still keeps of whom an ending concerned: class, statute and end."""
    return fulfilment.kept_by_law(core, ending.subject)


def may_record(core: Installation, site: Site, class_id: str, subject: str) -> str | None:
    """Why nothing of this class may be recorded of a subject now: ``minor`` or ``suspended``; None where it may.

    A suspension does not reach what a statute demands (PIPA 37(2)); nothing at all is recorded of a minor.
    """
    key = core.retention.records.subject_key(site, subject)
    if is_minor(core, key) or is_minor(core, core.ledger.key_of(subject)):
        return MINOR
    visitor = core.storage.ledger.visitor(key)
    if visitor is None or not visitor.suspended:
        return None
    record_class = core.registry.in_force(site.ref, core.clock.now()).policy.records.get(class_id)
    return None if record_class and record_class.law else "suspended"
