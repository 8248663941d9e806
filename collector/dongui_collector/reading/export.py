"""Raw exports: what the visitors agreed to for the reader's purposes, and nothing else."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

from dongui_collector.errors import NotAllowed, Unknown
from dongui_collector.ledger.periods import Periods
from dongui_collector.ledger.pseudonyms import Pseudonyms
from dongui_collector.ledger.rows import Masks
from dongui_collector.storage.base import Intent, Json, Row, Selection, Site

if TYPE_CHECKING:
    from dongui_collector.core import Core

OWN_USE = "controller"  # the consumer of an export without a recipient
_PAGE = 500
_TRIES = 5

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
    """Who reads what. ``consumer`` decides the pseudonyms; ``items`` of None means all that the purposes cover."""

    consumer: str
    site: Site
    purposes: tuple[str, ...]
    items: frozenset[str] | None = None
    recipient: str | None = None


def entitle(core: Core, site: Site, purposes: Sequence[str], *, recipient: str | None = None) -> Entitlement:
    """Decide what an export may hold.

    Without ``recipient`` it is the controller's own use. With one it is a hand-over: the notice in force must name that
    processor or recipient for each of the purposes, and only its items go out (S4.0, S4.1). Raises :class:`NotAllowed`
    where it does not, :class:`Unknown` for a purpose that never was one of the site's consent purposes.
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
    items = frozenset(item for party in parties for item in party.items if set(party.purposes) & set(wanted))
    return Entitlement(f"recipient:{recipient}", site, wanted, items, recipient)


def export_events(core: Core, reader: Entitlement, first: date, last: date) -> Iterator[Json]:
    """The rows of the days ``first`` to ``last`` (both included) in the "Read back" shape, oldest day first.

    Reads a page at a time: no snapshot outlives a page, however slowly the caller takes them. What is withdrawn, erased
    or past its period before a page is read is not in it.
    """
    names = Pseudonyms(core.keyring, reader.consumer)
    bits = core.storage.ledger.bits(reader.site.ref)
    mask = sum(1 << bits[p] for p in reader.purposes if p in bits)
    periods = Periods(core.book)
    for day in core.storage.events.days():
        if not first <= day <= last:
            continue
        after = 0
        while page := _page(core, day, reader.site.ref, after):
            rows, masks = page
            today = core.keeper.today()
            for row in rows:
                standing = periods.standing(row.notice_ref, row.purposes, day, today)
                shown = core.reader.readable(row, day, masks, mask & standing)
                if shown is not None:
                    yield _for_reader(shown, reader, names)
            after = rows[-1].n


def _page(core: Core, day: date, site_ref: int, after: int) -> tuple[list[Row], Masks] | None:
    """Rows and the endings that mask them, as of one moment.

    Endings are asked before and after the rows; one that was decided and finished in between would be in neither, so
    where any was finished meanwhile the page is read again.
    """
    for _ in range(_TRIES):
        finished = _finished(core)
        before = core.storage.ledger.intents()
        rows = core.storage.events.rows(day, Selection(site_ref=site_ref), after=after, limit=_PAGE)
        intents: dict[int, Intent] = {i.seq: i for i in (*before, *core.storage.ledger.intents())}
        if finished == _finished(core):
            break
    return (rows, Masks.of(intents.values())) if rows else None


def _finished(core: Core) -> int:
    last = core.storage.ledger.last_of("certificate")
    return last.seq if last else 0


def _for_reader(shown: Json, reader: Entitlement, names: Pseudonyms) -> Json:
    shown["id"] = names.event(shown["id"])
    shown["visitor"] = None if shown["visitor"] is None else names.visitor(shown["visitor"])
    if reader.items is not None:
        for item, fields in FIELDS_OF.items():
            if item not in reader.items:
                shown.update(dict.fromkeys(fields))
    return shown
