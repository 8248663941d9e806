"""Looking up what somebody agreed to: by visitor id, or by the id of a receipt that they kept (W3, K12)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Annotated

from dongui_collector.access.audit_log import record_access
from dongui_collector.core.errors import CollectorError
from dongui_collector.core.operations import Field, Request, operation
from dongui_collector.ledger import state as consents
from dongui_collector.ledger.notices import LoadedNotice
from dongui_collector.ledger.receipts import receipt as receipt_of
from dongui_collector.retention.installation import Installation
from dongui_collector.storage.contract.values import Json, LedgerRecord

ACTION = "receipt.show"
_RECEIPT_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


class ShowReceipts(Request[Json], frozen=True):
    """Look up the consent records of a visitor id, or the one of a receipt; in the access log first."""

    reason: Annotated[str, Field("Why they are looked up.")]
    visitor: Annotated[str | None, Field("A visitor id.", reads="secret")] = None
    receipt: Annotated[str | None, Field("The id of a receipt.")] = None
    by: str = ""
    address: str = ""


@operation("receipts.show", right="requests", audit="receipt.show")
def show(core: Installation, request: ShowReceipts) -> Json:
    """The consent records of a visitor id, or the one of a receipt; in the access log before anything is shown.

    Answers ``{"records": […], "state": {purpose: state} | None}``, newest record first, ``state`` as things stand now
    (None once nothing is held of them any more). Nothing found is an empty list. Raises :class:`CollectorError` without
    a reason, or without exactly one of the two.
    """
    if not request.reason.strip():
        raise CollectorError("say why the receipts are looked up; it stands in the access log")
    if (request.visitor is None) == (request.receipt is None):
        raise CollectorError("give a visitor id or the id of a receipt, one of them")
    found = (
        _of_receipt(core, request.receipt) if request.receipt is not None else _of_visitor(core, request.visitor or "")
    )
    whose = next((record.visitor for record in found), None)
    what = {"by": "receipt" if request.receipt is not None else "visitor", "records": len(found)}
    site_ref = found[0].site_ref if found else None
    record_access(
        core,
        action=ACTION,
        by=request.by,
        reason=request.reason,
        site_ref=site_ref,
        visitor=whose,
        address=request.address,
        what=what,
    )
    return {"records": [_shown(core, record) for record in reversed(found)], "state": _state(core, whose)}


def _of_visitor(core: Installation, visitor: str) -> list[LedgerRecord]:
    return [r for r in core.storage.ledger.records_of(core.ledger.key_of(visitor.strip())) if r.kind == "consent"]


def _of_receipt(core: Installation, id: str) -> list[LedgerRecord]:
    wanted = id.strip().lower()
    record = core.storage.ledger.consent_record(wanted) if _RECEIPT_ID.fullmatch(wanted) else None
    return [record] if record else []


def _shown(core: Installation, record: LedgerRecord) -> Json:
    """A record for the officer's eyes; of one whose words are erased, that it was."""
    body = record.body or {}
    if record.body is None or record.site_ref is None:
        return {"seq": record.seq, "at": record.at, "erased": True}
    site = core.registry.site_by_ref(record.site_ref)
    notice = _notice(core.registry.notices(site.ref), body["notice"])
    return {
        "seq": record.seq,
        "at": record.at,
        "erased": False,
        "site": site.id,
        **{name: body[name] for name in ("record", "notice", "lang", "method", "signals")},
        **{state: body[state] for state in ("given", "refused", "withdrawn")},
        "labels": {id: dict(purpose.label) for id, purpose in notice.policy.purposes.items()} if notice else {},
        "receipt": receipt_of(record, notice, site) if notice else None,
    }


def _notice(notices: Sequence[LoadedNotice], version: str) -> LoadedNotice | None:
    return next((notice for notice in notices if notice.version == version), None)


def _state(core: Installation, whose: bytes | None) -> Json | None:
    visitor = core.storage.ledger.visitor(whose) if whose else None
    if visitor is None:
        return None
    now = core.clock.now()
    return dict(consents.states(visitor, core.registry.in_force(visitor.site_ref, now), core.registry, now))
