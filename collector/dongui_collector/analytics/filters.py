"""Dimensions of visits, the items that they rest on, and filters over them. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from dongui_collector.analytics.patterns import fits
from dongui_collector.analytics.sessions import language_tag
from dongui_collector.analytics.site_rules import SiteRules
from dongui_collector.core.addresses import readable_path
from dongui_collector.core.errors import CollectorError, NotAllowed

# Without these three an event is in no report: whose it was, when, and what was done.
BASE = ("cookie", "visit_time", "service_usage")

PAGES = ("page", "entry_page", "exit_page")
LONGEST = 2048  # characters of a filter's value
MOST_ALTERNATIVES = 20  # in one filter: each is tried on every word and every visit
_PLAUSIBLE = re.compile(r"\Aevent:props:(?=[^=]+=)")  # as Plausible's API names a property

# What visits can be told apart by, and the item that must be covered for it.
DIMENSIONS: dict[str, str] = {
    **dict.fromkeys(("page", "entry_page", "exit_page", "hostname", "search"), "service_usage"),
    **dict.fromkeys(("event", "event_page", "prop"), "service_usage"),
    **dict.fromkeys(("channel", "source", "referrer", "medium", "campaign", "term", "content"), "service_usage"),
    "click_id": "advertising_id",
    **dict.fromkeys(("country", "city"), "ip_address"),
    **dict.fromkeys(
        ("device", "browser", "browser_version", "os", "os_version", "language", "screen"), "access_environment"
    ),
}


# Of which a value says what, and then which: ``plan=pro``, ``purchase=/cart``; with an example of each.
PAIRS = {"prop": "prop:NAME=VALUE, such as prop:plan=pro or prop:plan=*", "event_page": "event_page:NAME=PAGE"}
_OR = re.compile(rf"\|(?=!?(?:{'|'.join(DIMENSIONS)}):)")


class ReportError(CollectorError):
    """A question that no report answers; the message names the parameter and the remedy, never what was sent."""


@dataclass(frozen=True, slots=True)
class Filter:
    """Visits of which some value of ``dimension`` is ``value`` (``*`` stands for any characters; None: unknown).

    Of a property both its name and its value: ``plan=pro``; of ``event_page`` an event's name and the page on which it
    was: ``purchase=/cart``. With ``others`` it is enough that one of them holds.
    """

    dimension: str
    value: str | None
    negated: bool = False
    others: tuple[Filter, ...] = ()

    @property
    def alternatives(self) -> tuple[Filter, ...]:
        """The filter without ``others``, and these: one of them is enough."""
        return (replace(self, others=()), *self.others) if self.others else (self,)

    @property
    def dimensions(self) -> tuple[str, ...]:
        """The dimensions of all of them."""
        return tuple(one.dimension for one in self.alternatives)

    @property
    def group(self) -> str:
        """What filters have in common of which one is enough: the dimension, of properties also the name."""
        if self.others:
            return self.text
        return self.dimension if self.dimension != "prop" else f"prop:{property_of(self)[0]}"

    @property
    def text(self) -> str:
        """The filter as it is written."""
        own = f"{'!' if self.negated else ''}{self.dimension}:{self.value or ''}"
        return "|".join((own, *(one.text for one in self.others)))

    def under(self, site: SiteRules) -> Filter:
        """The same filter, its pages under the names that the site's rules give them."""
        others = tuple(one.under(site) for one in self.others)
        value = self.value
        if value and self.dimension in PAGES:
            value = site.named(value)
        elif self.dimension == "event_page":
            name, page = property_of(self)
            value = f"{name}={site.named(page)}"
        return replace(self, value=value, others=others)

    def holds(self, values: Iterable[str | None]) -> bool:
        """Whether it holds of what a visit has of the dimension; of nothing at all that is ``(None,)``."""
        if self.value is None or "*" not in self.value:
            return self.value in values
        return any(value is not None and fits(self.value, value) for value in values)


def property_of(one: Filter) -> tuple[str, str]:
    """The name and the value that a filter on one of :data:`PAIRS` names."""
    name, _, value = (one.value or "").partition("=")
    return name, value


def parse_filter(text: str) -> Filter:
    """``page:/blog/*``, ``!country:KR``, ``source:`` (unknown), ``prop:plan=pro``. Raises :class:`ReportError`.

    A page may be written readable or escaped, a language in any case. Alternatives stand behind each other with ``|``
    between them: ``page:/cart|event:purchase``.
    """
    if len(parts := _OR.split(text, MOST_ALTERNATIVES)) > MOST_ALTERNATIVES:
        raise ReportError(f"a filter has at most {MOST_ALTERNATIVES} alternatives")
    if len(parts) > 1:
        first, *others = map(parse_filter, parts)
        return replace(first, others=tuple(others))
    negated = text.startswith("!")
    dimension, colon, value = _PLAUSIBLE.sub("prop:", text.removeprefix("!")).partition(":")
    if not colon or dimension not in DIMENSIONS:
        raise ReportError(f"filter is DIMENSION:VALUE, with one of {', '.join(DIMENSIONS)}")
    if len(value) > LONGEST:
        raise ReportError(f"a filter's value has at most {LONGEST} characters")
    if dimension in PAIRS and (value.find("=") < 1 or "*" in value.partition("=")[0]):
        raise ReportError(f"a filter on {dimension} is {PAIRS[dimension]}")
    return Filter(dimension, _canonical(dimension, value) or None, negated)


def _canonical(dimension: str, value: str) -> str | None:
    """A value as it is counted, however it was written."""
    if dimension == "event_page":
        name, _, page = value.partition("=")
        return f"{name}={readable_path(page)}"
    return readable_path(value) if dimension in PAGES else language_tag(value) if dimension == "language" else value


def check_covered(dimensions: Iterable[str], covered: frozenset[str], purposes: Sequence[str]) -> None:
    """Raise :class:`NotAllowed` where the reader's purposes do not cover what a report or a filter rests on."""
    needed = dict.fromkeys((*BASE, *(DIMENSIONS[name] for name in dimensions)))
    if lacking := [item for item in needed if item not in covered]:
        raise NotAllowed(
            f"the purposes {', '.join(purposes)} do not cover {', '.join(lacking)}, which this report or a filter of "
            "it rests on; ask for another report, or with a token for a purpose that lists it"
        )
