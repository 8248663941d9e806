"""The file of one privacy request: what may lie open in the ledger's database, and what is sealed.

Who asked, in which words, and every free text of an answer are sealed under a key of the request's own, which is
destroyed with it (class ``request``): from then on no backup tells it either. Open are the facts that the clock, the
list and the proof need, none of which names anybody; whom it is about is there as a keyed hash.
"""

from __future__ import annotations

import base64
import json
import uuid
from typing import Any

from dongui_collector.core.errors import NotAllowed, Unknown
from dongui_collector.core.sealing import seal, unseal
from dongui_collector.retention.installation import Installation
from dongui_collector.rights.grounds import kind_of
from dongui_collector.storage.contract.requests import StoredRequest
from dongui_collector.storage.contract.values import Json


def add(core: Installation, request: StoredRequest, private: Json) -> StoredRequest:
    """File a request; it as it is stored. Durable when this returns."""
    request.key = _new_key(core)
    with core.storage.ledger.writing():
        request.id = core.storage.admin.add_request(request)
        save(core, request, private)
    return request


def load(core: Installation, id: int) -> StoredRequest:
    """A request's open part. Raises :class:`Unknown`."""
    found = core.storage.admin.request(id)
    if found is None:
        raise Unknown(f"there is no privacy request {id}; see `dongui requests list`")
    return found


def load_open(core: Installation, id: int) -> StoredRequest:
    """The open part of a request that may still be answered. Raises :class:`NotAllowed` for a closed one."""
    request = load(core, id)
    if request.closed_at:
        raise NotAllowed(f"request {id} is closed already; see `dongui requests show {id}`")
    request.asked = request.asked or request.kind
    request.kind = kind_of(request.kind) or request.kind
    return request


def private(core: Installation, request: StoredRequest) -> Json:
    """A request's sealed part: ``{name, contact, text, …}``; empty once its key is gone."""
    key = core.keyring.named(request.key) if request.key else None
    if key is None or not request.sealed:
        # Filed by a version that did not seal.
        return {"text": request.text} if request.text else {}
    opened: Json = json.loads(unseal(key, base64.b64decode(request.sealed), _place(request.id)))
    return opened


def save(core: Installation, request: StoredRequest, secret: Json) -> None:
    """Replace a request's open part and its sealed one. Inside the writing transaction in which it was loaded."""
    key = core.keyring.named(request.key) if request.key else None
    if key is None:
        request.key, request.text = _new_key(core), None
        key = core.keyring.named(request.key)
    assert key is not None
    text = json.dumps(secret, ensure_ascii=False).encode()
    request.sealed = base64.b64encode(seal(key, text, _place(request.id))).decode()
    core.storage.admin.update_request(request)


def noted(core: Installation, request: StoredRequest, step: str, by: str, **facts: Any) -> None:
    """Put a step on the ledger: that it was taken and by whom, never about whom. Inside a writing transaction."""
    body = {"id": request.id, "kind": request.kind, "step": step, "by": by, **facts}
    core.storage.ledger.append("request", core.clock.now(), body, site_ref=request.site_ref)


def _new_key(core: Installation) -> str:
    name = f"request:{uuid.uuid4()}"
    core.keyring.named(name, create=True)
    return name


def _place(id: int) -> bytes:
    return f"request|{id}".encode()
