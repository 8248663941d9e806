"""A site's page checked: what the installation knows, a look at the page, and what the two mean together."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from dongui_collector.core.arrivals import SiteArrivals
from dongui_collector.core.errors import CollectorError
from dongui_collector.core.loopback import is_loopback
from dongui_collector.intake.origins import has_https
from dongui_collector.ledger.installation import LedgerInstallation
from dongui_collector.ledger.refused_origins import ShowArrivals
from dongui_collector.site_check.destinations import origin_of, parts_of
from dongui_collector.site_check.judge import judged
from dongui_collector.site_check.model import Browser, VisitRequest
from dongui_collector.site_check.results import CheckResult, KeyUse, SiteState
from dongui_collector.site_check.visit import visit
from dongui_collector.storage.contract.values import Site

_LONGEST_URL = 2048


@dataclass(frozen=True, slots=True)
class SiteCheck:
    """The checks of one page; ``browser`` is None where nobody looked, ``seen`` says whether the page came."""

    url: str
    site: Site
    browser: Browser | None
    checks: list[CheckResult]
    seen: bool = False

    @property
    def found(self) -> bool:
        """Whether a check failed, or something is not done yet."""
        return any(check.status in ("failed", "waiting") for check in self.checks)

    def json(self) -> dict[str, Any]:
        checks = [check.json() for check in self.checks]
        return {"url": self.url, "site": self.site.id, "browser": self.browser, "checks": checks}


def checked_url(url: str) -> str:
    """An address that may be looked at. Raises :class:`CollectorError` with the remedy."""
    parts = parts_of(url)
    plain = len(url) <= _LONGEST_URL and url.isprintable() and " " not in url
    if not parts.scheme or not plain or parts.username is not None or parts.password is not None:
        raise CollectorError("give the address of a page, such as https://shop.example.com/")
    return url


def state_of(core: LedgerInstallation, site: Site, *, dev: bool = False) -> SiteState:
    """What the installation knows of a site, and the running ``serve`` of its key."""
    notice = core.registry.current(site.ref, core.clock.now())
    return SiteState(
        site=site,
        others=[other.id for other in core.registry.sites() if other.id != site.id],
        policy=notice.policy if notice else None,
        compiled=notice.compiled if notice else None,
        recorded=is_recorded(core, site),
        key=key_use(core.control.if_running(ShowArrivals(site.id))),
        desk_port=core.settings.desk_port,
        dev=dev and not has_https(site),
    )


def key_use(arrivals: SiteArrivals | None) -> KeyUse:
    """How the site's key was used of late. Anybody can send a wrong one, nobody else the right one: that counts."""
    if arrivals is None:
        return "unknown"
    if arrivals.key_taken_at is not None:
        return "accepted"
    return "unused" if arrivals.key_refused_at is None else "refused"


def is_recorded(core: LedgerInstallation, site: Site) -> bool:
    """Whether a visit of the site was ever recorded: a row of it is there, or the numbers of the last year say so."""
    events = core.storage.events
    if any(basis.site_ref == site.ref for day in reversed(events.days()) for basis in events.bases(day)):
        return True
    totals = core.storage.ledger.totals(site.ref, core.today() - timedelta(days=366))
    return any(name == "events.recorded" and number for (_, _, name), number in totals.items())


def check_site(
    core: LedgerInstallation,
    state: SiteState,
    url: str,
    *,
    browser: str | None,
    seconds: float = 2.0,
    started: Callable[[subprocess.Popen[bytes]], None] = lambda _: None,
) -> SiteCheck:
    """Look at a page of the site and judge it. A page whose origin is not listed is not asked.

    Raises :class:`CollectorError` for an address that is none, :class:`VisitFailed` for a look that was ended.
    """
    url, site = checked_url(url), state.site
    if not state.lists(url):
        return SiteCheck(url, site, None, judged(state, url, None))
    origins = [*site.origins, *([origin_of(url)] if state.dev else [])]
    request = VisitRequest(
        url=url,
        origins=origins,
        loopback=not has_https(site) and is_loopback(parts_of(url).hostname or ""),
        door=core.control.address(),
        site=site.id,
        browser=browser,
        seconds=seconds,
    )
    seen = visit(request, started)
    return SiteCheck(url, site, seen.browser, judged(state, url, seen), seen.outcome == "ok")
