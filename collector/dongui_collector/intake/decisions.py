"""``POST /v1/consents``: from the body to a decision, and from what the ledger made of it to the answer. Pure."""

from __future__ import annotations

import uuid

import msgspec
from dongui.policy.compile import pick_language

from dongui_collector.intake.credentials import Headers
from dongui_collector.intake.enrich import device_class
from dongui_collector.intake.http import JSON, Pairs
from dongui_collector.intake.problems import Problem
from dongui_collector.intake.schema import ConsentIn
from dongui_collector.ledger.decisions import Decision, DecisionOutcome
from dongui_collector.ledger.notices import LoadedNotice, NoticeRegistry


def decision_of(sent: ConsentIn, headers: Headers, current: LoadedNotice, registry: NoticeRegistry) -> Decision:
    """The decision that a body makes. Raises :class:`Problem` for a purpose that this site never asked consent for.

    Granted is what the notice in force asks for; whether a grant under another one counts the ledger says. Refused can
    be whatever any of the site's notices asked for.
    """
    asked = registry.asked(current.site_ref)
    may_grant = current.policy.consent_purposes if sent.notice == current.version else asked
    if not (asked.issuperset(sent.refused) and set(may_grant).issuperset(sent.granted)):
        raise Problem("malformed", "granted or refused names a purpose that does not rest on consent in this notice")
    shown = registry.version(current.site_ref, sent.notice) or current
    return Decision(
        tuple(dict.fromkeys(sent.granted)),
        tuple(dict.fromkeys(sent.refused)),
        sent.method,
        pick_language(shown.policy, sent.lang),
        {"gpc": True} if headers.gpc or (sent.signals and sent.signals.gpc) else {},
        uuid.UUID(sent.id) if sent.id else None,
        device_class(headers.user_agent),
        notice=sent.notice,
        layout=sent.layout,
        catalog=sent.catalog,
        given_before=sent.given_before,
        decided_ago=sent.decided_ago,
    )


def decision_answer(sent: ConsentIn, outcome: DecisionOutcome, current: LoadedNotice) -> tuple[int, bytes, Pairs]:
    """The answer. Raises :class:`Problem` where the grants did not count; what was taken away is recorded then too."""
    answer = outcome.answer
    if sent.id:
        answer = {**answer, "id": sent.id}
    if outcome.verdict == "recorded":
        return 201, msgspec.json.encode(answer), JSON
    if outcome.verdict == "conflict":
        raise Problem("decision-conflict", "send this decision under an id of its own")
    recorded = {name: answer[name] for name in ("id", "state", "at")}
    if outcome.verdict == "superseded":
        raise Problem("superseded-notice", "ask again under the notice in force", notice=current.version, **recorded)
    raise Problem("rate-limited", "this visitor decided too often; withdraw everything and begin anew", **recorded)
