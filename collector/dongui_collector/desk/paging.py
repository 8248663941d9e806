"""Long lists of the console in pages. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

T = TypeVar("T")
PAGE = 50


@dataclass(frozen=True, slots=True)
class RowPage(Generic[T]):
    """Some of a list, with the numbers of the pages before and after; None where there is none."""

    rows: Sequence[T]
    total: int
    number: int
    previous: int | None
    next: int | None


def paged(every: Sequence[T], wanted: str, size: int = PAGE) -> RowPage[T]:
    """The page of a list that ``?page=`` asks for: the first for what is no number, the last for one beyond it."""
    return fetched(len(every), lambda offset, limit: every[offset : offset + limit], wanted, size)


def fetched(total: int, rows: Callable[[int, int], Sequence[T]], wanted: str, size: int = PAGE) -> RowPage[T]:
    """The same of a list of which ``rows(offset, limit)`` reads a part."""
    last = max(1, -(-total // size))
    number = min(max(int(wanted), 1), last) if wanted.isascii() and wanted.isdigit() and len(wanted) < 20 else 1
    found = rows((number - 1) * size, size)
    return RowPage(found, total, number, number - 1 or None, number + 1 if number < last else None)
