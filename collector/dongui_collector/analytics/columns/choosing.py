"""Filters over columns, decided once for every word instead of every visit. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import partial, reduce
from typing import Any

import numpy as np

from dongui_collector.analytics.columns.table import STEP_SHIFT, Lists, TablePart
from dongui_collector.analytics.columns.words import NONE, Bools, Glossary, Step
from dongui_collector.analytics.filters import LONGEST, Filter, ReportError, property_of
from dongui_collector.analytics.properties import LONGEST_VALUE, MOST_VALUES, Pair
from dongui_collector.analytics.sessions import family

_ORIGIN = ("channel", "source", "referrer", "medium", "campaign", "term", "content")
_PLACE = ("country", "city")
_GEAR: dict[str, tuple[int, Callable[[str | None], str | None]]] = {
    "browser": (0, family),
    "browser_version": (0, lambda value: value),
    "os": (1, family),
    "os_version": (1, lambda value: value),
    "device": (2, lambda value: value),
    "language": (3, lambda value: value),
    "screen": (4, lambda value: value),
}
_OTHER = "…" * (LONGEST + 1)  # longer than a filter's value can be: nothing but a star is what it is
Test = Callable[[Iterable[str | None]], bool]


def value_of(name: str, word: Any) -> str | None:
    """What an origin, a place or a gear says of a dimension."""
    found: str | None
    if name in _ORIGIN:
        found = getattr(word, name)
    elif name in _PLACE:
        found = word[_PLACE.index(name)]
    elif name == "click_id":
        found = word[0]
    else:
        at, then = _GEAR[name]
        found = then(word[at])
    return found


def column_of(name: str, words: Glossary) -> tuple[str, Any]:
    """The column that a single-valued dimension is read from, and its words."""
    if name in _ORIGIN:
        return "origin", words.origins
    if name == "click_id":
        return "click", words.clicks
    return ("place", words.places) if name in _PLACE else ("gear", words.gears)


def choose(part: TablePart, words: Glossary, filters: Sequence[Filter]) -> TablePart:
    """The visits that meet filters: any of those of the same group, all groups, and no negated one."""
    check_told_apart(words, [each for one in filters for each in one.alternatives])
    wanted: dict[str, list[Filter]] = {}
    for one in filters:
        if one.others:
            part = part.of(_any_holds(part, words, one))
        elif not one.negated:
            wanted.setdefault(one.group, []).append(one)
    for several in wanted.values():
        part = part.of(_holds(part, words, several[0].dimension, partial(_any, several)))
    for one in filters:
        if one.negated and not one.others:
            part = part.of(~_holds(part, words, one.dimension, one.holds))
    return part


def _any_holds(part: TablePart, words: Glossary, alternatives: Filter) -> Bools:
    """Of which visits one of several filters holds, each as if it stood alone."""
    holds = (_holds(part, words, one.dimension, one.holds) ^ one.negated for one in alternatives.alternatives)
    return reduce(np.logical_or, holds)


def _any(filters: Sequence[Filter], values: Iterable[str | None]) -> bool:
    known = tuple(values)
    return any(one.holds(known) for one in filters)


def _holds(part: TablePart, words: Glossary, name: str, test: Test) -> Bools:
    """Of which visits a test holds; of several values it is enough that it holds of one."""
    found: Bools
    if name in ("entry_page", "exit_page"):
        found = words.pages.test(lambda page: test((page,)))[part.entry if name == "entry_page" else part.exit]
    elif name == "hostname":
        found = words.hosts.test(lambda hosts: test(hosts or (None,)))[part.hosts]
    elif name == "prop":
        found = _among(part.properties, words.properties.test(partial(meets, test)))
    elif name == "event_page":
        found = _among(part.steps, words.steps.test(lambda step: test((place_of(step, words),))), STEP_SHIFT)
    elif name == "search":
        found = _among(part.searches, words.terms.test(lambda said: said is not None and test((said,))))
        found |= test((None,)) & (part.searches.sizes() == 0)
    elif name == "page":
        hits = _by_step(words, words.pages.test(lambda page: page is not None and test((page,))))
        found = _among(part.steps, hits, STEP_SHIFT) | (test((None,)) & (part.entry == NONE))
    elif name == "event":
        hits = words.steps.test(lambda step: step is not None and step[0] is not None and test((step[0],)))
        named = words.steps.test(lambda step: step is not None and step[0] is not None)
        found = _among(part.steps, hits, STEP_SHIFT)
        if test((None,)):
            found |= ~_among(part.steps, named, STEP_SHIFT)
    else:
        column, known = column_of(name, words)
        found = known.test(lambda word: word is not None and test((value_of(name, word),)))[getattr(part, column)]
    return found


def place_of(step: Step | None, words: Glossary) -> str | None:
    """An event and the page on which it was: ``purchase=/cart``; None where one of them is not known."""
    return None if step is None or step[0] is None or step[2] < 0 else f"{step[0]}={words.pages.values[step[2]]}"


def meets(test: Test, pair: Pair | None) -> bool:
    """Whether a property and its value meet a test; of the others of a property only what all of its values meet."""
    return pair is not None and pair[0] is not None and test((f"{pair[0]}={_OTHER if pair[1] is None else pair[1]}",))


def check_told_apart(words: Glossary, filters: Iterable[Filter]) -> None:
    """Raise :class:`ReportError` where a filter asks for what no code tells apart: that would be a guess."""
    for one in filters:
        name, value = property_of(one)
        if one.dimension != "prop" or value == "*" or not words.properties.has_others(name):
            continue
        if "*" in value or not words.properties.knows((name, value)):
            raise ReportError(
                f"this property has values that are not told apart: more than {MOST_VALUES}, or longer than "
                f"{LONGEST_VALUE} characters; filter by prop:NAME=*, or by a value that property_values lists"
            )


def _by_step(words: Glossary, pages: Bools) -> Bools:
    """Code of a step → whether it is a view of one of ``pages``."""
    return pages[words.steps.table("page", lambda step: step[1])]


def _among(lists: Lists, hits: Bools, shift: int = 0) -> Bools:
    """Of which visits an entry is among ``hits``."""
    code = lists.columns[0]
    found = np.zeros(len(lists.offsets) - 1, np.bool_)
    there = hits[code >> shift if shift else code]
    if shift:  # no visit is without a step
        return np.logical_or.reduceat(there, lists.offsets[:-1]) if len(found) else found
    found[np.searchsorted(lists.offsets, np.flatnonzero(there), side="right") - 1] = True
    return found
