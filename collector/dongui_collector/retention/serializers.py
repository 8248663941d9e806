"""Holds and destructions as JSON, for people to read and for the ledger. Names nobody."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

import msgspec

from dongui_collector.retention.deadlines import deadline, pressing
from dongui_collector.storage.contract.targets import DestructionCertificate
from dongui_collector.storage.contract.values import Destruction, DestructionState, Hold, Json, Site

if TYPE_CHECKING:
    from dongui_collector.ledger.installation import LedgerInstallation


class HoldSummary(msgspec.Struct, frozen=True):
    """A legal hold for people to read. Says that it names someone, never whom."""

    id: int
    site: int | None
    ground: str
    reason: str
    statute: str | None
    record_class: str | None = msgspec.field(name="class")
    one_visitor: bool
    first_day: date | None = msgspec.field(name="from")
    last_day: date | None = msgspec.field(name="to")
    until: date | None
    at: int
    released_at: int | None

    @classmethod
    def of(cls, hold: Hold) -> HoldSummary:
        return cls(
            hold.id,
            hold.site_ref,
            hold.ground,
            hold.reason,
            hold.statute,
            hold.class_id,
            hold.visitor is not None,
            hold.first_day,
            hold.last_day,
            hold.until,
            hold.at,
            hold.released_at,
        )


def hold_json(hold: Hold) -> Json:
    """A hold as it stands on the ledger and in the journal."""
    body: Json = msgspec.to_builtins(HoldSummary.of(hold))
    return body


class ArchiveGroup(msgspec.Struct, frozen=True):
    """How many records of a class lie in the archive until a day, and under which law. Names nobody."""

    site: str
    record_class: str = msgspec.field(name="class")
    label: dict[str, str] | None
    law: dict[str, str] | None
    read_for: list[str]
    kept_until: date
    records: int


def archive_groups(core: LedgerInstallation, site: Site | None = None) -> list[ArchiveGroup]:
    """What lies in the archive, a line a site, class and last day. Opens nothing."""
    groups = []
    for site_ref, class_id, last, number in core.storage.archive.groups():
        if site is not None and site.ref != site_ref:
            continue
        named = [n.policy.records[class_id] for n in core.registry.notices(site_ref) if class_id in n.policy.records]
        newest = next((c for c in reversed(named) if c.archive), None)
        label, law = (dict(newest.label), dict(newest.law or {})) if newest else (None, None)
        read_for: list[str] = [*newest.read_for] if newest else []
        name = core.registry.site_by_ref(site_ref).name
        groups.append(ArchiveGroup(name, class_id, label, law, read_for, last, number))
    return groups


class DestructionSummary(msgspec.Struct, frozen=True):
    """A destruction for people to read. ``pressing`` says how urgent its approval is, while it waits for one."""

    id: int
    state: DestructionState
    what: Json
    reason: str
    due: date | None
    deadline: date | None
    pressing: str | None
    selected_at: int
    selected_by: str | None
    approved_at: int | None
    approved_by: str | None
    done_at: int | None
    certificate: DestructionCertificate | None

    @classmethod
    def of(cls, destruction: Destruction, today: date | None = None) -> DestructionSummary:
        """Without ``today`` nothing is said to press."""
        due = destruction.due
        waits = destruction.state == "selected"
        return cls(
            destruction.id,
            destruction.state,
            destruction.what,
            destruction.reason,
            due,
            due and deadline(due),
            pressing(due, today) if waits and today else None,
            destruction.selected_at,
            destruction.selected_by or None,
            destruction.approved_at,
            destruction.approved_by,
            destruction.done_at,
            destruction.certificate,
        )
