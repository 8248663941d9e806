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
from dongui_collector.storage.contract.values import Json


def add(core: Installation, entry: Json, private: Json) -> int:
    """File a request; its number. Durable when this returns."""
    name = f"request:{uuid.uuid4()}"
    core.keyring.named(name, create=True)
    with core.storage.ledger.writing():
        id = core.storage.admin.add_request({**entry, "key": name})
        change(core, id, {}, private)
    return id


def load(core: Installation, id: int) -> Json:
    """A request's open part. Raises :class:`Unknown`."""
    found = core.storage.admin.request(id)
    if found is None:
        raise Unknown(f"there is no privacy request {id}; see `dongui requests list`")
    return found


def load_open(core: Installation, id: int) -> Json:
    """The open part of a request that may still be answered. Raises :class:`NotAllowed` for a closed one."""
    request = load(core, id)
    if request.get("closed_at"):
        raise NotAllowed(f"request {id} is closed already; see `dongui requests show {id}`")
    return {**request, "kind": kind_of(request["kind"]) or request["kind"]}


def private(core: Installation, request: Json) -> Json:
    """A request's sealed part: ``{name, contact, text, …}``; empty once its key is gone."""
    key = core.keyring.named(request["key"]) if request.get("key") else None
    if key is None or not request.get("sealed"):
        # Filed by a version that did not seal.
        return {"text": request["text"]} if request.get("text") else {}
    opened: Json = json.loads(unseal(key, base64.b64decode(request["sealed"]), _place(request["id"])))
    return opened


def change(core: Installation, id: int, changes: Json, secret: Json | None = None) -> None:
    """Change a request's open part and, with ``secret``, replace its sealed one. Inside a writing transaction."""
    request = load(core, id)
    if secret is not None:
        key = core.keyring.named(request["key"]) if request.get("key") else None
        if key is None:
            changes = {**changes, "key": (name := f"request:{uuid.uuid4()}"), "text": None}
            key = core.keyring.named(name, create=True)
        assert key is not None
        text = json.dumps(secret, ensure_ascii=False).encode()
        changes = {**changes, "sealed": base64.b64encode(seal(key, text, _place(id))).decode()}
    core.storage.admin.update_request(id, changes)


def noted(core: Installation, request: Json, step: str, by: str, **facts: Any) -> None:
    """Put a step on the ledger: that it was taken and by whom, never about whom. Inside a writing transaction."""
    body = {"id": request["id"], "kind": request["kind"], "step": step, "by": by, **facts}
    core.storage.ledger.append("request", core.clock.now(), body, site_ref=request["site_ref"])


def _place(id: int) -> bytes:
    return f"request|{id}".encode()
