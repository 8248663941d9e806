"""Filters of reports over single events, for exports."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import groupby
from operator import attrgetter
from typing import TYPE_CHECKING

from dongui_collector.analytics.entitled_events import EntitledEvents
from dongui_collector.analytics.filters import DIMENSIONS, Filter, ReportError, parse_filter
from dongui_collector.analytics.properties import flat
from dongui_collector.analytics.sessions import MEASUREMENTS, Visit, VisitEvent
from dongui_collector.analytics.site_rules import SiteRules
from dongui_collector.core.errors import NotAllowed
from dongui_collector.exports.export import Entitlement
from dongui_collector.storage.contract.values import Json

if TYPE_CHECKING:
    from dongui_collector.ledger.installation import LedgerInstallation

MOST_FILTERS = 50
_TRAITS = ("browser", "os", "device", "language", "screen")


def event_filter(core: LedgerInstallation, reader: Entitlement, texts: Sequence[str]) -> Callable[[Json], bool] | None:
    """Whether a row that the reader may see meets filters, written as for reports; None where there are none.

    An event meets a filter as a visit of it alone would, whatever its name: its own page, its own source. Only what
    is shown of it is looked at. Raises :class:`ReportError` for what cannot be asked, :class:`NotAllowed` where the
    purposes do not cover what a filter rests on.
    """
    if not texts:
        return None
    if len(texts) > MOST_FILTERS:
        raise ReportError(f"at most {MOST_FILTERS} filters")
    events = EntitledEvents(core, reader.site, reader.purposes)
    filters = [parse_filter(text).under(events.rules) for text in texts]
    needed = dict.fromkeys(DIMENSIONS[one.dimension].item for one in filters)
    if lacking := [item for item in needed if item not in events.items()]:
        raise NotAllowed(
            f"the purposes {', '.join(reader.purposes)} do not cover {', '.join(lacking)}, which a filter rests on"
        )
    return _chooser(filters, events.rules)


def _chooser(filters: Sequence[Filter], rules: SiteRules) -> Callable[[Json], bool]:
    """Any of those filters of the same group, all groups, and no negated one."""
    group = attrgetter("group")
    wanted = sorted((one for one in filters if not one.negated), key=group)
    groups = [list(some) for _, some in groupby(wanted, key=group)]
    unwanted = [one for one in filters if one.negated]

    def choose(row: Json) -> bool:
        visit = Visit([_viewed(row)], rules)

        def holds(one: Filter) -> bool:
            return one.holds((row["name"],)) if one.dimension == "event" else one.matches(visit)

        return all(any(map(holds, some)) for some in groups) and not any(map(holds, unwanted))

    return choose


def _viewed(row: Json) -> VisitEvent:
    """An event as if it were a page view: what it was done on is its page, and where that came from its source."""
    environment = row["environment"] or {}
    return VisitEvent(
        b"",
        0,
        "page_view",
        row["url"],
        row["referrer"],
        row["search"],
        country=row["country"],
        city=row["city"],
        clicks=tuple(sorted(row["advertising_ids"] or ())),
        properties=() if row["name"] in MEASUREMENTS else tuple(flat(row["props"] or {})),
        **{name: environment.get(name) for name in _TRAITS},
    )
