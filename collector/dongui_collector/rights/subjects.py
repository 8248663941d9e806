"""Whom a request is about: one browser, or a member with everything that was joined to the membership.

A visitor id proves one browser and nothing else: it opens what was recorded under it, not the membership that the
browser was joined to (somebody else may sit before it). A member's request covers the member's own records and every
visitor that is linked to them (K18, S9.6).
"""

from __future__ import annotations

from dataclasses import dataclass

from dongui_collector.core.errors import CollectorError, Unknown
from dongui_collector.retention.installation import Installation
from dongui_collector.storage.contract.requests import StoredRequest
from dongui_collector.storage.contract.values import Site


@dataclass(frozen=True, slots=True)
class Subject:
    """``member`` and ``visitors`` are keyed hashes of 16 bytes. Both empty: known of nobody, or of nobody any more."""

    site_ref: int
    member: bytes | None = None
    visitors: tuple[bytes, ...] = ()

    @property
    def keys(self) -> tuple[bytes, ...]:
        """Under which anything about the person may be filed."""
        return (*((self.member,) if self.member else ()), *self.visitors)


def subject_of(core: Installation, request: StoredRequest) -> Subject:
    """Whom a request is about, as things stand now: visitors linked since are in it."""
    member = bytes.fromhex(request.member) if request.member else None
    named = bytes.fromhex(request.visitor) if request.visitor else None
    linked = core.storage.ledger.visitors_of_member(member) if member else []
    known = [key for key in dict.fromkeys([*([named] if named else []), *linked]) if _known(core, request, key)]
    return Subject(request.site_ref, member, tuple(known))


def _known(core: Installation, request: StoredRequest, key: bytes) -> bool:
    visitor = core.storage.ledger.visitor(key)
    return visitor is not None and visitor.site_ref == request.site_ref


def named(core: Installation, site: Site, *, visitor: str | None, member: str | None) -> tuple[str | None, str | None]:
    """(visitor, member) that an id or a member's reference means, as the keyed hashes that a request keeps.

    Raises :class:`Unknown` for a visitor id that nothing is held under, :class:`CollectorError` for both at once.
    """
    if visitor and member:
        raise CollectorError("a request is about a visitor or about a member; name one of them")
    if visitor:
        key = core.ledger.key_of(visitor.strip())
        found = core.storage.ledger.visitor(key)
        if found is None or found.site_ref != site.ref:
            raise Unknown("nothing is held under this visitor id; it may have been withdrawn or erased already")
        return key.hex(), None
    if member:
        return None, core.ledger.member_key(site.ref, member).hex()
    return None, None
