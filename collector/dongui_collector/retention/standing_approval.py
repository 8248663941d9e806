"""The standing approval for routine ageing-out: signed by the officer for policy versions, revocable (S5.3).

What is signed is the schedule of those versions: which class is kept how long. A later version with the same periods is
covered by the same signature; one that changes a period is not, from its publication on: that is said wherever one
looks, and what its new periods end waits for an approval, while everything that is signed goes on.
"""

from __future__ import annotations

from datetime import date

import msgspec

from dongui_collector.core.clock import Clock, day_of
from dongui_collector.core.errors import NotAllowed, Unknown
from dongui_collector.ledger.notices import LoadedNotice, NoticeRegistry
from dongui_collector.retention.schedule import rule_of
from dongui_collector.storage.contract.journal import DestructionJournal
from dongui_collector.storage.contract.stores import Storage
from dongui_collector.storage.contract.targets import AchievedTarget, Rule, SelectedTarget

SETTING = "approval.standing"
KIND = "standing"


class SignedSchedule(msgspec.Struct, frozen=True, omit_defaults=True):
    """A standing approval, as it is stored: who signed how long which versions, as (site, version), keep what."""

    by: str
    at: int
    versions: tuple[tuple[str, str], ...]
    schedule: tuple[Rule, ...]
    v: int = 1


class ApprovalRevoked(msgspec.Struct, frozen=True):
    """Who revoked the standing approval, and when (epoch ms)."""

    by: str
    at: int


class UnsignedVersion(msgspec.Struct, frozen=True):
    """A published version with periods that nobody signed, and those periods."""

    site: str
    version: str
    effective: date
    schedule: tuple[Rule, ...]


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

    def current(self) -> SignedSchedule | None:
        """The approval that stands; None without one.

        It counts only as the ledger has it: written into the settings by hand it is none.
        """
        found = self._storage.admin.setting(SETTING)
        last = self._storage.ledger.last_of(KIND)
        if found is None or last is None or last.body != {"standing": "granted", **found}:
            return None
        return msgspec.convert(found, SignedSchedule)

    def grant(self, by: str, *, site_ref: int | None = None, version: str | None = None) -> SignedSchedule:
        """Sign: every published version, or one more (of one site, or of each that has it). Raises :class:`Unknown`."""
        _named(by)
        chosen = [n for n in self._notices(site_ref) if version in (None, n.version)]
        if version is not None and not chosen:
            raise Unknown(f"there is no published version {version!r} to be signed; see `dongui policy publish`")
        before = self.current() if version is not None else None
        signed = set(before.schedule if before else ()).union(*(schedule_of(n) for n in chosen))
        versions = {(str(n.site_ref), n.version) for n in chosen}.union(before.versions if before else ())
        now = self._clock.now()
        standing = SignedSchedule(by, now, tuple(sorted(versions)), tuple(sorted(signed)))
        stored = msgspec.to_builtins(standing)
        with self._storage.ledger.writing():
            self._storage.admin.put_setting(SETTING, stored)
            self._storage.ledger.append(KIND, now, {"standing": "granted", **stored})
            self._storage.ledger.before_commit(lambda: self._journal.append({"kind": "approval", "standing": True}))
        return standing

    def revoke(self, by: str) -> ApprovalRevoked:
        """From now on every destruction waits for an officer. Raises :class:`NotAllowed` when none stands."""
        _named(by)
        with self._storage.ledger.writing():
            if self._storage.admin.setting(SETTING) is None:
                raise NotAllowed("there is no standing approval to revoke")
            now = self._clock.now()
            self._storage.admin.put_setting(SETTING, None)
            self._storage.ledger.append(KIND, now, {"standing": "revoked", "by": by})
            self._storage.ledger.before_commit(lambda: self._journal.append({"kind": "approval", "standing": False}))
        return ApprovalRevoked(by, now)

    def _notices(self, site_ref: int | None = None) -> list[LoadedNotice]:
        sites = [site.ref for site in self._registry.sites() if site_ref in (None, site.ref)]
        return [notice for ref in sites for notice in self._registry.notices(ref)]

    # -- what is covered

    def covers(self, target: SelectedTarget) -> bool:
        """Whether every period that makes a target due, as it was resolved, was signed."""
        standing = self.current()
        if standing is None or isinstance(target, AchievedTarget):
            return False  # what a person selects is not routine
        return all(rule in standing.schedule for rule in target.rules)

    def unsigned(self) -> list[UnsignedVersion]:
        """Published versions with a period that nobody signed, future ones too, and those periods."""
        standing = self.current()
        signed = set(standing.schedule if standing else ())
        return [
            UnsignedVersion(self._registry.site_by_ref(n.site_ref).name, n.version, n.effective, tuple(sorted(lacking)))
            for n in self._notices()
            if (lacking := schedule_of(n) - signed)
        ]

    def note(self) -> str:
        """Who approved, in words for the ledger."""
        standing, notices = self.current(), self._notices()
        if standing is None or not notices:
            return "standing approval, before any version is published"
        zone = notices[0].zone
        versions = ", ".join(dict.fromkeys(version for _, version in standing.versions))
        return f"standing approval of {day_of(standing.at, zone)} by {standing.by} for {versions}"


def _named(by: str) -> None:
    if not by.strip():
        raise NotAllowed("an approval carries the name of whoever gives it")
