"""What a choice adds to the numbers that outlive it: how it went, by closed lists alone. Pure; no identifier in or out.

A total's name is ``choice.<dimension>.<value>.<outcome>``, and ``choice.<dimension>.<value>.given.<purpose>`` for each
purpose given. Values come from closed lists, whatever was claimed: the notice's version, its languages, :data:`DEVICES`
and whether the browser signalled GPC. Every choice counts once in each dimension, refusals too (W1, K1).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Literal

Outcome = Literal["accepted", "chosen", "refused", "withdrawn"]
OUTCOMES: tuple[Outcome, ...] = ("accepted", "chosen", "refused", "withdrawn")
DEVICES = ("phone", "tablet", "pc", "other")
OTHER = "other"
PREFIX = "choice."


def outcome(asked: Collection[str], given: Collection[str], withdrawn: Collection[str]) -> Outcome:
    """How a choice went: everything that is asked was given, some of it, nothing; or nothing and something taken back.

    ``asked`` are the purposes that the notice asks consent for.
    """
    if given:
        return "accepted" if set(asked) <= set(given) and not withdrawn else "chosen"
    return "withdrawn" if withdrawn else "refused"


def counts(
    *,
    notice: str,
    languages: Iterable[str],
    language: str,
    device: str,
    gpc: bool,
    outcome: Outcome,
    given: Iterable[str],
) -> dict[str, int]:
    """The totals that one choice adds to; what is on no list counts as ``other``."""
    values = {
        "notice": notice,
        "language": language if language in set(languages) else OTHER,
        "device": device if device in DEVICES else OTHER,
        "gpc": "on" if gpc else "off",
    }
    heads = [f"{PREFIX}{dimension}.{value}" for dimension, value in values.items()]
    counted = [outcome, *(f"given.{purpose}" for purpose in given)]
    return {f"{head}.{what}": 1 for head in heads for what in counted}
