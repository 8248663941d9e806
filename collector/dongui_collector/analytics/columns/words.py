"""Values as small numbers: what columns hold instead of text. In memory only, and apart for every set of purposes."""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Sequence
from typing import Any, Generic, TypeVar

import numpy as np
import numpy.typing as npt

from dongui_collector.analytics.attribution import DIRECT, Origin
from dongui_collector.analytics.properties import LONGEST_VALUE, MOST_NAMES, MOST_VALUES, Pair

T = TypeVar("T", bound=Hashable)
Ints = npt.NDArray[np.int32]
Longs = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

NONE = -1  # the code of no value; as an index it means the last entry of a look-up table


def coded(values: Sequence[T]) -> tuple[Ints, list[T]]:
    """Codes of ``values``, and what each code stands for, in the order of first occurrence."""
    codes: defaultdict[T, int] = defaultdict()
    codes.default_factory = codes.__len__
    return np.fromiter(map(codes.__getitem__, values), np.int32, len(values)), list(codes)


class WordIndex(Generic[T]):
    """Values and their codes; a code never changes its meaning, and values are only added."""

    def __init__(self, *known: T) -> None:
        self.values: list[T] = []
        self._codes: dict[T, int] = {}
        self._adding = threading.Lock()
        self._tables: dict[str, npt.NDArray[Any]] = {}
        for value in known:
            self.code(value)

    def __len__(self) -> int:
        return len(self.values)

    def code(self, value: T) -> int:
        found = self._codes.get(value)
        return self._add(value) if found is None else found

    def _add(self, value: T) -> int:
        with self._adding:
            if value not in self._codes:
                self.values.append(value)  # before its code is told: readers look values up without a lock
                self._codes[value] = len(self.values) - 1
            return self._codes[value]

    def codes(self, values: Iterable[T]) -> Ints:
        return np.fromiter(map(self.code, values), np.int32)

    def table(self, name: str, read: Callable[[T], int]) -> Ints:
        """Code → ``read(value)``, and :data:`NONE` at the end; worked out once for every value."""
        old = self._tables.get(name)
        known = 0 if old is None else len(old) - 1
        values = self.values[known:]
        if old is not None and not values:
            return old
        more = np.fromiter((*map(read, values), NONE), np.int32, len(values) + 1)
        made = more if old is None else np.concatenate((old[:-1], more))
        self._tables[name] = made
        return made

    def test(self, holds: Callable[[T | None], bool]) -> Bools:
        """Code → whether it holds of the value; at the end, of None."""
        values = list(self.values)
        return np.fromiter((*map(holds, values), holds(None)), np.bool_, len(values) + 1)


Place = tuple[str | None, str | None]  # country, city
Gear = tuple[str | None, str | None, str | None, str | None, str | None]  # browser, os, device, language, screen
Step = tuple[str | None, int, int]  # an event's name; the code of its page if it is a view of it, and at all; or NONE


class Glossary:
    """All words of one set of columns."""

    def __init__(self) -> None:
        self.pages: WordIndex[str] = WordIndex()
        self.origins: WordIndex[Origin] = WordIndex(DIRECT)
        self.places: WordIndex[Place] = WordIndex()
        self.gears: WordIndex[Gear] = WordIndex()
        self.clicks: WordIndex[tuple[str | None]] = WordIndex((None,))
        self.hosts: WordIndex[tuple[str, ...]] = WordIndex(())
        self.steps: WordIndex[Step] = WordIndex()
        self.names: WordIndex[str] = WordIndex()
        self.terms: WordIndex[str] = WordIndex()
        self.metrics: WordIndex[str] = WordIndex()
        self.properties = PropertyIndex()
        self.keys: WordIndex[str | None] = WordIndex()
        self._rows: dict[str, WordIndex[tuple[Any, ...]]] = {}

    def rows(self, report: str) -> WordIndex[tuple[Any, ...]]:
        """What tells the rows of a report apart, where that is no word of its own."""
        return self._rows.setdefault(report, WordIndex())

    @property
    def nbytes(self) -> int:
        """What they take, roughly."""
        several: tuple[WordIndex[Any], ...] = (self.pages, self.origins, self.gears, self.hosts, self.steps, self.terms)
        return 200 * sum(len(words.values) for words in (*several, self.properties, *self._rows.values()))


