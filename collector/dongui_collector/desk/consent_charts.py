"""The consent page's drawings as plain rectangles in a chart's own units: stacked bars, a strip of shares. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from dongui_collector.analytics.consent_stats import AnswerShares, Span

_SHOWN = ("accepted", "chosen", "refused")  # from the bottom up, and from left to right


@dataclass(frozen=True, slots=True)
class BarPart:
    """One outcome's rectangle."""

    outcome: str
    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True, slots=True)
class Stack:
    """One span's bar: its parts, and what it says."""

    span: Span
    parts: Sequence[BarPart]


def stacks(spans: Sequence[Span], *, width: float = 720.0, height: float = 120.0) -> list[Stack]:
    """The spans as stacked bars, oldest left; the tallest fills the height."""
    most = max((one.answers.choices for one in spans), default=0)
    step = width / max(1, len(spans))
    bar = min(36.0, step * 0.74)
    made = []
    for position, span in enumerate(spans):
        left, foot, parts = step * position + (step - bar) / 2, height, []
        for name in _SHOWN:
            tall = height * getattr(span.answers, name) / most if most else 0.0
            if tall:
                foot -= tall
                parts.append(BarPart(name, round(left, 2), round(foot, 2), round(bar, 2), round(tall, 2)))
        made.append(Stack(span, parts))
    return made


def strip(answers: AnswerShares, *, width: float = 100.0, height: float = 8.0) -> list[BarPart]:
    """The shares of the outcomes side by side, over the whole width."""
    left, parts = 0.0, []
    for name in _SHOWN:
        wide = width * getattr(answers, name) / answers.choices if answers.choices else 0.0
        if wide:
            parts.append(BarPart(name, round(left, 2), 0.0, round(wide, 2), height))
            left += wide
    return parts
