"""Our two cookies after a decision: recorded, still on its way, or an erasure. Pure."""

from __future__ import annotations

import contextlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from dongui.rules.compiled_policy import CompiledPolicy
from dongui.rules.consent import Choice
from dongui.rules.decisions import choice_after
from dongui.rules.own_cookies import is_visitor_id
from dongui.web.own_cookies import CookieNaming, OwnCookie, cookies_after

_HALF_A_YEAR = 15_552_000


@dataclass(frozen=True, slots=True, repr=False)
class SentDecision:
    """What of a decision is needed to understand its answer."""

    id: str
    notice: str
    granted: Sequence[str]
    refused: Sequence[str]


def recorded_cookies(
    answer: Mapping[str, Any],
    sent: SentDecision,
    before: Choice | None,
    naming: CookieNaming,
    terms: CompiledPolicy,
) -> list[OwnCookie]:
    """After a recorded decision: the id only as long as something that was granted lists ``cookie``."""
    choice: Choice | None = None
    # Names that cannot be written are no purposes: that answer was not the collector's.
    with contextlib.suppress(ValueError):
        choice = choice_after(before, sent.notice, sent.granted, sent.refused, answer).checked()
    minted = answer.get("visitor")
    visitor = minted if _keeps_id(choice, terms) and isinstance(minted, str) and is_visitor_id(minted) else ""
    return cookies_after(naming, visitor, choice, terms.choice_seconds or _HALF_A_YEAR, answer["at"] // 1000)


def shrunken_cookies(
    refused: Collection[str],
    before: Choice | None,
    visitor: str | None,
    naming: CookieNaming,
    terms: CompiledPolicy,
    now: int,
) -> list[OwnCookie]:
    """Before a withdrawal is recorded, since it is in force at once: what is left of the choice, under its own time, so
    that it lives no longer. ``visitor``: the id under which is recorded, kept only where something left lists
    ``cookie``. ``now`` in epoch seconds.
    """
    choice = before and before._replace(granted=tuple(name for name in before.granted if name not in refused))
    kept = visitor if visitor and _keeps_id(choice, terms) else ""
    return cookies_after(naming, kept, choice, terms.choice_seconds or _HALF_A_YEAR, now)


def erased_cookies(naming: CookieNaming, terms: CompiledPolicy, now: int) -> list[OwnCookie]:
    """After an erasure: no id, and a choice that grants nothing, so that nobody is asked again at once."""
    choice = Choice(terms.version, (), now) if terms.known else None
    return cookies_after(naming, "", choice, terms.choice_seconds, now)


def _keeps_id(choice: Choice | None, terms: CompiledPolicy) -> bool:
    if choice is None:
        return False
    return "cookie" in terms.items(frozenset(choice.granted)) if terms.known else bool(choice.granted)
