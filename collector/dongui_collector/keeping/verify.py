"""``dongui verify``: is the chain whole, is every destruction certified and true, does every stored item have a basis?

Reads only. It may run beside a collector that writes: what looks wrong is looked at again before it is reported.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass, field
from datetime import date
from typing import TYPE_CHECKING, Any, cast

from dongui_collector.keeping import proofs
from dongui_collector.keeping.verify_items import ItemCheck
from dongui_collector.security.keys import day_name
from dongui_collector.storage import chain
from dongui_collector.storage.base import Destruction, Json, LedgerRecord
from dongui_collector.storage.connect import DatabaseError
from dongui_collector.storage.ledger import SqliteLedger

if TYPE_CHECKING:
    from dongui_collector.core import Core

_PAGE = 1000
_NO_CONTENT = "its content cannot be read"
# Kinds whose content names or may name a person; all others keep theirs for ever.
_ERASABLE = proofs.CONSENT_KINDS | {"audit"}

Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that is not as it must be. ``where`` is the place, without any identifier."""

    where: str
    what: str

    def __str__(self) -> str:
        return f"{self.where}: {self.what}"


_UNREADABLE = Finding("data/dongui.db", "it cannot be read")


@dataclass(slots=True)
class Verification:
    """The outcome: nothing in ``findings`` means that everything held."""

    findings: list[Finding] = field(default_factory=list)
    checked: dict[str, int] = field(default_factory=dict)
    head: Json = field(default_factory=lambda: {"records": 0, "hash": ""})

    @property
    def ok(self) -> bool:
        return not self.findings

    def json(self) -> Json:
        return {
            "ok": self.ok,
            "findings": [asdict(f) for f in self.findings],
            "checked": self.checked,
            "head": self.head,
        }


@dataclass(slots=True)
class _Seen:
    """What the chain says, gathered on the way through it."""

    erased: list[LedgerRecord] = field(default_factory=list)
    certified: set[int] = field(default_factory=set)
    erasures: dict[int, list[int]] = field(default_factory=dict)
    endings: set[int] = field(default_factory=set)
    destructions: dict[int, int] = field(default_factory=dict)
    intents: dict[int, Json] = field(default_factory=dict)
    certificates: dict[int, Json] = field(default_factory=dict)
    certified_by: dict[int, tuple[int, int]] = field(default_factory=dict)  # destruction → (sequence, at)
    of: set[int] = field(default_factory=set)


def verify(core: Core, progress: Progress | None = None) -> Verification:
    """Check everything. ``progress`` is called with (days done, days in all)."""
    result = Verification()
    seen = _Seen()
    result.findings += _guarded(_check_chain(core, seen, result))
    result.findings += _guarded(_check_certificates(core, seen))
    try:
        items = ItemCheck(core)
    except (DatabaseError, ValueError):
        if _UNREADABLE not in result.findings:
            result.findings.append(_UNREADABLE)
        return result
    days = core.storage.events.days()
    for done, day in enumerate(days):
        result.findings += [Finding(where, what) for where, what in items.day(day)]
        if progress:
            progress(done + 1, len(days))
    result.findings += [Finding(where, what) for where, what in items.records()]
    result.checked |= {
        "days": len(days),
        "rows": items.rows,
        "records": items.kept,
        "certificates": len(seen.certificates),
    }
    return result


def _guarded(found: Iterable[Finding]) -> Iterator[Finding]:
    """What was found, up to where the database cannot be read: that is a finding too."""
    try:
        yield from found
    except (DatabaseError, ValueError):
        yield _UNREADABLE


def _page(core: Core, after: int) -> list[tuple[LedgerRecord, bool]]:
    return cast(SqliteLedger, core.storage.ledger).readable_records(after, _PAGE)


# --- the chain -------------------------------------------------------------------------------------------------------


def _check_chain(core: Core, seen: _Seen, result: Verification) -> Iterator[Finding]:
    ledger = core.storage.ledger
    count, head, mac = ledger.head()
    result.head = {"records": count, "hash": head.hex()}
    result.checked["ledger_records"] = count
    if not mac:
        yield Finding("ledger head", "it is missing")
    elif not hmac.compare_digest(mac, chain.head_mac(core.keyring.derive(b"chain-head"), count, head)):
        yield Finding("ledger head", "its MAC does not hold: the chain was cut short or written by someone else")
    previous, expected = chain.GENESIS, 1
    while not mac or expected <= count:
        page = _page(core, expected - 1)
        for record, readable in page:
            if mac and record.seq > count:
                return
            yield from _check_link(record, previous, expected, readable)
            if readable and not _note(record, seen):
                yield Finding(f"ledger record {record.seq}", _NO_CONTENT)
            previous, expected = record.hash, record.seq + 1
        if not page:
            break
    if mac and (expected != count + 1 or previous != head):
        yield Finding("ledger head", f"{count} records are vouched for, the chain ends at {expected - 1}")


def _check_link(record: LedgerRecord, previous: bytes, expected: int, readable: bool) -> Iterator[Finding]:
    where = f"ledger record {record.seq}"
    if record.seq != expected:
        yield Finding(f"ledger record {expected}", "it is missing")
    if record.hash != chain.link(previous, record.seq, record.kind, record.at, record.commitment):
        yield Finding(
            where, "its hash does not follow from its predecessor's: it was edited, moved, or one was dropped"
        )
    if not readable:
        yield Finding(where, _NO_CONTENT)
    elif record.body is not None and record.salt is not None:
        content = chain.content(record.body, record.site_ref, record.visitor)
        if record.commitment != chain.commitment(record.salt, content):
            yield Finding(where, "its content is not what was committed to")
    elif record.body is not None or record.salt is not None or record.visitor is not None:
        yield Finding(where, "it is erased in part only")
    elif record.kind not in _ERASABLE:
        yield Finding(where, f"its content is gone, although a record of kind {record.kind} is never erased")


