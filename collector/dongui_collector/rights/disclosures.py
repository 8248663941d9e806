"""The disclosure ledger: what was handed to whom, when, for what, and by whose hand (S4.0, S4.1, PIPA 35).

An entry is begun before the first row goes out and closed when the last one has: what a crash interrupts stays on the
list as begun. Whose data it was is written down, as keyed hashes, before it goes (``ledger/disclosure_subjects.py``).
Each step stands on the chain; what the list says now is kept beside it and ends with it (class ``disclosure``).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from datetime import date
from typing import Annotated

import msgspec
from msgspec import UNSET, UnsetType

from dongui_collector.core.clock import parse_day
from dongui_collector.core.control import Control
from dongui_collector.core.errors import CollectorError, NotAllowed, Unknown
from dongui_collector.core.operations import Field, Request, operation
from dongui_collector.exports.recipients import registered
from dongui_collector.ledger.disclosure_subjects import Disclosed
from dongui_collector.retention.installation import Installation
from dongui_collector.storage.contract.disclosures import Disclosure, DisclosureFacts, DisclosureState
from dongui_collector.storage.contract.values import Json

KIND = "disclosure"  # of the records on the chain
_LONGEST = 500
_NOTHING_WENT = ("planned", "cancelled")
# What a person is told of a hand-over; who of the staff made it is not in it.
_TOLD = ("at", "recipient", "party", "country", "purposes", "items", "from", "to", "way")


# --- what the access package asks ------------------------------------------------------------------------------------


def disclosures_of(core: Installation, site_ref: int, subject_keys: Sequence[bytes]) -> list[Json]:
    """To whom the data of a person was handed, oldest first; ``subject_keys`` are visitors' or members' 16-byte keys.

    Each is ``{at, recipient, party, country, purposes, items, from, to, way}``: ``at`` epoch ms; ``party`` one of
    processor, recipient, successor, authority; ``from`` and ``to`` the days of the data (None: of no day in
    particular); ``way`` how it went. What an authority's law keeps secret for now is not in it until it may be told.
    """
    hashes, entries = Disclosed(core.keyring), core.storage.disclosures.entries()
    mine = [entry for entry in entries if entry.site_ref == site_ref and entry.state not in _NOTHING_WENT]
    wanted = {entry.id: hashes.hashes(entry.id, subject_keys) for entry in mine}
    known = core.storage.disclosures.known(hash for some in wanted.values() for hash in some)
    today, since = core.retention.today(), _since(core, site_ref, subject_keys) if subject_keys else None
    return [
        {name: value for name, value in msgspec.to_builtins(entry).items() if name in _TOLD}
        for entry in mine
        if not _secret(entry, today)
        and (known.intersection(wanted[entry.id]) or (entry.everyone is True and since and since <= entry.at))
    ]


def _since(core: Installation, site_ref: int, keys: Sequence[bytes]) -> int | None:
    """Since when something is known of a person (epoch ms); None for nobody."""
    found = [record.at for key in keys for record in core.storage.ledger.records_of(key)[:1]]
    for store in (core.storage.records, core.storage.archive):
        found += [at for key in keys if (at := store.known_since(site_ref, key)) is not None]
    return min(found, default=None)


def _secret(entry: Disclosure, today: date) -> bool:
    return bool(entry.secret_until) and today <= date.fromisoformat(str(entry.secret_until))


# --- an entry's life -------------------------------------------------------------------------------------------------


def begin(core: Installation, entry: Disclosure) -> int:
    """Put an entry on the ledger, as of now, before anything goes out; its number. Durable when this returns."""
    entry.at = core.clock.now()
    facts = {name: value for name, value in msgspec.to_builtins(entry).items() if value is not None}
    with core.storage.ledger.writing():
        entry.id = core.storage.disclosures.add(entry)
        note(core, entry, entry.state, facts)
    return entry.id


def to_party(
    core: Installation,
    site_ref: int,
    name: str,
    purposes: Sequence[str],
    items: Sequence[str] = (),
    *,
    way: str,
    by: str,
) -> Disclosure:
    """The entry of handing something to a party that the notice in force registers (S4.1).

    ``items`` empty: all that it is named for. Raises :class:`NotAllowed` where the notice does not name it for that.
    """
    notice = core.registry.in_force(site_ref, core.clock.now())
    found = registered(notice.policy, name, purposes, items)
    return Disclosure(
        site_ref=site_ref,
        way=way,
        by=by,
        recipient=found.name,
        party=found.kind,
        country=found.country,
        purposes=list(dict.fromkeys(purposes)),
        items=sorted(items or found.of(purposes)),
        notice=notice.version,
    )


def note(core: Installation, entry: Disclosure, step: str, facts: Json) -> None:
    """A step of an entry on the chain. Inside a writing transaction."""
    hidden = {"id", "site_ref", "state", "at"}
    body = {"id": entry.id, "step": step, **{name: value for name, value in facts.items() if name not in hidden}}
    core.storage.ledger.append(KIND, core.clock.now(), body, site_ref=entry.site_ref)


def load(core: Installation, id: int, *states: str) -> Disclosure:
    """An entry in one of ``states`` (default: any). Raises :class:`Unknown` or :class:`NotAllowed`."""
    entry = core.storage.disclosures.entry(id)
    if entry is None:
        raise Unknown(f"there is no disclosure {id}; see `dongui disclosures list`")
    if states and entry.state not in states:
        raise NotAllowed(f"disclosure {id} is {entry.state}; for this it must be {' or '.join(states)}")
    return entry


class SubjectsNoted(msgspec.Struct, frozen=True):
    """How many people were new to an entry."""

    id: int
    added: int


class NoteSubjects(Request[SubjectsNoted], frozen=True):
    """Write down whose data goes out next: keys of visitors and members in hexadecimal. Before it goes."""

    id: int
    keys: Sequence[str]


@operation("disclosures.people", right="approve", audit="disclosure")
def people(core: Installation, request: NoteSubjects) -> SubjectsNoted:
    """Write down whose data goes out next: keys of visitors and members in hexadecimal. Before it goes."""
    hashes = Disclosed(core.keyring)
    with core.storage.ledger.writing():
        entry = load(core, request.id, "begun")
        added = core.storage.disclosures.add_people(
            request.id, hashes.hashes(request.id, (bytes.fromhex(key) for key in request.keys))
        )
        entry.people = (entry.people or 0) + added
        core.storage.disclosures.change(entry)
    return SubjectsNoted(id=request.id, added=added)


class DisclosureClosed(msgspec.Struct, frozen=True):
    """An entry that was closed: how many rows and people it is of, the file's SHA-256, and when (epoch ms)."""

    id: int
    state: DisclosureState
    rows: int
    people: int
    digest: str
    done_at: int


