"""A breach (유출등, PIPA 34, Decree 39-40; K9): whom it concerns, which items, and what must be told to whom by when.

Says what these files hold of those days *now*; what was destroyed since is named as far as the certificates tell. The
judgement is people's: this is a helper, not legal advice.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Annotated, Any

import msgspec
from msgspec import UNSET

from dongui_collector.access import audit_log
from dongui_collector.core.clock import day_of
from dongui_collector.core.errors import CollectorError
from dongui_collector.core.operations import AccessRequest, Field, SiteName, operation
from dongui_collector.ledger.rows import COLUMNS_OF, SEALED
from dongui_collector.ledger.sites import find_site
from dongui_collector.retention.installation import Installation
from dongui_collector.rights import disclosures
from dongui_collector.storage.contract.stores import RecordStore, iter_rows
from dongui_collector.storage.contract.values import Json, Selection, Site

# What may have got out. ``keys`` is keys.db, in which the keys are wrapped by the master key; only with ``master_key``
# as well do they open anything.
FILES = ("events", "records", "archive", "ledger", "keys", "master_key")
REPORT_FROM = 1000  # people: from so many on it is reported to the authority
HOURS = 72
_PAGE = 1000

Progress = Callable[[int, int], None]


@dataclass(slots=True)
class BreachFindings:
    """What was found on the way through the files. ``people`` are keys of members and of visitors of no member."""

    people: set[bytes] = field(default_factory=set)
    members: set[bytes] = field(default_factory=set)
    items: dict[tuple[str, str], set[bytes]] = field(default_factory=dict)  # (file, item or class) → people
    rows: dict[str, int] = field(default_factory=dict)

    def add(self, file: str, what: Iterable[str], person: bytes, member: bool) -> None:
        self.people.add(person)
        if member:
            self.members.add(person)
        self.rows[file] = self.rows.get(file, 0) + 1
        for one in what:
            self.items.setdefault((file, one), set()).add(person)


def plan(
    core: Installation,
    first: date,
    last: date,
    *,
    files: Sequence[str] = FILES[:4],
    learned_at: int | None = None,
    site: Site | None = None,
    sensitive: bool = False,
    outside: bool = False,
    progress: Progress | None = None,
) -> Json:
    """What a breach of ``files`` with the data of ``first`` to ``last`` concerns, and what follows from it.

    ``learned_at`` (epoch ms; default: now) starts the 72 hours; ``sensitive`` says that sensitive or unique identifiers
    are among it, ``outside`` that it was unlawful access from outside. Names nobody.
    """
    _check(first, last, files)
    sites = [site] if site else core.registry.sites()
    found, open_ = BreachFindings(), {"keys", "master_key"} <= set(files)
    for one in sites:
        search(core, one, first, last, files, found, progress)
    learned = core.clock.now() if learned_at is None else learned_at
    told: Json = {
        "from": first.isoformat(),
        "to": last.isoformat(),
        "files": [f for f in FILES if f in files],
        "sites": [one.name for one in sites],
        "learned_at": learned,
        "keys_lost": open_,
        "people": {
            "number": len(found.people),
            "members": len(found.members),
            "visitors_without_member": len(found.people - found.members),
        },
        "rows": found.rows,
        "items": _items(core, sites, found, open_),
        "destroyed_since": _destroyed(core, first, last),
        "duties": duties(len(found.people), learned, core.clock.now(), sensitive=sensitive, outside=outside),
    }
    return told


def _check(first: date, last: date, files: Sequence[str]) -> None:
    if last < first:
        raise CollectorError("the period ends before it begins; --from must not lie behind --to")
    unknown = [f for f in files if f not in FILES]
    if not files or unknown:
        named = f"; not {unknown[0]!r}" if unknown else ""
        raise CollectorError(f"say which files got out, some of {', '.join(FILES)}{named}")


# --- through the files -----------------------------------------------------------------------------------------------


def search(
    core: Installation,
    site: Site,
    first: date,
    last: date,
    files: Sequence[str],
    found: BreachFindings,
    progress: Progress | None = None,
) -> None:
    """Add what the files hold of a site and period."""
    whose = _Whose(core)
    days = [day for day in core.storage.events.days() if first <= day <= last] if "events" in files else []
    for number, day in enumerate(days):
        for row in iter_rows(core.storage.events, day, Selection(site_ref=site.ref), page=_PAGE):
            held = [item for item, columns in COLUMNS_OF.items() if any(getattr(row, c) is not None for c in columns)]
            found.add("events", {*held, "cookie"}, *whose.of(row.visitor))
        if progress:
            progress(number + 1, len(days))
    for name, store in (("records", core.storage.records), ("archive", core.storage.archive)):
        for record in _records(store, site) if name in files else ():
            if first <= record.day <= last:
                found.add(name, [record.class_id], *whose.of(record.subject))
    if "ledger" in files:
        for key in _on_ledger(core, site, first, last, core.settings.zone):
            found.add("ledger", ["consent_record"], *whose.of(key))


def _records(store: RecordStore, site: Site) -> Iterator[Any]:
    for site_ref, class_id, last_day, _ in store.groups():
        if site_ref == site.ref:
            yield from store.of_group(site_ref, class_id, last_day)


def _on_ledger(core: Installation, site: Site, first: date, last: date, zone: Any) -> Iterator[bytes]:
    after = 0
    while records := core.storage.ledger.records(after, _PAGE):
        for record in records:
            if record.visitor is not None and record.site_ref == site.ref and first <= day_of(record.at, zone) <= last:
                yield record.visitor
        after = records[-1].seq


class _Whose:
    """Whom a key stands for: the member that a visitor is joined to, else the visitor; and whether it is a member."""

    def __init__(self, core: Installation) -> None:
        self._ledger = core.storage.ledger
        self._known: dict[bytes, tuple[bytes, bool]] = {}

    def of(self, key: bytes) -> tuple[bytes, bool]:
        if key not in self._known:
            visitor = self._ledger.visitor(key)
            if visitor is not None and visitor.member is not None:
                self._known[key] = visitor.member, True
            else:  # of a key that the ledger knows no consents of: a member's own, or a visitor's who withdrew
                self._known[key] = key, visitor is None or not visitor.standings
        return self._known[key]


def _items(core: Installation, sites: Sequence[Site], found: BreachFindings, open_: bool) -> list[Json]:
    """What got out, with how many people it is of and whether whoever has the files can read it."""
    labels: Json = {}
    for notice in filter(None, (core.registry.current(site.ref, core.clock.now()) for site in sites)):
        policy = notice.policy
        labels |= {id: dict(item.label) for id, item in policy.items.items()}
        labels |= {id: dict(one.label) for id, one in policy.records.items()}
    return [
        {
            "file": file,
            "item": what,
            "label": labels.get(what, {"ko": what, "en": what}),
            "people": len(people),
            "encrypted": (sealed := file in ("records", "archive") or _is_sealed(what)),
            "readable": open_ or not sealed,
        }
        for (file, what), people in sorted(found.items.items())
    ]


def _is_sealed(item: str) -> bool:
    """Whether an item of events lies encrypted. Of the visitor there is a keyed hash; recorded cookies are sealed."""
    return bool(set(COLUMNS_OF.get(item, ())) & set(SEALED))


def _destroyed(core: Installation, first: date, last: date) -> list[Json]:
    """Days of the period that were destroyed: if that was after the breach, they were among what got out."""
    found = []
    for destruction in core.storage.admin.destructions(("done",)):
        what, rows = destruction.what, destruction.certificate.rows if destruction.certificate else None
        if what["kind"] == "day" and first <= date.fromisoformat(what["day"]) <= last:
            found.append(
                {
                    "day": what["day"],
                    "destroyed_at": destruction.done_at,
                    "rows": None if rows is UNSET else rows,
                }
            )
    return found


# --- what follows ----------------------------------------------------------------------------------------------------


def duties(people: int, learned: int, now: int, *, sensitive: bool = False, outside: bool = False) -> list[Json]:
    """What must be told to whom by when, each with whether it applies and why. Pure; times are epoch ms (K9)."""
    by = learned + HOURS * 3_600_000
    reasons = [
        *(["people"] if people >= REPORT_FROM else []),
        *(["sensitive"] if sensitive else []),
        *(["outside"] if outside else []),
    ]
    anybody = people > 0

    def duty(id: str, law: str, applies: bool, because: Sequence[str], due: int | None = by) -> Json:
        left = None if due is None else round((due - now) / 3_600_000, 1)
        said = {"id": id, "law": law, "applies": applies, "because": list(because) if applies else []}
        return {**said, "by": due, "hours_left": left, "overdue": due is not None and now > due}

    return [
        duty("tell_people", "PIPA 34(1)", anybody, ["people"]),
        duty("report", "PIPA 34(3)", bool(reasons), reasons),
        # Whom one cannot reach is told on the web site, for at least 30 days (Decree 39).
        duty("publish", "DECREE 39(3)", anybody, ["unreachable"]),
        duty("record", "PIPA 34(2)", True, [], None),
    ]


# --- whom to tell ----------------------------------------------------------------------------------------------------


class AffectedMembers(msgspec.Struct, frozen=True):
    """References of the members concerned; ``unnamed`` counts those of whom nobody here knows one."""

    members: list[str]
    unnamed: int


class ListAffectedMembers(AccessRequest[AffectedMembers], frozen=True):
    """Say which members to tell. Written in the access log before anything is shown."""

    first: Annotated[str, Field("The first day of the data that got out.", option="--from", metavar="DAY")]
    last: Annotated[str, Field("The last day.", option="--to", metavar="DAY")]
    files: Annotated[Sequence[str], Field("What got out.", choices=FILES, default=FILES[:4])]
    reason: Annotated[str, Field("Why the list is opened; it stands in the access log.")]
    references: Annotated[
        Sequence[str],
        Field("Your members' references, one a line; the answer says which of them are concerned.", reads="lines"),
    ] = ()
    site: SiteName = None


@operation("breach.members", right="approve", audit="breach.members")
def members(core: Installation, request: ListAffectedMembers) -> AffectedMembers:
    """Which members to tell; in the access log, with the reason, before anything is shown (K12).

    dongui keeps keyed hashes of members' references. ``references`` are the site's own: those concerned are in the
    answer. References that stand in sealed records are added. ``unnamed`` counts members of whom neither knows one.
    """
    found_site = find_site(core, request.site)
    days = (disclosures.day(request.first, "the first day"), disclosures.day(request.last, "the last day"))
    if days[0] is None or days[1] is None:
        raise CollectorError("a breach has a period: say --from and --to")
    _check(days[0], days[1], request.files)
    if not request.reason.strip():
        raise CollectorError("a list of people is opened with a reason; say it with --reason")
    what = {"from": request.first, "to": request.last, "files": list(request.files)}
    audit_log.record_request(core, request, "breach.members", request.reason, site_ref=found_site.ref, what=what)
    found = BreachFindings()
    search(core, found_site, days[0], days[1], request.files, found)
    named = {core.ledger.member_key(found_site.ref, r.strip()): r.strip() for r in request.references if r.strip()}
    for record in _of_members(core, found_site, found.members - named.keys()):
        named.setdefault(record.subject, str(core.retention.records.opened(record)["subject"]))
    told = sorted(named[key] for key in found.members & named.keys())
    return AffectedMembers(members=told, unnamed=len(found.members - named.keys()))


def _of_members(core: Installation, site: Site, wanted: set[bytes]) -> Iterator[Any]:
    seen: set[bytes] = set()
    for store in (core.storage.records, core.storage.archive):
        for record in _records(store, site):
            if record.subject in wanted and record.subject not in seen:
                seen.add(record.subject)
                yield record


def learned(text: str | None, zone: Any) -> int | None:
    """When one learned of it, as epoch ms: ``2026-11-23T10:00`` in the installation's zone. None for None."""
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise CollectorError("the time of learning is such as 2026-11-23T10:00") from None
    return int((moment if moment.tzinfo else moment.replace(tzinfo=zone)).timestamp() * 1000)
