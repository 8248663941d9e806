"""The check of who asks (S9.6): nothing about the person is shown, handed over or done before it is on record.

The order is the law's and no role can change it. Sources: S9.6, K11.
"""

from __future__ import annotations

from typing import Annotated

import msgspec

from dongui_collector.core.errors import CollectorError, NotAllowed
from dongui_collector.core.operations import Field, SignedRequest, operation
from dongui_collector.retention.installation import Installation
from dongui_collector.rights import files
from dongui_collector.rights.grounds import PROOFS
from dongui_collector.rights.request_fields import text_of
from dongui_collector.rights.subjects import named
from dongui_collector.storage.contract.requests import IdentityCheck, StoredRequest


class IdentityRecorded(msgspec.Struct, frozen=True):
    """The result of a check: ``confirmed`` or ``failed``."""

    id: int
    identity: str


class RecordIdentity(SignedRequest[IdentityRecorded], frozen=True):
    """Record that it was checked who asks. Nothing is shown or done before."""

    id: Annotated[int, Field(argument=True)]
    how: Annotated[str, Field("How it was checked.", choices=PROOFS)]
    failed: Annotated[bool, Field("It could not be confirmed.")] = False
    note: Annotated[str, Field("What was seen; never a copy of a document.")] = ""
    attorney: Annotated[str, Field("Which power of attorney an agent showed.")] = ""
    member: Annotated[str | None, Field("Whom it is about, where the request does not say yet.")] = None
    visitor: Annotated[str | None, Field("The same by a visitor id; - asks for it.", reads="secret")] = None


@operation("requests.identity", right="requests", audit="request")
def identity(core: Installation, form: RecordIdentity) -> IdentityRecorded:
    """Record that the requester was checked: ``how``, by whom, and whether it was the person (or not: ``failed``).

    An agent needs a power of attorney as well: ``attorney`` says which was seen (K11). ``member`` or ``visitor`` say
    whom the check was about where the request does not yet. It may be repeated while the request is open.
    """
    if form.how not in PROOFS:
        raise CollectorError(f"an identity is checked by one of {', '.join(PROOFS)}")
    with core.storage.ledger.writing():
        request = files.load_open(core, form.id)
        site = core.registry.site_by_ref(request.site_ref)
        about = named(core, site, visitor=form.visitor, member=form.member)
        if request.agent and not form.failed and not form.attorney.strip():
            raise NotAllowed("an agent acts under a power of attorney; say which one was seen with --attorney")
        if form.how == "visitor_id" and not (form.visitor or request.visitor):
            raise CollectorError("a visitor id proves who asks only where it was given; say it with --visitor")
        result = "failed" if form.failed else "confirmed"
        secret = files.private(core, request) | {"identity_note": text_of("note", form.note)}
        secret |= {"attorney": text_of("attorney", form.attorney)} if form.attorney else {}
        secret |= {"reference": form.member} if form.member else {}
        if any(about):  # another subject takes the place of the former
            request.visitor, request.member = about
        request.identity = IdentityCheck(result, form.how, core.clock.now(), form.by)
        files.save(core, request, secret)
        facts = {"attorney": True} if form.attorney else {}
        files.noted(core, request, "identity", form.by, how=form.how, result=result, **facts)
    core.storage.ledger.scrub()
    return IdentityRecorded(id=form.id, identity=result)


def must_be_proved(request: StoredRequest) -> None:
    """Raises :class:`NotAllowed` unless who asks was checked and confirmed. Nothing goes round it (S9.6)."""
    if request.identity is None:
        remedy = f"record the check first: dongui requests identity {request.id} --how …"
        raise NotAllowed(f"who asks has not been checked; {remedy}")
    if not request.proved:
        raise NotAllowed("the identity of who asks could not be confirmed: it can only be refused, under DECREE 46(1)")
