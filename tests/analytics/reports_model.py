"""Lives of visitors, and what reports must say of them: slow, obvious, and knowing nothing of how reports are made."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from dongui_collector.storage.contract.values import Intent, Site
from hypothesis import strategies as st

from tests.retention.house import ALL, CHROME, House

FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:132.0) Gecko/20100101 Firefox/132.0"
SHOP = "https://shop.example.com"
ITEMS = {
    "statistics": {"cookie", "visit_time", "service_usage", "access_environment", "ip_address"},
    "marketing": {"cookie", "visit_time", "advertising_id"},
    "personalisation": {"cookie", "service_usage"},
}
BASE = {"cookie", "visit_time", "service_usage"}
# Query and referrer → what their channel and source are, by hand; with a gclid that may be seen, without one.
ORIGINS: dict[tuple[str, str | None], tuple[str, str | None]] = {
    ("", None): ("direct", None),
    ("utm_source=letter&utm_medium=email", None): ("email", "letter"),
    ("", "https://search.naver.com/search.naver"): ("organic_search", "Naver"),
    ("", "https://blog.example.org/post"): ("referral", "blog.example.org"),
    ("gclid=G-1", "https://www.google.com/"): ("organic_search", "Google"),
}
CLICKED = {("gclid=G-1", "https://www.google.com/"): ("paid_search", "Google")}


@dataclass
class Seen:
    """One event as it was sent, and the purposes that it stands on now."""

    who: int
    at: int
    name: str
    path: str
    query: str
    referrer: str | None
    search: str | None
    seconds: int | None
    browser: str
    purposes: set[str]


def steps() -> st.SearchStrategy[list[dict[str, Any]]]:
    who = st.integers(0, 3)
    visit = st.fixed_dictionaries(
        {
            "what": st.just("visit"),
            "who": who,
            "name": st.sampled_from(["pageview", "pageview", "purchase", "engagement"]),
            "path": st.sampled_from(["/", "/a", "/b"]),
            "origin": st.sampled_from(list(ORIGINS)),
            "search": st.sampled_from([None, None, "Shoes", " shoes"]),
            "seconds": st.integers(1, 90),
            "agent": st.sampled_from([CHROME, FIREFOX]),
            "minutes": st.sampled_from([0, 1, 20, 30, 31, 500]),
            "times": st.integers(1, 2),
        }
    )
    grant = st.fixed_dictionaries({"what": st.just("grant"), "who": who, "purposes": st.sets(st.sampled_from(ALL))})
    withdraw = st.fixed_dictionaries(
        {"what": st.sampled_from(["withdraw", "withdraw, unfinished"]), "who": who, "purpose": st.sampled_from(ALL)}
    )
    other = st.fixed_dictionaries({"what": st.sampled_from(["erase", "suspend", "resume"]), "who": who})
    return st.lists(st.one_of(visit, visit, visit, visit, visit, grant, withdraw, other), min_size=3, max_size=30)


@dataclass
class Life:
    """A site's visitors: every step is done to a real installation and noted here."""

    house: House
    site: Site
    ids: dict[int, str] = field(default_factory=dict)
    given: dict[int, set[str]] = field(default_factory=lambda: defaultdict(set))
    suspended: set[int] = field(default_factory=set)
    events: list[Seen] = field(default_factory=list)
    open: list[Intent] = field(default_factory=list)

    def do(self, step: dict[str, Any]) -> None:
        who = step["who"]
        if step["what"] == "visit":
            self._visit(who, step)
        elif step["what"] == "grant":
            self._choose(who, sorted(step["purposes"] or {"statistics"}))
        elif step["what"].startswith("withdraw"):
            if step["purpose"] in self.given[who]:
                self._withdraw(who, step["purpose"], finish=step["what"] == "withdraw")
        elif who in self.ids:
            self._end(who, step["what"])

    def _choose(self, who: int, granted: Sequence[str]) -> None:
        found = self.house.choose(granted, visitor=self.ids.get(who), site=self.site)
        assert found
        if self.ids.get(who) not in (None, found):
            self.suspended.discard(who)
        self.ids[who] = found
        self.given[who] |= set(granted)

    def _visit(self, who: int, step: dict[str, Any]) -> None:
        if who not in self.ids:
            self._choose(who, ["statistics"])
        query, referrer = step["origin"]
        for _ in range(step["times"]):
            self.house.now += step["minutes"] * 60_000
            refused = self.house.visit(
                self.ids[who],
                site=self.site,
                name=step["name"],
                url=f"{SHOP}{step['path']}?{query}",
                referrer=referrer,
                search=step["search"],
                props={"seconds": step["seconds"]},
                user_agent=step["agent"],
            )
            if not refused:
                browser = "Chrome" if step["agent"] == CHROME else "Firefox"
                seconds = step["seconds"] if step["name"] == "engagement" else None
                said = (step["path"], query, referrer, step["search"], seconds, browser)
                self.events.append(Seen(who, self.house.now, step["name"], *said, set(self.given[who])))

    def _withdraw(self, who: int, purpose: str, *, finish: bool) -> None:
        from dongui_collector.ledger.service import Decision

        core = self.house.core
        with core.storage.ledger.writing():
            notice = core.registry.in_force(self.site.ref, self.house.now)
            choice = Decision((), (purpose,), "banner", "ko", {}, None)
            outcome = core.ledger.choose(notice, self.ids[who], choice)
        assert outcome.intent
        if finish:
            core.retention.endings.finish(outcome.intent)
        else:
            self.open.append(outcome.intent)
        self.given[who] -= {purpose}
        for event in self.events:
            if event.who == who:
                event.purposes -= {purpose}
        if not self.given[who]:  # known no more: who comes back is somebody else
            self.events = [e for e in self.events if e.who != who]
            del self.ids[who]
            self.suspended.discard(who)

    def _end(self, who: int, what: str) -> None:
        if what == "erase":
            self.house.erase(self.ids.pop(who))
            self.given[who] = set()
            self.suspended.discard(who)
            self.events = [e for e in self.events if e.who != who]
        else:
            self.house.core.ledger.suspend(self.house.core.ledger.key_of(self.ids[who]), what == "suspend")
            (self.suspended.add if what == "suspend" else self.suspended.discard)(who)

    def finish(self) -> None:
        for intent in self.open:
            self.house.core.retention.endings.finish(intent)
        self.open = []


