"""A visitor's request that is asked again while the first is open joins it: one file, and the first one's clock (K10).

Nothing is refused by it. Words that the first does not have yet are added to its sealed part; where they do not fit
any more, the request gets a file of its own.
"""

from __future__ import annotations

from dongui_collector.retention.installation import Installation
from dongui_collector.rights import files
from dongui_collector.storage.contract.requests import StoredRequest
from dongui_collector.storage.contract.values import Visitor

LONGEST = 4000  # characters of a request's words, as for one that comes alone


def join(core: Installation, visitor: Visitor, kind: str, asked: str, text: str) -> StoredRequest | None:
    """The open request that this one joins; None where it is the first. Inside a writing transaction."""
    for request in core.storage.admin.requests_of([visitor.key]):
        same = (request.kind, request.asked, request.channel) == (kind, asked, "online")
        if same and not request.closed_at and _added(core, request, text):
            return request
    return None


def _added(core: Installation, request: StoredRequest, text: str) -> bool:
    """Whether the request's words hold these, now or already."""
    secret = files.private(core, request)
    words = secret.get("text", "")
    if not text or text in words.split("\n\n") or text == words:
        return True
    joined = f"{words}\n\n{text}" if words else text
    if len(joined) > LONGEST:
        return False
    files.save(core, request, secret | {"text": joined})
    return True
