"""The standing approval for routine ageing-out: signed by the officer for policy versions, revocable (S5.3).

What is signed is the schedule of those versions: which class is kept how long. A later version with the same periods is
covered by the same signature; one that changes a period is not, from its publication on: that is said wherever one
looks, and what its new periods end waits for an approval, while everything that is signed goes on.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from datetime import date

from dongui_collector.core.clock import Clock, day_of
from dongui_collector.core.errors import NotAllowed, Unknown
from dongui_collector.ledger.notices import LoadedNotice, NoticeRegistry
from dongui_collector.ledger.periods import Periods, bits_of
from dongui_collector.retention import ledger_retention
from dongui_collector.storage.contract.stores import Storage
from dongui_collector.storage.contract.values import Json, LedgerRecord
from dongui_collector.storage.sqlite.connect import DatabaseError
from dongui_collector.storage.sqlite.journal import Journal

SETTING = "approval.standing"
KIND = "standing"
Rule = tuple[str, str, str]  # class, keep, min_keep

_OWN = {"consents": ledger_retention.CONSENT, "audit": ledger_retention.AUDIT, "requests": ledger_retention.REQUEST}


def schedule_of(notice: LoadedNotice) -> set[Rule]:
    """How long a version keeps what."""
    return {rule for id in notice.policy.records if (rule := rule_of(notice, id))}


def rule_of(notice: LoadedNotice, class_id: str) -> Rule | None:
    """How long a version keeps a class; None where it has no such class."""
    found = notice.policy.records.get(class_id)
    return (class_id, str(found.keep), str(found.min_keep or "")) if found else None


class StandingApproval:
    """Signs, revokes, and says what a signature covers."""

    def __init__(
        self, storage: Storage, registry: NoticeRegistry, clock: Clock, journal: Journal, periods: Periods
    ) -> None:
        self._storage = storage
        self._registry = registry
        self._clock = clock
        self._journal = journal
        self._periods = periods
        self._rules: dict[str, frozenset[Rule]] = {}

    # -- signing

    def current(self) -> Json | None:
        """The approval that stands: ``{by, at, versions, schedule}``; None without one.

        It counts only as the ledger has it: written into the settings by hand it is none.
        """
        found = self._storage.office.setting(SETTING)
        last = self._storage.ledger.last_of(KIND)
        if found is None or last is None or last.body != {"standing": "granted", **found}:
            return None
        return found

    def grant(self, by: str, *, site_ref: int | None = None, version: str | None = None) -> Json:
        """Sign: every published version, or one more (of one site, or of each that has it). Raises :class:`Unknown`."""
        _named(by)
        chosen = [n for n in self._notices(site_ref) if version in (None, n.version)]
        if version is not None and not chosen:
            raise Unknown(f"there is no published version {version!r} to be signed; see `dongui policy publish`")
        before = (self.current() or {}) if version is not None else {}
        signed = {tuple(rule) for rule in before.get("schedule", ())}.union(*(schedule_of(n) for n in chosen))
        versions = {(str(n.site_ref), n.version) for n in chosen} | {tuple(v) for v in before.get("versions", ())}
        now = self._clock.now()
        standing: Json = {
            "by": by,
            "at": now,
            "versions": [list(v) for v in sorted(versions)],
            "schedule": [list(rule) for rule in sorted(signed)],
        }
        with self._storage.ledger.writing():
            self._storage.office.put_setting(SETTING, standing)
            self._storage.ledger.append(KIND, now, {"standing": "granted", **standing})
            self._journal.append({"kind": "approval", "standing": True})
        return standing

    def revoke(self, by: str) -> Json:
        """From now on every destruction waits for an officer. Raises :class:`NotAllowed` when none stands."""
        _named(by)
        with self._storage.ledger.writing():
            if self._storage.office.setting(SETTING) is None:
                raise NotAllowed("there is no standing approval to revoke")
            now = self._clock.now()
            self._storage.office.put_setting(SETTING, None)
            self._storage.ledger.append(KIND, now, {"standing": "revoked", "by": by})
            self._journal.append({"kind": "approval", "standing": False})
        return {"by": by, "at": now}

    def _notices(self, site_ref: int | None = None) -> list[LoadedNotice]:
        sites = [site.ref for site in self._registry.sites() if site_ref in (None, site.ref)]
        return [notice for ref in sites for notice in self._registry.notices(ref)]

    # -- what is covered

    def covers(self, what: Json) -> bool:
        """Whether every period that makes ``what`` due was signed."""
        standing = self.current()
        if standing is None or what["kind"] == "achieved":
            return False  # what a person selects is not routine
        signed = {tuple(rule) for rule in standing["schedule"]}
        return all(tuple(rule) in signed for rule in self.rules(what))

    def unsigned(self) -> list[Json]:
        """Published versions with a period that nobody signed, future ones too, and those periods."""
        signed = {tuple(rule) for rule in (self.current() or {}).get("schedule", ())}
        return [
            {
                "site": self._registry.site_by_ref(n.site_ref).name,
                "version": n.version,
                "effective": n.effective.isoformat(),
                "schedule": [list(rule) for rule in sorted(schedule_of(n) - signed)],
            }
            for n in self._notices()
            if schedule_of(n) - signed
        ]

    def rules(self, what: Json) -> frozenset[Rule]:
        """The periods under which something is due: class, how long, and a law's minimum."""
        text = json.dumps(what, sort_keys=True)
        if text not in self._rules:
            if len(self._rules) > 10_000:
                self._rules.clear()
            try:
                found = frozenset(rule for n, id in self._classes(what) if (rule := rule_of(n, id)))
            except DatabaseError:  # a damaged file ends with the longest period there is: nothing in it asks for more
                return frozenset()
            self._rules[text] = found
        return self._rules[text]

    def _classes(self, what: Json) -> Iterator[tuple[LoadedNotice, str]]:
        """The notice versions and classes that something stood under."""
        match what["kind"]:
            case "day":
                day = date.fromisoformat(what["day"])
                for basis in self._storage.events.bases(day) if day in self._storage.events.days() else ():
                    yield from self._of_bits(basis.notice_ref, basis.purposes)
            case "bases":
                yield from self._of_bits(what["notice"], what["purposes"])
            case "records":
                store = self._storage.archive if what["store"] == "archive" else self._storage.records
                last = date.fromisoformat(what["last_day"])
                found = store.find(what["site"], class_id=what["class"], last_day=last, limit=1 << 40)
                yield from ((self._registry.notice(ref), what["class"]) for ref in {r.notice_ref for r in found})
            case "requests":
                found_requests = (self._storage.office.request(id) for id in what["requests"])
                for request in found_requests:
                    if request and request.get("closed_at"):
                        yield (
                            self._registry.in_force(request["site_ref"], request["closed_at"]),
                            ledger_retention.REQUEST,
                        )
            case "disclosures":
                for id in what["disclosures"]:
                    if entry := self._storage.disclosures.entry(id):
                        notice = self._registry.in_force(entry["site_ref"], entry["at"])
                        yield notice, ledger_retention.class_in(notice, ledger_retention.DISCLOSURE)
            case "books":
                for record in self._records(what["records"]):
                    class_id = ledger_retention.CLASS_OF.get(record.kind, ledger_retention.AUDIT)
                    yield from ((n, ledger_retention.class_in(n, class_id)) for n in self._notices_of(record))
            case kind if kind in _OWN:
                for record in self._records(what["records"]):
                    yield from ((n, _OWN[kind]) for n in self._notices_of(record))

    def _of_bits(self, notice_ref: int, purposes: int) -> Iterator[tuple[LoadedNotice, str]]:
        notice = self._registry.notice(notice_ref)
        for bit in bits_of(purposes):
            yield notice, self._periods.class_id(notice_ref, bit)

    def _records(self, ranges: Iterable[list[int]]) -> Iterator[LedgerRecord]:
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

    def note(self) -> str:
        """Who approved, in words for the ledger."""
        standing = self.current() or {}
        zone = self._notices()[0].zone
        versions = ", ".join(dict.fromkeys(v for _, v in standing["versions"]))
        return f"standing approval of {day_of(standing['at'], zone)} by {standing['by']} for {versions}"


def _named(by: str) -> None:
    if not by.strip():
        raise NotAllowed("an approval carries the name of whoever gives it")
