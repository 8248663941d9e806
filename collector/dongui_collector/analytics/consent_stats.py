"""How visitors chose, from the ledger's numbers alone: by day, notice version, language, device, GPC. Pure.

The totals (``ledger/counters.py``, ``consent.<state>.<purpose>``) name nobody; what is computed here can say no more.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta

from dongui_collector.ledger.counters import OUTCOMES

Totals = Mapping[tuple[date, int, str], int]
STATES = ("given", "refused", "withdrawn")


@dataclass(frozen=True, slots=True)
class AnswerShares:
    """How often everything, something or nothing was agreed to, and how often all that there was was taken back."""

    accepted: int = 0
    chosen: int = 0
    refused: int = 0
    withdrawn: int = 0

    @property
    def choices(self) -> int:
        """The answers to the question; taking back is none."""
        return self.accepted + self.chosen + self.refused

    def share(self, *outcomes: str) -> float | None:
        """What part of the answers were those, 0 to 1; None without any."""
        return sum(getattr(self, name) for name in outcomes) / self.choices if self.choices else None


@dataclass(frozen=True, slots=True)
class AnswerLine:
    """The answers of one notice version, language or device; ``given``: purpose → how often it was agreed to."""

    value: str
    answers: AnswerShares
    given: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class PurposeLine:
    """One purpose: how often it was given, refused and withdrawn."""

    purpose: str
    given: int
    refused: int
    withdrawn: int

    @property
    def rate(self) -> float | None:
        asked = self.given + self.refused
        return self.given / asked if asked else None


@dataclass(frozen=True, slots=True)
class Span:
    """The answers of some days in a row."""

    first: date
    last: date
    answers: AnswerShares


@dataclass(frozen=True, slots=True)
class ConsentFigures:
    """What the consent page says of a range of days. ``gpc`` is the share of answers under the signal, 0 to 1."""

    total: AnswerShares
    days: Sequence[Span]
    purposes: Sequence[PurposeLine]
    notices: Sequence[AnswerLine]
    languages: Sequence[AnswerLine]
    devices: Sequence[AnswerLine]
    gpc: float | None


def figures(totals: Totals, first: date, last: date, purposes: Sequence[str]) -> ConsentFigures:
    """The figures of the days ``first`` to ``last``; ``purposes`` first, others that were ever asked after them."""
    within = {(day, name): n for (day, _site, name), n in totals.items() if first <= day <= last}
    names: Counter[str] = Counter()
    for (_day, name), number in within.items():
        names[name] += number
    notices = _lines(names, "notice")
    signal = {line.value: line.answers.choices for line in _lines(names, "gpc")}
    asked = sum(signal.values())
    return ConsentFigures(
        total=_sum(line.answers for line in notices),
        days=_days(within, first, last),
        purposes=_purposes(names, purposes),
        notices=notices,
        languages=_lines(names, "language"),
        devices=_lines(names, "device"),
        gpc=signal.get("on", 0) / asked if asked else None,
    )


def _lines(names: Mapping[str, int], dimension: str) -> list[AnswerLine]:
    """The values of one dimension, the most frequent first."""
    answers: dict[str, Counter[str]] = {}
    given: dict[str, Counter[str]] = {}
    for name, number in names.items():
        head, _, rest = name.partition(f"choice.{dimension}.")
        value, _, what = rest.partition(".")
        if head or not rest:
            continue
        if what in OUTCOMES:
            answers.setdefault(value, Counter())[what] += number
        elif what.startswith("given."):
            given.setdefault(value, Counter())[what.removeprefix("given.")] += number
    lines = [AnswerLine(value, AnswerShares(**found), given.get(value, {})) for value, found in answers.items()]
    return sorted(lines, key=lambda line: (-line.answers.choices, line.value))


def _sum(some: Iterable[AnswerShares]) -> AnswerShares:
    found = list(some)
    return AnswerShares(*(sum(getattr(one, name) for one in found) for name in OUTCOMES))


def _days(within: Mapping[tuple[date, str], int], first: date, last: date) -> list[Span]:
    found: dict[date, Counter[str]] = {}
    for (day, name), number in within.items():
        kind, _, rest = name.partition(".notice.")
        outcome = rest.rpartition(".")[2]
        if kind == "choice" and rest.count(".") == 1 and outcome in OUTCOMES:
            found.setdefault(day, Counter())[outcome] += number
    days = (first + timedelta(days=n) for n in range((last - first).days + 1))
    return [Span(day, day, AnswerShares(**found.get(day, Counter()))) for day in days]


def _purposes(names: Mapping[str, int], order: Sequence[str]) -> list[PurposeLine]:
    by_state: dict[str, dict[str, int]] = {state: {} for state in STATES}
    for name, number in names.items():
        kind, _, rest = name.partition(".")
        state, _, purpose = rest.partition(".")
        if kind == "consent" and state in by_state:
            by_state[state][purpose] = number
    known = {purpose for found in by_state.values() for purpose in found}
    return [
        PurposeLine(purpose, *(by_state[state].get(purpose, 0) for state in STATES))
        for purpose in (*order, *sorted(known - set(order)))
    ]


def together(days: Sequence[Span], most: int) -> list[Span]:
    """The same days in at most ``most`` spans of as many days each, the last ones whole: for a chart of a long time."""
    size = max(1, -(-len(days) // most))
    starts = range(len(days) % size or size, len(days) + 1, size)
    chunks = [days[max(0, end - size) : end] for end in starts]
    return [Span(chunk[0].first, chunk[-1].last, _sum(one.answers for one in chunk)) for chunk in chunks]
