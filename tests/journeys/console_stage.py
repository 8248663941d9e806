"""A console to walk through: the desk of an installation with some months behind it, served on loopback."""

from __future__ import annotations

import json
import math
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from pathlib import Path

from dongui_collector.core import operations
from dongui_collector.core.settings import load_settings
from dongui_collector.ledger import counters
from dongui_collector.ledger.service import Decision
from dongui_collector.retention.installation import Installation
from dongui_collector.runtime.composition import open_core
from dongui_collector.runtime.install import install

from tests.journeys.visits_stage import Stage, serving

ORIGIN = "https://somoon.example.com"
POLICY = Path(__file__).parents[2] / "examples" / "somoon" / "policy.toml"
AGENT = "Mozilla/5.0 (X11; Linux x86_64; rv:132.0) Gecko/20100101 Firefox/132.0"
DAYS = 120


@contextmanager
def console(folder: Path) -> Iterator[tuple[Stage, str]]:
    """The desk over a new installation in ``folder`` with the example's policy, and the id of one of its visitors."""
    installed = install(folder, POLICY.read_text(), name="somoon", origins=[ORIGIN])
    visitor = fill(open_core(load_settings(Path(installed.config)), writable=True))
    with serving(installed) as stage:
        yield stage, visitor


# --- what has happened -----------------------------------------------------------------------------------------------


def fill(core: Installation) -> str:
    """Some months of choices, visits, records, requests. Closes ``core``; returns one visitor's id."""
    try:
        today = core.clock.today(core.settings.zone)
        _choices(core, today)
        visitors = [_visitor(core, number) for number in range(6)]
        _visits(core, visitors)
        _office(core)
        return visitors[0]
    finally:
        core.close()


def _choices(core: Installation, today: date) -> None:
    """Totals as if people had chosen every day: more on weekdays, a little more agreeing as time goes by."""
    [site] = core.registry.sites()
    notice = core.registry.in_force(site.ref, core.clock.now())
    asked = notice.policy.consent_purposes
    with core.storage.ledger.writing():
        for n in range(DAYS):
            day = today - timedelta(days=DAYS - 1 - n)
            people = round((46 if day.weekday() < 5 else 24) * (1 + 0.2 * math.sin(n / 9)) + n / 8)
            for person in range(people):
                core.storage.ledger.add_totals(day, site.ref, _of_one(notice.version, asked, n, person))


def _of_one(version: str, asked: tuple[str, ...], n: int, person: int) -> dict[str, int]:
    draw = (person * 37 + n * 11) % 100
    given = asked if draw < 41 + n // 20 else asked[:1] if draw < 58 + n // 20 else ()
    counts = counters.counts(
        notice=version,
        languages=("ko", "en"),
        language="en" if draw % 7 == 0 else "ko",
        device=("phone", "phone", "pc", "phone", "tablet", "pc")[person % 6],
        gpc=draw % 13 == 0,
        outcome=counters.outcome(asked, given, ()) if draw != 99 else "withdrawn",
        given=given,
    )
    counts |= {f"consent.given.{p}": 1 for p in given}
    counts |= {f"consent.{'withdrawn' if draw == 99 else 'refused'}.{p}": 1 for p in asked if p not in given}
    return counts


def _visitor(core: Installation, number: int) -> str:
    [site] = core.registry.sites()
    notice = core.registry.in_force(site.ref, core.clock.now())
    asked = notice.policy.consent_purposes
    granted = asked if number % 2 else asked[:1]
    choice = Decision(granted, tuple(p for p in asked if p not in granted), "banner", "ko", {}, device="phone")
    with core.storage.ledger.writing():
        return str(core.ledger.choose(notice, None, choice).answer["visitor"])


def _visits(core: Installation, visitors: list[str]) -> None:
    lines = []
    for n in range(40):
        for k in range(4 + (n * 7) % 9):
            at = core.clock.now() - n * 86_400_000 - k * 61_000
            lines.append(
                {
                    "visitor": visitors[(n + k) % len(visitors)],
                    "id": str(uuid.uuid4()),
                    "name": "visit",
                    "at": at,
                    "url": f"{ORIGIN}/jobs/{k}",
                    "ip": "203.0.113.9",
                    "user_agent": AGENT,
                }
            )
    operations.perform(core, "events.import", {"lines": [json.dumps(line) for line in lines]})


def _office(core: Installation) -> None:
    [site] = core.registry.sites()
    now = core.clock.now()
    for n in range(5):
        data = {"transaction": f"t-{n}", "amount": 12_000 + n}
        core.retention.records.add(site, "payment", f"member-{n}", now - n * 3 * 86_400_000, "settlement", data)
    core.retention.endings.finish(
        core.ledger.end_member(site.ref, core.ledger.member_key(site.ref, "member-0"), "closed")
    )
    names = ["_ga", "_ga_AB12CD34EF", "session_cart", "dongui", "dongui_id", "_clck", "promo_seen"]
    with core.storage.ledger.writing():
        core.storage.admin.seen_cookies(site.ref, names, now - 9 * 86_400_000)
        core.storage.admin.seen_cookies(site.ref, names[:-1], now)
    for kind, channel in (("access", "email"), ("erasure", "letter"), ("suspension", "online")):
        operations.perform(core, "requests.add", {"kind": kind, "channel": channel})
    for n in range(3):
        core.retention.records.add(
            site, "complaint", f"member-{n}", now - n * 40 * 86_400_000, "mail", {"inquiry": "…"}
        )
    hold = {"ground": "claim", "reason": "청구 소송 2026-17", "record_class": "complaint", "by": "kim"}
    operations.perform(core, "holds.add", hold)
    soon = (core.retention.today() + timedelta(days=2)).isoformat()
    operations.perform(
        core, "holds.add", {"ground": "investigation", "reason": "수사 협조", "until": soon, "by": "kim"}
    )
    selected = {"record_class": "payment", "reason": "정산 완료", "before": soon}
    operations.perform(core, "destruction.select", selected)
    made = {
        "purposes": list(core.registry.in_force(site.ref, now).policy.consent_purposes[:1]),
        "note": "monthly report",
    }
    operations.perform(core, "tokens.create", made)
    operations.perform(core, "sites.add", {"name": "블로그", "origins": ["https://blog.example.com"]})
