"""A person's requests as that person may see them: what was asked, how it was answered, and where else to turn."""

from __future__ import annotations

from dongui_collector.retention.installation import Installation
from dongui_collector.rights import files
from dongui_collector.rights.subjects import Subject
from dongui_collector.storage.contract.requests import StoredRequest
from dongui_collector.storage.contract.values import Json


def own_requests(core: Installation, *keys: bytes) -> list[Json]:
    """The requests about these keys (visitors or a member), oldest first. Who of the staff answered is not in it."""
    return [_shown(core, request) for request in core.storage.admin.requests_of(keys)]


def own_requests_of(core: Installation, subject: Subject) -> list[Json]:
    """The requests of a subject."""
    return own_requests(core, *subject.keys)


def _shown(core: Installation, request: StoredRequest) -> Json:
    secret = files.private(core, request)
    reasons = secret.get("reasons", [])
    answers = [
        {"outcome": a.outcome, "ground": a.ground, "at": a.at, "until": a.until, "reason": reason}
        for a, reason in zip(request.answers, reasons, strict=False)
    ]
    return {
        "id": request.id,
        "kind": request.asked or request.kind,
        "text": secret.get("text"),
        "at": request.at,
        "due": request.due,
        "state": request.state,
        "closed_at": request.closed_at,
        "answers": answers,
        "objection": objection(core, request.site_ref) if answers else [],
    }


def objection(core: Installation, site_ref: int) -> list[Json]:
    """The route of objection that goes with every answer: the officer first, then the policy's remedies (K10, S11)."""
    policy = core.registry.in_force(site_ref, core.clock.now()).policy
    officer = policy.officer
    first = {"name": dict(officer.title), "contact": officer.contact, "telephone": officer.telephone}
    others = [{"name": dict(r.name), "url": r.url, "telephone": r.telephone} for r in policy.remedies]
    return [first, *others]
