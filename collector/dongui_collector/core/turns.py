"""Whose turn comes next: fair turns between sites, the addresses of each, and the visitors of each address.

Pure: a queue of values; order, never refusal. Whoever waits stands under a path (site, address, visitor), and at each
step of it those who wait take turns: a third of the turns goes to whoever has waited longest without one, a third to
whoever came last, a third to those who had turns already. So a flood from many addresses delays a lone visitor by a few
turns, a flood at one site delays those of another by one, and nobody waits for ever.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Callable, Hashable
from typing import Generic, NamedTuple, TypeVar

T = TypeVar("T")


class Whose(NamedTuple):
    """Who a turn belongs to: a visitor (their key) at an address (or a hash of one), on a site (its number)."""

    site: int = 0
    address: str = ""
    visitor: bytes = b""


class _Ring(Generic[T]):
    """Things that take turns, by key."""

    def __init__(self, make: Callable[[], T]) -> None:
        self._make = make
        self._fresh: OrderedDict[Hashable, T] = OrderedDict()  # had no turn since they came
        self._served: OrderedDict[Hashable, T] = OrderedDict()
        self._turn = 0

    def __bool__(self) -> bool:
        return bool(self._fresh or self._served)

    def of(self, key: Hashable) -> T:
        """The thing of a key; a new one comes last."""
        if key in self._served:
            return self._served[key]
        if key not in self._fresh:
            self._fresh[key] = self._make()
        return self._fresh[key]

    def take(self) -> tuple[Hashable, T]:
        """Whose turn it is. They are gone until :meth:`back`."""
        turn, self._turn = self._turn % 3, self._turn + 1
        if self._fresh and (turn < 2 or not self._served):
            return self._fresh.popitem(last=turn == 1)
        return self._served.popitem(last=False)

    def back(self, key: Hashable, thing: T) -> None:
        """They have had a turn and wait for another."""
        self._served[key] = thing


class FairTurns(Generic[T]):
    """What waits, by whose it is. Not thread-safe."""

    def __init__(self) -> None:
        self._sites: _Ring[_Ring[_Ring[deque[T]]]] = _Ring(lambda: _Ring(lambda: _Ring(deque)))

    def __bool__(self) -> bool:
        return bool(self._sites)

    def add(self, whose: Whose, item: T) -> None:
        """Put an item behind the visitor's own ones."""
        self._sites.of(whose.site).of(whose.address).of(whose.visitor).append(item)

    def take(self, most: int) -> list[T]:
        """The next ones, at most ``most``."""
        taken: list[T] = []
        while self._sites and len(taken) < most:
            site, addresses = self._sites.take()
            address, visitors = addresses.take()
            visitor, items = visitors.take()
            taken.append(items.popleft())
            if items:
                visitors.back(visitor, items)
            if visitors:
                addresses.back(address, visitors)
            if addresses:
                self._sites.back(site, addresses)
        return taken
