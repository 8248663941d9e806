"""A decision between the click and the collector's record of it (DESIGN 4): what an answer means, and what it changes.

``sdk_js/src/rules/decisions.ts`` is the twin; ``tests/vectors/decisions.json`` has the cases. The browser's queue has
no twin here: the web server passes decisions on and keeps none.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from dongui.rules.consent import Choice
from dongui.rules.own_cookies import VisitorIds

_PROBLEM = "urn:dongui:problem:"
_FINAL = frozenset({"malformed", "unknown-site", "origin-not-listed", "superseded-notice", "decision-conflict"})
_PROBLEM_TYPE = re.compile(r"application/problem\+json *(?:;.*)?", re.IGNORECASE | re.DOTALL)


def classify_answer(status: int, type: str, text: str | bytes, id: str) -> str:
    """What an answer to the decision ``id`` means: ``"recorded"``, the slug of the problem that refuses it for good, or
    ``"none"``: a captive portal, a firewall, a redirect or a broken body is no answer of the collector's.
    """
    body = _object(text)
    if status == 201:
        recorded = body.get("id") == id and isinstance(body.get("state"), dict) and _is_time(body.get("at"))
        return "recorded" if recorded else "none"
    kind = body.get("type")
    if not (400 <= status < 500 and isinstance(kind, str) and _PROBLEM_TYPE.fullmatch(type)):
        return "none"
    slug = kind.removeprefix(_PROBLEM)
    return slug if slug != kind and slug in _FINAL else "none"


def overlay(granted: Iterable[str], queue: Iterable[Mapping[str, Any]]) -> list[str]:
    """Of the purposes that a cookie grants, those that no queued decision takes away."""
    left = list(granted)
    for entry in queue:
        left = [] if entry.get("erase") else [name for name in left if name not in entry["refused"]]
    return left


def choice_after(
    choice: Choice | None,
    notice: str,
    granted: Iterable[str],
    refused: Collection[str],
    recorded: Mapping[str, Any],
    *,
    queue: Iterable[Mapping[str, Any]] = (),
) -> Choice:
    """The choice after the answer to a decision under ``notice``; ``recorded`` holds its ``state`` and ``at`` (ms).

    ``choice``: the one before. A repeat answers the *current* state: it gives nothing that the ledger does not say,
    nothing that this browser has not granted, and nothing that the ``queue`` withdraws meanwhile. Nor does taking away
    make the rest live longer.
    """
    asked = list(granted)
    before = list(choice.granted) if choice is not None else []
    wanted = [name for name in dict.fromkeys([*before, *asked]) if name not in refused]
    state = recorded["state"]
    given = tuple(name for name in overlay(wanted, queue) if state.get(name) == "given")
    if not asked and given and choice is not None:
        return Choice(choice.version, given, choice.at)
    return Choice(notice, given, recorded["at"] // 1000)


class DecisionRequest(NamedTuple):
    """What one request of a decision says, and of which visitor."""

    visitor: str | None
    granted: list[str]
    refused: list[str]


def decision_requests(
    granted: Sequence[str], refused: Sequence[str], asked: Collection[str], ids: VisitorIds
) -> list[DecisionRequest]:
    """The requests that a decision makes; the answer to the last of them is the decision's.

    ``asked``: every purpose that rests on consent. Under an id that is not certainly this visitor's (``ids.use`` is
    None, or another) nothing may be recorded, and taking away is all that it is good for: everything that it may have
    granted is withdrawn.
    """
    everything = sorted({*asked, *refused})
    strange = [DecisionRequest(id_, [], everything) for id_ in ids.all if id_ != ids.use]
    if strange and ids.use is None and not granted:
        return strange
    return [*strange, DecisionRequest(ids.use, list(granted), list(refused))]


def _object(text: str | bytes) -> dict[str, Any]:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def _is_time(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)
