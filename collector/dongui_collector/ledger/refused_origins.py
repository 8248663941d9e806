"""What arrived of late of a site, and listing an origin that was refused."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import urlsplit

from dongui_collector.core.arrivals import SiteArrivals, arrivals_of
from dongui_collector.core.errors import NotAllowed, Unknown
from dongui_collector.core.operations import Field, Request, SiteName, operation
from dongui_collector.ledger.installation import LedgerInstallation
from dongui_collector.ledger.origins import checked_origin
from dongui_collector.ledger.sites import SiteOrigins, find_site, set_origins


class ShowArrivals(Request[SiteArrivals], frozen=True):
    """Whether a site's pages and its web server got through within the last day, and which origins were refused."""

    site: SiteName = None


class ListRefusedOrigin(Request[SiteOrigins], frozen=True):
    """List an origin whose pages were refused within the last day: from now on they may write for the site."""

    site: str
    origin: Annotated[str, Field("The origin, as it was refused.")]
    host: Annotated[str, Field("Its host, typed again: anybody can have an origin refused.")]


@operation("sites.arrivals", right="read", changes=False)
def show_arrivals(core: LedgerInstallation, request: ShowArrivals) -> SiteArrivals:
    """Known to the running ``serve`` alone."""
    return arrivals_of(core.cached).of(find_site(core, request.site).ref, core.clock.now())


@operation("sites.list_refused_origin", right="publish", audit="site")
def list_refused_origin(core: LedgerInstallation, request: ListRefusedOrigin) -> SiteOrigins:
    """Add one of the refused origins to the list; it stands on the chain.

    Raises :class:`Unknown` for an origin that was not refused, :class:`NotAllowed` for another host.
    """
    site = find_site(core, request.site)
    refused = {one.origin for one in arrivals_of(core.cached).of(site.ref, core.clock.now()).refused}
    origin = checked_origin(request.origin)
    if origin not in refused:
        raise Unknown("that origin was not refused within the last day; list it with dongui sites add")
    if request.host.strip() != (urlsplit(origin).hostname or ""):
        raise NotAllowed("the host that was typed is not the one of the origin; type it as it is shown")
    answer = SiteOrigins(site.id, site.name, list(dict.fromkeys([*site.origins, origin])))
    with core.storage.ledger.writing():
        set_origins(core, site, answer.origins)
    core.registry.reload()
    return answer
