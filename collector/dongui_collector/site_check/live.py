"""The steps to a site's first visit, as they are ticked: by the last check, and by what arrived since. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from dongui_collector.core.arrivals import SiteArrivals
from dongui_collector.site_check.results import CHECKS, CheckResult, Name, SiteState, first_event, passed, unchecked


def steps(
    state: SiteState, looks: Sequence[Sequence[CheckResult]], looked_at: int | None, arrivals: SiteArrivals | None
) -> list[CheckResult]:
    """Every check once, in order. ``looks`` are the checks of the site's origins, made at ``looked_at`` (epoch ms)."""
    url = f"{state.site.origins[0]}/" if state.site.origins else ""
    arrived = _arrived(arrivals or SiteArrivals(), looked_at or 0) | {"first_event": first_event(state, url)}
    return [arrived.get(name) or _worst(name, looks) for name in CHECKS]


def _worst(name: Name, looks: Sequence[Sequence[CheckResult]]) -> CheckResult:
    """The check as it stands on the page where it is worst."""
    found = [check for look in looks for check in look if check.name == name]
    order = ("failed", "waiting", "unchecked", "ok")
    return min(found, key=lambda check: order.index(check.status), default=unchecked(name, "not looked at yet"))


def _arrived(arrivals: SiteArrivals, since: int) -> dict[Name, CheckResult]:
    """What arrived after the last look tells."""
    found: dict[Name, CheckResult] = {}
    if (arrivals.asked_at or 0) > since:
        found["tag"] = passed("tag", "a page asked for the notice")
        found["site_id"] = passed("site_id", "a page asked for the notice of this site")
    if (arrivals.written_at or 0) > since:
        found["origin"] = passed("origin", "a page of a listed origin got through")
    if (arrivals.key_taken_at or 0) > since:
        found["key"] = passed("key", "the collector takes the key of the site's web server")
    return found
