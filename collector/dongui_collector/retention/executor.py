"""Carrying one approved destruction out, from intent to certificate (S5.3). Every step may be done twice.

The order is what makes a crash harmless: the intent is on the ledger and in the journal before anything is lost; the
key goes before what it opens; the certificate comes last. A destruction found ``running`` is simply carried out again.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import date

from dongui_collector.core.clock import Clock
from dongui_collector.keys.keyring import KeyRing, archive_name, record_name
from dongui_collector.ledger.periods import Periods, bits_of
from dongui_collector.retention.archive import Archiver
from dongui_collector.retention.schedule_ledger import KINDS, ProofPlanner
from dongui_collector.retention.standing_approval import StandingApproval
from dongui_collector.retention.withdrawal import CONSUMERS
from dongui_collector.storage.contract.stores import RecordStore, Storage
from dongui_collector.storage.contract.values import Destruction, Ended, Hold, Json, Reduce, Selection
from dongui_collector.storage.sqlite.journal import Journal

METHODS = {
    "day": "key destroyed, file and log overwritten and unlinked",
    "bases": "purposes cleared row by row, what nothing covers any more zeroed in place, log truncated",
    "records": "key destroyed where nothing else needs it, records zeroed in place, log truncated",
    "consents": "content and salt zeroed in place, log truncated, commitments kept",
    "audit": "content and salt zeroed in place, log truncated, commitments kept",
    "requests": "content zeroed in place, log truncated",
    "disclosures": "content and the keyed hashes of whose data it was zeroed in place, log truncated",
    "books": "content and salt zeroed in place, log truncated, commitments kept",
    "achieved": "zeroed in place, log truncated; what other law names moved into the archive",
}

_CHUNK = 200  # records erased in one transaction: ingest waits for a few milliseconds


class DestructionExecutor:
    """Carries destructions out on an open, writable installation."""

    def __init__(
        self,
        storage: Storage,
        keyring: KeyRing,
        journal: Journal,
        clock: Clock,
        reduce: Reduce,
        periods: Periods,
        proofs: ProofPlanner,
        archiver: Archiver,
        standing: StandingApproval,
    ) -> None:
        self._storage = storage
        self._keyring = keyring
        self._journal = journal
        self._clock = clock
        self._reduce = reduce
        self._periods = periods
        self._proofs = proofs
        self._archiver = archiver
        self._standing = standing

    def begin(self, destruction: Destruction) -> Destruction:
        """Write the intent: what, why, who approved, how much."""
        measured = self._measure(destruction.what) | {"rules": self._rules(destruction.what)}
        ledger = self._storage.ledger
        with ledger.writing():
            body = {
                "destruction": destruction.id,
                "what": destruction.what,
                "reason": destruction.reason,
                "due": destruction.due and destruction.due.isoformat(),
                "selected_at": destruction.selected_at,
                "selected_by": destruction.selected_by,
                "approved_at": destruction.approved_at,
                "approved_by": destruction.approved_by,
                **measured,
            }
            record = ledger.append("destruction", self._clock.now(), body)
            running = replace(destruction, state="running", certificate={"intent": record.seq, **measured})
            self._storage.office.update_destruction(running)
        return running

    def carry_out(self, running: Destruction, holds: Sequence[Hold], today: date) -> Destruction:
        """Destroy and certify. ``holds`` are those that stand now: one that came after the intent is honoured too."""
        what = running.what
        noted = dict(running.certificate or {})
        self._journal.append({"kind": what["kind"], "seq": noted.get("intent", 0), "what": what})
        if what["kind"] in KINDS:
            outcome = self._numbered(what["kind"], self._proofs.due_numbers(what, holds, today))
        elif what["kind"] == "achieved":
            outcome = self._achieved(what, holds, today, int(noted.get("intent", 0)))
        else:
            steps = {"day": self._day, "bases": self._bases, "records": self._records}
            outcome = steps[what["kind"]](what, holds)
        ledger = self._storage.ledger
        with ledger.writing():
            now = self._clock.now()
            body = {
                "destruction": running.id,
                "what": what,
                "reason": running.reason,
                "method": METHODS[what["kind"]],
                "selected_by": running.selected_by,
                "approved_at": running.approved_at,
                "approved_by": running.approved_by,
                **noted,
                **outcome,
                **self._copies(what, today),
            }
            record = ledger.append("certificate", now, body)
            self._tell_consumers(what, now)
            done = replace(running, state="done", done_at=now, certificate=body | {"seq": record.seq, "at": now})
            self._storage.office.update_destruction(done)
        ledger.scrub()
        return done

    # -- one kind each: what is lost, and in which order

    def _day(self, what: Json, _: Sequence[Hold]) -> Json:
        day = date.fromisoformat(what["day"])
        if not self._keyring.day_is_over(day):
            self._keyring.day(day, create=True)  # also where nothing was sealed: no late event may begin the day again
        self._keyring.destroy_day(day)
        self._storage.events.destroy(day)
        return {}

    def _bases(self, what: Json, holds: Sequence[Hold]) -> Json:
        day, bits, kept = self._unheld(what, holds)
        selection = Selection(site_ref=what["site"], notice_ref=what["notice"], except_visitors=kept)
        ended = self._storage.events.end(day, selection, bits, self._reduce) if bits else Ended()
        foreseen = {whom for h in holds if h.id in what["holds"] for whom in h.whom}
        return {
            "rows_destroyed": ended.destroyed,
            "rows_reduced": ended.changed,
            # A hold that came after the intent keeps more than was foreseen: what it keeps is selected again later.
            "in_full": bits == what["purposes"] and kept <= foreseen,
        }

    def _unheld(self, what: Json, holds: Sequence[Hold]) -> tuple[date, int, frozenset[bytes]]:
        """The purposes that no hold keeps for everyone, and the visitors whose rows a hold keeps."""
        day, bits = date.fromisoformat(what["day"]), 0
        kept: set[bytes] = set()
        for bit in bits_of(what["purposes"]):
            touching = [h for h in holds if h.touches(what["site"], self._periods.class_id(what["notice"], bit), day)]
            if all(h.visitor is not None for h in touching):
                bits |= 1 << bit
            kept |= {whom for h in touching for whom in h.whom}
        return day, bits, frozenset(kept)

    def _records(self, what: Json, holds: Sequence[Hold]) -> Json:
        store, site, class_id = self._store(what), what["site"], what["class"]
        last = date.fromisoformat(what["last_day"])
        kept = {bytes.fromhex(id) for id in what["except"]}
        if holds:
            found = store.find(site, class_id=class_id, last_day=last, limit=1 << 40)
            kept |= {r.id for r in found if any(h.covers(site, class_id, r.day, r.subject) for h in holds)}
        if not kept:
            self._destroy_keys(store, site, class_id, last)
        return {"records": store.destroy(site, class_id, last, except_ids=sorted(kept)), "kept": len(kept)}

    def _achieved(self, what: Json, holds: Sequence[Hold], today: date, of: int) -> Json:
        """Records whose purpose is achieved (S5.1): what other law names goes apart, the rest is destroyed."""
        store = self._storage.records
        found = [r for id in what["ids"] if (r := store.by_id(bytes.fromhex(id))) is not None]
        free = [r for r in found if not any(h.covers(r.site_ref, r.class_id, r.day, r.subject) for h in holds)]
        apart = [r for r in free if self._archiver.kept(r, today)]
        moved = self._archiver.move(apart, "achieved", of)
        ending = [r.id for r in free if r not in apart and not self._archiver.below_floor(r, today)]
        self._journal.append({"kind": "subject", "seq": of, "ids": [id.hex() for id in ending]})
        return {
            "records": store.destroy_ids(ending) if ending else 0,
            "archived": moved,
            "kept": len(found) - moved - len(ending),
        }

    def _destroy_keys(self, store: RecordStore, site: int, class_id: str, last: date) -> None:
        """The keys of a group that ends as a whole, as far as nothing else needs them."""
        stores = (self._storage.archive, self._storage.records)
        others = [
            (one, group)
            for one in stores
            for group in one.groups()
            if group[1:3] == (class_id, last) and not (one is store and group[0] == site)
        ]
        if not any(one is self._storage.archive for one, _ in others):
            self._keyring.destroy(archive_name(class_id, last))
        if not others:
            self._keyring.destroy(record_name(class_id, last))

    def _numbered(self, kind: str, numbers: Sequence[int]) -> Json:
        """Ledger records and requests: what names somebody goes, in short transactions."""
        ledger, done = self._storage.ledger, 0
        for start in range(0, len(numbers), _CHUNK):
            some = numbers[start : start + _CHUNK]
            with ledger.writing():
                if kind == "requests":
                    self._destroy_request_keys(some)
                    done += self._storage.office.destroy_requests(some)
                elif kind == "disclosures":
                    done += self._storage.disclosures.destroy(some)
                else:
                    for seq in some:
                        self._proofs.forget(seq)
                    done += ledger.erase_bodies(some)
        return {"erased": done}

    def _destroy_request_keys(self, ids: Sequence[int]) -> None:
        """What a request says of persons is sealed under a key of its own: no backup tells it any more."""
        for id in ids:
            request = self._storage.office.request(id)
            if request and request.get("key"):
                self._keyring.destroy(request["key"])

    # -- helpers

    def _tell_consumers(self, what: Json, now: int) -> None:
        """Copies downstream end with the day too; whose rows these were need not be said.

        A day is everybody's. Some purposes' part of one concerns the site's own consumers, for their own purposes.
        """
        office, entry = self._storage.office, {"kind": "aged_out", "day": what.get("day")}
        if what["kind"] == "day":
            office.add_to_feed("*", now, entry)
        if what["kind"] != "bases":
            return
        ended = set(self._periods.names(what["notice"], what["purposes"]))
        consumers: Json = office.setting(CONSUMERS) or {}
        for consumer, had in consumers.items():
            if had["site"] in (None, what["site"]) and (theirs := sorted(ended & set(had["purposes"]))):
                office.add_to_feed(consumer, now, entry | {"purposes": theirs})

    def _copies(self, what: Json, today: date) -> Json:
        """Until when a copy of the destroyed key may exist apart (`dongui keys backup`); nothing where none does."""
        copies = self._storage.office.setting("keys.copies")
        if what["kind"] not in ("day", "records") or copies is None or copies["expires"] < today.isoformat():
            return {}
        return {"last_key_copy_expires": copies["expires"]}

    def _rules(self, what: Json) -> list[Json]:
        """Under which periods it is due: class, how long, and a law's minimum."""
        found = sorted(self._standing.rules(what))
        return [{"class": id, "keep": keep, "min_keep": floor or None} for id, keep, floor in found]

    def _store(self, what: Json) -> RecordStore:
        return self._storage.archive if what["store"] == "archive" else self._storage.records

    def _measure(self, what: Json) -> Json:
        if what["kind"] != "day":
            return {}
        day = date.fromisoformat(what["day"])
        measured: Json = {"bytes": self._storage.events.size(day), "rows": None}
        with suppress(Exception):  # a damaged file is destroyed like any other
            measured["rows"] = self._storage.events.count(day)
        return measured
