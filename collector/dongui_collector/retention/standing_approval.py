"""The standing approval for routine ageing-out: signed by the officer for policy versions, revocable (S5.3).

What is signed is the schedule of those versions: which class is kept how long. A later version with the same periods is
covered by the same signature; one that changes a period is not, from its publication on: that is said wherever one
looks, and what its new periods end waits for an approval, while everything that is signed goes on.
"""

from __future__ import annotations

from dongui_collector.core.clock import Clock, day_of
from dongui_collector.core.errors import NotAllowed, Unknown
from dongui_collector.ledger.notices import LoadedNotice, NoticeRegistry
from dongui_collector.retention.targets import rule_of
from dongui_collector.storage.contract.journal import DestructionJournal
from dongui_collector.storage.contract.stores import Storage
from dongui_collector.storage.contract.targets import AchievedTarget, Rule, SelectedTarget
from dongui_collector.storage.contract.values import Json

SETTING = "approval.standing"
KIND = "standing"


def schedule_of(notice: LoadedNotice) -> set[Rule]:
    """How long a version keeps what."""
    return {rule for id in notice.policy.records if (rule := rule_of(notice, id))}


class StandingApproval:
    """Signs, revokes, and says what a signature covers."""

    def __init__(self, storage: Storage, registry: NoticeRegistry, clock: Clock, journal: DestructionJournal) -> None:
        self._storage = storage
        self._registry = registry
        self._clock = clock
        self._journal = journal

    # -- signing

    def current(self) -> Json | None:
        """The approval that stands: ``{by, at, versions, schedule}``; None without one.

        It counts only as the ledger has it: written into the settings by hand it is none.
        """
        found = self._storage.admin.setting(SETTING)
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
            self._storage.admin.put_setting(SETTING, standing)
            self._storage.ledger.append(KIND, now, {"standing": "granted", **standing})
            self._journal.append({"kind": "approval", "standing": True})
        return standing

    def revoke(self, by: str) -> Json:
        """From now on every destruction waits for an officer. Raises :class:`NotAllowed` when none stands."""
        _named(by)
        with self._storage.ledger.writing():
            if self._storage.admin.setting(SETTING) is None:
                raise NotAllowed("there is no standing approval to revoke")
            now = self._clock.now()
            self._storage.admin.put_setting(SETTING, None)
            self._storage.ledger.append(KIND, now, {"standing": "revoked", "by": by})
            self._journal.append({"kind": "approval", "standing": False})
        return {"by": by, "at": now}

    def _notices(self, site_ref: int | None = None) -> list[LoadedNotice]:
        sites = [site.ref for site in self._registry.sites() if site_ref in (None, site.ref)]
        return [notice for ref in sites for notice in self._registry.notices(ref)]

    # -- what is covered

    def covers(self, target: SelectedTarget) -> bool:
        """Whether every period that makes a target due, as it was resolved, was signed."""
        standing = self.current()
        if standing is None or isinstance(target, AchievedTarget):
            return False  # what a person selects is not routine
        signed = {tuple(rule) for rule in standing["schedule"]}
        return all(rule in signed for rule in target.rules)

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

    def note(self) -> str:
        """Who approved, in words for the ledger."""
        standing, notices = self.current() or {}, self._notices()
        if not notices:
            return "standing approval, before any version is published"
        zone = notices[0].zone
        versions = ", ".join(dict.fromkeys(v for _, v in standing["versions"]))
        return f"standing approval of {day_of(standing['at'], zone)} by {standing['by']} for {versions}"


def _named(by: str) -> None:
    if not by.strip():
        raise NotAllowed("an approval carries the name of whoever gives it")
