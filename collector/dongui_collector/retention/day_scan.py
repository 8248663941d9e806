"""Which days are opened next, and for whose endings: one search of the days that endings join and leave as it goes on.

Pure. A day is opened once for all endings at work that need it. Whoever joins needs no search of their own to be waited
for: what is opened from then on serves them too, and the days that were passed before are opened again for them alone
with whoever joined since. Half of each step goes to whoever has been at work longest, half to whoever has least left.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date


class DayScan:
    """The endings at work, by the ledger number of each, and the days that each still needs. Not thread-safe."""

    def __init__(self) -> None:
        self._left: dict[int, set[date]] = {}  # in the order in which they joined

    def __len__(self) -> int:
        return len(self._left)

    def join(self, of: int, days: Iterable[date]) -> None:
        """An ending is at work from now on."""
        self._left[of] = set(days)

    def leave(self, of: int) -> None:
        """An ending is not carried on, whatever it still needs."""
        self._left.pop(of, None)

    def take(self, most: int) -> dict[date, list[int]]:
        """The next days to open, at most ``most``, each with the endings that it is opened for."""
        by_rest = sorted((days for days in self._left.values() if days), key=len)
        longest_here = next((days for days in self._left.values() if days), set())
        chosen = sorted(longest_here)[: most // 2]
        for days in by_rest:
            if len(chosen) >= most:
                break
            chosen += sorted(days.difference(chosen))[: most - len(chosen)]
        taken: dict[date, list[int]] = {day: [] for day in sorted(chosen)}
        for of, days in self._left.items():
            for day in days.intersection(taken):
                taken[day].append(of)
            days.difference_update(taken)
        return taken

    def finished(self) -> list[int]:
        """The endings that need no further day; they leave."""
        done = [of for of, days in self._left.items() if not days]
        for of in done:
            del self._left[of]
        return done
