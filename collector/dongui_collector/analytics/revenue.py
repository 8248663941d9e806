"""A goal and what it is worth: the property with the amount, the one with its currency, and the site's rates. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

from dongui_collector.analytics.filters import Filter, ReportError

CENTS = 100  # amounts are summed in hundredths: whole numbers, whatever order they are added in


@dataclass(frozen=True, slots=True)
class Conversion:
    """An event that meets ``goal``. ``value`` and ``currency`` are names of its properties, ``value`` empty for none.

    ``rates`` are what one unit of a currency is worth in ``into``.
    """

    goal: Filter
    value: str = ""
    currency: str = ""
    into: str = ""
    rates: tuple[tuple[str, float], ...] = ()

    def rate(self, code: str | None) -> float:
        """What one unit of a currency is worth; NaN where nobody said."""
        return dict(self.rates).get((code or "").strip().upper(), math.nan)


def conversion_of(goal: Filter, value: str, currency: str, into: str, rates: Iterable[str]) -> Conversion:
    """A goal as the settings ``currency`` (``into``) and ``exchange_rates`` make it worth something.

    Raises :class:`ReportError` where a value is asked for and no currency is set.
    """
    if value and not into:
        raise ReportError("value needs the setting currency: the currency that amounts are added up in")
    known = {code: float(rate) for code, rate in map(str.split, rates)}
    return Conversion(goal, value, currency, into, tuple((known | {into: 1.0}).items())) if value else Conversion(goal)