# --- the reports, once more ------------------------------------------------------------------------------------------


@dataclass
class Shown:
    """A visit that a reader may see."""

    who: int
    events: list[Seen]
    items: set[str]


def shown_visits(life: Life, purposes: Iterable[str], zone: ZoneInfo) -> list[Shown]:
    """Event after event, visitor after visitor: what the purposes cover, split at silences and at midnight."""
    visits: list[Shown] = []
    for who in range(4):
        last: Seen | None = None
        for event in life.events:
            items = set().union(*(ITEMS[p] for p in event.purposes & set(purposes)))
            if event.who != who or who in life.suspended or not items >= BASE:
                continue
            same_day = last is not None and _local(last.at, zone).date() == _local(event.at, zone).date()
            if last is None or not same_day or event.at - last.at > 1_800_000:
                visits.append(Shown(who, [], set()))
            visits[-1].events.append(event)
            visits[-1].items |= items
            last = event
    return visits


def _local(at: int, zone: ZoneInfo) -> datetime:
    return datetime.fromtimestamp(at / 1000, zone)


def views(visit: Shown) -> list[Seen]:
    return [e for e in visit.events if e.name == "pageview"]


def origin(visit: Shown, purposes: Iterable[str]) -> tuple[str, str | None]:
    if not views(visit):
        return "direct", None
    first = views(visit)[0]
    seen = "advertising_id" in set().union(*(ITEMS[p] for p in first.purposes & set(purposes)))
    key = (first.query, first.referrer)
    return CLICKED[key] if seen and key in CLICKED else ORIGINS[key]


def referrer(visit: Shown) -> str | None:
    """The host, without ``www.``; a tagged visit has one too."""
    first = views(visit)[0].referrer if views(visit) else None
    return first.split("/")[2].removeprefix("www.") if first else None


def expected_overview(visits: list[Shown]) -> dict[str, Any]:
    pages = sum(len(views(v)) for v in visits)
    viewed = [v for v in visits if views(v)]
    bounced = [v for v in viewed if len(views(v)) == 1 and all(e.name != "purchase" for e in v.events)]
    seconds = [(v.events[-1].at - v.events[0].at) / 1000 for v in visits]
    engaged = [s for v in visits if (s := sum(e.seconds or 0 for e in v.events))]
    return {
        "visitors": len({v.who for v in visits}),
        "visits": len(visits),
        "page_views": pages,
        "views_per_visit": round(pages / len(visits), 2) if visits else None,
        "bounce_rate": round(len(bounced) / len(viewed), 4) if viewed else None,
        "visit_duration": round(sum(seconds) / len(visits), 1) if visits else None,
        "engaged_time": round(sum(engaged) / len(engaged), 1) if engaged else None,
    }


def expected(visits: list[Shown], purposes: Iterable[str], zone: ZoneInfo) -> dict[str, Any]:
    """For every report: what tells its rows apart → the figures that are compared."""
    return {
        "pages": _counts((v, e.path) for v in visits for e in views(v)),
        "events": _counts((v, e.name) for v in visits for e in v.events if e.name != "pageview"),
        "searches": _counts((v, "shoes") for v in visits for e in v.events if e.search),
        "entry_pages": _counts((v, views(v)[0].path) for v in visits if views(v)),
        "exit_pages": _counts((v, views(v)[-1].path) for v in visits if views(v)),
        "channels": _counts((v, origin(v, purposes)[0]) for v in visits),
        "sources": _counts((v, (origin(v, purposes)[1], origin(v, purposes)[0])) for v in visits),
        "referrers": _counts((v, referrer(v)) for v in visits),
        "browsers": _counts((v, v.events[0].browser) for v in visits),
        "timeseries": _counts((v, _local(v.events[0].at, zone).date().isoformat()) for v in visits),
    }


def _counts(pairs: Iterable[tuple[Shown, Any]]) -> dict[Any, tuple[int, int, int]]:
    """Key → (visitors, visits, how often)."""
    who, visits, number = defaultdict(set), defaultdict(set), Counter[Any]()
    for visit, key in pairs:
        who[key].add(visit.who)
        visits[key].add(id(visit))
        number[key] += 1
    return {key: (len(who[key]), len(visits[key]), n) for key, n in number.items()}
