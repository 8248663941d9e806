"""Consent receipts in the shape of ISO/IEC TS 27560 with W3C DPV terms (W3). Pure."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from dongui.rules.periods import last_day

from dongui_collector.core.clock import day_of
from dongui_collector.ledger.notices import LoadedNotice
from dongui_collector.storage.contract.values import LedgerRecord, Site

_STATUS = {"given": "dpv:ConsentGiven", "refused": "dpv:ConsentRefused", "withdrawn": "dpv:ConsentWithdrawn"}


def receipt(record: LedgerRecord, notice: LoadedNotice, site: Site) -> dict[str, Any] | None:
    """What a person can keep as proof of one choice. Holds no identifier; None for a record whose body was erased."""
    if record.body is None:
        return None
    policy = notice.policy
    body = record.body
    return {
        "@context": ["https://w3id.org/dpv"],
        "@type": "dpv:ConsentReceipt",
        "schema_version": "ISO/IEC TS 27560:2023",
        "record_id": body["record"],
        "ledger": {"seq": record.seq, "commitment": record.commitment.hex(), "hash": record.hash.hex()},
        "principal": "site visitor",
        "controller": {"name": policy.controller.name, "contact": policy.controller.contact},
        "site": site.id,
        "notice": {
            "version": notice.version,
            "effective": notice.effective.isoformat(),
            "language": body["lang"],
            "digest": policy.digest,
        },
        "jurisdiction": "KR",
        "storage_location": "the controller's own collector",
        "withdrawal_method": "dongui.withdraw(), the preferences on every page, or POST /v1/consents",
        "method": body["method"],
        "signals": body["signals"],
        "purposes": [_purpose(record, notice, state, p) for state in _STATUS for p in body[state]],
    }


def _purpose(record: LedgerRecord, notice: LoadedNotice, state: str, id: str) -> dict[str, Any]:
    policy = notice.policy
    given_on = day_of(record.at, notice.zone)
    event = {
        "type": _STATUS[state],
        "state": state,
        "time": datetime.fromtimestamp(record.at / 1000, UTC).isoformat().replace("+00:00", "Z"),
        "entity": "data subject",
        "valid_until": last_day(given_on, policy.notice.choice_lifetime).isoformat() if state == "given" else None,
    }
    purpose = policy.purposes.get(id)
    if purpose is None:  # withdrawn after this notice had dropped it: the receipt of its consent says the rest
        return {"purpose": id, "event": event}
    return {
        "purpose": id,
        "label": dict(purpose.label),
        "legal_basis": purpose.basis,
        "items": list(purpose.items),
        "retention": str(policy.records[purpose.record].keep),
        "recipients": [r.name for r in (*policy.processors, *policy.recipients) if id in r.purposes],
        "event": event,
    }
