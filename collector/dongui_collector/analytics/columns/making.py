"""From a day's facts to a table of its visits, a day at a time in columns. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import numpy.typing as npt

from dongui_collector.analytics.attribution import origin_of
from dongui_collector.analytics.columns.table import EMPTY, FIRST_NAME, FIRST_PAGE, STEP_SHIFT, Lists, VisitTable
from dongui_collector.analytics.columns.words import NONE, Bools, Glossary, Ints, Longs, Visitors, coded
from dongui_collector.analytics.entitled_events import EntitledEvents
from dongui_collector.analytics.properties import properties_of
from dongui_collector.analytics.sessions import (
    ENGAGEMENT,
    GAP_MS,
    MEASUREMENTS,
    PAGE_VIEWS,
    PASSIVE,
    VITAL,
    language_tag,
    milliseconds,
    seconds_of,
    term,
    vital_of,
)
from dongui_collector.analytics.site_rules import SiteRules
from dongui_collector.core.addresses import parts_of
from dongui_collector.storage.contract.values import Fact

Seen = tuple[Fact, frozenset[str]]  # a row, and the items that its reader may see of it
Clicks = Callable[[Fact], tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class Day:
    """One of a site's days: its ordinal, the instant (epoch ms) at which it begins, and the site's rules."""

    number: int
    begins: int
    site: SiteRules
    clicks: Clicks  # the kinds of a row's advertising ids


def day_of_site(covered: EntitledEvents, day: date) -> Day:
    """A day of the site that a reader reads."""
    return Day(day.toordinal(), covered.span(day)[0], covered.rules, covered.clicks)


def table_of(seen: Sequence[Seen], day: Day, words: Glossary, who: Visitors, *, properties: bool = False) -> VisitTable:
    """The visits of a day; ``seen`` are its rows, in the order in which they were stored.

    ``properties``: with those of their events, which ``seen`` then has.
    """
    return _Making(seen, day, words, who).table(properties=properties) if seen else EMPTY


class _Making:
    """One day's rows, sorted by visitor and time; ``visit`` is the number of each row's visit."""

    def __init__(self, seen: Sequence[Seen], day: Day, words: Glossary, who: Visitors) -> None:
        self._day, self._words = day, words
        visitor, keys = coded([fact.visitor for fact, _ in seen])
        at = np.fromiter((fact.at for fact, _ in seen), np.int64, len(seen))
        order = np.lexsort((at, visitor))  # stable: of one instant, as they were stored
        rows = order.tolist()
        self._facts = [seen[i][0] for i in rows]
        self._items = [seen[i][1] for i in rows]
        self._columns = dict(zip(Fact._fields, zip(*self._facts, strict=True), strict=True))
        self._at, visitor = at[order], visitor[order]
        fresh = np.ones(len(rows), np.bool_)
        fresh[1:] = (visitor[1:] != visitor[:-1]) | (np.diff(self._at) > GAP_MS)
        self._first = np.flatnonzero(fresh)
        self.visit = np.cumsum(fresh) - 1
        self.count = len(self._first)
        self.visitor = who.numbers(keys, add=True)[visitor[self._first]]
        self._name, self._names = coded(self._columns["name"])
        self._url, self._urls = coded(self._columns["url"])
        self._view = self._named(PAGE_VIEWS)
        paths = map(day.site.page, self._urls)
        page_of_url = np.fromiter((NONE if p is None else words.pages.code(p) for p in paths), np.int32)
        self._page = page_of_url[self._url]

    def table(self, *, properties: bool) -> VisitTable:
        last = np.append(self._first[1:], len(self._at)) - 1
        start = self._at[self._first]
        views = np.add.reduceat(self._view, self._first, dtype=np.int32)
        passive = np.logical_and.reduceat(self._view | self._named(PASSIVE), self._first)
        engaged, spent = self._engagement()
        return VisitTable(
            day=np.full(self.count, self._day.number, np.int32),
            start=(start - self._day.begins).astype(np.int32),
            duration=(self._at[last] - start).astype(np.int32),
            views=views,
            bounced=(views == 1) & passive,
            engaged=engaged,
            visitor=self.visitor,
            origin=self._origins(),
            place=self._trait("ip_address", self._words.places, "country", "city"),
            gear=self._trait("access_environment", self._words.gears, "browser", "os", "device", "language", "screen"),
            click=self._clicked(),
            hosts=self._hosts(),
            entry=self._edge(first=True),
            exit=self._edge(first=False),
            steps=self._steps(),
            spent=spent,
            searches=self._searches(),
            vitals=self._vitals(),
            properties=self._properties() if properties else None,
        )

    def _named(self, names: frozenset[str]) -> Bools:
        return np.fromiter((name in names for name in self._names), np.bool_)[self._name]

    def _per_visit(self, rows: Longs, values: npt.NDArray[Any], empty: int = NONE) -> Ints:
        """The value of each visit's first row among ``rows``, which are in order; ``empty`` for visits without."""
        found = np.full(self.count, empty, np.int32)
        found[self.visit[rows[::-1]]] = values[::-1]  # of several the last one assigned stays: the first
        return found

    def _edge(self, *, first: bool) -> Ints:
        rows = np.flatnonzero(self._view & (self._page >= 0))
        rows = rows if first else rows[::-1]
        return self._per_visit(rows, self._page[rows])

    # -- where from, where, on what

    def _origins(self) -> Ints:
        views = np.flatnonzero(self._view)
        rows = self._per_visit(views, views)
        found = np.zeros(self.count, np.int32)  # DIRECT
        urls, referrers, ads = self._columns["url"], self._columns["referrer"], self._columns["ads"]
        seen: dict[tuple[str | None, str | None, tuple[str, ...]], int] = {}
        for visit, row in enumerate(rows.tolist()):
            if row == NONE:
                continue
            key = (urls[row], referrers[row], () if ads[row] is None else self._clicks_of(row))
            code = seen.get(key)
            if code is None:
                code = seen[key] = self._words.origins.code(origin_of(*key, self._day.site))
            found[visit] = code
        return found

    def _clicks_of(self, row: int) -> tuple[str, ...]:
        fact = self._facts[row]
        return self._day.clicks(fact) if fact.ads is not None and "advertising_id" in self._items[row] else ()

    def _clicked(self) -> Ints:
        """The first kind of click id of any event of each visit."""
        found = np.zeros(self.count, np.int32)  # (None,)
        for row in (row for row, ads in enumerate(self._columns["ads"]) if ads is not None):
            if found[self.visit[row]] == 0 and (clicks := self._clicks_of(row)):
                found[self.visit[row]] = self._words.clicks.code((clicks[0],))
        return found

    def _trait(self, item: str, words: Any, *columns: str) -> Ints:
        """What the events of each visit say first of each of ``columns``, together one word."""
        shown = self._having(item)
        said = []
        for column in columns:
            texts = self._columns[column]
            values, known = coded(list(map(language_tag, texts)) if column == "language" else texts)
            lacking = known.index(None) if None in known else NONE
            rows = np.flatnonzero(shown & (values != lacking))
            said.append((self._per_visit(rows, values[rows]), [*known, None]))
        key = np.zeros(self.count, np.int64)
        for codes, known in said:  # one number for all columns
            key = np.unique(key * len(known) + codes % len(known), return_inverse=True)[1]
        _, first, place = np.unique(key, return_index=True, return_inverse=True)
        values_of = [tuple(known[codes[i]] for codes, known in said) for i in first.tolist()]
        return words.codes(values_of)[place]  # type: ignore[no-any-return]  # words of either kind

    def _having(self, item: str) -> Bools:
        sets, known = coded(self._items)
        return np.fromiter((item in items for items in known), np.bool_)[sets]

    def _hosts(self) -> Ints:
        hosts, known = coded([parts_of(url)[0] for url in self._urls])
        lacking = known.index(None) if None in known else NONE
        host = hosts[self._url]
        rows = np.flatnonzero(host != lacking)
        pairs = np.unique(self.visit[rows] * np.int64(len(known)) + host[rows])
        found = np.zeros(self.count, np.int32)  # ()
        owners, values = pairs // len(known), pairs % len(known)
        single = np.bincount(owners, minlength=self.count)[owners] == 1
        found[owners[single]] = self._words.hosts.codes((known[c],) for c in values[single].tolist())
        several: dict[int, list[str]] = {}
        for owner, value in zip(owners[~single].tolist(), values[~single].tolist(), strict=True):
            several.setdefault(owner, []).append(known[value])
        for owner, names in several.items():
            found[owner] = self._words.hosts.code(tuple(sorted(names)))
        return found

    # -- what was done

    def _steps(self) -> Lists:
        page = np.where(self._view, self._page, NONE)
        pages = int(self._page.max()) + 2
        key = self._name * np.int64(pages) + self._page + 1
        found, first, place = np.unique(key, return_index=True, return_inverse=True)
        viewed = page[first].tolist()  # an event's name says whether it is a view
        steps = ((self._names[k // pages], view, k % pages - 1) for k, view in zip(found.tolist(), viewed, strict=True))
        code = self._words.steps.codes(steps)[place] << STEP_SHIFT
        code[self._firsts(np.flatnonzero(page >= 0), page)] |= FIRST_PAGE
        code[self._firsts(np.arange(len(page)), self._name)] |= FIRST_NAME
        return Lists(np.append(self._first, len(page)), (code.astype(np.int32),))

    def _firsts(self, rows: Longs, values: Ints) -> Longs:
        """Those of ``rows`` whose value is new in its visit."""
        if not len(rows):
            return rows
        key = self.visit[rows] * (np.int64(values.max()) + 1) + values[rows]
        return rows[np.unique(key, return_index=True)[1]]

    def _engagement(self) -> tuple[Longs, Lists]:
        rows = np.flatnonzero(self._named(frozenset({ENGAGEMENT})))
        props, known = coded([self._facts[row].props for row in rows.tolist()])
        seconds = [seconds_of(said) for said in known]
        ms = np.fromiter((NONE if s is None else milliseconds(s) for s in seconds), np.int64)[props]
        rows, ms = rows[ms >= 0], ms[ms >= 0]
        engaged = np.full(self.count, NONE, np.int64)
        engaged[self.visit[rows]] = 0
        np.add.at(engaged, self.visit[rows], ms)
        pages = int(self._page.max()) + 2
        keys = self.visit * np.int64(pages) + self._page + 1
        viewed = np.unique(keys[self._view & (self._page >= 0)])
        here = np.isin(keys[rows], viewed)
        pairs, place = np.unique(keys[rows][here], return_inverse=True)
        total = np.zeros(len(pairs), np.int64)
        np.add.at(total, place, ms[here])
        return engaged, Lists.of(self.count, pairs // pages, (pairs % pages - 1).astype(np.int32), total)

    def _searches(self) -> Lists:
        searches, known = coded(self._columns["search"])
        terms = [term(search) for search in known]
        code = np.fromiter((NONE if t is None else self._words.terms.code(t) for t in terms), np.int32)[searches]
        rows = np.flatnonzero(code >= 0)
        size = len(self._words.terms) + 1
        pairs, number = np.unique(self.visit[rows] * np.int64(size) + code[rows], return_counts=True)
        return Lists.of(self.count, pairs // size, (pairs % size).astype(np.int32), number.astype(np.int32))

    def _vitals(self) -> Lists:
        rows = np.flatnonzero(self._named(frozenset({VITAL})) & (self._page >= 0))
        said = [vital_of(self._facts[row].props) for row in rows.tolist()]
        rows = rows[np.fromiter((s is not None for s in said), np.bool_, len(said))]
        metrics = self._words.metrics.codes(s[0] for s in said if s is not None)
        values = np.fromiter((s[1] for s in said if s is not None), np.float64, len(rows))
        return Lists.of(self.count, self.visit[rows], self._page[rows], metrics, values)

    def _properties(self) -> Lists:
        props, own = self._columns["props"], self._named(MEASUREMENTS)
        rows = [row for row, said in enumerate(props) if said is not None and not own[row]]
        said, known = coded([props[row] for row in rows])
        several = [list(properties_of(text)) for text in known]
        size = np.fromiter(map(len, several), np.int64, len(several))[said]
        row = np.repeat(np.asarray(rows, np.int64), size)
        codes = [self._words.properties.codes((p.name, p.value) for p in found) for found in several]
        numbers = [np.fromiter((p.number for p in found), np.float64, len(found)) for found in several]
        order = said.tolist()
        code = np.concatenate([np.empty(0, np.int32), *(codes[i] for i in order)])
        number = np.concatenate([np.empty(0, np.float64), *(numbers[i] for i in order)])
        place = (row - self._first[self.visit[row]]).astype(np.int32)
        return Lists.of(self.count, self.visit[row], code, place, number)
