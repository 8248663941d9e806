"""After an erasure on request: what other law keeps is noted, and whose request it was is forgotten in the end."""

from __future__ import annotations

from dongui_collector.retention.installation import Installation
from dongui_collector.rights import files, fulfilment
from dongui_collector.rights.subjects import Subject
from dongui_collector.storage.contract.values import Json


def settle(core: Installation, id: int) -> list[Json]:
    """After an erasure: note what other law keeps, and forget whose request it was once nothing is open any more.

    Idempotent; :func:`resume` comes back for what a crash or a legal hold left open. Returns what is kept.
    """
    request = files.load(core, id)
    settling = request.settling
    if not settling:
        return []
    member = bytes.fromhex(settling.member) if settling.member else None
    subject = Subject(request.site_ref, member, tuple(bytes.fromhex(key) for key in settling.visitors))
    seqs = set(request.answers[-1].endings)
    unfinished = any(intent.seq in seqs for intent in core.storage.ledger.intents())
    kept = fulfilment.kept_by_law(core, subject) + (fulfilment.kept_by_holds(core, subject) if unfinished else [])
    if unfinished and files.private(core, request).get("kept") == kept:
        return kept
    with core.storage.ledger.writing():
        request = files.load(core, id)
        if not unfinished:
            request.settling = request.visitor = request.member = None
        files.save(core, request, files.private(core, request) | {"kept": kept})
    return kept


def resume(core: Installation) -> None:
    """Settle erasures that a crash interrupted, or a hold kept open. For every start and now and then."""
    for request in core.storage.admin.requests():
        if request.settling:
            settle(core, request.id)
            core.storage.ledger.scrub()
