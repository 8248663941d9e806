"""What is kept of the Visits screen, by site: goals, funnels, notes on days, views, segments.

Never anything about a visitor. Small lists under one setting a site; changed through operations, by people of the
console or the command line.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Literal, get_args

import msgspec
from msgspec.structs import replace

from dongui_collector.analytics.filters import ReportError, parse_filter
from dongui_collector.analytics.query import STEPS
from dongui_collector.core.clock import parse_day
from dongui_collector.core.errors import Unknown
from dongui_collector.core.operations import AttributedRequest, operation
from dongui_collector.ledger.installation import LedgerInstallation
from dongui_collector.ledger.sites import find_site
from dongui_collector.storage.contract.values import Json, Site

Kind = Literal["goals", "funnels", "notes", "views", "segments"]
KINDS: tuple[Kind, ...] = get_args(Kind)
MOST = 50  # of each kind
MOST_STEPS = 12
MOST_FILTERS = 20  # of a segment
_LONGEST = 80


class Goal(msgspec.Struct, frozen=True, omit_defaults=True):
    """What counts as reached: ``event:purchase``, ``page:/thanks/*``; ``value`` is the property with its amount."""

    id: int
    name: str
    what: str
    value: str = ""


class Funnel(msgspec.Struct, frozen=True):
    """Steps that follow one another, each like a goal's."""

    id: int
    name: str
    steps: tuple[str, ...]


class DayNote(msgspec.Struct, frozen=True):
    """A note on a day (``2026-11-23``)."""

    id: int
    day: str
    text: str


class SavedView(msgspec.Struct, frozen=True):
    """A view by the ``query`` of its address."""

    id: int
    name: str
    query: str


class Segment(msgspec.Struct, frozen=True):
    """Filters under a name, each as it is written. Kept again under the same name, it is the next ``version``."""

    id: int
    name: str
    filters: tuple[str, ...]
    version: int = 1


Saved = Goal | Funnel | DayNote | SavedView | Segment


class SavedViews(msgspec.Struct, frozen=True, omit_defaults=True):
    """Everything that is kept of a site's screen, each kind in the order in which it was made; as it is stored."""

    goals: tuple[Goal, ...] = ()
    funnels: tuple[Funnel, ...] = ()
    notes: tuple[DayNote, ...] = ()
    views: tuple[SavedView, ...] = ()
    segments: tuple[Segment, ...] = ()
    v: int = 1

    def of_kind(self, kind: Kind) -> tuple[Saved, ...]:
        """Those of one kind."""
        found: tuple[Saved, ...] = getattr(self, kind)
        return found


class ViewKept(msgspec.Struct, frozen=True):
    """The number by which it is dropped."""

    id: int


def views_of(core: LedgerInstallation, site: Site) -> SavedViews:
    """Everything that is kept of a site's screen."""
    return msgspec.convert(core.storage.admin.setting(_name(site)) or {}, SavedViews)


class KeepView(AttributedRequest[ViewKept], frozen=True):
    """Keep a goal, a funnel, a note on a day, a view of the Visits screen or a segment."""

    kind: Kind
    fields: Mapping[str, Any]
    site: str | None = None


@operation("visits.keep", right="visits", audit="visits")
def keep(core: LedgerInstallation, request: KeepView) -> ViewKept:
    """Keep one more.

    ``fields``: of a goal ``name``, ``what`` (``event:purchase``, ``page:/thanks/*``) and maybe ``value``, the property
    with its amount; of a funnel ``name`` and ``steps``, each like a goal's; of a note ``day`` and ``text``; of a view
    ``name`` and the ``query`` of its address; of a segment ``name`` and ``filters``, and one of that name gives way.
    Raises :class:`ReportError` naming what is wrong, without an echo.
    """
    kind, found = request.kind, find_site(core, request.site)
    with core.storage.ledger.writing():
        kept = views_of(core, found)
        id = max((one.id for each in KINDS for one in kept.of_kind(each)), default=0) + 1
        one, several = _MAKERS[kind](id, request.fields), kept.of_kind(kind)
        if isinstance(one, Segment):
            one, several = _next_version(one, kept.segments)
        if len(several) >= MOST:
            raise ReportError(f"at most {MOST} {kind}; drop one first")
        _put(core, found, replace(kept, **{kind: (*several, one)}), f"visits.{kind}.keep", one.id, request.by)
    return ViewKept(one.id)


def _next_version(one: Segment, several: tuple[Segment, ...]) -> tuple[Segment, tuple[Segment, ...]]:
    """A segment under the number of the one that has its name, and the others."""
    before = next((other for other in several if other.name == one.name), None)
    if before is None:
        return one, several
    return replace(one, id=before.id, version=before.version + 1), tuple(s for s in several if s is not before)


def segment_of(core: LedgerInstallation, site: Site, name: str) -> Segment:
    """A site's segment by its name. Raises :class:`ReportError` where there is none."""
    found = next((one for one in views_of(core, site).segments if one.name == name), None)
    if found is None:
        raise ReportError("no segment of this site has that name; GET /v1/segments lists them")
    return found


class DropView(AttributedRequest[None], frozen=True):
    """Drop one by its id."""

    id: int
    site: str | None = None


@operation("visits.drop", right="visits", audit="visits")
def drop(core: LedgerInstallation, request: DropView) -> None:
    """Drop one by its id. Raises :class:`Unknown` where there is none."""
    found = find_site(core, request.site)
    with core.storage.ledger.writing():
        kept = views_of(core, found)
        kind = next((kind for kind in KINDS if any(one.id == request.id for one in kept.of_kind(kind))), None)
        if kind is None:
            raise Unknown("nothing of that number is kept of this site")
        left = tuple(one for one in kept.of_kind(kind) if one.id != request.id)
        _put(core, found, replace(kept, **{kind: left}), f"visits.{kind}.drop", request.id, request.by)


def _put(core: LedgerInstallation, site: Site, kept: SavedViews, action: str, id: int, by: str) -> None:
    """Write what is kept, and on the access log who changed it."""
    core.storage.admin.put_setting(_name(site), msgspec.to_builtins(kept))
    entry: Json = {"action": action, "by": by, "what": {"id": id}}
    core.storage.ledger.append("audit", core.clock.now(), entry, site_ref=site.ref)


def _name(site: Site) -> str:
    return f"visits.{site.ref}"


# --- what may be kept ------------------------------------------------------------------------------------------------


def _text(fields: Mapping[str, Any], field: str, most: int = _LONGEST) -> str:
    text = fields.get(field)
    if not isinstance(text, str) or not 1 <= len(text.strip()) <= most:
        raise ReportError(f"{field} has 1 to {most} characters")
    return text.strip()


def step(text: Any) -> str:
    """What a goal or a funnel's step asks for: a page, an event or a property, with or without stars."""
    found = parse_filter(text if isinstance(text, str) else "")
    if found.negated or found.others or found.dimension not in STEPS or not found.value:
        raise ReportError(
            "a goal or a step is page:PATTERN, event:NAME, event_page:NAME=PAGE or prop:NAME=VALUE, "
            "such as page:/thanks/*"
        )
    return f"{found.dimension}:{found.value}"


def _goal(id: int, fields: Mapping[str, Any]) -> Goal:
    value = _text(fields, "value") if fields.get("value") else ""
    return Goal(id, _text(fields, "name"), step(fields.get("what")), value)


def _funnel(id: int, fields: Mapping[str, Any]) -> Funnel:
    steps = fields.get("steps")
    if not isinstance(steps, list) or not 2 <= len(steps) <= MOST_STEPS:
        raise ReportError(f"a funnel has 2 to {MOST_STEPS} steps")
    return Funnel(id, _text(fields, "name"), tuple(map(step, steps)))


def _note(id: int, fields: Mapping[str, Any]) -> DayNote:
    try:
        day = parse_day(str(fields.get("day")))
    except ValueError:
        raise ReportError("day is a day such as 2026-11-23") from None
    return DayNote(id, day.isoformat(), _text(fields, "text", 200))


def _view(id: int, fields: Mapping[str, Any]) -> SavedView:
    query = fields.get("query")
    if not isinstance(query, str) or len(query) > 8000:
        raise ReportError("query is the query of the screen's address")
    return SavedView(id, _text(fields, "name"), query.removeprefix("?"))


def _segment(id: int, fields: Mapping[str, Any]) -> Segment:
    filters = fields.get("filters")
    if (
        not isinstance(filters, list)
        or not 1 <= len(filters) <= MOST_FILTERS
        or not all(isinstance(f, str) for f in filters)
    ):
        raise ReportError(f"a segment has 1 to {MOST_FILTERS} filters, each such as country:KR")
    return Segment(id, _text(fields, "name"), tuple(dict.fromkeys(parse_filter(one).text for one in filters)))


_MAKERS: Mapping[Kind, Callable[[int, Mapping[str, Any]], Saved]] = {
    "goals": _goal,
    "funnels": _funnel,
    "notes": _note,
    "views": _view,
    "segments": _segment,
}
