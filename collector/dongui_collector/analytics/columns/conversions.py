"""What a goal brought, by the rows of any report: the report once more, of the visits that met it. Pure."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import numpy as np

from dongui_collector.analytics.columns.count import SUMS, wide
from dongui_collector.analytics.columns.journeys import meeting
from dongui_collector.analytics.columns.measures import Measure
from dongui_collector.analytics.columns.table import TablePart
from dongui_collector.analytics.columns.words import Bools, Glossary, Longs
from dongui_collector.analytics.metrics import FIGURES_OF_GOAL, FIGURES_OF_VALUE
from dongui_collector.analytics.revenue import CENTS, Conversion

_VISITS, _MS, _ENGAGED = map(SUMS.index, ("visits", "milliseconds", "engaged"))
_LARGEST = 1e13  # hundredths: what is more is a mistake, and would not be added exactly


def with_conversion(measure: Measure, conversion: Conversion) -> Measure:
    """The measure with what the goal brought beside each row."""
    more = FIGURES_OF_GOAL + (FIGURES_OF_VALUE if conversion.value else ())
    return replace(
        measure,
        key=(*measure.key, conversion),
        figures=(*measure.figures, *more),
        count=partial(_counted, measure, conversion),
    )


def _counted(measure: Measure, conversion: Conversion, part: TablePart, words: Glossary) -> Longs:
    hits = meeting(part, words, conversion.goal)
    offsets = part.steps.offsets
    met = np.logical_or.reduceat(hits, offsets[:-1]) if len(part) else np.empty(0, np.bool_)
    brought = part.of(met)
    if conversion.value:  # money takes the place of time, so that each report adds it up by its own rows
        revenue, unpriced = _worth(part, words, hits, conversion)
        brought = brought.with_columns(engaged=revenue[met], duration=unpriced[met])
    every, found = measure.count(part, words), measure.count(brought, words)
    rows = [found[_VISITS], *(found[[_ENGAGED, _MS]] if conversion.value else np.zeros((2, found.shape[1]), np.int64))]
    size = max(every.shape[1], found.shape[1])
    return np.vstack((wide(every, size), wide(np.stack(rows), size)))


def _worth(part: TablePart, words: Glossary, hits: Bools, conversion: Conversion) -> tuple[Longs, Longs]:
    """Of every visit: hundredths that its goals brought, and how many brought an amount that cannot be said."""
    pair, place, number = part.properties.columns
    event = part.steps.offsets[part.properties.owners()] + place
    values = words.properties.values
    named = words.properties.test(lambda said: said is not None and said[0] == conversion.value)[pair]
    amount, rate = np.full(len(hits), np.nan), np.full(len(hits), np.nan)
    amount[event[named]] = number[named]
    told = words.properties.test(lambda said: said is not None and said[0] == conversion.currency)
    rates = np.array([conversion.rate(said[1]) if there else np.nan for said, there in zip(values, told, strict=False)])
    there = told[pair]
    rate[event[there]] = rates[pair[there]] if there.any() else np.nan
    asked = np.zeros(len(hits), np.bool_)
    asked[event[named]] = True
    asked &= hits
    cents = np.rint(amount * rate * CENTS)
    priced = asked & (cents >= 0) & (cents < _LARGEST)
    visit = part.steps.owners()
    money = np.bincount(visit[priced], cents[priced], len(part)).astype(np.int64)
    return money, np.bincount(visit[asked & ~priced], minlength=len(part))
