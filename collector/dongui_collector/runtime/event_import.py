"""Events from a file: let in by the same gate, in the same transactions, as those that come over the network."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from typing import Annotated, Any, cast

import msgspec
from msgspec import Meta

from dongui_collector.core.operations import Request, operation
from dongui_collector.intake.gate import RowMaker, Sender
from dongui_collector.intake.group_commit import GroupCommit, Pending
from dongui_collector.intake.places import GeoDatabase
from dongui_collector.intake.problems import Problem
from dongui_collector.intake.schema import MAX_BODY, Event, check_events, decode
from dongui_collector.ledger.sites import find_site
from dongui_collector.retention.installation import Installation

SOURCE = "import"


class _ImportedEvent(Event, gc=False, kw_only=True):
    """A line of the file: an event of ``POST /v1/events``, and whose it is."""

    visitor: Annotated[str, Meta(min_length=1, max_length=128)]


class EventsImported(msgspec.Struct, frozen=True):
    """What was recorded and refused, and the positions of lines that cannot be read, each with the reason."""

    recorded: int
    refused: dict[str, int]
    malformed: list[tuple[int, str]]


class ImportEvents(Request[EventsImported], frozen=True):
    """Record events, each a line of JSON: an event as ``POST /v1/events`` takes it, with its ``visitor`` beside."""

    lines: Sequence[str]
    site: str | None = None


@operation("events.import")
def import_events(core: Installation, request: ImportEvents) -> EventsImported:
    """Record events, each a line of JSON: an event as ``POST /v1/events`` takes it, with its ``visitor`` beside.

    Gated by the ledger as it stands now, as with the secret key: old events are welcome, ``ip`` and ``user_agent``
    count, an event that is there already is kept once. On return what ``recorded`` counts is on disk. ``malformed``
    gives the positions in ``lines`` of those that cannot be read, each with the reason and never with its content.
    """
    found = find_site(core, request.site)
    sender = Sender(address=None, user_agent="", language="", secret=True, gpc=False, source=SOURCE)
    by_visitor: dict[str, list[Event]] = defaultdict(list)
    malformed: list[tuple[int, str]] = []
    for position, line in enumerate(request.lines):
        if not line.strip():
            continue
        if len(line) > MAX_BODY:
            malformed.append((position, "the line is longer than 64 KiB"))
            continue
        try:
            event = decode(line.encode("utf-8", "surrogatepass"), _ImportedEvent)
            check_events([event], addresses=True)
        except Problem as problem:
            malformed.append((position, msgspec.json.decode(problem.body).get("detail", "")))
            continue
        by_visitor[event.visitor].append(event)
    now = core.clock.now()
    batch = [
        Pending(found.ref, core.ledger.key_of(visitor), events, sender, now, future=cast(Any, None))
        for visitor, events in by_visitor.items()
    ]
    _commit(core, batch)
    refused: Counter[str] = sum((Counter(pending.refused) for pending in batch), Counter())
    return EventsImported(recorded=sum(p.recorded for p in batch), refused=dict(refused), malformed=malformed)


def _commit(core: Installation, batch: list[Pending]) -> None:
    """Gate and store; what was counted goes to the totals right away."""
    places = GeoDatabase(core.settings.folder / core.settings.geoip_database if core.settings.geoip_database else None)
    commit = GroupCommit(
        core.storage.events, core.registry, RowMaker(core.registry, core.keyring, places), core.clock, core.settings
    )
    commit.commit(batch)
    with core.storage.ledger.writing():
        for (day, site_ref, name), number in commit.counts.items():
            if number:
                core.storage.ledger.add_totals(day, site_ref, {name: number})
