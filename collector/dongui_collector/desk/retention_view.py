"""How retention stands, cut to one site: what a token, which is bound to a site, is told. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from msgspec.structs import replace

from dongui_collector.retention.overview import RetentionStatus
from dongui_collector.storage.contract.values import Hold, Json, Site


def of_site(status: RetentionStatus, site: Site, holds: Sequence[Hold]) -> RetentionStatus:
    """Of :meth:`Retention.status` what is the site's, and what is every site's: days, which all share, and our
    own records. ``holds`` are those that stand."""
    theirs = {hold.id for hold in holds if hold.site_ref not in (None, site.ref)}
    open_ = [one for one in status.open if _is_seen(one.what, site)]
    waiting = Counter(one.pressing for one in open_ if one.state == "selected")
    return replace(
        status,
        unsigned=[one for one in status.unsigned if one.site == site.name],
        urgency={word: waiting[word] for word in status.urgency},
        due=[one for one in status.due if _is_seen(one.what, site)],
        open=open_,
        days=[replace(day, holds=[id for id in day.holds if id not in theirs]) for day in status.days],
    )


def _is_seen(what: Json, site: Site) -> bool:
    return bool(what.get("site", site.ref) == site.ref)
