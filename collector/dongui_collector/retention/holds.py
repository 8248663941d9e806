"""Legal holds (보존 사유, S3.2): suspending the destruction of what one covers, what it holds now, and its release."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date

import msgspec
from msgspec.structs import replace

from dongui_collector.core.clock import Clock
from dongui_collector.core.errors import NotAllowed
from dongui_collector.ledger.notices import NoticeRegistry
from dongui_collector.ledger.periods import Periods, bits_of
from dongui_collector.retention.serializers import hold_json
from dongui_collector.storage.contract.journal import DestructionJournal
from dongui_collector.storage.contract.stores import Storage, iter_rows
from dongui_collector.storage.contract.values import Hold, Json, Selection

# S3.2a, b, c: until the investigation ends; until the claim is settled; until the provision's own period ends.
GROUNDS = ("investigation", "claim", "provision")


def check_ground(hold: Hold) -> None:
    """Whether a hold says on which of the three grounds it stands, with what that ground needs.

    Raises :class:`NotAllowed`. Source: S3.2a-c.
    """
    if hold.ground not in GROUNDS:
        raise NotAllowed(f"a legal hold stands on one of {', '.join(GROUNDS)}; say which with --ground")
    if hold.ground == "provision" and not (hold.statute and hold.until):
        raise NotAllowed("an exceptional provision has its own statute and period: say them with --statute and --until")
    if hold.first_day and hold.last_day and hold.last_day < hold.first_day:
        raise NotAllowed("the hold's last day lies before its first")


class HoldCoverage(msgspec.Struct, frozen=True):
    """What a hold covers at a moment, in numbers.

    ``ended`` counts the rows and records among them that would be destroyed if it were released then.
    """

    rows: int
    days: int
    first_day: str | None
    last_day: str | None
    records: int
    ended: int
    consent_records: int


@dataclass(eq=False)
class HoldService:
    """Places and releases holds, and says what they hold."""

    _storage: Storage
    _registry: NoticeRegistry
    _clock: Clock
    _journal: DestructionJournal
    _periods: Periods
    _today: Callable[[], date]

    def standing(self) -> list[Hold]:
        """The legal holds that stand today."""
        today = self._today()
        return [hold for hold in self._storage.admin.holds() if hold.stands(today)]

    def add(self, hold: Hold) -> Hold:
        """Suspend destruction of what ``hold`` covers, from this moment on. Audited; whom it concerns is not.

        A hold that names a member holds the visitors that are joined to it too.
        """
        with self._storage.ledger.writing():
            if hold.visitor is not None:
                hold = replace(hold, joined=hold.joined | self.joined(hold.visitor))
            added = self._storage.admin.add_hold(hold)
            self._storage.ledger.append("hold", hold.at, hold_json(added), site_ref=hold.site_ref)
            entry = {"kind": "hold", "hold": hold_json(added), **self._whom(hold)}
            self._storage.ledger.before_commit(lambda: self._journal.append(entry))
        return added

    def release(self, id: int, by: str) -> None:
        """End a hold; whom it named is forgotten. Raises :class:`Unknown`."""
        with self._storage.ledger.writing():
            now = self._clock.now()
            self._storage.admin.release_hold(id, now)
            self._storage.ledger.append("hold", now, {"released": id, "by": by})
            self._storage.ledger.before_commit(lambda: self._journal.append({"kind": "hold", "released": id}))
        self._storage.ledger.scrub()

    def joined(self, subject: bytes) -> frozenset[bytes]:
        """The visitors that are joined to a member now: a hold that names the member holds theirs too."""
        return frozenset(self._storage.ledger.visitors_of_member(subject))

    def _whom(self, hold: Hold) -> Json:
        """Whom a hold names, without an identifier: by numbers of ledger records and random ids of other records."""
        if hold.visitor is None:
            return {"records": [], "ids": []}
        stores = (self._storage.archive, self._storage.records)
        held = [
            r.id.hex() for store in stores for site in self._sites(hold) for r in store.of_subject(site, hold.visitor)
        ]
        numbers = sorted(r.seq for key in hold.whom for r in self._storage.ledger.records_of(key))
        return {"records": numbers, "ids": held}

    def _sites(self, hold: Hold) -> list[int]:
        return [site.ref for site in self._registry.sites() if hold.site_ref in (None, site.ref)]

    # -- what one holds now

    def holds_now(self, hold: Hold, today: date) -> HoldCoverage:
        """What a hold covers at this moment: rows and their days, other records, consent records."""
        rows = ended = 0
        days: list[str] = []
        for day in self._storage.events.days():
            here, over = self._of_day(hold, day, today)
            rows, ended = rows + here, ended + over
            if here:
                days.append(day.isoformat())
        records = list(self._records(hold))
        of_visitors = (r for key in hold.whom for r in self._storage.ledger.records_of(key))
        return HoldCoverage(
            rows=rows,
            days=len(days),
            first_day=days[0] if days else None,
            last_day=days[-1] if days else None,
            records=len(records),
            ended=ended + sum(last < today for last in records),
            consent_records=sum(1 for _ in of_visitors) if hold.class_id in (None, "consent_record") else 0,
        )

    def _of_day(self, hold: Hold, day: date, today: date) -> tuple[int, int]:
        """Rows of a day that it covers, and how many have ended: by their period, or by an ending that waits."""
        covered: dict[tuple[int, int], int] = defaultdict(int)
        for basis in self._storage.events.bases(day):
            bits = sum(
                1 << bit
                for bit in bits_of(basis.purposes)
                if hold.touches(basis.site_ref, self._periods.class_id(basis.notice_ref, bit), day)
            )
            covered[basis.site_ref, basis.notice_ref] |= bits
        if not any(covered.values()):
            return 0, 0
        intents = self._storage.ledger.intents()
        rows = over = 0
        selections = [Selection(visitor=key) for key in hold.whom] or [Selection()]
        for selection in selections:
            for row in iter_rows(self._storage.events, day, selection):
                mask = row.purposes & covered[row.site_ref, row.notice_ref]
                if not mask:
                    continue
                rows += 1
                waits = any(i.visitor == row.visitor and i.bits & mask and row.seq <= i.up_to for i in intents)
                over += waits or self._periods.retained_mask(row.notice_ref, mask, day, today) != mask
        return rows, over

    def _records(self, hold: Hold) -> Iterator[date]:
        """The last days of the records of other classes that it covers."""
        for store in (self._storage.archive, self._storage.records):
            for site in self._sites(hold):
                of_subjects = [store.of_subject(site, subject) for subject in hold.whom]
                for some in of_subjects or [store.of_site(site)]:
                    yield from (r.last_day for r in some if hold.covers(r.site_ref, r.class_id, r.day, r.subject))
