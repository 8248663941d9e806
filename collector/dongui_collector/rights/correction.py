"""Correction (PIPA 36): a record's data is replaced by a new version of it, and the old one is destroyed (K10, S9.1).

Recorded events are facts about what happened and cannot be corrected; who holds one to be wrong may have it erased. The
new version comes under an id that follows from the old one and the request, so that doing it again changes nothing;
that it is under way is on the request first, and a start after a crash finishes it.
"""

from __future__ import annotations

import hmac
import json
import uuid
from dataclasses import replace
from typing import Annotated

import msgspec

from dongui_collector.core.errors import CollectorError, NotAllowed, Unknown
from dongui_collector.core.operations import Field, SignedRequest, operation
from dongui_collector.core.sealing import seal
from dongui_collector.keys.keyring import archive_name, record_name
from dongui_collector.retention.archive import bound_to
from dongui_collector.retention.installation import Installation
from dongui_collector.rights import files, fulfilment
from dongui_collector.rights.identity import must_be_proved
from dongui_collector.rights.subjects import subject_of
from dongui_collector.storage.contract.requests import StoredRequest
from dongui_collector.storage.contract.values import Json, Record

_LONGEST = 64 * 1024


class RecordCorrected(msgspec.Struct, frozen=True):
    """The ids of the request, of the record that was corrected, and of its new version."""

    id: int
    record: str
    version: str


class CorrectRecord(SignedRequest[RecordCorrected], frozen=True):
    """Replace the data of a person's record; the version before is destroyed. Recorded events cannot be corrected."""

    id: Annotated[int, Field(argument=True)]
    record: Annotated[str, Field("Which record, as `dongui requests show` lists them.", metavar="UUID")]
    data: Annotated[Json, Field("Its right data: a JSON object in a file, or -.", reads="json")]


@operation("requests.correct", right="requests", audit="request")
def correct(core: Installation, form: CorrectRecord) -> RecordCorrected:
    """Replace the data of one of the person's records; ``record`` is its id as ``requests.show`` gives it.

    Raises :class:`NotAllowed` before the identity was confirmed and for
    a request of another kind, :class:`Unknown` for a record that is not the person's.
    """
    if not isinstance(form.data, dict) or len(json.dumps(form.data)) > _LONGEST:
        raise CollectorError("a record's data is a JSON object of at most 64 KiB")
    with core.storage.ledger.writing():
        request = files.load_open(core, form.id)
        must_be_proved(request)
        if request.kind != "correction":
            raise NotAllowed(f"request {form.id} asks for {request.kind}; a correction needs a request for it")
        old, archived = _of_the_person(core, request, form.record)
        new = _version(core, form.id, old, form.data, archived)
        pending = {"old": old.id.hex(), "new": new.id.hex(), "archived": archived}
        secret = files.private(core, request)
        request.correcting = True
        files.save(core, request, secret | {"correcting": pending})
        files.noted(core, request, "corrected", form.by, record=form.record, version=str(uuid.UUID(bytes=new.id)))
    (core.storage.archive if archived else core.storage.records).add([new])
    finish(core, form.id)
    return RecordCorrected(form.id, form.record, str(uuid.UUID(bytes=new.id)))


def finish(core: Installation, id: int) -> None:
    """Destroy the old version where the new one is there; idempotent, for a start after a crash too."""
    request = files.load(core, id)
    if not request.correcting:
        return
    secret = files.private(core, request)
    pending = secret.pop("correcting")
    old, new = bytes.fromhex(pending["old"]), bytes.fromhex(pending["new"])
    store = core.storage.archive if pending["archived"] else core.storage.records
    if store.by_id(new) is not None:
        if not pending["archived"]:  # no restored backup brings the wrong one back
            seq = core.storage.ledger.head()[0]
            core.ledger.journal.append({"kind": "subject", "seq": seq, "ids": [old.hex()]})
        store.destroy_ids([old])
        secret["corrected"] = [*secret.get("corrected", []), str(uuid.UUID(bytes=new))]
    with core.storage.ledger.writing():
        request = files.load(core, id)
        request.correcting = None
        files.save(core, request, secret)
    core.storage.ledger.scrub()


def resume(core: Installation) -> None:
    """Finish every correction that a crash interrupted."""
    for request in core.storage.admin.requests():
        if request.correcting:
            finish(core, request.id)


def _of_the_person(core: Installation, request: StoredRequest, record: str) -> tuple[Record, bool]:
    try:
        wanted = uuid.UUID(record).bytes
    except ValueError:
        raise CollectorError("a record is named by its id, a UUID; `dongui requests show` lists them") from None
    for one, archived in fulfilment.records_of(core, subject_of(core, request)):
        if one.id == wanted:
            return one, archived
    raise Unknown("there is no such record of this person; `dongui requests show` lists them")


def _version(core: Installation, id: int, old: Record, data: Json, archived: bool) -> Record:
    """The record with other data, under an id of its own."""
    secret = core.keyring.derive(b"correction")
    own = uuid.UUID(bytes=hmac.digest(secret, f"{id}|".encode() + old.id, "sha256")[:16], version=4).bytes
    opened = core.retention.records.opened(old)
    name = (archive_name if archived else record_name)(old.class_id, old.last_day)
    key = core.keyring.named(name) or core.keyring.named(record_name(old.class_id, old.last_day))
    if key is None:
        raise NotAllowed("the key of this record was destroyed")
    text = json.dumps({**opened, "data": data}, ensure_ascii=False).encode()
    return replace(old, id=own, sealed=seal(key, text, bound_to(old.site_ref, old.class_id, own)))
