"""Years of events, written through the storage contract: what an installation looks like after it has been in use."""

from __future__ import annotations

import os
import random
import shutil
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING
from unittest import mock

from bench.payloads import ORIGIN, address_of

if TYPE_CHECKING:
    from dongui_collector.retention.installation import Installation
    from dongui_collector.storage.contract.values import Row

_CHUNK = 5000


@contextmanager
def opened(config: Path, clock: datetime | None = None) -> Iterator[Installation]:
    """The installation, alone: no ``serve`` may run beside. ``clock`` shifts its clock as ``DONGUI_CLOCK`` does."""
    from dongui_collector.core.settings import load_settings
    from dongui_collector.runtime.composition import open_core

    with mock.patch.dict(os.environ, {"DONGUI_CLOCK": clock.isoformat()} if clock else {}):
        core = open_core(load_settings(config), writable=True)
    try:
        yield core
    finally:
        core.close()


def row_maker(core: Installation, visitors: Sequence[str]) -> Callable[[int, date, int], Row]:
    """A function (which visitor, day, at) → a row such as ingest writes for a page view."""
    from dongui_collector.core.clock import start_of
    from dongui_collector.core.sealing import seal
    from dongui_collector.ledger.rows import associated
    from dongui_collector.storage.contract.values import Row

    rng = random.Random(7)
    known = []
    for visitor in visitors:
        found = core.storage.ledger.visitor(core.ledger.key_of(visitor))
        assert found is not None
        given = [s for s in found.standings.values() if s.state == "given"]
        known.append((found, sum(1 << s.bit for s in given), max(s.seq for s in given), given[0].notice_ref))

    def make(i: int, day: date, second: int) -> Row:
        visitor, mask, seq, notice_ref = known[i % len(known)]
        at = start_of(day, core.settings.zone) + second * 1000 + rng.randrange(1000)
        row = Row(at.to_bytes(6, "big") + rng.randbytes(10), visitor.site_ref, visitor.key, seq, mask, notice_ref, at)
        row.name, row.url, row.source = "pageview", f"{ORIGIN}/products/{i % 997}?utm_source=letter", "homepage"
        row.referrer, row.props, row.secure = "https://search.example/", f'{{"position":{i % 40}}}', 1
        row.browser, row.os, row.device = "Chrome 131", "Android 14", "mobile"
        row.language, row.screen = "ko-KR", "412x915"
        key = core.keyring.day(day, create=True)
        assert key is not None
        row.ip = seal(key, address_of(i % len(known)).encode(), associated(row.site_ref, day, row.key, "ip"))
        return row

    return make


def fill(
    core: Installation,
    day: date,
    number: int,
    make: Callable[[int, date, int], Row],
    whose: Callable[[int], int],
) -> None:
    """``number`` events over one day, in order; then it is sealed. ``whose(i)`` picks the visitor of the i-th."""
    for start in range(0, number, _CHUNK):
        several = range(start, min(start + _CHUNK, number))
        rows = [make(whose(i), day, 86_400 * i // number) for i in several]
        with core.storage.events.ingest(day) as transaction:
            transaction.insert(rows)
    core.storage.events.seal(day)


def copy_day(core: Installation, folder: Path, day: date, others: Iterable[date]) -> None:
    """Whole copies of a sealed day's file under other days, each with a key: for cases where only the mass counts."""
    for other in others:
        core.keyring.day(other, create=True)
        shutil.copyfile(folder / f"{day.isoformat()}.db", folder / f"{other.isoformat()}.db")
    os.sync()  # what is measured next must not wait for our own writing


def room_for(folder: Path, size: int, wanted: int) -> int:
    """How many copies of ``size`` bytes the disk takes, keeping as much again free."""
    return max(1, min(wanted, shutil.disk_usage(folder).free // (2 * size)))
