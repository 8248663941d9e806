"""What the door remembers to be quick, without holding whom it met: neither address, agent, id nor raw URL stays."""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class HashedCache(Generic[T]):
    """Remembers a function of a text under the text's keyed hash; the text itself is not held.

    The hash is the interpreter's SipHash, under a key that is random in every process: 64 bits, from which nothing
    leads back. For functions whose result says nothing of a person. Beyond ``most`` the eldest entry goes.
    """

    def __init__(self, compute: Callable[[str], T], most: int) -> None:
        self._compute = compute
        self._most = most
        self._held: dict[int, T] = {}

    def __call__(self, text: str) -> T:
        key = hash(text)
        found = self._held.get(key)
        if found is None:
            if len(self._held) >= self._most:
                self._held.pop(next(iter(self._held)), None)
            found = self._held[key] = self._compute(text)
        return found

    def __len__(self) -> int:
        return len(self._held)
