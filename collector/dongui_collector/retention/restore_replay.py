"""Repeating on a restored ledger what was ended after its backup was made, before anything is served (invariant 5)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING

import msgspec

from dongui_collector.access.secrets import LOCKED
from dongui_collector.ledger import state
from dongui_collector.storage.contract.journal import FIRST_EPOCH, shared
from dongui_collector.storage.contract.targets import NumberedTarget, SelectedTarget, target_of
from dongui_collector.storage.contract.values import Hold, Intent, Json, Visitor

if TYPE_CHECKING:
    from dongui_collector.retention.installation import Installation


class Replay:
    """Repeats journal entries on an open, restored installation.

    ``epoch`` and ``head`` are those of the backup's ledger: ledger numbers of an entry mean the same here as far as the
    two ledgers are one. ``taken`` are further kinds of entries that took access away, each with what takes it away
    again and tells whether it was there.
    """

    def __init__(
        self, core: Installation, epoch: Json, head: int, taken: Mapping[str, Callable[[Installation, Json], bool]]
    ) -> None:
        self._core, self._taken = core, taken
        self._ledger = core.storage.ledger
        self._epoch = epoch
        self._head = head
        self._epochs: dict[str, Json] = {FIRST_EPOCH["id"]: FIRST_EPOCH}

    def run(self, entries: Sequence[Json], *, known: Iterable[Json] = ()) -> Json:
        """Repeat ``entries``, in order. ``known`` are the epochs that earlier entries introduced."""
        for entry in (*known, *entries):
            if entry["kind"] == "epoch":
                self._epochs[entry["id"]] = {"id": entry["id"], "parents": entry["parents"]}
        counts = {"withdrawals": 0, "erasures": 0, "records": 0, "holds": 0, "access": 0}
        self._end_sessions()
        for entry in entries:
            match entry["kind"]:
                case "withdrawal":
                    counts["withdrawals"] += self._withdraw(entry)
                case "erasure":
                    counts["erasures"] += self._erase(entry)
                case "channel":
                    counts["withdrawals"] += self._channels(entry)
                case "subject":
                    counts["records"] += self._core.storage.records.destroy_ids(
                        [bytes.fromhex(i) for i in entry["ids"]]
                    )
                case "archived":
                    ids = [bytes.fromhex(i) for i in entry["ids"]]
                    found = [r for i in ids if (r := self._core.storage.records.by_id(i))]
                    counts["records"] += self._core.retention.archiver.move(found, entry["reason"], entry["seq"])
                case "suspension":
                    self._suspend(entry)
                case "hold":
                    counts["holds"] += self._hold(entry)
                case "approval":
                    self._approval(entry["standing"])
                case "token":
                    counts["access"] += self._revoke(entry["revoked"])
                case "account":
                    counts["access"] += self._shut_out(entry["account"], removed=entry["ended"] == "removed")
                case kind if kind in self._taken:
                    counts["access"] += self._taken[kind](self._core, entry)
        self._core.retention.endings.resume()
        return counts | {"destructions": self._age_out(entries)}

    # -- whom an entry means

    def _shared(self, entry: Json) -> int:
        return shared(self._epoch, self._head, self._epochs[entry["epoch"]])

    def _visitor(self, entry: Json) -> bytes | None:
        """The visitor that an entry names by ledger numbers; None when the backup knows nothing of that one."""
        for number in sorted(n for n in entry["records"] if n <= self._shared(entry)):
            found = self._ledger.records(number - 1, 1)
            if found and found[0].seq == number and found[0].visitor is not None:
                return found[0].visitor
        return None

    # -- endings

    def _withdraw(self, entry: Json) -> int:
        key = self._visitor(entry)
        visitor = self._ledger.visitor(key) if key else None
        if visitor is None or entry["seq"] <= self._shared(entry):
            return 0  # unknown here, or this ledger holds the withdrawal itself and finishes it
        self._core.retention.endings.finish(self._decide(visitor, entry["bits"]))
        return 1

    def _decide(self, visitor: Visitor, bits: int) -> Intent:
        """Withdraw on the ledger: what the backup holds of this visitor's choices is not the last word."""
        now = self._core.clock.now()
        notice = self._core.registry.in_force(visitor.site_ref, now)
        bits_of = self._ledger.bits(visitor.site_ref)
        names = [p for p, bit in bits_of.items() if bits >> bit & 1 and bit in visitor.standings]
        body: Json = {
            "record": "",
            "site": self._core.registry.site_by_ref(visitor.site_ref).id,
            "notice": notice.version,
        }
        body |= {"given": [], "refused": [], "withdrawn": names, "method": "restore", "lang": "", "signals": {}}
        body["follows"] = state.newest(visitor)
        with self._ledger.writing():
            record = self._ledger.append("consent", now, body, site_ref=visitor.site_ref, visitor=visitor.key)
            standings = dict(visitor.standings)
            for name in names:
                bit = bits_of[name]
                standings[bit] = replace(standings[bit], state="withdrawn", seq=record.seq, at=now, knowing=False)
            self._ledger.put_visitor(replace(visitor, standings=standings))
            intent = Intent(record.seq, "withdrawal", visitor.site_ref, visitor.key, bits, record.seq)
            self._ledger.add_intent(intent)
        return intent

    def _erase(self, entry: Json) -> int:
        key = self._visitor(entry)
        if key is None:
            return 0
        if self._ledger.visitor(key) is None:  # a member: what is theirs beside the records, which have entries too
            self._core.retention.endings.finish(self._core.ledger.end_member(entry["site"], key, "restore"))
            return 1
        self._core.retention.endings.finish(self._core.ledger.erase(key, "restore"))
        return 1

    def _channels(self, entry: Json) -> int:
        """Withdraw a member's consents to receive advertising again (K16)."""
        key = self._visitor(entry)
        if key is None or entry["seq"] <= self._shared(entry):
            return 0
        now = self._core.clock.now()
        notice = self._core.registry.in_force(entry["site"], now)
        body: Json = {"record": "", "notice": notice.version, "method": "restore", "lang": ""}
        with self._ledger.writing():
            body |= {"on": [], "off": entry["off"]}
            self._ledger.append("channel", now, body, site_ref=entry["site"], visitor=key)
        return 1

    def _suspend(self, entry: Json) -> None:
        key = self._visitor(entry)
        visitor = self._ledger.visitor(key) if key else None
        if visitor is not None and visitor.suspended != entry["suspended"]:
            self._core.ledger.suspend(visitor.key, entry["suspended"])

    # -- what the officer did since

    def _hold(self, entry: Json) -> int:
        active = {hold.id for hold in self._core.storage.admin.holds()}
        if "released" in entry:
            if entry["released"] in active and self._same_ledger(entry):
                self._core.retention.approvals.release_hold(entry["released"], "restore")
            return 0
        placed = entry["hold"]
        if placed["id"] in active and self._same_ledger(entry):
            return 0
        visitor = self._visitor(entry) or self._subject(entry)
        if placed["one_visitor"] and visitor is None:
            return 0  # whom it names is not in this backup
        self._core.retention.holds.add(
            Hold(
                0,
                placed["site"],
                placed["reason"],
                placed["statute"],
                placed["class"],
                visitor,
                _day(placed["from"]),
                _day(placed["to"]),
                placed["at"],
                _day(placed["until"]),
                ground=placed.get("ground", ""),
            )
        )
        return 1

    def _subject(self, entry: Json) -> bytes | None:
        """The subject of other records that an entry names by their random ids."""
        wanted = {bytes.fromhex(id) for id in entry["ids"]}
        for store in (self._core.storage.archive, self._core.storage.records):
            for site_ref, class_id, last, _ in store.groups() if wanted else ():
                found = store.of_group(site_ref, class_id, last)
                if subject := next((r.subject for r in found if r.id in wanted), None):
                    return subject
        return None

    def _same_ledger(self, entry: Json) -> bool:
        return bool(entry["epoch"] == self._epoch["id"])

    def _approval(self, standing: bool) -> None:
        stands = self._core.storage.admin.setting("approval.standing") is not None
        if standing and not stands:
            self._core.retention.standing.grant("restore")
        elif stands and not standing:
            self._core.retention.standing.revoke("restore")

    # -- who may read: what was taken away stays taken away

    def _end_sessions(self) -> None:
        with self._ledger.writing():
            self._core.storage.accounts.end()

    def _revoke(self, token: str) -> bool:
        with self._ledger.writing():
            now = self._core.clock.now()
            if not self._core.storage.admin.revoke_token(token, now):
                return False
            self._ledger.append("token", now, {"revoked": token, "by": "restore"})
        return True

    def _shut_out(self, id: str, *, removed: bool) -> bool:
        """An account removed since goes again. One that was changed since (password, role, second factor) is locked:
        the journal holds no password, not even one-way, and the backup's must not count any more."""
        people = self._core.storage.accounts
        with self._ledger.writing():
            account = people.by_id(id)
            if account is None or (not removed and account.password == LOCKED):
                return False
            if removed:
                people.remove(id)
            else:
                people.put(msgspec.structs.replace(account, password=LOCKED))
            what = "removed" if removed else "locked"
            entry = {"name": account.name, "role": account.role, "what": what, "by": "restore"}
            self._ledger.append("account", self._core.clock.now(), entry)
        return True

    def _age_out(self, entries: Iterable[Json]) -> int:
        """Destroy again what had been destroyed: it was approved then. All else follows the standing approval."""
        before = [target_of(entry["what"]) for entry in entries if "what" in entry]
        self._core.retention.approvals.select()
        waiting = self._core.storage.admin.destructions(("selected",))
        ids = [d.id for d in waiting if any(_same(d.target, target) for target in before)]
        if ids:
            self._core.retention.approvals.approve(ids, "the approval in the journal")
        return self._core.retention.run().destroyed


def _same(mine: SelectedTarget, before: SelectedTarget) -> bool:
    """Whether a destruction selected now repeats an earlier one. What has only ledger numbers is known by its kind."""
    if type(mine) is not type(before) or isinstance(mine, NumberedTarget):
        return type(mine) is type(before)
    fields = ("day", "site", "notice", "store", "class_id", "last_day")
    return all(getattr(mine, name, None) == getattr(before, name, None) for name in fields)


def _day(text: str | None) -> date | None:
    return date.fromisoformat(text) if text else None
