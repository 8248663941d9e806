"""Raw exports: what the visitors agreed to for the reader's purposes, and nothing else."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

from dongui.rules.cookies import classify

from dongui_collector.core.addresses import parts_of
from dongui_collector.core.errors import NotAllowed, Unknown
from dongui_collector.core.pseudonyms import Pseudonyms
from dongui_collector.exports.day_order import ExportPosition, Leg, exact, veiled
from dongui_collector.exports.generalise import coarsened
from dongui_collector.exports.recipients import registered, terms
from dongui_collector.ledger.paging import page
from dongui_collector.ledger.periods import Periods
from dongui_collector.ledger.rows import PendingErasures
from dongui_collector.storage.contract.values import Json, Row, Selection, Site

if TYPE_CHECKING:
    from dongui_collector.ledger.installation import LedgerInstallation

OWN_USE = "controller"  # the consumer of an export without a recipient
_PAGE = 500
_HANDED = 5000  # rows a page of a hand-over: whose they are is written down a page at a time

# Which fields of the "Read back" shape an item stands for.
FIELDS_OF: dict[str, tuple[str, ...]] = {
    "visit_time": ("at", "day", "received_at"),
    "service_usage": ("name", "url", "referrer", "props", "search", "secure"),
    "access_environment": ("environment",),
    "ip_address": ("ip_address", "country", "city"),
    "advertising_id": ("advertising_ids",),
    "cookie": ("visitor", "cookies"),
}


@dataclass(frozen=True, slots=True)
class Entitlement:
    """Who reads what. ``consumer`` decides the pseudonyms; a ``recipient`` gets what a notice names it for, no more.

    What goes to a recipient is coarse (``exports/generalise.py``) unless the controller said ``precise``.
    """

    consumer: str
    site: Site
    purposes: tuple[str, ...]
    recipient: str | None = None
    precise: bool = False

    @property
    def coarse(self) -> bool:
        return self.recipient is not None and not self.precise


def entitle(
    core: LedgerInstallation,
    site: Site,
    purposes: Sequence[str],
    *,
    recipient: str | None = None,
    precise: bool = False,
) -> Entitlement:
    """Decide who may read for which purposes.

    Without ``recipient`` it is the controller's own use. With one it is a hand-over: the notice in force must name that
    processor or recipient for each of the purposes (S4.0, S4.1). Raises :class:`NotAllowed` where it does not,
    :class:`Unknown` for a purpose that never was one of the site's consent purposes.
    """
    policy = core.registry.in_force(site.ref, core.clock.now()).policy
    known = {p for notice in core.registry.notices(site.ref) for p in notice.policy.consent_purposes}
    for purpose in purposes:
        if purpose not in known:
            raise Unknown(f"{purpose!r} is no consent purpose of {site.name}; there are {', '.join(sorted(known))}")
    if not purposes:
        raise NotAllowed("an export names the purposes that it serves; say them with --purpose")
    wanted = tuple(dict.fromkeys(purposes))
    if recipient is None:
        return Entitlement(OWN_USE, site, wanted)
    registered(policy, recipient, wanted)
    return Entitlement(consumer_of(recipient), site, wanted, recipient, precise)


def consumer_of(recipient: str) -> str:
    """The consumer that a processor or recipient is: one name for a person in all that it is given, also by tokens."""
    return f"recipient:{recipient}"


class ExportScope:
    """What a reader may see of rows under each notice: the notice that was consented to decides, not today's.

    A recipient gets no more than what both that notice and the one in force give it (S4.0, S4.1).
    """

    def __init__(self, core: LedgerInstallation, reader: Entitlement) -> None:
        self._registry = core.registry
        self._reader = reader
        bits = core.storage.ledger.bits(reader.site.ref)
        self.every_mask = sum(1 << bits[p] for p in reader.purposes if p in bits)
        self._today = terms(core.registry.in_force(reader.site.ref, core.clock.now()).policy, reader.recipient)
        self._given: dict[int, dict[int, frozenset[str]]] = {}

    def mask(self, notice_ref: int) -> int:
        """The purposes that the reader may see rows of this notice for."""
        if self._reader.recipient is None:
            return self.every_mask
        return sum(1 << bit for bit in self._given_under(notice_ref))

    def cut(self, shown: Json, notice_ref: int, purposes: int) -> None:
        """Take from a shown row that stands on ``purposes`` what its recipient does not get: nobody agreed to that."""
        if self._reader.recipient is None:
            return
        given = {bit: items for bit, items in self._given_under(notice_ref).items() if purposes >> bit & 1}
        items = frozenset().union(*given.values())
        for item, fields in FIELDS_OF.items():
            if item not in items:
                shown |= dict.fromkeys(fields)
        if shown["cookies"]:  # each belongs to the purpose that declared it, which must be one of those with cookies
            notice = self._registry.notice(notice_ref)
            names = notice.names(sum(1 << bit for bit, items in given.items() if "cookie" in items))
            kept = {n: value for n, value in shown["cookies"].items() if classify(n, notice.compiled) in names}
            shown["cookies"] = kept or None

    def _given_under(self, notice_ref: int) -> dict[int, frozenset[str]]:
        """Purpose bit → items that go to the recipient for it; purposes for which nothing does are left out."""
        if notice_ref not in self._given:
            notice = self._registry.notice(notice_ref)
            then, now = terms(notice.policy, self._reader.recipient), self._today
            both = {p: then.of([p]) & now.of([p]) for p in self._reader.purposes} if then and now else {}
            self._given[notice_ref] = {notice.bits[p]: items for p, items in both.items() if items and p in notice.bits}
        return self._given[notice_ref]


def export_events(
    core: LedgerInstallation,
    reader: Entitlement,
    first: date,
    last: date,
    before: Callable[[Sequence[bytes]], None] | None = None,
    only: Callable[[bytes], bool] | None = None,
) -> Iterator[Json]:
    """The rows of the days ``first`` to ``last`` (both included) in the "Read back" shape, oldest day first.

    Reads a page at a time: no snapshot outlives a page, however slowly the caller takes them. What is withdrawn, erased
    or past its period before a page is read is not in it. ``before`` is called with the keys of the visitors of a page
    before its first row is given out, so that whose data went is written down first, whatever happens then; ``only``
    says of a visitor's key whether its rows may be in it at all.
    """
    for _, row in _along(core, reader, exact(core.storage.events.days(), first, last), before, only):
        yield row


def consumer_events(
    core: LedgerInstallation,
    reader: Entitlement,
    first: date,
    last: date,
    before: Callable[[Sequence[bytes]], None] | None = None,
    *,
    after: ExportPosition | None = None,
    limit: int | None = None,
    wanted: Callable[[Json], bool] | None = None,
) -> Iterator[tuple[ExportPosition, Json]]:
    """The same for a consumer, who must not learn a row's day where it does not see its time: see ``route.py``.

    Each with its place; with one as ``after`` a reader goes on behind it, also where rows or whole days were destroyed
    meanwhile. ``limit`` is how many rows the caller will take; ``wanted`` chooses among those that the reader may see.
    """
    days = core.storage.events.days()
    if hides_days(core, reader):
        legs = veiled(days, first, last, core.keyring.derive(b"route\x00" + reader.consumer.encode()), after)
    else:
        legs = exact(days, first, last, after)
    yield from _along(core, reader, legs, before, None, limit, wanted)


def hides_days(core: LedgerInstallation, reader: Entitlement) -> bool:
    """Whether there may be rows whose time the reader does not see."""
    notices = [core.registry.notice(n.ref) for n in core.registry.notices(reader.site.ref)]
    return reader.recipient is not None or any(
        "visit_time" not in notice.policy.purposes[purpose].items
        for notice in notices
        for purpose in reader.purposes
        if purpose in notice.policy.purposes
    )


def _along(
    core: LedgerInstallation,
    reader: Entitlement,
    legs: Iterable[Leg],
    before: Callable[[Sequence[bytes]], None] | None,
    only: Callable[[bytes], bool] | None,
    limit: int | None = None,
    wanted: Callable[[Json], bool] | None = None,
) -> Iterator[tuple[ExportPosition, Json]]:
    rows_of = ReaderView(core, reader, wanted)
    size = min(_HANDED if before else _PAGE, limit or _HANDED)
    for leg in legs:
        after = leg.after
        while found := page(core.storage, leg.day, Selection(site_ref=reader.site.ref), after, size):
            rows, masks = found
            given: list[tuple[bytes, ExportPosition, Json]] = []
            for row in rows:
                if only is not None and not only(row.visitor):
                    continue
                shown = rows_of.shown(row, leg.day, masks)
                if shown is not None and leg.wants(dated=shown["day"] is not None):
                    given.append((row.visitor, leg.place(row.n), shown))
            if before and given:
                before(list(dict.fromkeys(visitor for visitor, _, _ in given)))
            yield from ((place, shown) for _, place, shown in given)
            after = rows[-1].n


class ReaderView:
    """Shows stored rows to one reader: cut to what it may see, under its own names, and only those that are wanted."""

    def __init__(
        self, core: LedgerInstallation, reader: Entitlement, wanted: Callable[[Json], bool] | None = None
    ) -> None:
        self._core, self._reader, self._wanted = core, reader, wanted
        self._names, self._scope = Pseudonyms(core.keyring, reader.consumer), ExportScope(core, reader)
        self._periods = Periods(core.registry)

    @property
    def every_mask(self) -> int:
        """The purposes that the reader reads for, under whichever notice."""
        return self._scope.every_mask

    def mask(self, notice_ref: int) -> int:
        """The purposes that the reader may see rows of this notice for."""
        return self._scope.mask(notice_ref)

    def name(self, day: date, n: int) -> str:
        """The reader's name for the event at a position: the same for as long as there is anything of it, whatever it
        loses, and known also of one that is gone, of which nothing else is."""
        return self._names.event(f"{day.isoformat()}|{n}".encode())

    def shown(self, row: Row, day: date, masks: PendingErasures) -> Json | None:
        """The row in the "Read back" shape; None where the reader sees nothing of it or does not want it."""
        today = self._core.today()
        mask = self._periods.retained_mask(row.notice_ref, row.purposes, day, today) & self._scope.mask(row.notice_ref)
        shown = self._core.reader.readable(row, day, masks, mask)
        if shown is None:
            return None
        self._scope.cut(shown, row.notice_ref, masks.remaining(row) & mask)
        shown["id"] = self.name(day, row.n)
        shown["visitor"] = None if shown["visitor"] is None else self._names.visitor(shown["visitor"])
        shown["page"] = parts_of(shown["url"])[1]
        if self._reader.coarse:
            shown = coarsened(shown)
        return shown if self._wanted is None or self._wanted(shown) else None
