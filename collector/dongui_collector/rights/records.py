"""A person's records of other classes, as the person or the officer who answers them may see them."""

from __future__ import annotations

import uuid

from dongui_collector.retention.installation import Installation
from dongui_collector.retention.records import RecordDetails
from dongui_collector.rights.fulfilment import records_of
from dongui_collector.rights.items import Items
from dongui_collector.rights.subjects import Subject
from dongui_collector.storage.contract.values import Record


def records_shown(
    core: Installation, subject: Subject, *, whole: bool, items: Items | None = None
) -> list[RecordDetails]:
    """The records with their class, statute and end; ``items`` notes what they add up to.

    ``whole``: the identity was checked by the officer, so archived ones are opened where their class may be read for a
    request; without it only the facts of them are shown. Of the records of a member that a visitor's browser was joined
    to there are only the facts, unless the member is who asks.
    """
    site = core.registry.site_by_ref(subject.site_ref)
    # Where one browser was proved, the membership that it is joined to was not, whoever checked it.
    joined = {v.member for key in subject.visitors if (v := core.storage.ledger.visitor(key)) and v.member}
    others = {r.id for member in joined - {subject.member} for r in core.retention.records.of(site, member)}
    shown = {r.id: r for key in subject.keys for r in core.retention.records.of(site, key)}
    for id in others & shown.keys():
        shown[id].data = None
    stored: dict[str, Record] = {str(uuid.UUID(bytes=r.id)): r for r, _ in records_of(core, subject)}
    for id, record in stored.items():
        if id not in shown or id in others:
            continue
        if items is not None:
            items.record(record.class_id, record.notice_ref, record.day, record.last_day)
        record_class = core.registry.notice(record.notice_ref).policy.records[record.class_id]
        if whole and shown[id].archived and "request" in record_class.read_for:
            shown[id].data = core.retention.records.opened(record)["data"]
    return list(shown.values())
