"""Hand-overs that did not go through an export: noted by hand, so that the ledger is whole and a person is told (S4.1).

A letter, a file of the shop's own database, an account on somebody's system: what left the house by another way.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from dongui_collector.core.clock import day_of
from dongui_collector.core.errors import CollectorError, Unknown
from dongui_collector.core.operations import Field, Request, SignedRequest, SiteName, operation
from dongui_collector.ledger.disclosure_subjects import Disclosed
from dongui_collector.ledger.sites import find_site
from dongui_collector.retention.installation import Installation
from dongui_collector.rights import disclosures
from dongui_collector.rights.disclosures import DisclosureView
from dongui_collector.storage.contract.values import Site


class NoteDisclosure(SignedRequest[DisclosureView], frozen=True):
    """Note a hand-over that was made another way. Refused where the policy in force does not name the recipient."""

    recipient: Annotated[str, Field("A processor or recipient of the policy in force.", metavar="NAME")]
    purposes: Annotated[Sequence[str], Field("A purpose it serves; repeatable.", option="--purpose")]
    what: Annotated[str, Field("What went and how, in a few words that name nobody.")]
    items: Annotated[
        Sequence[str], Field("An item that went [default: all that the policy names].", option="--item")
    ] = ()
    members: Annotated[
        Sequence[str],
        Field("Whose data: a member's reference; repeatable.", option="--member", metavar="REF", reads="people"),
    ] = ()
    visitors: Annotated[
        Sequence[str],
        Field("Whose data: a visitor's id, - to read it.", option="--visitor", metavar="ID", reads="people"),
    ] = ()
    everyone: Annotated[bool, Field("Whose data: everyone's who was known then.")] = False
    first: Annotated[str | None, Field("The first day of the data.", option="--from", metavar="DAY")] = None
    last: Annotated[str | None, Field("The last day of the data.", option="--to", metavar="DAY")] = None
    handed: Annotated[str | None, Field("The day on which it went [default: today].", option="--on", metavar="DAY")] = (
        None
    )
    rows: Annotated[int | None, Field("How many records went.")] = None
    digest: Annotated[str | None, Field("The file's SHA-256.", metavar="SHA256")] = None
    site: SiteName = None


@operation("disclosures.note", right="approve", audit="disclosure")
def note(core: Installation, request: NoteDisclosure) -> DisclosureView:
    """Write a hand-over down that went another way. ``what`` says in a few words what went and how.

    Whose data it was must be said: ``members`` (references) and ``visitors`` (ids), or ``everyone`` who was known then;
    of them only keyed hashes are kept. ``handed`` is the day on which it went (default: today), ``first`` and ``last``
    the days of the data. Raises :class:`NotAllowed` where the notice in force does not name
    the recipient for these purposes and items, :class:`CollectorError` for a note that is not whole.
    """
    found = find_site(core, request.site)
    if not request.purposes:
        raise CollectorError("a hand-over names the purposes that it serves; say them with --purpose")
    if request.everyone == bool(request.members or request.visitors):
        raise CollectorError("say whose data it was: --member and --visitor (or a file of them), or else --everyone")
    entry = disclosures.to_party(
        core, found.ref, request.recipient, request.purposes, request.items, way="noted", by=request.by
    )
    keys = subject_keys(core, found, request.members, request.visitors)
    first, last = disclosures.day(request.first, "the first day"), disclosures.day(request.last, "the last day")
    entry.first, entry.last = (one.isoformat() if one else None for one in (first, last))
    entry.what, entry.everyone = disclosures.words(request.what, "what was handed over"), request.everyone
    entry.handed, entry.digest = _handed(core, found, request.handed), _digest(request.digest)
    entry.rows, entry.people, entry.state = request.rows, None if request.everyone else len(keys), "done"
    hashes = Disclosed(core.keyring)
    with core.storage.ledger.writing():
        id = disclosures.begin(core, entry)
        core.storage.disclosures.add_people(id, hashes.hashes(id, keys))
    return disclosures.public_view(core, disclosures.load(core, id))


def subject_keys(core: Installation, site: Site, members: Sequence[str], visitors: Sequence[str]) -> list[bytes]:
    """The keys of people named by reference or id. Raises :class:`Unknown` for a visitor id nobody has."""
    keys = [core.ledger.key_of(id.strip()) for id in visitors]
    for position, key in enumerate(keys):
        known = core.storage.ledger.visitor(key)
        if known is None or known.site_ref != site.ref:
            raise Unknown(f"nothing is held under visitor id number {position + 1} of those given")
    keys += [core.ledger.member_key(site.ref, reference.strip()) for reference in members if reference.strip()]
    return list(dict.fromkeys(keys))


def with_linked(core: Installation, keys: Sequence[bytes]) -> list[bytes]:
    """The same people whole: members with the visitors joined to them, visitors with their member."""
    whole = dict.fromkeys(keys)
    for key in keys:
        visitor = core.storage.ledger.visitor(key)
        if visitor is not None and visitor.member is not None:
            whole[visitor.member] = None
    for key in list(whole):
        whole |= dict.fromkeys(core.storage.ledger.visitors_of_member(key))
    return list(whole)


def _handed(core: Installation, site: Site, text: str | None) -> str:
    now = core.clock.now()
    today = day_of(now, core.registry.in_force(site.ref, now).zone)
    day = disclosures.day(text, "the day on which it was handed over") or today
    if day > today:
        raise CollectorError("a hand-over is noted once it has been made, not before")
    return day.isoformat()


def _digest(text: str | None) -> str | None:
    if text is None:
        return None
    digest = text.strip().lower()
    if len(digest) != 64 or not set(digest) <= set("0123456789abcdef"):
        raise CollectorError("a digest is the file's SHA-256: 64 hexadecimal digits")
    return digest


class ListDisclosures(Request[list[DisclosureView]], frozen=True):
    """List every hand-over, newest first. Names nobody whose data it was."""

    site: SiteName = None


@operation("disclosures.list", right="read", changes=False)
def list_(core: Installation, request: ListDisclosures) -> list[DisclosureView]:
    """The disclosure ledger, newest first; names nobody whose data it is."""
    return disclosures.listed(core, find_site(core, request.site).ref if request.site else None)
