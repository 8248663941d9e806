"""What arrived of late at the public door, of each site: whether its pages and its web server get through, and which
origins were refused. In the memory of ``serve`` alone, bounded; nothing of it names a visitor.

Whoever can reach the door can make entries: they are hints for who sets a site up, and decide nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

DAY_MS = 86_400_000
MOST_REFUSED = 20


class RefusedOrigin(msgspec.Struct):
    """An origin that is not listed, as browsers write it (punycode), how often it was refused and when last."""

    origin: str
    count: int
    last_at: int


class SiteArrivals(msgspec.Struct):
    """Instants (epoch ms; None for not of late): a page asked for the notice, a page of a listed origin wrote, the
    secret key was taken, or refused. ``refused`` are the origins of the last day, the latest first.
    """

    asked_at: int | None = None
    written_at: int | None = None
    key_taken_at: int | None = None
    key_refused_at: int | None = None
    refused: Sequence[RefusedOrigin] = ()


class Arrivals:
    """Of every site, by its number."""

    def __init__(self) -> None:
        self._sites: dict[int, SiteArrivals] = {}
        self._refused: dict[int, dict[str, RefusedOrigin]] = {}

    def of(self, site_ref: int, now: int) -> SiteArrivals:
        """What arrived within the last day."""
        known = self._sites.get(site_ref, SiteArrivals())
        late = {
            name: at if at is not None and at > now - DAY_MS else None
            for name, at in msgspec.structs.asdict(known).items()
            if name != "refused"
        }
        origins = [one for one in list(self._refused.get(site_ref, {}).values()) if one.last_at > now - DAY_MS]
        return SiteArrivals(**late, refused=sorted(origins, key=lambda one: -one.last_at))

    def notice_asked(self, site_ref: int, now: int) -> None:
        """Somebody asked for the site's notice, as every page with the tag does."""
        self._site(site_ref).asked_at = now

    def written(self, site_ref: int, now: int) -> None:
        """A page of a listed origin wrote."""
        self._site(site_ref).written_at = now

    def key_used(self, site_ref: int, now: int, *, taken: bool) -> None:
        """A secret key was sent for the site; it was the site's, or another."""
        if taken:
            self._site(site_ref).key_taken_at = now
        else:
            self._site(site_ref).key_refused_at = now

    def origin_refused(self, site_ref: int, origin: str, now: int) -> None:
        """A page of an origin that is not listed was refused. ``origin`` is one, as browsers write it.

        Of too many the one that came least often goes, so that made-up ones do not push out a real page's.
        """
        known = self._refused.setdefault(site_ref, {})
        for stale in [one.origin for one in known.values() if one.last_at <= now - DAY_MS]:
            del known[stale]
        if origin in known:
            known[origin].count, known[origin].last_at = known[origin].count + 1, now
            return
        if len(known) >= MOST_REFUSED:
            del known[min(known.values(), key=lambda one: (one.count, one.last_at)).origin]
        known[origin] = RefusedOrigin(origin, 1, now)

    def _site(self, site_ref: int) -> SiteArrivals:
        return self._sites.setdefault(site_ref, SiteArrivals())


def arrivals_of(cached: dict[str, Any]) -> Arrivals:
    """The arrivals of an open installation, by what it keeps in memory."""
    found: Arrivals = cached.setdefault("arrivals", Arrivals())
    return found
