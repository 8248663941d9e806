"""Business transfers (매각·합병; S4.2a, PIPA 27, Decree 29): nothing is handed over before everybody could say no.

Planned → notices logged → the period for opting out is over → handed over. No step can be skipped: what is missing is
said. Left out are those who opted out, those who withdrew any consent since the plan was recorded, and whose processing
is suspended; a member with every visitor joined to it. Engineering input, not legal advice.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import date, timedelta
from typing import Any, cast

from dongui.rules.periods import Period, last_day

from dongui_collector.core.errors import CollectorError, NotAllowed
from dongui_collector.core.operations import operation
from dongui_collector.core.pseudonyms import Pseudonyms
from dongui_collector.exports.export import Entitlement, export_events
from dongui_collector.ledger.disclosure_subjects import Disclosed
from dongui_collector.ledger.sites import find_site
from dongui_collector.retention.installation import Installation
from dongui_collector.rights import disclosures
from dongui_collector.rights.manual_disclosures import subject_keys, with_linked
from dongui_collector.storage.contract.values import Json

MEANS = ("letter", "email", "text_message", "telephone", "website")
ON_SITE_ALONE = Period(
    days=30
)  # Decree 29(2): a notice on the web site, where a person cannot be reached, stands so long


@operation("transfers.plan")
def plan(
    core: Installation,
    recipient: str,
    address: str,
    contact: str,
    fact: str,
    opt_out: str,
    until: str,
    country: str = "",
    purposes: Sequence[str] = (),
    site: str | None = None,
    by: str = "command line",
) -> dict[str, Any]:
    """Record a planned transfer: the ``fact`` (sale, merger, …), the successor with address and contact, how and until
    which day one may opt out. Nothing moves. ``purposes`` empty: all that the site has consents for.
    """
    found = find_site(core, site)
    policy = core.registry.in_force(found.ref, core.clock.now()).policy
    known = list(core.storage.ledger.bits(found.ref))
    if unknown := [p for p in purposes if p not in known]:
        raise CollectorError(f"{unknown[0]!r} is no consent purpose of {found.name}; there are {', '.join(known)}")
    last = disclosures.day(until, "the last day for opting out")
    if last is None or last <= core.retention.today():
        raise CollectorError("the last day for opting out must lie in the future: notices come first (PIPA 27)")
    wanted = list(dict.fromkeys(purposes)) or known
    said = {"recipient": recipient, "address": address, "contact": contact, "fact": fact, "opt_out": opt_out}
    facts: Json = {name: disclosures.words(text, name) for name, text in said.items()}
    facts |= {"way": "transfer", "site_ref": found.ref, "party": "successor", "until": last.isoformat(), "by": by}
    facts |= {"country": country or policy.controller.country, "purposes": wanted, "from": None, "to": None}
    facts |= {"items": sorted({i for p in wanted if p in policy.purposes for i in policy.purposes[p].items})}
    return status(core, disclosures.begin(core, facts | {"notices": []}, state="planned"))


@operation("transfers.notice")
def notice(
    core: Installation, id: int, means: str, proof: str, on: str | None = None, by: str = "command line"
) -> dict[str, Any]:
    """Log that the notice was given: by which ``means``, on which day, and what proves it (a link, a file's digest).

    Several notices may be logged. Raises :class:`CollectorError` for means that are none or a day in the future.
    """
    if means not in MEANS:
        raise CollectorError(f"a notice is given by one of {', '.join(MEANS)}")
    given = disclosures.day(on, "the day of the notice") or core.retention.today()
    if given > core.retention.today():
        raise CollectorError("a notice is logged once it has been given, not before")
    logged = {"means": means, "on": given.isoformat(), "proof": disclosures.words(proof, "what proves it"), "by": by}
    with core.storage.ledger.writing():
        entry = _transfer(core, id, "planned")
        core.storage.disclosures.change(id, {"notices": [*entry["notices"], logged]})
        disclosures.note(core, id, entry["site_ref"], "noticed", logged)
    return status(core, id)


@operation("transfers.opt_out")
def opt_out(
    core: Installation,
    id: int,
    members: Sequence[str] = (),
    visitors: Sequence[str] = (),
    by: str = "command line",
) -> dict[str, Any]:
    """Leave people out for good; a member with every visitor joined to it. Only keyed hashes of them are kept."""
    if not (members or visitors):
        raise CollectorError("say who opts out: --member or --visitor")
    with core.storage.ledger.writing():
        entry = _transfer(core, id, "planned")
        keys = with_linked(core, subject_keys(core, core.registry.site_by_ref(entry["site_ref"]), members, visitors))
        core.storage.disclosures.add_people(id, Disclosed(core.keyring).hashes(id, keys, "out"))
        core.storage.disclosures.change(id, {"opted_out": entry.get("opted_out", 0) + len(members) + len(visitors)})
        disclosures.note(core, id, entry["site_ref"], "opted_out", {"number": len(members) + len(visitors), "by": by})
    return status(core, id)


@operation("transfers.cancel")
def cancel(core: Installation, id: int, by: str = "command line") -> dict[str, Any]:
    """The transfer does not come: nothing was and nothing will be handed over."""
    with core.storage.ledger.writing():
        entry = _transfer(core, id, "planned")
        core.storage.disclosures.change(id, {"state": "cancelled", "done_at": core.clock.now()})
        disclosures.note(core, id, entry["site_ref"], "cancelled", {"by": by})
    return disclosures.shown(core, disclosures.load(core, id))


@operation("transfers.begin")
def begin(core: Installation, id: int, by: str = "command line") -> dict[str, Any]:
    """Begin the hand-over. Raises :class:`NotAllowed`, saying all that is missing, before the notices are logged and
    the period for opting out is over.
    """
    with core.storage.ledger.writing():
        entry = _transfer(core, id, "planned")
        if lacks := missing(entry, core.retention.today()):
            raise NotAllowed(f"transfer {id} cannot be carried out: {'; '.join(lacks)}")
        core.storage.disclosures.change(id, {"state": "begun", "handed_by": by, "begun_at": core.clock.now()})
        disclosures.note(core, id, entry["site_ref"], "begun", {"by": by})
    return {"disclosure": id}


@operation("transfers.status")
def status(core: Installation, id: int) -> dict[str, Any]:
    """A transfer, with what is ``missing`` before it may be carried out."""
    entry = _transfer(core, id)
    lacks = missing(entry, core.retention.today()) if entry["state"] == "planned" else []
    return {**disclosures.shown(core, entry), "missing": lacks}


def missing(entry: Json, today: date) -> list[str]:
    """What stands between a planned transfer and its hand-over, in words; empty when nothing does. Pure."""
    until = date.fromisoformat(entry["until"])
    notices = [(n["means"], date.fromisoformat(n["on"])) for n in entry["notices"]]
    found = []
    if not notices:
        found.append(f"no notice is logged; give it, then: dongui transfer notice {entry['id']} --means … --proof …")
    elif all(on >= until for _, on in notices):
        found.append(f"every notice came when opting out had already ended ({until}): plan it anew, with a later day")
    elif all(means == "website" for means, _ in notices):
        stood = last_day(min(on for _, on in notices), ON_SITE_ALONE)
        if stood > until:
            found.append(
                f"a notice on the web site alone must stand 30 days, until {stood}, but opting out ends on {until}:"
                " give it to the people too, or plan it anew with a later day"
            )
    if today <= until:
        found.append(f"people may opt out until {until}; from {until + timedelta(days=1)} on it may be carried out")
    return found


def _transfer(core: Installation, id: int, *states: str) -> Json:
    entry = disclosures.load(core, id, *states)
    if entry["way"] != "transfer":
        raise CollectorError(f"disclosure {id} is no transfer")
    return entry


# --- what goes -------------------------------------------------------------------------------------------------------


def staying(core: Installation, entry: Json) -> Callable[[bytes], bool]:
    """Who is left out of a transfer, as a test of a visitor's or member's key."""
    hashes, ledger, sets = Disclosed(core.keyring), core.storage.ledger, core.storage.disclosures
    known: dict[bytes, bool] = {}

    def says_no(key: bytes) -> bool:
        visitor = ledger.visitor(key)
        if visitor is not None and visitor.suspended:
            return True
        words = visitor.standings.values() if visitor else ()
        since = any(s.state == "withdrawn" and s.at >= entry["at"] for s in words)
        return since or bool(sets.known([hashes.hash(entry["id"], key, "out")]))

    def out(key: bytes) -> bool:
        if key not in known:
            whole = with_linked(core, [key])
            answer = any(says_no(one) for one in whole)
            known.update(dict.fromkeys(whole, answer))
        return known[key]

    return out


def handed_over(core: Installation, entry: Json, before: Callable[[Sequence[bytes]], None]) -> Iterator[Json]:
    """What a transfer hands over, one object each: events as exports have them, then records of other classes.

    Under pseudonyms of the transfer's own; ``subject`` of a record is the member's reference as the site gave it. What
    lies in the archive stays: it may serve its own obligation only (S3.1).
    """
    site, out = core.registry.site_by_ref(entry["site_ref"]), staying(core, entry)
    reader = Entitlement(f"transfer:{entry['id']}", site, tuple(entry["purposes"]))
    for row in export_events(core, reader, date.min, date.max, before=before, only=lambda key: not out(key)):
        yield {"kind": "event", **row}
    names, today = Pseudonyms(core.keyring, reader.consumer), core.retention.today()
    for site_ref, class_id, last, _ in core.storage.records.groups():
        if site_ref != site.ref or last < today:
            continue
        found = core.storage.records.find(site_ref, class_id=class_id, last_day=last, limit=1 << 40)
        ended = {intent.visitor for intent in core.storage.ledger.intents()}
        going = [r for r in found if r.subject not in ended and not out(r.subject)]
        if going:
            before([r.subject for r in going])
        for record in going:
            opened = core.retention.opened(record)
            said = {"class": class_id, "at": record.at, "source": record.source, "kept_until": last.isoformat()}
            whose = {"visitor": names.visitor(record.subject), "subject": cast(Any, opened.get("subject"))}
            yield {"kind": "record", **said, **whose, "data": opened.get("data")}
