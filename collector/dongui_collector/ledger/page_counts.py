"""Page views that a site's server answered, counted by what was recorded of them: numbers a day, no identifier. Pure.

They are what a share of consent needs to be told of: of those who did not consent nothing else is known.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import date

#: Why nothing was recorded of a page view: no choice that stands, a refusal, a signal of the browser, a lost id.
UNRECORDED = ("unasked", "refused", "gpc", "no_id")

PREFIX = "pages."  # of the names of these totals
_RECORDED = "recorded."

Totals = Mapping[tuple[date, int, str], int]


@dataclass(frozen=True, slots=True)
class DailyPageViews:
    """Page views of some days: of ``recorded`` ones by the purposes that were granted, of the others by reason."""

    recorded: Mapping[frozenset[str], int] = field(default_factory=dict)
    unrecorded: Mapping[str, int] = field(default_factory=dict)

    @property
    def page_views(self) -> int:
        """All of them."""
        return sum(self.recorded.values()) + sum(self.unrecorded.values())

    def under(self, purposes: Collection[str]) -> int:
        """Those that were recorded under a consent to at least one of these purposes."""
        return sum(number for granted, number in self.recorded.items() if granted.intersection(purposes))


def names(unrecorded: Mapping[str, int], recorded: Mapping[str, int], asked: Collection[str]) -> dict[str, int]:
    """The totals that a server's counts are added to; ``recorded`` by its granted purposes, dot-joined.

    Raises ``ValueError`` for a purpose that is not among ``asked``: names of totals outlive everything, so they are of
    a closed list.
    """
    counts = Counter({f"{PREFIX}{reason}": number for reason, number in unrecorded.items()})
    for joined, number in recorded.items():
        granted = frozenset(joined.split("."))
        if not granted <= frozenset(asked):
            raise ValueError("counts.recorded names a purpose that no notice of this site asks for")
        counts[f"{PREFIX}{_RECORDED}{'.'.join(sorted(granted))}"] += number
    return {name: number for name, number in counts.items() if number}


def between(totals: Totals, first: date, last: date) -> DailyPageViews:
    """What was counted on the days ``first`` to ``last``, both included, in the totals of one site."""
    recorded: Counter[frozenset[str]] = Counter()
    unrecorded: Counter[str] = Counter()
    for (day, _site, name), number in totals.items():
        if name.startswith(PREFIX) and first <= day <= last:
            reason = name.removeprefix(PREFIX)
            if reason.startswith(_RECORDED):
                recorded[frozenset(reason.removeprefix(_RECORDED).split("."))] += number
            else:
                unrecorded[reason] += number
    return DailyPageViews(recorded, unrecorded)
