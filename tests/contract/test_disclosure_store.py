"""What every store of disclosures promises."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from dongui_collector.core.errors import Unknown
from dongui_collector.storage.contract.disclosures import Disclosure
from dongui_collector.storage.contract.stores import DisclosureStore, LedgerStore
from dongui_collector.storage.sqlite.connect import connect
from dongui_collector.storage.sqlite.disclosures import SqliteDisclosures
from dongui_collector.storage.sqlite.ledger import SqliteLedger
from dongui_collector.storage.sqlite.migrations import LEDGER, migrate


@dataclass
class Part:
    ledger: LedgerStore
    store: DisclosureStore
    folder: Path


@pytest.fixture(params=["sqlite"])
def part(tmp_path: Path) -> Iterator[Part]:
    with closing(connect(tmp_path / "dongui.db")) as conn:
        migrate(conn, LEDGER)
        ledger = SqliteLedger(conn, b"m" * 32)
        yield Part(ledger, SqliteDisclosures(ledger), tmp_path)


def hashes(n: int, seed: int = 0) -> list[bytes]:
    made = random.Random(seed)
    return [made.randbytes(16) for _ in range(n)]


def entry(recipient: str = "a", **facts: Any) -> Disclosure:
    given = {"way": "noted", "party": "recipient", "country": None, "purposes": [], "items": [], "by": "officer"}
    return Disclosure(recipient=recipient, site_ref=1, **given | facts)


def test_writes_belong_to_the_ledgers_transactions(part: Part) -> None:
    with pytest.raises(RuntimeError):
        part.store.add(entry("a"))


def test_a_number_is_never_used_again(part: Part) -> None:
    with part.ledger.writing():
        ids = [part.store.add(entry(name)) for name in "ab"]
        part.store.change(entry("a", id=ids[0], state="done"))
        assert part.store.destroy([ids[1]]) == 1
        ids.append(part.store.add(entry("c")))
    assert len(set(ids)) == 3
    assert part.store.entries() == [
        entry("a", id=ids[0], state="done"),
        entry("c", id=ids[2]),
    ]
    assert part.store.entry(ids[1]) is None
    with pytest.raises(Unknown), part.ledger.writing():
        part.store.change(entry(id=ids[1]))


def test_a_set_knows_its_own_and_forgets(part: Part) -> None:
    some = hashes(1200)
    with part.ledger.writing():
        first, second = part.store.add(entry()), part.store.add(entry())
        assert part.store.add_people(first, some) == 1200
        assert part.store.add_people(first, some[:5]) == 0
        assert part.store.add_people(second, hashes(3, 1)) == 3
    assert part.store.known([*some, *hashes(2, 2)]) == set(some)
    with part.ledger.writing():
        assert part.store.forget([some[0], *hashes(2, 2)]) == 1
    assert (part.store.people(first), part.store.people(second)) == (1199, 3)
    assert part.store.known(some) == set(some[1:])
    with part.ledger.writing():
        part.store.destroy([first])
    assert (part.store.known(some), part.store.people(first)) == (set(), 0)
    assert part.store.people(second) == 3


def test_nothing_of_a_cleared_entry_is_left_in_any_byte(part: Part) -> None:
    with part.ledger.writing():
        ids = [part.store.add(entry(what=f"sentinel-{n}-{'x' * (n * 7 % 300)}")) for n in range(300)]
    with part.ledger.writing():
        for id in ids[::2]:
            part.store.change(entry(id=id, what="shorter"))
        part.store.destroy(ids)
    part.ledger.scrub()
    assert b"sentinel" not in b"".join(p.read_bytes() for p in part.folder.iterdir())


def test_a_profile_is_allowed_once_and_denied_once(part: Part) -> None:
    one, two = hashes(2)
    with part.ledger.writing():
        assert part.store.allow_profile(1, one, 5)
        assert not part.store.allow_profile(1, one, 6)
        assert part.store.allow_profile(2, two, 7)
        assert part.store.profiles(1) == {one: 5}
        assert part.store.deny_profile(one)
        assert not part.store.deny_profile(one)
        assert part.store.allow_profile(1, one, 8)
    assert (part.store.profiles(1), part.store.profiles(2)) == ({one: 8}, {two: 7})
