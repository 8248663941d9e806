"""How retention stands, cut to one site: what a token, which is bound to a site, is told. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from dongui_collector.storage.contract.values import Hold, Json, Site


def of_site(status: Json, site: Site, holds: Sequence[Hold]) -> Json:
    """Of :meth:`Retention.status` what is the site's, and what is every site's: days, which all share, and our
    own records. ``holds`` are those that stand."""
    theirs = {hold.id for hold in holds if hold.site_ref not in (None, site.ref)}
    open_ = [one for one in status["open"] if _is_seen(one, site)]
    pressing = Counter(one["pressing"] for one in open_ if one["state"] == "selected")
    return {
        **status,
        "unsigned": [one for one in status["unsigned"] if one["site"] == site.name],
        "urgency": {word: pressing[word] for word in status["urgency"]},
        "due": [one for one in status["due"] if _is_seen(one, site)],
        "open": open_,
        "days": [day | {"holds": [id for id in day["holds"] if id not in theirs]} for day in status["days"]],
    }


def _is_seen(entry: Json, site: Site) -> bool:
    return bool(entry["what"].get("site", site.ref) == site.ref)
