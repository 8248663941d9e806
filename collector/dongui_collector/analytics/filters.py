"""Dimensions of visits, the items that they rest on, and filters over them. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

from dongui_collector.analytics.patterns import fits
from dongui_collector.analytics.sessions import Visit, family, language_tag, term
from dongui_collector.analytics.site_rules import SiteRules
from dongui_collector.core.addresses import parts_of, readable_path
from dongui_collector.core.errors import CollectorError, NotAllowed

# Without these three an event is in no report: whose it was, when, and what was done.
BASE = ("cookie", "visit_time", "service_usage")

PAGES = ("page", "entry_page", "exit_page")
LONGEST = 2048  # characters of a filter's value
_PLAUSIBLE = re.compile(r"\Aevent:props:(?=[^=]+=)")  # as Plausible's API names a property

Values = Callable[[Visit], Iterable[str | None]]


@dataclass(frozen=True, slots=True)
class Dimension:
    """Something that visits can be told apart by. ``item`` is what must be covered for it; ``values`` has one or many.

    A visit with none of it has the value None.
    """

    item: str
    values: Values


def _one(read: Callable[[Visit], str | None]) -> Values:
    return lambda visit: (read(visit),)


def _distinct(read: Callable[[Visit], Iterable[str | None]]) -> Values:
    def values(visit: Visit) -> Iterable[str | None]:
        return dict.fromkeys(v for v in read(visit) if v is not None) or (None,)

    return values


def _origin(name: str) -> Dimension:
    return Dimension("service_usage", _one(lambda visit: getattr(visit.origin, name)))


def _trait(item: str, name: str, then: Callable[[str | None], str | None] = lambda value: value) -> Dimension:
    return Dimension(item, _one(lambda visit: then(visit.trait(name))))


DIMENSIONS: dict[str, Dimension] = {
    "page": Dimension("service_usage", _distinct(lambda visit: visit.pages)),
    "entry_page": Dimension("service_usage", _one(lambda visit: visit.pages[0] if visit.pages else None)),
    "exit_page": Dimension("service_usage", _one(lambda visit: visit.pages[-1] if visit.pages else None)),
    "hostname": Dimension("service_usage", _distinct(lambda visit: (parts_of(e.url)[0] for e in visit.events))),
    "event": Dimension("service_usage", _distinct(lambda visit: (e.name for e in visit.events))),
    "prop": Dimension(
        "service_usage", _distinct(lambda visit: (f"{p.name}={p.value}" for e in visit.events for p in e.properties))
    ),
    "search": Dimension("service_usage", _distinct(lambda visit: (term(e.search) for e in visit.events))),
    **{name: _origin(name) for name in ("channel", "source", "referrer", "medium", "campaign", "term", "content")},
    "click_id": Dimension(
        "advertising_id", _one(lambda visit: next((k for e in visit.events for k in e.clicks), None))
    ),
    "country": _trait("ip_address", "country"),
    "city": _trait("ip_address", "city"),
    "device": _trait("access_environment", "device"),
    "browser": _trait("access_environment", "browser", family),
    "browser_version": _trait("access_environment", "browser"),
    "os": _trait("access_environment", "os", family),
    "os_version": _trait("access_environment", "os"),
    "language": _trait("access_environment", "language", language_tag),
    "screen": _trait("access_environment", "screen"),
}


class ReportError(CollectorError):
    """A question that no report answers; the message names the parameter and the remedy, never what was sent."""


@dataclass(frozen=True, slots=True)
class Filter:
    """Visits of which some value of ``dimension`` is ``value`` (``*`` stands for any characters; None: unknown).

    Of a property both its name and its value: ``plan=pro``.
    """

    dimension: str
    value: str | None
    negated: bool = False

    @property
    def group(self) -> str:
        """What filters have in common of which one is enough: the dimension, of properties also the name."""
        return self.dimension if self.dimension != "prop" else f"prop:{property_of(self)[0]}"

    def under(self, site: SiteRules) -> Filter:
        """The same filter, its pages under the names that the site's rules give them."""
        return replace(self, value=site.named(self.value)) if self.value and self.dimension in PAGES else self

    def matches(self, visit: Visit) -> bool:
        """Whether the filter, as if not negated, holds of a visit."""
        return self.holds(DIMENSIONS[self.dimension].values(visit))

    def holds(self, values: Iterable[str | None]) -> bool:
        """Whether it holds of what a visit has of the dimension; of nothing at all that is ``(None,)``."""
        if self.value is None or "*" not in self.value:
            return self.value in values
        return any(value is not None and fits(self.value, value) for value in values)


def property_of(one: Filter) -> tuple[str, str]:
    """The name and the value that a filter on a property names."""
    name, _, value = (one.value or "").partition("=")
    return name, value


def parse_filter(text: str) -> Filter:
    """``page:/blog/*``, ``!country:KR``, ``source:`` (unknown), ``prop:plan=pro``. Raises :class:`ReportError`.

    A page may be written readable or escaped, a language in any case.
    """
    negated = text.startswith("!")
    dimension, colon, value = _PLAUSIBLE.sub("prop:", text.removeprefix("!")).partition(":")
    if not colon or dimension not in DIMENSIONS:
        raise ReportError(f"filter is DIMENSION:VALUE, with one of {', '.join(DIMENSIONS)}")
    if len(value) > LONGEST:
        raise ReportError(f"a filter's value has at most {LONGEST} characters")
    if dimension == "prop" and (value.find("=") < 1 or "*" in value.partition("=")[0]):
        raise ReportError("a filter on a property is prop:NAME=VALUE, such as prop:plan=pro or prop:plan=*")
    canonical = readable_path if dimension in PAGES else language_tag if dimension == "language" else str
    return Filter(dimension, canonical(value) or None, negated)


def chosen(filters: Sequence[Filter]) -> Callable[[Visit], bool]:
    """Whether a visit meets filters: any of those of the same group, all groups, and no negated one."""
    wanted: dict[str, list[Filter]] = {}
    for one in filters:
        if not one.negated:
            wanted.setdefault(one.group, []).append(one)
    unwanted = [one for one in filters if one.negated]

    def choose(visit: Visit) -> bool:
        return all(any(f.matches(visit) for f in some) for some in wanted.values()) and not any(
            f.matches(visit) for f in unwanted
        )

    return choose


def check_covered(dimensions: Iterable[str], covered: frozenset[str], purposes: Sequence[str]) -> None:
    """Raise :class:`NotAllowed` where the reader's purposes do not cover what a report or a filter rests on."""
    needed = dict.fromkeys((*BASE, *(DIMENSIONS[name].item for name in dimensions)))
    if lacking := [item for item in needed if item not in covered]:
        raise NotAllowed(
            f"the purposes {', '.join(purposes)} do not cover {', '.join(lacking)}, which this report or a filter of "
            "it rests on; ask for another report, or with a token for a purpose that lists it"
        )
