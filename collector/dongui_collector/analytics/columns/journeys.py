"""Funnels, retention and web vitals over columns. Pure; ``docs/api.md`` has the definitions."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial

import numpy as np
import numpy.typing as npt

from dongui_collector.analytics.columns.choosing import check_told_apart, meets, place_of
from dongui_collector.analytics.columns.count import distinct, empty, total
from dongui_collector.analytics.columns.table import STEP_SHIFT, TablePart
from dongui_collector.analytics.columns.words import NONE, Bools, Glossary, Ints, Longs, Step
from dongui_collector.analytics.filters import Filter
from dongui_collector.analytics.metrics import Json
from dongui_collector.analytics.patterns import fits
from dongui_collector.analytics.sessions import METRICS

_VISITORS, _VISITS, _FIRST, _VIEWS = (
    0,
    1,
    2,
    3,
)  # the rows of a matrix that are used here: the last is what a rate is a share of


def funnel(part: TablePart, words: Glossary, steps: Sequence[Filter]) -> Longs:
    """How many visits reached each step, each by a later event than the step before."""
    sums = empty(len(steps))
    lists = part.steps
    ends = lists.offsets[1:]
    visits, at = np.arange(len(part)), lists.offsets[:-1]
    for number, step in enumerate(steps):
        hits = np.flatnonzero(meeting(part, words, step))
        found = np.searchsorted(hits, at)
        reached = found < len(hits)
        reached[reached] = hits[found[reached]] < ends[visits[reached]]
        visits, at = visits[reached], hits[found[reached]] + 1
        sums[_VISITORS, number], sums[_VISITS, number] = total(part.of(_flags(len(part), visits)))
    sums[_FIRST] = sums[_VISITS, 0]
    return sums


def _flags(size: int, chosen: Longs) -> Bools:
    flags = np.zeros(size, np.bool_)
    flags[chosen] = True
    return flags


def meeting(part: TablePart, words: Glossary, step: Filter) -> Bools:
    """Which of the visits' events meet a step."""
    code: Ints = part.steps.columns[0] >> STEP_SHIFT
    if step.dimension != "prop":
        return _met(words, step)[code]
    check_told_apart(words, (step,))
    met = words.properties.test(partial(meets, step.holds))
    pair, place, _ = part.properties.columns
    events = part.steps.offsets[part.properties.owners()] + place
    return _flags(len(code), events[met[pair]]) ^ step.negated


def _met(words: Glossary, step: Filter) -> Bools:
    """Code of a step of a visit → whether it is one that the funnel waits for."""

    def holds(said: Step | None) -> bool:
        if said is None:
            return False
        name, page, _ = said
        if step.dimension == "event_page":
            there = place_of(said, words)
            return there is not None and step.holds((there,)) is not step.negated
        if step.dimension == "event":
            return name is not None and step.holds((name,)) is not step.negated
        return page >= 0 and step.holds((words.pages.values[page],)) is not step.negated

    return words.steps.test(holds)


def neighbours(part: TablePart, words: Glossary, page: str, *, after: bool) -> Longs:
    """The page views right before or after those of a page: by whom, in how many visits, how often.

    The first column is of views that were the first or the last of their visit, the others are of the pages.
    """
    viewed = words.steps.table("page", lambda step: step[1])[part.steps.columns[0] >> STEP_SHIFT]
    there = np.flatnonzero(viewed >= 0)
    seen, visit = viewed[there], part.steps.owners()[there]
    beside = np.full(len(seen), NONE, np.int32)
    joined = visit[1:] == visit[:-1]
    if after:
        beside[:-1][joined] = seen[1:][joined]
    else:
        beside[1:][joined] = seen[:-1][joined]
    hits = words.pages.test(lambda one: one is not None and fits(page, one))[seen]
    code, visit = beside[hits] + 1, visit[hits]
    rows = len(words.pages) + 1
    sums = empty(rows)
    sums[_VISITORS] = distinct(code, part.visitor[visit], rows)
    sums[_VISITS] = distinct(code, visit, rows)
    sums[_VIEWS] = np.bincount(code, minlength=rows)
    return sums


def retention(part: TablePart, monday: int, weeks: int) -> Longs:
    """By the week in which a visitor was first seen and the weeks after: who was there. ``monday`` is the first day."""
    week = (part.day - monday) // 7
    size = np.int64(weeks)
    pairs = np.unique(part.visitor * size + week)
    visitor, week = pairs // size, pairs % size
    fresh = np.ones(len(pairs), np.bool_)
    fresh[1:] = visitor[1:] != visitor[:-1]
    cohort = week[fresh][np.cumsum(fresh) - 1]
    start = np.concatenate(([0], np.cumsum(np.arange(weeks, 0, -1))))  # where a cohort's rows begin
    sums = empty(int(start[-1]))
    sums[_VISITORS] = np.bincount(start[cohort] + week - cohort, minlength=sums.shape[1])
    sums[_FIRST] = np.repeat(sums[_VISITORS, start[:-1]], np.diff(start))
    sums[_VISITS] = sums[_FIRST]  # a row is there where its cohort is
    return sums


# --- web vitals ------------------------------------------------------------------------------------------------------

Sample = tuple[Ints, Ints, npt.NDArray[np.float64]]  # page, metric, value


def vitals(part: TablePart) -> Sample:
    """What pages measured of themselves."""
    page, metric, value = part.vitals.columns
    return page, metric, value


def quarters(samples: Sequence[Sample], words: Glossary) -> Iterator[Json]:
    """Of every page and metric the value that three quarters of the samples do not exceed (the nearest rank)."""
    page, metric, value = (np.concatenate(column) for column in zip(*samples, strict=True))
    order = np.lexsort((value, metric, page))
    page, metric, value = page[order], metric[order], value[order]
    rows: dict[int, Json] = {}
    key = page.astype(np.int64) * (len(words.metrics) + 1) + metric
    begins = np.flatnonzero(np.diff(key, prepend=-1))
    for begin, end in zip(begins.tolist(), np.append(begins[1:], len(key)).tolist(), strict=False):
        empty_row: Json = {"page": words.pages.values[page[begin]], "samples": 0}
        row = rows.setdefault(int(page[begin]), empty_row | dict.fromkeys(m.lower() for m in METRICS))
        row["samples"] += end - begin
        rank = -(-3 * (end - begin) // 4)
        row[words.metrics.values[metric[begin]].lower()] = float(value[begin + rank - 1])
    yield from rows.values()
