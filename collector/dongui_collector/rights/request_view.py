"""One privacy request as the officer sees it: who asks, in which words, and how much is held. The look is audited."""

from __future__ import annotations

from collections import Counter
from typing import Annotated

import msgspec
from msgspec import UNSET, UnsetType

from dongui_collector.access import audit_log
from dongui_collector.core.operations import AccessRequest, Field, operation
from dongui_collector.retention.installation import Installation
from dongui_collector.retention.records import RecordDetails
from dongui_collector.rights import files, fulfilment
from dongui_collector.rights.records import records_shown
from dongui_collector.rights.request_list import RequestSummary, summary
from dongui_collector.rights.subjects import Subject, subject_of
from dongui_collector.storage.contract.requests import GivenAnswer, IdentityCheck
from dongui_collector.storage.contract.values import Json

_ASKER = ("name", "contact", "text", "reference", "attorney", "identity_note")


class AnswerDetails(GivenAnswer, frozen=True, omit_defaults=False):
    """An answer with its reason, which is sealed where it is stored."""

    reason: str = ""


class SubjectHoldings(msgspec.Struct, frozen=True):
    """How much is held about a person; ``records`` by class."""

    visitors: int
    rows: int
    records: dict[str, int]
    suspended: bool


class RequestDetails(RequestSummary, frozen=True, kw_only=True):
    """One request with who asks, in their own words, and its answers.

    ``held`` is None until the identity was checked, and where nothing is known of anybody any more; ``kept`` is what
    other law keeps, ``records`` what may be corrected now.
    """

    name: str | None = None
    contact: str | None = None
    text: str | None = None
    reference: str | None = None
    attorney: str | None = None
    identity_note: str | None = None
    checked: IdentityCheck | None
    answers: list[AnswerDetails]
    kept: list[Json]
    corrected: list[Json]
    held: SubjectHoldings | None
    records: list[RecordDetails] | UnsetType = UNSET

    @property
    def correctable(self) -> bool:
        """Whether its records may be corrected now, if only there were any."""
        return self.records is not UNSET


class ShowRequest(AccessRequest[RequestDetails], frozen=True):
    """Show one request and who asks; how much is held only once the identity was checked. The look is audited."""

    id: Annotated[int, Field(argument=True)]


@operation("requests.show", right="requests", audit="request.show")
def show(core: Installation, form: ShowRequest) -> RequestDetails:
    """One request with who asks, its words and its answers; audited. What is held only once the identity is proved."""
    request = files.load(core, form.id)
    subject = subject_of(core, request)
    reason, whose = f"privacy request {form.id}", next(iter(subject.keys), None)
    audit_log.record_request(core, form, "request.show", reason, site_ref=request.site_ref, visitor=whose)
    secret, shown = files.private(core, request), summary(core, request)
    asker: Json = {name: secret.get(name) for name in _ASKER}
    reasons = zip(request.answers, secret.get("reasons", []), strict=False)
    correctable = request.proved and shown.kind == "correction" and shown.urgency != "closed"
    return RequestDetails(
        **msgspec.structs.asdict(shown),
        **asker,
        checked=request.identity,
        answers=[AnswerDetails(**msgspec.structs.asdict(answer), reason=reason) for answer, reason in reasons],
        kept=secret.get("kept", []),
        corrected=secret.get("corrected", []),
        held=_held(core, subject) if request.proved else None,
        records=records_shown(core, subject, whole=True) if correctable else UNSET,
    )


def _held(core: Installation, subject: Subject) -> SubjectHoldings | None:
    """How much there is; None where it is known of nobody any more."""
    records = fulfilment.records_of(core, subject)
    if not subject.visitors and not records:
        return None
    classes = Counter(record.class_id for record, _ in records)
    rows, suspended = fulfilment.rows_of(core, subject), fulfilment.is_suspended(core, subject)
    return SubjectHoldings(len(subject.visitors), rows, dict(classes), suspended)
