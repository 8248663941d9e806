"""Looking up what somebody agreed to: by visitor id, or by the id of a receipt that they kept (W3, K12)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Annotated

import msgspec
from msgspec import UNSET, UnsetType

from dongui_collector.access.audit_log import record_access
from dongui_collector.core.errors import CollectorError
from dongui_collector.core.operations import Field, Request, operation
from dongui_collector.ledger import state as consents
from dongui_collector.ledger.notices import LoadedNotice
from dongui_collector.ledger.receipts import receipt as receipt_of
from dongui_collector.ledger.state import State
from dongui_collector.retention.installation import Installation
from dongui_collector.storage.contract.values import Json, LedgerRecord

ACTION = "receipt.show"
_RECEIPT_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


class ConsentFound(msgspec.Struct, frozen=True, kw_only=True):
    """A consent record for the officer's eyes; of one whose content is erased only that it was.

    ``receipt`` is the person's own, as ISO/IEC TS 27560 has it; None where its notice version is not known any more.
    """

    seq: int
    at: int
    erased: bool
    site: str | UnsetType = UNSET
    record: str | UnsetType = UNSET
    notice: str | UnsetType = UNSET
    lang: str | UnsetType = UNSET
    method: str | UnsetType = UNSET
    signals: dict[str, bool] | UnsetType = UNSET
    given: list[str] | UnsetType = UNSET
    refused: list[str] | UnsetType = UNSET
    withdrawn: list[str] | UnsetType = UNSET
    labels: dict[str, dict[str, str]] | UnsetType = UNSET
    receipt: Json | UnsetType | None = UNSET


class ConsentsFound(msgspec.Struct, frozen=True):
    """Consent records, newest first, and the state of every purpose now; None once nothing is held of the visitor."""

    records: list[ConsentFound]
    state: dict[str, State] | None


class ShowReceipts(Request[ConsentsFound], frozen=True):
    """Look up the consent records of a visitor id, or the one of a receipt; in the access log first."""

    reason: Annotated[str, Field("Why they are looked up.")]
    visitor: Annotated[str | None, Field("A visitor id.", reads="secret")] = None
    receipt: Annotated[str | None, Field("The id of a receipt.")] = None
    by: str = ""
    address: str = ""


@operation("receipts.show", right="requests", audit="receipt.show")
def show(core: Installation, request: ShowReceipts) -> ConsentsFound:
    """The consent records of a visitor id, or the one of a receipt; in the access log before anything is shown.

    Nothing found is an empty list. Raises :class:`CollectorError` without a reason, or without exactly one of the two.
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
    return ConsentsFound([_shown(core, record) for record in reversed(found)], _state(core, whose))


def _of_visitor(core: Installation, visitor: str) -> list[LedgerRecord]:
    return [r for r in core.storage.ledger.records_of(core.ledger.key_of(visitor.strip())) if r.kind == "consent"]


def _of_receipt(core: Installation, id: str) -> list[LedgerRecord]:
    wanted = id.strip().lower()
    record = core.storage.ledger.consent_record(wanted) if _RECEIPT_ID.fullmatch(wanted) else None
    return [record] if record else []


def _shown(core: Installation, record: LedgerRecord) -> ConsentFound:
    body = record.body or {}
    if record.body is None or record.site_ref is None:
        return ConsentFound(seq=record.seq, at=record.at, erased=True)
    site = core.registry.site_by_ref(record.site_ref)
    notice = _notice(core.registry.notices(site.ref), body["notice"])
    return ConsentFound(
        seq=record.seq,
        at=record.at,
        erased=False,
        site=site.id,
        record=body["record"],
        notice=body["notice"],
        lang=body["lang"],
        method=body["method"],
        signals=body["signals"],
        given=body["given"],
        refused=body["refused"],
        withdrawn=body["withdrawn"],
        labels={id: dict(purpose.label) for id, purpose in notice.policy.purposes.items()} if notice else {},
        receipt=receipt_of(record, notice, site) if notice else None,
    )


def _notice(notices: Sequence[LoadedNotice], version: str) -> LoadedNotice | None:
    return next((notice for notice in notices if notice.version == version), None)


def _state(core: Installation, whose: bytes | None) -> dict[str, State] | None:
    visitor = core.storage.ledger.visitor(whose) if whose else None
    if visitor is None:
        return None
    now = core.clock.now()
    return dict(consents.states(visitor, core.registry.in_force(visitor.site_ref, now), core.registry, now))
