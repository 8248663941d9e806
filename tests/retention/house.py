"""A real installation in this process, under a clock that moves when it is told to."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Iterable
from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import dongui_collector.runtime.composition
import pytest
from dongui.policy import default_policy_text
from dongui_collector.analytics.columns import store
from dongui_collector.core.clock import Clock
from dongui_collector.core.operations import perform
from dongui_collector.core.settings import Settings
from dongui_collector.intake.gate import RowMaker, Sender
from dongui_collector.intake.group_commit import GroupCommit, Pending
from dongui_collector.intake.places import GeoDatabase
from dongui_collector.intake.schema import Event
from dongui_collector.keys.keyring import new_master, write_master
from dongui_collector.ledger.service import Decision
from dongui_collector.retention.service import RoundOutcome
from dongui_collector.runtime.composition import Installation, open_core
from dongui_collector.storage.contract.stores import iter_rows
from dongui_collector.storage.contract.values import Ended, Row, Site

SEOUL = ZoneInfo("Asia/Seoul")
CHROME = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36"
ALL = ("statistics", "personalisation", "marketing")

# A second record class for rows, so that the purposes of one row end at different times.
SHORT_CLASS = """
[records.ads_log]
label.ko = "광고 기록"
label.en = "Advertising log"
keep = "P6M"
"""


def at(text: str) -> int:
    """Epoch ms of a local time in Seoul."""
    return int(datetime.fromisoformat(text).replace(tzinfo=SEOUL).timestamp() * 1000)


def policy(
    version: str = "v1", effective: date = date(2024, 1, 1), *, short_marketing: bool = False, **replaced: str
) -> str:
    """The default policy; ``short_marketing`` keeps marketing's rows for half a year."""
    text = default_policy_text(version=version, effective=effective, presets=("ga4", "meta"))
    if short_marketing:
        head, rest = text.split("[purposes.marketing]", 1)
        text = (
            head + "[purposes.marketing]" + rest.replace('record = "access_log"', 'record = "ads_log"', 1) + SHORT_CLASS
        )
    return text


class House:
    """Opens ``folder``; made on first use. ``now`` is the clock."""

    def __init__(
        self, folder: Path, monkeypatch: pytest.MonkeyPatch, start: str = "2025-03-10T12:00", **settings: Any
    ) -> None:
        self.folder = folder
        self.now = at(start)
        house = self

        class SteppingClock(Clock):
            def now(self) -> int:
                return house.now

        monkeypatch.setattr(
            dongui_collector.runtime.composition, "clock_from_environment", lambda testing: SteppingClock()
        )
        monkeypatch.setattr(store, "STALE_S", 0.0)  # a question sees what was just recorded
        self.settings = Settings(folder=folder, **settings)
        if not (folder / "keys" / "master.key").exists():
            write_master(folder / "keys" / "master.key", new_master())
        self.open()
        self.loop = asyncio.new_event_loop()

    def open(self) -> None:
        self.core: Installation = open_core(self.settings, writable=True)
        rows = RowMaker(self.core.registry, self.core.keyring, GeoDatabase(None))
        self.commit = GroupCommit(
            self.core.storage.events, self.core.registry, rows, self.core.clock, self.core.settings
        )

    def close(self) -> None:
        self.core.close()

    def reopen(self) -> None:
        self.close()
        self.open()

    # -- setting up

    def add_site(self, text: str | None = None, name: str = "shop") -> Site:
        made = perform(self.core, "sites.add", {"name": name, "origins": [], "text": text or policy()})
        site = self.core.registry.site(made["site"])
        assert site is not None
        return site

    def move_to(self, zone: str) -> None:
        """Another zone in the settings than in the policies, as an installation of before may have it."""
        self.settings = replace(self.settings, timezone=zone)
        self.reopen()

    def approve_routine(self) -> None:
        perform(self.core, "approval.grant", {"by": "officer"})

    @property
    def site(self) -> Site:
        return self.core.registry.sites()[0]

    # -- visitors

    def choose(
        self,
        granted: Iterable[str] = (),
        refused: Iterable[str] = (),
        visitor: str | None = None,
        site: Site | None = None,
    ) -> str | None:
        """Make a choice and carry its endings out. Returns the visitor's id, None once there is none."""
        site = site or self.site
        notice = self.core.registry.in_force(site.ref, self.now)
        choice = Decision(tuple(granted), tuple(refused), "banner", "ko", {}, None)
        with self.core.storage.ledger.writing():
            outcome = self.core.ledger.choose(notice, visitor, choice)
        self.ended: Ended | None = self.core.retention.endings.finish(outcome.intent) if outcome.intent else None
        found: str | None = outcome.answer["visitor"]
        return found

    def arrive(self, *granted: str, site: Site | None = None) -> str:
        visitor = self.choose(granted or ALL, site=site)
        assert visitor is not None
        return visitor

    def erase(self, visitor: str) -> Ended:
        return self.core.retention.endings.finish(self.core.ledger.erase(self.core.ledger.key_of(visitor), "request"))

    def visit(self, visitor: str, when: str | None = None, site: Site | None = None, **fields: Any) -> dict[str, int]:
        """Record one event with every item in it, as the site's server would. Returns the refusals."""
        moment = self.now if when is None else at(when)
        marker = fields.pop("marker", "sentinel")
        event = Event(
            id=fields.pop("id", None) or uuid.uuid4(),
            name="page_view",
            at=moment,
            url=f"https://shop.example.com/{marker}?gclid=G-{marker}",
            props={"m": marker},
            search=marker,
            user_agent=CHROME,
        )
        event.ip = "203.0.113.7"
        for name, value in fields.items():
            setattr(event, name, value)
        sender = Sender("203.0.113.7", CHROME, "ko", True, False, "service_use")
        key = self.core.ledger.key_of(visitor)
        pending = Pending((site or self.site).ref, key, [event], sender, self.now, self.loop.create_future())
        self.commit.commit([pending])
        return dict(pending.refused)

    # -- looking

    def rows(self, day: date | None = None) -> list[Row]:
        days = self.core.storage.events.days() if day is None else [day]
        return [row for one in days for row in iter_rows(self.core.storage.events, one)]

    def markers(self) -> set[str]:
        """The last path segment of every stored row's URL."""
        return {row.url.rsplit("/", 1)[-1].split("?")[0] for row in self.rows() if row.url}

    def bytes(self, *parts: str) -> bytes:
        """Every byte of the folder's parts (default: the data)."""
        folders = [self.folder / part for part in parts or ("data",)]
        return b"\n".join(p.read_bytes() for folder in folders for p in folder.rglob("*") if p.is_file())

    def run(self, when: str | None = None) -> RoundOutcome:
        """One round of the keeper, at a time."""
        if when is not None:
            self.now = at(when)
        return self.core.retention.run()


def days(first: date, number: int) -> list[date]:
    return [first + timedelta(days=n) for n in range(number)]