class PropertyIndex(WordIndex[Pair]):
    """Properties and their values, of each property so many; all others have one code, with None for a value."""

    def __init__(self) -> None:
        super().__init__()
        self._numbers: dict[str, int] = {}

    def code(self, value: Pair) -> int:
        found = self._codes.get(value)
        return self._add(self._told_apart(value)) if found is None else found

    def _told_apart(self, pair: Pair) -> Pair:
        name, value = pair
        if name is None or value is None:
            return pair
        number = self._numbers.get(name, 0)
        if not number and len(self._numbers) >= MOST_NAMES:
            return None, None
        if len(value) > LONGEST_VALUE or number >= MOST_VALUES:
            return name, None
        self._numbers[name] = number + 1
        return pair

    def has(self, name: str) -> bool:
        """Whether an event has a property of this name, as far as names are told apart."""
        return name in self._numbers or (name, None) in self._codes

    def has_others(self, name: str) -> bool:
        """Whether some values of a property may not be told apart."""
        return (name, None) in self._codes or (name not in self._numbers and (None, None) in self._codes)

    def knows(self, pair: Pair) -> bool:
        """Whether a value has a code of its own."""
        return pair in self._codes


class Visitors:
    """Numbers for visitors' 16-byte keys, in the order in which they came. Exact; some 28 bytes a visitor."""

    def __init__(self) -> None:
        self._heads: npt.NDArray[np.uint64] = np.empty(0, np.uint64)  # sorted: the first half of every key
        self._numbers: Ints = np.empty(0, np.int32)
        self._keys: npt.NDArray[np.uint64] = np.empty((0, 2), np.uint64)  # by number
        self._twins: dict[bytes, int] = {}  # keys that share their first half with an earlier one: in theory

    def __len__(self) -> int:
        return len(self._keys)

    @property
    def nbytes(self) -> int:
        return self._heads.nbytes + self._numbers.nbytes + self._keys.nbytes

    def numbers(self, keys: Sequence[bytes], *, add: bool = False) -> Ints:
        """The numbers of different keys; NONE for one that is not known, unless it is to be added."""
        halves = _halves(keys)
        found, same = self._find(halves)
        if add and len(missing := np.flatnonzero(found == NONE)):
            self._add(halves[missing])
            found, same = self._find(halves)
        for i in np.flatnonzero(~same).tolist():
            found[i] = self._twin(keys[i], halves[i : i + 1], add=add)
        return found

    def keys(self, numbers: Ints) -> list[bytes]:
        """The keys of these numbers."""
        joined = self._keys[numbers].astype(">u8").tobytes()
        return [joined[at : at + 16] for at in range(0, len(joined), 16)]

    def _find(self, halves: npt.NDArray[np.uint64]) -> tuple[Ints, Bools]:
        """Numbers by the first half, and whether the second one fits (or nothing was found)."""
        if not len(self._heads):
            return np.full(len(halves), NONE, np.int32), np.ones(len(halves), np.bool_)
        at = np.minimum(np.searchsorted(self._heads, halves[:, 0]), len(self._heads) - 1)
        known = self._heads[at] == halves[:, 0]
        numbers = self._numbers[at]
        found = np.where(known, numbers, NONE).astype(np.int32)
        return found, ~known | (self._keys[numbers, 1] == halves[:, 1])

    def _add(self, halves: npt.NDArray[np.uint64]) -> None:
        heads, first = np.unique(halves[:, 0], return_index=True)
        at = np.searchsorted(self._heads, heads)
        numbers = np.arange(len(self._keys), len(self._keys) + len(heads), dtype=np.int32)
        self._heads = np.insert(self._heads, at, heads)
        self._numbers = np.insert(self._numbers, at, numbers)
        self._keys = np.concatenate((self._keys, halves[first]))

    def _twin(self, key: bytes, halves: npt.NDArray[np.uint64], *, add: bool) -> int:
        if key not in self._twins and add:
            self._twins[key] = len(self._keys)
            self._keys = np.concatenate((self._keys, halves))
        return self._twins.get(key, NONE)


def _halves(keys: Sequence[bytes]) -> npt.NDArray[np.uint64]:
    return np.frombuffer(b"".join(keys), np.dtype(">u8")).astype(np.uint64).reshape(-1, 2)