class FinishDisclosure(Request[DisclosureClosed], frozen=True):
    """Close an entry: how many rows went, and the SHA-256 of what went (hex); ``interrupted`` if it broke off."""

    id: int
    rows: int
    digest: str
    interrupted: bool = False


@operation("disclosures.finish", audit="disclosure")
def finish(core: Installation, request: FinishDisclosure) -> DisclosureClosed:
    """Close an entry: how many rows went, and the SHA-256 of what went (hex); ``interrupted`` if it broke off."""
    with core.storage.ledger.writing():
        entry = load(core, request.id, "begun")
        people, now = entry.people or 0, core.clock.now()
        entry.state = "interrupted" if request.interrupted else "done"
        entry.rows, entry.people, entry.digest, entry.done_at = request.rows, people, request.digest, now
        core.storage.disclosures.change(entry)
        note(core, entry, entry.state, {"rows": request.rows, "people": people, "digest": request.digest})
    return DisclosureClosed(entry.id, entry.state, request.rows, people, request.digest, now)


class DisclosureBegun(msgspec.Struct, frozen=True):
    """The number of the entry whose hand-over began."""

    disclosure: int


def hand_over(core: Installation, entry: Disclosure, by: str) -> DisclosureBegun:
    """Begin the hand-over of an entry that was planned. Inside a writing transaction."""
    entry.state, entry.handed_by, entry.begun_at = "begun", by, core.clock.now()
    core.storage.disclosures.change(entry)
    note(core, entry, "begun", {"by": by})
    return DisclosureBegun(entry.id)


class Handover:
    """What runs beside a hand-over: whose rows come next is written down first, and at the end how many there were.

    ``control`` has the entry changed. Use as a context manager around the writing;
    an exception within closes the entry as interrupted.
    """

    def __init__(self, control: Control, id: int) -> None:
        self._control, self._id = control, id
        self._told: set[bytes] = set()
        self._hash = hashlib.sha256()
        self.rows = 0

    def before(self, keys: Sequence[bytes]) -> None:
        """For :func:`~dongui_collector.exports.export.export_events`: called before a page is given out."""
        fresh = [key for key in keys if key not in self._told]
        if fresh:
            self._control(NoteSubjects(self._id, [key.hex() for key in fresh]))
            self._told.update(fresh)

    def counted(self, rows: Iterator[Json]) -> Iterator[Json]:
        """The rows, counted."""
        for row in rows:
            self.rows += 1
            yield row

    def hashed(self, chunks: Iterator[bytes]) -> Iterator[bytes]:
        """The file's bytes, on their way into the digest."""
        for chunk in chunks:
            self._hash.update(chunk)
            yield chunk

    def __enter__(self) -> Handover:
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        self._control(FinishDisclosure(self._id, self.rows, self._hash.hexdigest(), kind is not None))


# --- shown -----------------------------------------------------------------------------------------------------------


class DisclosureView(DisclosureFacts, kw_only=True):
    """An entry for people to read; of a transfer that is asked for also what is ``missing`` before it may go."""

    site: str
    missing: Sequence[str] | UnsetType = UNSET


def listed(core: Installation, site_ref: int | None = None) -> list[DisclosureView]:
    """The disclosure ledger, newest first. Names nobody whose data it is."""
    found = [e for e in core.storage.disclosures.entries() if site_ref in (None, e.site_ref)]
    return [public_view(core, entry) for entry in reversed(found)]


def public_view(core: Installation, entry: Disclosure, missing: Sequence[str] | UnsetType = UNSET) -> DisclosureView:
    """One entry for people to read."""
    facts = {name: getattr(entry, name) for name in DisclosureFacts.__struct_fields__}
    return DisclosureView(site=core.registry.site_by_ref(entry.site_ref).name, missing=missing, **facts)


class ShowDisclosure(Request[DisclosureView], frozen=True):
    """Show one hand-over: facts, number of rows and people, the file's digest."""

    id: Annotated[int, Field(argument=True)]


@operation("disclosures.show", right="read", changes=False)
def show(core: Installation, request: ShowDisclosure) -> DisclosureView:
    """Raises :class:`Unknown`."""
    return public_view(core, load(core, request.id))


def words(text: str, what: str) -> str:
    """A free text, trimmed. Raises :class:`CollectorError` for an empty or overlong one."""
    text = text.strip()
    if not 0 < len(text) <= _LONGEST:
        raise CollectorError(f"{what} must be said, in at most {_LONGEST} characters")
    return text


def day(text: str | None, what: str) -> date | None:
    """A day, or None. Raises :class:`CollectorError`."""
    try:
        return parse_day(text) if text else None
    except ValueError:
        raise CollectorError(f"{what} must be a day such as 2026-11-23") from None
