"""Properties of events over columns: which there are, and their values. Pure; ``docs/api.md`` has the definitions."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from math import fsum
from typing import Any

import numpy as np
import numpy.typing as npt

from dongui_collector.analytics.columns.count import SUMS, Codes, distinct, empty
from dongui_collector.analytics.columns.table import STEP_SHIFT, TablePart
from dongui_collector.analytics.columns.words import NONE, Bools, Glossary, Ints, Longs, WordIndex

Json = dict[str, Any]
_VISITORS, _VISITS, _TIMES = SUMS.index("visitors"), SUMS.index("visits"), SUMS.index("views")


@dataclass(frozen=True, slots=True)
class PropertyEntries:
    """The properties of some visits' events: code, number, and of which event, its name, visit and visitor."""

    pair: Ints
    number: npt.NDArray[np.float64]
    event: Longs
    name: Ints
    visit: Longs
    visitor: Ints

    @classmethod
    def of(cls, part: TablePart, words: Glossary, event: str) -> PropertyEntries:
        """Those of events of one name; ``event`` empty: of all."""
        pair, place, number = part.properties.columns
        visit = part.properties.owners()
        events = part.steps.offsets[visit] + place
        named = words.steps.table("name", lambda step: words.names.code(step[0]) if step[0] else NONE)
        name = named[part.steps.columns[0][events] >> STEP_SHIFT]
        found = cls(pair, number, events, name, visit, part.visitor[visit])
        return found.take(words.names.test(lambda said: said == event)[name]) if event else found

    def take(self, chosen: Bools) -> PropertyEntries:
        columns: list[Any] = [getattr(self, f.name)[chosen] for f in fields(self)]
        return PropertyEntries(*columns)

    def sums(self, codes: Codes, rows: int) -> Longs:
        """By a code of every entry: of how many events, in how many visits, by whom."""
        sums = empty(rows)
        sums[_TIMES] = distinct(codes, self.event, rows)
        sums[_VISITS] = distinct(codes, self.visit, rows)
        sums[_VISITORS] = distinct(codes, self.visitor, rows)
        return sums

    def kinds(self, words: Glossary) -> tuple[list[tuple[str | None, str | None]], Longs]:
        """The different (event, property) there are, and which one each entry is of."""
        keys = words.properties.table("name", lambda pair: words.keys.code(pair[0]))[self.pair]
        size = len(words.keys) + 1
        kinds, place = np.unique((self.name + np.int64(1)) * size + keys, return_inverse=True)
        said = [(words.names.values[k // size - 1] if k >= size else None, words.keys.values[k % size]) for k in kinds]
        return said, place


def properties(part: TablePart, words: Glossary, event: str) -> Longs:
    """Which properties events have, by event and property."""
    rows, found = words.rows("properties"), PropertyEntries.of(part, words, event)
    kinds, place = found.kinds(words)
    codes = rows.codes(kinds)
    return found.sums(codes[place], len(rows))


def values(part: TablePart, words: Glossary, event: str, name: str) -> Longs:
    """The values of a property."""
    rows, found = value_rows(words, name), PropertyEntries.of(part, words, event)
    found = found.take(words.properties.test(lambda pair: pair is not None and pair[0] == name)[found.pair])
    pairs, place = np.unique(found.pair, return_inverse=True)
    codes = rows.codes((words.properties.values[pair][1],) for pair in pairs.tolist())
    return found.sums(codes[place], len(rows))


def value_rows(words: Glossary, name: str) -> WordIndex[tuple[str | None]]:
    """What tells the values of a property apart; nothing is kept of a property that nobody has."""
    return words.rows(f"values of {name}") if words.properties.has(name) else WordIndex()


def numbers(parts: Sequence[TablePart], words: Glossary, event: str) -> Iterator[Json]:
    """Of every property that is a number: sum, average, and the values that so many do not exceed (nearest rank)."""
    rows, codes, found = words.rows("properties"), [], []
    for part in parts:
        entries = PropertyEntries.of(part, words, event)
        entries = entries.take(np.isfinite(entries.number))
        kinds, place = entries.kinds(words)
        codes.append(rows.codes(kinds)[place])
        found.append(entries.number)
    code, number = np.concatenate(codes), np.concatenate(found)
    order = np.lexsort((number, code))
    code, number = code[order], number[order]
    begins = np.flatnonzero(np.diff(code, prepend=NONE))
    for some in np.split(np.arange(len(code)), begins[1:]) if len(code) else ():
        values = number[some].tolist()
        name, property = rows.values[code[some[0]]]
        whole = fsum(values)
        row: Json = {"event": name, "property": property, "samples": len(values), "sum": round(whole, 6)}
        ranks = {f"p{share}": values[-(-share * len(values) // 100) - 1] for share in (50, 75, 95)}
        yield row | {"average": round(whole / len(values), 6)} | ranks
