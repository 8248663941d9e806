"""One privacy request as the officer sees it: who asks, in which words, and how much is held. The look is audited."""

from __future__ import annotations

from typing import Annotated

import msgspec

from dongui_collector.access import audit_log
from dongui_collector.core.operations import COMMAND_LINE, By, Field, Request, operation
from dongui_collector.retention.installation import Installation
from dongui_collector.rights import files, fulfilment
from dongui_collector.rights.records import records_shown
from dongui_collector.rights.request_list import summary
from dongui_collector.rights.subjects import Subject, subject_of
from dongui_collector.storage.contract.values import Json


class ShowRequest(Request[Json], frozen=True):
    """Show one request and who asks; how much is held only once the identity was checked. The look is audited."""

    id: Annotated[int, Field(argument=True)]
    by: By = COMMAND_LINE
    address: str = ""


@operation("requests.show", right="requests", audit="request.show")
def show(core: Installation, form: ShowRequest) -> Json:
    """One request with who asks, its words and its answers; audited. What is held only once the identity is proved."""
    request = files.load(core, form.id)
    subject = subject_of(core, request)
    audit_log.record_access(
        core,
        action="request.show",
        by=form.by,
        reason=f"privacy request {form.id}",
        site_ref=request.site_ref,
        visitor=next(iter(subject.keys), None),
        address=form.address,
    )
    secret = files.private(core, request)
    reasons = secret.get("reasons", [])
    answers = [
        {"ground": None, **msgspec.to_builtins(a), "reason": r} for a, r in zip(request.answers, reasons, strict=False)
    ]
    asker = {name: secret.get(name) for name in ("name", "contact", "text", "reference", "attorney", "identity_note")}
    shown = {**summary(core, request), **asker, "checked": msgspec.to_builtins(request.identity), "answers": answers}
    shown |= {"kept": secret.get("kept", []), "corrected": secret.get("corrected", [])}
    shown |= {"held": _held(core, subject) if request.proved else None}
    correctable = request.proved and shown["kind"] == "correction" and shown["urgency"] != "closed"
    return shown | ({"records": records_shown(core, subject, whole=True)} if correctable else {})


def _held(core: Installation, subject: Subject) -> Json | None:
    """How much there is; None where it is known of nobody any more."""
    records = fulfilment.records_of(core, subject)
    if not subject.visitors and not records:
        return None
    classes: dict[str, int] = {}
    for record, _ in records:
        classes[record.class_id] = classes.get(record.class_id, 0) + 1
    return {
        "visitors": len(subject.visitors),
        "rows": fulfilment.rows_of(core, subject),
        "records": classes,
        "suspended": fulfilment.is_suspended(core, subject),
    }
