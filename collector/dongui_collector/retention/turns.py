"""Whose ending comes next: fair turns between addresses, and between the visitors of each. Order, never refusal.

Pure: a queue of values. Where more wait than one batch takes, each address in turn gives one, and of each address each
visitor in turn. A third of the turns goes to whoever has waited longest without one, a third to whoever came last, a
third to those who had turns already: a flood from many addresses delays a lone visitor by one batch, and nobody waits
for ever.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class _Ring(Generic[T]):
    """Things that take turns, by key."""

    def __init__(self, make: Callable[[], T]) -> None:
        self._make = make
        self._fresh: OrderedDict[bytes, T] = OrderedDict()  # had no turn since they came
        self._served: OrderedDict[bytes, T] = OrderedDict()
        self._turn = 0

    def __bool__(self) -> bool:
        return bool(self._fresh or self._served)

    def of(self, key: bytes) -> T:
        """The thing of a key; a new one comes last."""
        if key in self._served:
            return self._served[key]
        if key not in self._fresh:
            self._fresh[key] = self._make()
        return self._fresh[key]

    def take(self) -> tuple[bytes, T]:
        """Whose turn it is. They are gone until :meth:`back`."""
        turn, self._turn = self._turn % 3, self._turn + 1
        if self._fresh and (turn < 2 or not self._served):
            return self._fresh.popitem(last=turn == 1)
        return self._served.popitem(last=False)

    def back(self, key: bytes, thing: T) -> None:
        """They have had a turn and wait for another."""
        self._served[key] = thing


class EndingTurns(Generic[T]):
    """What waits, by source (an address, or a keyed hash of one) and visitor. Not thread-safe."""

    def __init__(self) -> None:
        self._sources: _Ring[_Ring[deque[T]]] = _Ring(lambda: _Ring(deque))

    def __bool__(self) -> bool:
        return bool(self._sources)

    def add(self, source: bytes, visitor: bytes, item: T) -> None:
        """Put an item behind the visitor's own ones."""
        self._sources.of(source).of(visitor).append(item)

    def take(self, most: int) -> list[T]:
        """The next batch, of at most ``most`` items."""
        taken: list[T] = []
        while self._sources and len(taken) < most:
            source, visitors = self._sources.take()
            visitor, items = visitors.take()
            taken.append(items.popleft())
            if items:
                visitors.back(visitor, items)
            if visitors:
                self._sources.back(source, visitors)
        return taken
