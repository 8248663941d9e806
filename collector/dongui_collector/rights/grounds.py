"""What a person may ask, how long there is to answer, and on which grounds an answer may be no or later. Pure.

The grounds are a closed list: a refusal or a postponement that rests on none of them is not accepted (K10). Which one
fits is for the privacy officer to judge; what each provision says is engineering input, not legal advice.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Literal

from dongui.i18n import texts
from dongui.policy.words import citation
from dongui.rules.periods import Period, last_day

Outcome = Literal["granted", "postponed", "refused"]
Urgency = Literal["closed", "open", "due_soon", "overdue"]

OUTCOMES: tuple[Outcome, ...] = ("granted", "postponed", "refused")
CHANNELS = ("online", "email", "letter", "telephone", "in_person")
# How the requester was proved to be the person, or the person's agent (S9.6). ``visitor_id``: the id itself, a bearer
# credential that only the person's own browser holds.
PROOFS = ("visitor_id", "login", "email_reply", "call_back", "document", "signature")

_TEN, _THIRTY = Period(days=10), Period(days=30)
# Kind → the period within which it is answered: Decree 41–44; for automated decisions 30 days (K10, K10a).
KINDS: Mapping[str, Period] = {
    "access": _TEN,
    "correction": _TEN,
    "erasure": _TEN,
    "suspension": _TEN,
    "resumption": _TEN,
    "objection": _THIRTY,
    "explanation": _THIRTY,
}
# What the snippet and earlier versions call them.
_ALSO = {"correct": "correction", "erase": "erasure", "suspend": "suspension", "resume": "resumption"}
DUE_SOON_DAYS = 3


@dataclass(frozen=True, slots=True)
class Ground:
    """A provision on which an answer of one of ``outcomes`` may rest for requests of one of ``kinds``.

    ``unproved`` grounds are for a requester whose identity could not be confirmed, and for nobody else.
    """

    id: str
    outcomes: tuple[Outcome, ...]
    kinds: tuple[str, ...]
    unproved: bool = False

    @property
    def text(self) -> dict[str, str]:
        """What the provision says, shortly, in every language."""
        return texts("ground", self.id)

    def cited(self, lang: str) -> str:
        """As lawyers write it: 개인정보 보호법 제35조제4항."""
        return citation(self.id, lang)


GROUNDS = (
    Ground(
        "PIPA 35(3)",
        ("postponed",),
        ("access",),
    ),
    Ground(
        "PIPA 35(4)",
        ("refused",),
        ("access",),
    ),
    Ground(
        "PIPA 36(1)",
        ("refused",),
        ("correction", "erasure"),
    ),
    Ground(
        "PIPA 36(5)",
        ("postponed",),
        ("correction", "erasure"),
    ),
    Ground(
        "PIPA 37(2)",
        ("refused",),
        ("suspension",),
    ),
    Ground(
        "PIPA 37-2(1)",
        ("refused",),
        ("objection",),
    ),
    Ground(
        "PIPA 37-2(3)",
        ("refused", "postponed"),
        ("objection", "explanation"),
    ),
    Ground(
        "DECREE 46(1)",
        ("refused",),
        tuple(KINDS),
        unproved=True,
    ),
)


def kind_of(asked: str) -> str | None:
    """The kind that a word stands for (``suspend`` → ``suspension``); None for one that is none."""
    kind = _ALSO.get(asked, asked)
    return kind if kind in KINDS else None


def due_day(kind: str, received: date) -> date:
    """The last day on which a request of ``received`` is answered in time; the first day is not counted (K10, K17)."""
    return last_day(received, KINDS[kind])


def urgency(due: date, today: date, *, closed: bool) -> Urgency:
    """How a request stands today. Nothing passes its due day without being called overdue."""
    if closed:
        return "closed"
    if today > due:
        return "overdue"
    return "due_soon" if (due - today).days <= DUE_SOON_DAYS else "open"


def grounds_for(kind: str, outcome: str, *, proved: bool) -> Sequence[Ground]:
    """The grounds on which this answer to this kind may rest."""
    return [g for g in GROUNDS if kind in g.kinds and outcome in g.outcomes and g.unproved is not proved]


def named_in(text: str, grounds: Sequence[Ground]) -> Ground | None:
    """The first of ``grounds`` that a text cites, in short (``PIPA 35(4)``) or as Korean lawyers write it."""
    plain = re.sub(r"\s+", "", text).upper()
    for ground in grounds:
        names = (ground.id, ground.cited("ko"), ground.cited("en"))
        if any(re.search(re.escape(re.sub(r"\s+", "", name).upper()) + r"(?!\d)", plain) for name in names):
            return ground
    return None
