"""Filters of reports over single events, for exports."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import groupby
from operator import attrgetter
from typing import TYPE_CHECKING

from dongui_collector.analytics.attribution import Origin, origin_of
from dongui_collector.analytics.columns.choosing import value_of
from dongui_collector.analytics.entitled_events import EntitledEvents
from dongui_collector.analytics.filters import DIMENSIONS, PAGES, Filter, ReportError, parse_filter
from dongui_collector.analytics.properties import flat
from dongui_collector.analytics.sessions import MEASUREMENTS, language_tag, term
from dongui_collector.analytics.site_rules import SiteRules
from dongui_collector.core.addresses import parts_of
from dongui_collector.core.errors import NotAllowed
from dongui_collector.exports.export import Entitlement
from dongui_collector.storage.contract.values import Json

if TYPE_CHECKING:
    from dongui_collector.ledger.installation import LedgerInstallation

MOST_FILTERS = 50


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
    needed = dict.fromkeys(DIMENSIONS[name] for one in filters for name in one.dimensions)
    if lacking := [item for item in needed if item not in events.items()]:
        raise NotAllowed(
            f"the purposes {', '.join(reader.purposes)} do not cover {', '.join(lacking)}, which a filter rests on"
        )
    return _chooser(filters, events.rules)


def _chooser(filters: Sequence[Filter], rules: SiteRules) -> Callable[[Json], bool]:
    """Any of those filters of the same group, all groups, and no negated one."""
    group = attrgetter("group")
    plain = [one for one in filters if not one.others]
    wanted = sorted((one for one in plain if not one.negated), key=group)
    groups = [list(some) for _, some in groupby(wanted, key=group)]
    unwanted = [one for one in plain if one.negated]
    several = [one.alternatives for one in filters if one.others]

    def choose(row: Json) -> bool:
        values = _Values(row, rules)
        said = {} if row["name"] in MEASUREMENTS else row["props"] or {}
        properties = [f"{p.name}={p.value}" for p in flat(said)]

        def holds(one: Filter) -> bool:
            return one.holds(properties if one.dimension == "prop" else (values[one.dimension],))

        return (
            all(any(map(holds, some)) for some in groups)
            and not any(map(holds, unwanted))
            and all(any(holds(one) is not one.negated for one in some) for some in several)
        )

    return choose


class _Values(dict[str, str | None]):
    """An event by the dimensions of visits, as if it were a page view: what it was done on is its page, and where
    that came from its source. Worked out where a filter asks."""

    def __init__(self, row: Json, rules: SiteRules) -> None:
        self._row, self._rules = row, rules
        super().__init__(event=row["name"], search=term(row["search"]), hostname=parts_of(row["url"])[0])
        page = rules.page(row["url"])
        self.update(dict.fromkeys(PAGES, page), event_page=f"{row['name']}={page}" if row["name"] and page else None)

    def __missing__(self, dimension: str) -> str | None:
        return value_of(dimension, self._word(DIMENSIONS[dimension]))

    def _word(self, item: str) -> Origin | tuple[str | None, ...]:
        """What an event says of the dimensions that rest on an item, as columns hold it (``columns/words.py``)."""
        row, environment = self._row, self._row["environment"] or {}
        clicks = tuple(sorted(row["advertising_ids"] or ()))
        if item == "ip_address":
            return row["country"], row["city"]
        if item == "access_environment":
            known = map(environment.get, ("browser", "os", "device"))
            return *known, language_tag(environment.get("language")), environment.get("screen")
        return (
            clicks or (None,)
            if item == "advertising_id"
            else origin_of(row["url"], row["referrer"], clicks, self._rules)
        )