def _note(record: LedgerRecord, seen: _Seen) -> bool:
    """Gather what a record says; False when it lacks what its kind must say."""
    try:
        _gather(record, seen)
    except (KeyError, TypeError, ValueError, AttributeError):
        return False
    return True


def _gather(record: LedgerRecord, seen: _Seen) -> None:
    body: dict[str, Any] = record.body or {}
    if record.body is None:
        seen.erased.append(record)
    elif record.kind == "erasure":
        seen.erasures[record.seq] = body["records"]
        seen.certified.update(body["records"])
        seen.endings.add(record.seq)
    elif record.kind == "destruction":
        seen.destructions[body["destruction"]] = record.seq
        seen.intents[body["destruction"]] = body
        seen.certified |= proofs.in_ranges(body["what"].get("records", ()))
    elif record.kind == "certificate":
        if "destruction" in body:
            seen.certificates[body["destruction"]] = body
            seen.certified_by[body["destruction"]] = record.seq, record.at
        elif "of" in body:
            seen.of.add(body["of"])


# --- certificates against the folder ---------------------------------------------------------------------------------


def _check_certificates(core: Core, seen: _Seen) -> Iterator[Finding]:
    for record in seen.erased:
        if record.seq not in seen.certified:
            yield Finding(f"ledger record {record.seq}", "its content was erased and nothing certifies that")
    open_intents = {intent.seq for intent in core.storage.ledger.intents()}
    for seq in sorted(seen.endings - seen.of - open_intents):
        yield Finding(f"ledger record {seq}", "an erasure that was neither carried out nor is on its way")
    yield from _check_erasures(core, seen, open_intents)
    yield from _check_destructions(core, seen)


def _check_erasures(core: Core, seen: _Seen, open_intents: set[int]) -> Iterator[Finding]:
    gone = {record.seq for record in seen.erased}
    for seq, records in seen.erasures.items():
        if seq not in open_intents and (left := set(records) - gone):
            yield Finding(
                f"ledger record {seq}", f"it certifies an erasure, but {len(left)} records keep their content"
            )


def _check_destructions(core: Core, seen: _Seen) -> Iterator[Finding]:
    office = core.storage.office
    done = {d.id: d for d in office.destructions(("done",))}
    running = {d.id for d in office.destructions(("running",))}
    for id in sorted(set(seen.destructions) - set(seen.certificates) - running):
        yield Finding(f"destruction {id}", "it was begun, is not certified and does not go on")
    for id in sorted(set(done) - set(seen.certificates)):
        yield Finding(f"destruction {id}", "it is called done, but the ledger holds no certificate")
    stored = set(core.storage.events.days()) | set(core.storage.events.leftovers())
    for id, certificate in seen.certificates.items():
        if id not in done:
            yield Finding(
                f"destruction {id}", "the ledger certifies it, but the list of destructions does not know it as done"
            )
        elif not _is_certified(done[id], seen):
            yield Finding(f"destruction {id}", "its certificate is not the one on the ledger")
        if certificate["what"]["kind"] == "day":
            yield from _check_day(core, id, date.fromisoformat(certificate["what"]["day"]), stored)


def _is_certified(done: Destruction, seen: _Seen) -> bool:
    """Whether the list of destructions says what the ledger says: what, why, by whom approved, when done."""
    certificate, (seq, at) = seen.certificates[done.id], seen.certified_by[done.id]
    intent = seen.intents.get(done.id, {})
    return (
        done.certificate == certificate | {"seq": seq, "at": at}
        and done.what == certificate.get("what")
        and done.approved_by == certificate.get("approved_by")
        and done.reason == intent.get("reason")
        and done.done_at == at
    )


def _check_day(core: Core, id: int, day: date, stored: set[date]) -> Iterator[Finding]:
    if day in stored:
        yield Finding(f"destruction {id}", f"day {day} is certified as destroyed, but its file exists")
    if core.storage.keys.get(day_name(day)) is not None:
        yield Finding(f"destruction {id}", f"day {day} is certified as destroyed, but its key exists")


# --- evidence --------------------------------------------------------------------------------------------------------


def evidence(core: Core, result: Verification) -> Json:
    """What a third party can check without us: the whole chain's public part, and the content of what names nobody."""
    records: list[Json] = []
    after = 0
    try:
        while page := _page(core, after):
            records += [_public(record) for record, _ in page]
            after = page[-1][0].seq
    except DatabaseError:
        if result.ok:
            raise  # otherwise the verification in it says that the rest cannot be read
    return {
        "format": "dongui-evidence/1",
        "made_at": core.clock.now(),
        "how": "hash[n] = SHA-256(hash[n-1] || 'seq NUL kind NUL at NUL' || commitment), hash[0] = 32 zero bytes;"
        " commitment = SHA-256(salt || canonical JSON of {body, site, visitor})",
        "verification": result.json(),
        "chain": records,
    }


def _public(record: LedgerRecord) -> Json:
    shown: Json = {
        "seq": record.seq,
        "kind": record.kind,
        "at": record.at,
        "commitment": record.commitment.hex(),
        "hash": record.hash.hex(),
    }
    if record.kind not in _ERASABLE and record.body is not None and record.salt is not None:
        shown |= {"salt": record.salt.hex(), "body": record.body, "site": record.site_ref}
    return shown
