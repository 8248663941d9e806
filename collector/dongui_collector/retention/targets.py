"""Resolving what is to be ended: under which rules of which class and notice it is due.

What is resolved here travels with the target, so that approval, intent and destruction need not ask again.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from dongui_collector.core.errors import StorageDamaged
from dongui_collector.ledger.notices import LoadedNotice, NoticeRegistry
from dongui_collector.ledger.periods import Periods, bits_of
from dongui_collector.retention import ledger_retention
from dongui_collector.storage.contract.stores import Storage
from dongui_collector.storage.contract.targets import (
    AuditTarget,
    BooksTarget,
    ConsentsTarget,
    DayTarget,
    DisclosuresTarget,
    PurposesTarget,
    RecordsTarget,
    RequestsTarget,
    Rule,
    SelectedTarget,
)
from dongui_collector.storage.contract.values import LedgerRecord

_KEPT = 10_000  # resolved rules that are remembered


def rule_of(notice: LoadedNotice, class_id: str) -> Rule | None:
    """How long a notice version keeps a class; None where it has no such class."""
    found = notice.policy.records.get(class_id)
    return (class_id, str(found.keep), str(found.min_keep or "")) if found else None


class RuleResolver:
    """Says under which rules a target is due. Reads the stores; remembers what it has found."""

    def __init__(self, storage: Storage, registry: NoticeRegistry, periods: Periods) -> None:
        self._storage = storage
        self._registry = registry
        self._periods = periods
        self._known: dict[SelectedTarget, tuple[Rule, ...]] = {}

    def resolve(self, target: SelectedTarget) -> SelectedTarget:
        """The target with its rules: class, how long, and a law's minimum."""
        if target not in self._known:
            if len(self._known) > _KEPT:
                self._known.clear()
            try:
                self._known[target] = tuple(sorted({r for n, id in self._classes(target) if (r := rule_of(n, id))}))
            except StorageDamaged:  # a damaged file ends with the longest period there is: nothing in it asks for more
                return target
        return target.resolved(rules=self._known[target])

    def _classes(self, target: SelectedTarget) -> Iterator[tuple[LoadedNotice, str]]:
        """The notice versions and classes that something stood under."""
        match target:
            case DayTarget():
                for basis in self._storage.events.bases(target.day):
                    yield from self._of_bits(basis.notice_ref, basis.purposes)
            case PurposesTarget():
                yield from self._of_bits(target.notice, target.purposes)
            case RecordsTarget():
                yield from self._of_records(target)
            case RequestsTarget():
                for id in target.requests:
                    if (request := self._storage.admin.request(id)) and request.closed_at:
                        notice = self._registry.in_force(request.site_ref, request.closed_at)
                        yield notice, ledger_retention.REQUEST
            case DisclosuresTarget():
                for id in target.disclosures:
                    if entry := self._storage.disclosures.entry(id):
                        notice = self._registry.in_force(entry.site_ref, entry.at)
                        yield notice, ledger_retention.class_in(notice, ledger_retention.DISCLOSURE)
            case BooksTarget():
                for record in self._records(target.records):
                    class_id = ledger_retention.CLASS_OF.get(record.kind, ledger_retention.AUDIT)
                    yield from ((n, ledger_retention.class_in(n, class_id)) for n in self._notices_of(record))
            case ConsentsTarget() | AuditTarget():
                own = ledger_retention.CONSENT if isinstance(target, ConsentsTarget) else ledger_retention.AUDIT
                for record in self._records(target.records):
                    yield from ((n, own) for n in self._notices_of(record))

    def _of_bits(self, notice_ref: int, purposes: int) -> Iterator[tuple[LoadedNotice, str]]:
        notice = self._registry.notice(notice_ref)
        for bit in bits_of(purposes):
            yield notice, self._periods.class_id(notice_ref, bit)

    def _of_records(self, target: RecordsTarget) -> Iterator[tuple[LoadedNotice, str]]:
        store = self._storage.archive if target.store == "archive" else self._storage.records
        found = store.of_group(target.site, target.class_id, target.last_day)
        yield from ((self._registry.notice(ref), target.class_id) for ref in {r.notice_ref for r in found})

    def _records(self, ranges: Iterable[Sequence[int]]) -> Iterator[LedgerRecord]:
        for first, last in ranges:
            yield from (r for r in self._storage.ledger.records(first - 1, last - first + 1) if r.seq <= last)

    def _notices_of(self, record: LedgerRecord) -> Iterator[LoadedNotice]:
        """The notices whose period counts for a ledger record: its own version's, else those in force at the time."""
        version = (record.body or {}).get("notice")
        for site in self._registry.sites():
            if record.site_ref not in (None, site.ref) or not self._registry.notices(site.ref):
                continue
            own = [n for n in self._registry.notices(site.ref) if n.version == version]
            yield own[0] if own else self._registry.in_force(site.ref, record.at)
