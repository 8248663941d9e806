"""Sites and their notice versions, loaded and compiled.

What is in force, and what a consent of then still covers now.
"""

from __future__ import annotations

import threading
from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

from dongui.policy import Policy, compiled, diff, parse
from dongui.policy.period import Period
from dongui.rules.periods import last_day
from dongui.rules.urls import QUERY_KEYS

from dongui_collector.core.clock import day_of, start_of
from dongui_collector.core.errors import NotPublished
from dongui_collector.storage.contract.stores import LedgerStore
from dongui_collector.storage.contract.values import NoticeVersion, Site


@dataclass(frozen=True, slots=True)
class LoadedNotice:
    """One notice version, ready for use. ``starts_at`` is the instant (epoch ms) from which it is in force."""

    ref: int
    site_ref: int
    version: str
    effective: date
    policy: Policy
    starts_at: int
    accepts: frozenset[int]
    compiled: dict[str, Any]
    bits: dict[str, int]
    consent_mask: int
    zone: ZoneInfo
    items_by_bit: dict[int, frozenset[str]]
    signal_mask: int
    query_keys: frozenset[str]
    unsearched_paths: tuple[str, ...]
    unsearched_properties: frozenset[str]
    silence_by_bit: dict[int | None, Period]

    def items(self, mask: int) -> frozenset[str]:
        """Every item that some purpose of ``mask`` lists under this notice (S1.0)."""
        return frozenset().union(*(items for bit, items in self.items_by_bit.items() if mask >> bit & 1))

    def names(self, mask: int) -> tuple[str, ...]:
        """The purposes of a bit set, in the order of their bits."""
        return tuple(name for name, bit in sorted(self.bits.items(), key=lambda item: item[1]) if mask >> bit & 1)

    def mask(self, purposes: Iterable[str]) -> int:
        """The bit set of purposes; unknown ones are left out."""
        return sum(1 << self.bits[p] for p in set(purposes) & self.bits.keys())


@dataclass(slots=True)
class LoadedSite:
    """A site with its notices in the order in which they come into force."""

    site: Site
    notices: list[LoadedNotice] = field(default_factory=list)
    starts: list[int] = field(default_factory=list)
    asked: frozenset[str] = frozenset()  # every purpose that any of its notices asks consent for


