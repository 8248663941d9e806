"""The access package: everything held about a person, why, since when, until when, and to whom it went (K10, S9).

One builder for ``/v1/me``, its export, the command line and the console. It is written as a stream: a head, the events
a page at a time, and at the end what they add up to, so that nobody's history has to fit into memory.
"""

from __future__ import annotations

import hmac
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import msgspec
from dongui.policy import Policy
from dongui.policy import notice as notice_json

from dongui_collector.ledger import state as consents
from dongui_collector.ledger.notices import LoadedNotice
from dongui_collector.ledger.paging import page
from dongui_collector.ledger.receipts import receipt
from dongui_collector.retention.installation import Installation
from dongui_collector.rights import channels
from dongui_collector.rights.disclosures import disclosures_of
from dongui_collector.rights.items import Items
from dongui_collector.rights.own_requests import objection, own_requests_of
from dongui_collector.rights.records import records_shown
from dongui_collector.rights.subjects import Subject
from dongui_collector.storage.contract.values import Json, LedgerRecord, Selection

FORMAT = "dongui-access-package/1"
_PAGE = 100  # some 100 KB as JSON
_SHOWN = ("id", "label", "description", "basis_text", "required", "items", "keep_text", "refusal", "recipients")


@dataclass(frozen=True, slots=True)
class AccessScope:
    """How much whoever asks has proved. ``whole``: identity checked by the officer, so the archive's contents too.

    Without it a visitor id stands alone: of archived records only the facts.
    """

    whole: bool = False


def head(core: Installation, subject: Subject, items: Items, scope: AccessScope) -> Json:
    """Everything but the events: who processes, the consents with their texts, records, requests, disclosures."""
    now = core.clock.now()
    current = core.registry.in_force(subject.site_ref, now)
    policy = current.policy
    return {
        "format": FORMAT,
        "made_at": now,
        "site": core.registry.site_by_ref(subject.site_ref).id,
        "service": dict(policy.notice.service),
        "timezone": policy.notice.timezone,
        "controller": {"name": policy.controller.name, "contact": policy.controller.contact},
        "officer": {"title": dict(policy.officer.title), "contact": policy.officer.contact},
        "notice": current.version,
        "subject": "member" if subject.member else "visitor",
        **_standing(core, subject, current, now),
        "consents": consents_given(core, subject),
        "channels": _channels(core, subject),
        "records": msgspec.to_builtins(records_shown(core, subject, whole=scope.whole, items=items)),
        "requests": own_requests_of(core, subject),
        "disclosures": disclosures_of(core, subject.site_ref, subject.keys),
        "processors": _parties(policy),
        "remedies": objection(core, subject.site_ref),
    }


def _standing(core: Installation, subject: Subject, current: LoadedNotice, now: int) -> Json:
    """How the consents stand: of the visitor, or of each that is linked to the member."""
    visitors = [v for key in subject.visitors if (v := core.storage.ledger.visitor(key))]
    each = [{"state": consents.states(v, current, core.registry, now), "suspended": v.suspended} for v in visitors]
    mark = core.storage.ledger.visitor(subject.member) if subject.member else None
    suspended = any(v.suspended for v in visitors) or bool(mark and mark.suspended)
    return {
        "state": each[0]["state"] if len(each) == 1 else {},
        "suspended": suspended,
        "visitors": each,
    }


def _channels(core: Installation, subject: Subject) -> Json:
    """A member's consents to receive advertising (K16): how they stand, and every choice on record."""
    if subject.member is None:
        return {"state": {}, "choices": []}
    site = core.registry.site_by_ref(subject.site_ref)
    stands = channels.states(core, site, subject.member)
    return {"state": stands, "choices": channels.history(core, subject.member)}


def consents_given(core: Installation, subject: Subject) -> list[Json]:
    """Every choice on record with its proof and the words that were shown when it was made (K2, K10)."""
    site = core.registry.site_by_ref(subject.site_ref)
    by_version = {n.version: n for n in core.registry.notices(subject.site_ref)}
    found = []
    for key in subject.visitors:
        for record in core.storage.ledger.records_of(key):
            notice = by_version.get((record.body or {}).get("notice", ""))
            if record.kind == "consent" and notice and (proof := receipt(record, notice, site)):
                found.append(proof | {"shown": _as_shown(record, notice)})
    return found


def _as_shown(record: LedgerRecord, notice: LoadedNotice) -> Json:
    """The purposes of a choice in the words and the language of the notice that asked for it."""
    body = record.body or {}
    chosen = {p for state in ("given", "refused", "withdrawn") for p in body[state]}
    shown = notice_json(notice.policy, lang=body["lang"], site=body["site"], accepts=())
    purposes = [{name: p[name] for name in _SHOWN} for p in shown["purposes"] if p["id"] in chosen]
    for purpose in purposes:
        purpose["items"] = [shown["items"][item] for item in purpose["items"]]
    return {"language": shown["lang"], "purposes": purposes}


def _parties(policy: Policy) -> list[Json]:
    kinds = (("processor", policy.processors), ("recipient", policy.recipients))
    return [
        {
            "kind": kind,
            "name": party.name,
            "task": dict(party.task),
            "country": party.country,
            "items": list(party.items),
            "purposes": list(party.purposes),
        }
        for kind, parties in kinds
        for party in parties
    ]


# --- events ----------------------------------------------------------------------------------------------------------


def events(core: Installation, subject: Subject, items: Items) -> Iterator[list[Json]]:
    """The person's rows, oldest day first, each under what still covers it, with pseudonyms of their own.

    A suspension hides nothing from the person. Each page is one short snapshot; a day without one is an empty page, so
    that no step is longer than a page, however many days there are.
    """
    secret = core.keyring.derive(b"pseudonym:me")

    def name(key: bytes) -> str:
        return hmac.digest(secret, key, "sha256")[:16].hex()

    for day in core.storage.events.days():
        for visitor in subject.visitors:
            selection, after = Selection(visitor=visitor), 0
            while found := page(core.storage, day, selection, after, _PAGE):
                rows, masks = found
                shown = []
                for row in rows:
                    one = core.reader.readable(row, day, masks.own())
                    if one is not None:
                        one |= {"id": name(one["id"]), "visitor": one["visitor"] and name(one["visitor"])}
                        waits = core.retention.overview.why_kept(row, day)
                        kept = {"kept_until": items.event(one, row.notice_ref, day)}
                        shown.append(one | kept | ({"kept_for": waits} if waits else {}))
                if shown:
                    yield shown
                after = rows[-1].n
            yield []


# --- written ---------------------------------------------------------------------------------------------------------


def as_json(core: Installation, subject: Subject, scope: AccessScope) -> Iterator[bytes]:
    """The package as one JSON object, in pieces."""
    items = Items(core.registry, core.retention.periods)
    yield _bytes(head(core, subject, items, scope))[:-1] + b',"events":['
    first = True
    for some in events(core, subject, items):
        yield (b"," if some and not first else b"") + b",".join(_bytes(one) for one in some)
        first = first and not some
    yield b'],"items":' + _bytes(items.table()) + b"}"


def _bytes(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
