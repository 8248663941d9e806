"""Figures as people read them: numbers, shares, durations, and how much they changed. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from babel.numbers import format_compact_decimal, format_decimal, format_percent

RATES = frozenset({"bounce_rate", "exit_rate", "rate", "conversion_rate"})
SECONDS = frozenset({"visit_duration", "engaged_time"})
FALLING = frozenset({"bounce_rate", "exit_rate"})  # less of them is better
_COMPACT_FROM = 100_000
Number = float | int | None


@dataclass(frozen=True, slots=True)
class FigureChange:
    """By what share a figure changed; ``good`` None where neither direction is."""

    text: str
    direction: str  # up, down, same
    good: bool | None


def shown(name: str, value: Number, lang: str, *, exact: bool = False) -> str:
    """A figure in words of a language; ``–`` for what is not known."""
    if value is None:
        return "–"
    if name in RATES:
        return str(format_percent(value, "#,##0.#%", locale=lang))
    if name in SECONDS:
        return duration(value, lang)
    if not exact and value >= _COMPACT_FROM:
        return str(format_compact_decimal(value, locale=lang, fraction_digits=1))
    return str(format_decimal(value, locale=lang))


def duration(seconds: float, lang: str) -> str:
    """``2m 5s``, ``2분 5초``; hours from one hour on."""
    units = ("시간", "분", "초") if lang == "ko" else ("h", "m", "s")
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    parts = [(hours, units[0]), (minutes, units[1]), (rest if not hours else 0, units[2])]
    said = [f"{number}{unit}" for number, unit in parts if number]
    return " ".join(said) or f"0{units[2]}"


def change(name: str, now: Number, before: Number, lang: str) -> FigureChange | None:
    """The change of a figure; None where there is nothing to compare."""
    if now is None or not before:
        return None
    share = (now - before) / before
    text = str(format_percent(share, "+#,##0%;-#,##0%", locale=lang)).replace("-", "−")
    if round(share, 2) == 0:
        return FigureChange(str(format_percent(0, locale=lang)), "same", None)
    return FigureChange(text, "up" if share > 0 else "down", (share > 0) != (name in FALLING))
