"""Raw exports: what the visitors agreed to for the reader's purposes, and nothing else."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

from dongui_collector.errors import NotAllowed, Unknown
from dongui_collector.ledger.paging import page
from dongui_collector.ledger.periods import Periods
from dongui_collector.ledger.pseudonyms import Pseudonyms
from dongui_collector.storage.base import Json, Selection, Site

if TYPE_CHECKING:
    from dongui_collector.core import Core

OWN_USE = "controller"  # the consumer of an export without a recipient
_PAGE = 500

# Which fields of the "Read back" shape an item stands for.
FIELDS_OF: dict[str, tuple[str, ...]] = {
    "visit_time": ("at", "day"),
    "service_usage": ("name", "url", "referrer", "props", "search", "secure"),
    "access_environment": ("environment",),
    "ip_address": ("ip_address", "country", "city"),
    "advertising_id": ("advertising_ids",),
    "cookie": ("visitor", "cookies"),
}


@dataclass(frozen=True, slots=True)
class Entitlement:
    """Who reads what. ``consumer`` decides the pseudonyms; a ``recipient`` gets what a notice names it for, no more."""

    consumer: str
    site: Site
    purposes: tuple[str, ...]
    recipient: str | None = None


def entitle(core: Core, site: Site, purposes: Sequence[str], *, recipient: str | None = None) -> Entitlement:
    """Decide who may read for which purposes.

    Without ``recipient`` it is the controller's own use. With one it is a hand-over: the notice in force must name that
    processor or recipient for each of the purposes (S4.0, S4.1). Raises :class:`NotAllowed` where it does not,
    :class:`Unknown` for a purpose that never was one of the site's consent purposes.
    """
    policy = core.book.in_force(site.ref, core.clock.now()).policy
    known = {p for notice in core.book.notices(site.ref) for p in notice.policy.consent_purposes}
    for purpose in purposes:
        if purpose not in known:
            raise Unknown(f"{purpose!r} is no consent purpose of {site.name}; there are {', '.join(sorted(known))}")
    if not purposes:
        raise NotAllowed("an export names the purposes that it serves; say them with --purpose")
    wanted = tuple(dict.fromkeys(purposes))
    if recipient is None:
        return Entitlement(OWN_USE, site, wanted)
    parties = [p for p in (*policy.processors, *policy.recipients) if p.name == recipient]
    if not parties:
        raise NotAllowed(f"the notice in force names no processor or recipient {recipient!r}: nothing may go there")
    for purpose in wanted:
        if not any(purpose in party.purposes for party in parties):
            raise NotAllowed(f"the notice in force does not give {recipient} anything for the purpose {purpose}")
    return Entitlement(f"recipient:{recipient}", site, wanted, recipient)


class Scope:
    """What a reader may see of rows under each notice: the notice that was consented to decides, not today's."""

    def __init__(self, core: Core, reader: Entitlement) -> None:
        self._book = core.book
        self._reader = reader
        bits = core.storage.ledger.bits(reader.site.ref)
        self._mask = sum(1 << bits[p] for p in reader.purposes if p in bits)
        self._parties: dict[int, list[tuple[int, frozenset[str]]]] = {}

    def mask(self, notice_ref: int) -> int:
        """The purposes that the reader may see rows of this notice for."""
        if self._reader.recipient is None:
            return self._mask
        named = 0
        for purposes, _ in self._named(notice_ref):
            named |= purposes
        return self._mask & named

    def hidden(self, notice_ref: int, purposes: int) -> list[str]:
        """The fields that a recipient does not get of a row that stands on ``purposes``: nobody agreed to that."""
        if self._reader.recipient is None:
            return []
        given: set[str] = set()
        for named, items in self._named(notice_ref):
            given |= items & self._book.items_of(notice_ref, named & purposes & self._mask)
        return [field for item, fields in FIELDS_OF.items() if item not in given for field in fields]

    def _named(self, notice_ref: int) -> list[tuple[int, frozenset[str]]]:
        """What this notice gives the recipient: (purposes, items), one a mention."""
        if notice_ref not in self._parties:
            notice = self._book.notice(notice_ref)
            everyone = (*notice.policy.processors, *notice.policy.recipients)
            mine = [party for party in everyone if party.name == self._reader.recipient]
            self._parties[notice_ref] = [(notice.mask(party.purposes), frozenset(party.items)) for party in mine]
        return self._parties[notice_ref]


def export_events(core: Core, reader: Entitlement, first: date, last: date) -> Iterator[Json]:
    """The rows of the days ``first`` to ``last`` (both included) in the "Read back" shape, oldest day first.

    Reads a page at a time: no snapshot outlives a page, however slowly the caller takes them. What is withdrawn, erased
    or past its period before a page is read is not in it.
    """
    names, scope, periods = Pseudonyms(core.keyring, reader.consumer), Scope(core, reader), Periods(core.book)
    for day in core.storage.events.days():
        if not first <= day <= last:
            continue
        after = 0
        while found := page(core.storage, day, Selection(site_ref=reader.site.ref), after, _PAGE):
            rows, masks = found
            today = core.keeper.today()
            for row in rows:
                mask = scope.mask(row.notice_ref) & periods.standing(row.notice_ref, row.purposes, day, today)
                shown = core.reader.readable(row, day, masks, mask)
                if shown is not None:
                    hidden = scope.hidden(row.notice_ref, masks.remaining(row) & mask)
                    yield _for_reader(shown, names, hidden)
            after = rows[-1].n


def _for_reader(shown: Json, names: Pseudonyms, hidden: Sequence[str]) -> Json:
    shown["id"] = names.event(shown["id"])
    shown["visitor"] = None if shown["visitor"] is None else names.visitor(shown["visitor"])
    for name in hidden:
        shown[name] = None
    return shown
