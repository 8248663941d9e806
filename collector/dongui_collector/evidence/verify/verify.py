"""``dongui verify``: is the chain whole, do the tables say what it says, is every destruction certified and true, does
every stored item have a basis, and does all of it continue what was fixed elsewhere?

Reads only, in constant memory. It may run beside a collector that writes: what looks wrong is looked at again before it
is reported.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING

from dongui.i18n import Message

from dongui_collector.core.errors import CollectorError, StorageDamaged
from dongui_collector.evidence.checkpoints import Checkpoint
from dongui_collector.evidence.verify import certificates, journal, tables
from dongui_collector.evidence.verify.certificates import ERASABLE, ChainSummary
from dongui_collector.evidence.verify.days import DayCheck
from dongui_collector.evidence.verify.findings import Verification, VerificationFinding
from dongui_collector.evidence.verify.items import ItemCheck
from dongui_collector.storage.contract import chain
from dongui_collector.storage.contract.folder import DataFolder
from dongui_collector.storage.contract.values import LedgerRecord

if TYPE_CHECKING:
    from dongui_collector.retention.installation import Installation

__all__ = ["Verification", "VerificationFinding", "damaged", "steps", "verify"]

_PAGE = 1000
_NO_CONTENT = "its content cannot be read"
_RESTORE = "restore a backup that is older than the damage, with the journal"
_RESTORE_KEYS = "`dongui keys restore FILE`, from the newest copy; without one nothing opens what these keys sealed"
_UNREADABLE = VerificationFinding("data/dongui.db", "it cannot be read", _RESTORE)
_REWRITTEN = "compare with the checkpoints that are kept elsewhere; what a third party holds is what counts"

Progress = Callable[[int, int], None]


def steps(core: Installation) -> int:
    """How often ``progress`` of :func:`verify` will be called, about."""
    with suppress(StorageDamaged, ValueError):
        return core.storage.ledger.head()[0] // _PAGE + 1 + len(core.storage.events.days())
    return 1


def verify(
    core: Installation, progress: Progress | None = None, checkpoints: Sequence[tuple[str, Checkpoint]] = ()
) -> Verification:
    """Check everything. ``progress`` is called with (steps done, steps in all).

    ``checkpoints`` are those that were kept elsewhere, each with the name under which it is reported.
    """
    total, done = steps(core), 0

    def step() -> None:
        nonlocal done
        done += 1
        if progress:
            progress(done, max(total, done))

    result = Verification()
    seen = ChainSummary(checkpoints)
    result.findings += damaged(core.storage.folder)
    result.findings += _guarded(_check_chain(core, seen, result, step))
    result.findings += _guarded(journal.check(core, seen))
    result.findings += _guarded(certificates.check(core, seen))
    result.findings += _guarded(tables.tables(core, seen.books))
    visitors = tables.VisitorCheck(core, forgotten=seen.forgotten)
    result.findings += _guarded(visitors.run())
    result.findings += _guarded(_absent(core, visitors))
    result.findings += seen.checkpoint_findings(result.head["records"])
    try:
        items = ItemCheck(core)
        days = DayCheck(core, items, seen)
    except (StorageDamaged, ValueError):
        if _UNREADABLE not in result.findings:
            result.findings.append(_UNREADABLE)
        return result
    stored = core.storage.events.days()
    for day in stored:
        result.findings += days.day(day)
        step()
    result.findings += _guarded(days.missing(stored))
    result.findings += _guarded(VerificationFinding(where, what) for where, what in items.records())
    result.checked |= {
        "days": len(stored),
        "rows": items.rows,
        "records": items.kept,
        "certificates": len(seen.certificates),
        "visitors": visitors.checked,
        "sealed_days": days.sealed,
        "checkpoints": len(checkpoints),
    }
    return result


def damaged(folder: DataFolder) -> list[VerificationFinding]:
    """Where the ledger, the archive, the other records or the keys have damaged pages; asked without opening them."""
    return [
        VerificationFinding(where, what, _RESTORE_KEYS if where.startswith("keys/") else _RESTORE)
        for where, what in folder.damage()
    ]


def _guarded(found: Iterable[VerificationFinding]) -> Iterator[VerificationFinding]:
    """What was found, up to where the database cannot be read: that is a finding too."""
    try:
        yield from found
    except (ValueError, CollectorError):
        yield _UNREADABLE


def page(core: Installation, after: int) -> list[tuple[LedgerRecord, bool]]:
    """A page of the chain, each record with whether its body could be read."""
    return core.storage.ledger.readable_records(after, _PAGE)


def _check_chain(
    core: Installation, seen: ChainSummary, result: Verification, step: Callable[[], None]
) -> Iterator[VerificationFinding]:
    ledger = core.storage.ledger
    count, head, mac = ledger.head()
    result.head = {"records": count, "hash": head.hex()}
    result.checked["ledger_records"] = count
    if not mac:
        yield VerificationFinding(Message("ledger head"), "it is missing", _REWRITTEN)
    elif not hmac.compare_digest(mac, chain.head_mac(core.keyring.derive(b"chain-head"), count, head)):
        what = "its MAC does not hold: the chain was cut short or written by someone else"
        yield VerificationFinding(Message("ledger head"), what, _REWRITTEN)
    previous, expected = chain.GENESIS, 1
    while not mac or expected <= count:
        records = page(core, expected - 1)
        for record, readable in records:
            if mac and record.seq > count:
                return
            yield from _check_link(record, previous, expected, readable)
            if readable and not seen.note(record):
                yield VerificationFinding(Message("ledger record {seq}", seq=record.seq), _NO_CONTENT, _RESTORE)
            previous, expected = record.hash, record.seq + 1
        step()
        if not records:
            break
    if mac and (expected != count + 1 or previous != head):
        what = Message("{count} records are vouched for, the chain ends at {end}", count=count, end=expected - 1)
        yield VerificationFinding(Message("ledger head"), what, _REWRITTEN)


def _check_link(record: LedgerRecord, previous: bytes, expected: int, readable: bool) -> Iterator[VerificationFinding]:
    where = Message("ledger record {seq}", seq=record.seq)
    if record.seq != expected:
        yield VerificationFinding(Message("ledger record {expected}", expected=expected), "it is missing", _REWRITTEN)
    if record.hash != chain.link(previous, record.seq, record.kind, record.at, record.commitment):
        what = "its hash does not follow from its predecessor's: it was edited, moved, or one was dropped"
        yield VerificationFinding(where, what, _REWRITTEN)
    if not readable:
        yield VerificationFinding(where, _NO_CONTENT, _RESTORE)
    elif record.body is not None and record.salt is not None:
        content = chain.content(record.body, record.site_ref, record.visitor)
        if record.commitment != chain.commitment(record.salt, content):
            yield VerificationFinding(where, "its content is not what was committed to", _RESTORE)
    elif record.body is not None or record.salt is not None or record.visitor is not None:
        yield VerificationFinding(where, "it is erased in part only", _RESTORE)
    elif record.kind not in ERASABLE:
        yield VerificationFinding(
            where,
            Message("its content is gone, although a record of kind {kind} is never erased", kind=record.kind),
            _RESTORE,
        )


def _absent(core: Installation, visitors: tables.VisitorCheck) -> Iterator[VerificationFinding]:
    """Visitors who are on the chain and not in the table. A second way through: the first must end before anybody is
    missed."""
    after = 0
    while records := core.storage.ledger.of_kind("consent", after, _PAGE):
        for key in dict.fromkeys(r.visitor for r in records if r.visitor is not None):
            if what := visitors.absent(key):
                seq = next(r.seq for r in records if r.visitor == key)
                yield VerificationFinding(Message("ledger record {seq}", seq=seq), what, tables.TABLES)
        after = records[-1].seq
