"""Who must be told of their consent, and by when (K16), for purposes with a ``reconfirm`` period.

Telling is the site's own work: only it can reach its people. The collector says how many are due and, of the member
references that the site gives, which; it keeps keyed hashes of these alone. That they were told is one record on the
ledger, which names nobody: everyone who was due by a day.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

import msgspec
from dongui.policy.period import Period
from dongui.rules.periods import last_day

from dongui_collector.core.clock import day_of
from dongui_collector.ledger import state
from dongui_collector.ledger.notices import LoadedNotice
from dongui_collector.storage.contract.values import Json, Site

if TYPE_CHECKING:
    from dongui_collector.retention.installation import Installation

KIND = "reconfirmed"
_PAGE = 1000


@dataclass(frozen=True, slots=True)
class Reconfirmation:
    """Everyone whose telling was due by ``until`` was told on ``on``."""

    on: date
    until: date


def reminded_by(given: date, reminders: Iterable[Reconfirmation], period: Period) -> date:
    """The last day on which somebody who gave a consent on ``given`` must be told of it the next time."""
    base = given
    for one in reminders:
        if one.on >= base and last_day(base, period) <= one.until:
            base = one.on
    return last_day(base, period)


@dataclass(frozen=True, slots=True)
class Due:
    """One consent of which its giver must be told."""

    visitor: bytes
    member: bytes | None
    purpose: str
    by: date


def due(core: Installation, site: Site, until: date) -> Iterator[Due]:
    """Every live consent of a site whose giver must be told by ``until``, in no particular order."""
    now = core.clock.now()
    notice = core.registry.in_force(site.ref, now)
    asked = {id: p for id in notice.policy.consent_purposes if (p := notice.policy.purposes[id]).reconfirm}
    reminders = {id: _reminders(core, site, id) for id in asked}
    after = b""
    while asked and (keys := core.storage.ledger.visitors(after, _PAGE)):
        for key in keys:
            visitor = core.storage.ledger.visitor(key)
            if visitor is None or visitor.site_ref != site.ref:
                continue
            for id, purpose in asked.items():
                standing = visitor.standings.get(notice.bits[id])
                if standing is None or state.state_of(standing, notice, core.registry, now) != "given":
                    continue
                assert purpose.reconfirm is not None
                by = reminded_by(day_of(standing.at, notice.zone), reminders[id], purpose.reconfirm)
                if by <= until:
                    yield Due(key, visitor.member, id, by)
        after = keys[-1]


def _reminders(core: Installation, site: Site, purpose: str) -> list[Reconfirmation]:
    found, after = [], 0
    while page := core.storage.ledger.of_kind(KIND, after):
        for record in page:
            body = record.body or {}
            if record.site_ref == site.ref and body.get("purpose") == purpose:
                found.append(Reconfirmation(date.fromisoformat(body["on"]), date.fromisoformat(body["until"])))
        after = page[-1].seq
    return found


def counts(core: Installation, site: Site, until: date) -> list[Json]:
    """How many must be told by when, a line a purpose and day. Names nobody."""
    notice = core.registry.in_force(site.ref, core.clock.now())
    numbers = Counter((d.purpose, d.by, d.member is not None) for d in due(core, site, until))
    lines: dict[tuple[str, date], Json] = {}
    for (purpose, by, member), number in sorted(numbers.items()):
        silence = notice.policy.purposes[purpose].silence
        base = {"purpose": purpose, "by": by.isoformat(), "people": 0, "members": 0, "silence": silence}
        line = lines.setdefault((purpose, by), base)
        line["people"] += number
        line["members"] += number if member else 0
    return list(lines.values())


class DueMember(msgspec.Struct, frozen=True):
    """A member, by the site's own reference, who must be told of the consents to ``purposes`` by a day."""

    member: str
    purposes: list[str]
    by: date


def of_members(core: Installation, site: Site, references: Sequence[str], until: date) -> list[DueMember]:
    """Of the site's own member references those who must be told, in their order."""
    found: dict[bytes, list[Due]] = {}
    for one in due(core, site, until):
        if one.member is not None:
            found.setdefault(one.member, []).append(one)
    lines = []
    for reference in dict.fromkeys(references):
        if mine := found.get(core.ledger.member_key(site.ref, reference)):
            purposes = sorted({d.purpose for d in mine})
            lines.append(DueMember(reference, purposes, min(d.by for d in mine)))
    return lines


def asking(notice: LoadedNotice) -> list[str]:
    """The purposes of a notice whose givers are told."""
    return [id for id in notice.policy.consent_purposes if notice.policy.purposes[id].reconfirm]