class NoticeRegistry:
    """All sites and notices in memory. Cheap to ask on the hot path; reloaded when the ledger has more."""

    def __init__(self, ledger: LedgerStore) -> None:
        self._ledger = ledger
        self._lock = threading.Lock()
        self.reload()

    def reload(self) -> None:
        """Read sites and notices again; after a publication or a change of sites."""
        with self._lock:
            loaded = {site.ref: self._load(site) for site in self._ledger.sites()}
            # In this order: who finds a site must find its notices.
            self._notices = {n.ref: n for s in loaded.values() for n in s.notices}
            self._sites = loaded
            self._by_id = {s.site.id: s for s in loaded.values()}
            self.origins = frozenset(origin for s in loaded.values() for origin in s.site.origins)
            self.secret_hashes = frozenset(s.site.secret_hash for s in loaded.values())
            self.items_of.cache_clear()

    def _load(self, site: Site) -> LoadedSite:
        bits = self._ledger.bits(site.ref)
        versions = [(v, parse(v.text, name=f"notice {v.version}")) for v in self._ledger.notices(site.ref)]
        # "effective" alone decides when a version is in force; of two with the same date the later published one.
        versions.sort(key=lambda pair: (starts_at(pair[1]), pair[0].ref))
        loaded = LoadedSite(site)
        accepted: list[NoticeVersion] = []
        previous: Policy | None = None
        for version, policy in versions:
            if previous is not None and diff(previous, policy).needs_consent:
                accepted = []
            accepted = [*accepted, version]
            loaded.notices.append(_notice(site, version, policy, accepted, bits))
            loaded.starts.append(starts_at(policy))
            previous = policy
        loaded.asked = frozenset(p for n in loaded.notices for p in n.policy.consent_purposes)
        return loaded

    def sites(self) -> list[Site]:
        return [s.site for s in self._sites.values()]

    def site(self, id: str) -> Site | None:
        found = self._by_id.get(id)
        return found.site if found else None

    def site_by_ref(self, ref: int) -> Site:
        return self._sites[ref].site

    def notices(self, site_ref: int) -> list[LoadedNotice]:
        return list(self._sites[site_ref].notices)

    def notice(self, ref: int) -> LoadedNotice:
        return self._notices[ref]

    def version(self, site_ref: int, version: str) -> LoadedNotice | None:
        """The notice of a site by its version, whenever it is in force."""
        return next((n for n in self._sites[site_ref].notices if n.version == version), None)

    def asked(self, site_ref: int) -> frozenset[str]:
        """Every purpose that any notice of a site asks consent for, be it an earlier one."""
        return self._sites[site_ref].asked

    def published(self) -> list[Site]:
        """The sites that have a notice; the policy of the others is still a draft."""
        return [s.site for s in self._sites.values() if s.notices]

    def current(self, site_ref: int, now: int) -> LoadedNotice | None:
        """The notice in force, as :meth:`in_force`; None while the site's policy is a draft."""
        return self.in_force(site_ref, now) if self._sites[site_ref].notices else None

    def in_force(self, site_ref: int, now: int) -> LoadedNotice:
        """The notice in force at ``now``; before the first one's date, that first one.

        Raises :class:`NotPublished` while the site's policy is a draft.
        """
        site = self._sites[site_ref]
        if not site.notices:
            raise NotPublished(site.site.name)
        return site.notices[max(0, bisect_right(site.starts, now) - 1)]

    @lru_cache(maxsize=4096)  # noqa: B019 (one book a process)
    def items_of(self, notice_ref: int, mask: int) -> frozenset[str]:
        return self._notices[notice_ref].items(mask)

    @lru_cache(maxsize=65_536)  # noqa: B019
    def ends_at(self, notice_ref: int, given_at: int, bit: int | None = None) -> int:
        """The instant (epoch ms) at which a consent given then has outlived its notice's choice lifetime (K17).

        Of the purpose ``bit`` also its ``reconfirm`` period, where the policy says that silence ends it (K16).
        """
        notice = self._notices[notice_ref]
        given = day_of(given_at, notice.zone)
        last = last_day(given, notice.policy.notice.choice_lifetime)
        if bit in notice.silence_by_bit:
            last = min(last, last_day(given, notice.silence_by_bit[bit]))
        return start_of(last + timedelta(days=1), notice.zone)

    def expired(self, notice_ref: int, given_at: int, now: int, bit: int | None = None) -> bool:
        """Whether that instant has come."""
        return now >= self.ends_at(notice_ref, given_at, bit)


def starts_at(policy: Policy) -> int:
    """The instant (epoch ms) from which a version is in force: the first of its date in its own zone."""
    return start_of(policy.notice.effective, ZoneInfo(policy.notice.timezone))


def earliest_effective(policy: Policy, in_force: Policy, now: int) -> date | None:
    """The first date that ``policy`` may have, if its own would keep it from ever coming into force; else None.

    Dates alone decide which version is in force. The version ``in_force`` at ``now`` (epoch ms) replaces every version
    with an earlier date, so one that is published with such a date is over before it begins. A version that has yet to
    begin (decision 004) replaces none.
    """
    began = starts_at(in_force)
    if began > now or starts_at(policy) >= began:
        return None
    zone = ZoneInfo(policy.notice.timezone)
    day = day_of(began, zone)
    return day if start_of(day, zone) >= began else day + timedelta(days=1)


def _notice(
    site: Site, version: NoticeVersion, policy: Policy, accepted: list[NoticeVersion], bits: dict[str, int]
) -> LoadedNotice:
    consent = policy.consent_purposes
    return LoadedNotice(
        ref=version.ref,
        site_ref=site.ref,
        version=version.version,
        effective=policy.notice.effective,
        policy=policy,
        starts_at=starts_at(policy),
        accepts=frozenset(v.ref for v in accepted),
        compiled=compiled(policy, site=site.id, accepts=[v.version for v in accepted]),
        bits={p: bits[p] for p in policy.purposes},
        consent_mask=sum(1 << bits[p] for p in consent),
        zone=ZoneInfo(policy.notice.timezone),
        items_by_bit={bits[p]: frozenset(policy.purposes[p].items) for p in policy.purposes},
        query_keys=frozenset(policy.notice.query_keys) | frozenset(QUERY_KEYS),
        unsearched_paths=policy.notice.unsearched_paths,
        unsearched_properties=frozenset(policy.notice.unsearched_properties),
        silence_by_bit={
            bits[id]: p.reconfirm for id, p in policy.purposes.items() if p.reconfirm and p.silence == "ends"
        },
        signal_mask=sum(1 << bits[p] for p in consent if "gpc" in policy.purposes[p].opt_out_signals),
    )
