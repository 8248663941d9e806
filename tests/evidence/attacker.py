"""Somebody who can write the data folder; ``rechain`` has the keys as well and forges as the collector itself would."""

from __future__ import annotations

import json
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from dongui_collector.storage.contract import chain

from tests.retention.house import House


@dataclass(frozen=True)
class Link:
    """One record of the chain as the attacker has it in hand."""

    seq: int
    kind: str
    at: int
    site_ref: int | None
    visitor: bytes | None
    body: str | None
    salt: bytes | None
    commitment: bytes


def ledger_file(house: House) -> Path:
    return house.folder / "data" / "dongui.db"


def sql(path: Path, *statements: str) -> None:
    with closing(sqlite3.connect(path)) as conn:
        for statement in statements:
            assert conn.execute(statement).rowcount != 0, f"nothing was damaged by: {statement}"
        conn.commit()


def rechain(house: House, change: Callable[[list[Link]], list[Link]]) -> None:
    """Rewrite the whole chain after ``change``: numbers, commitments, links, and the head with its MAC."""
    key = house.core.keyring.derive(b"chain-head")
    with closing(sqlite3.connect(ledger_file(house))) as conn:
        columns = "seq, kind, at, site_ref, visitor, body, salt, commitment"
        links = [Link(*row) for row in conn.execute(f"SELECT {columns} FROM chain ORDER BY seq")]
        forged, previous = change(links), chain.GENESIS
        assert forged != links, "nothing was forged"
        conn.execute("DELETE FROM chain")
        for seq, one in enumerate(forged, 1):
            committed = one.commitment
            if one.body is not None and one.salt is not None:
                content = chain.content(json.loads(one.body), one.site_ref, one.visitor)
                committed = chain.commitment(one.salt, content)
            previous = chain.link(previous, seq, one.kind, one.at, committed)
            values = (seq, one.kind, one.at, one.site_ref, one.visitor, one.body, one.salt, committed, previous)
            conn.execute("INSERT INTO chain VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", values)
        mac = chain.head_mac(key, len(forged), previous)
        conn.execute("UPDATE head SET count = ?, hash = ?, mac = ?", (len(forged), previous, mac))
        conn.commit()


def edited(link: Link, **changes: Any) -> Link:
    """With another body."""
    return replace(link, body=json.dumps(json.loads(link.body or "{}") | changes))


class Copy:
    """An old copy of the data folder, to be put back later."""

    def __init__(self, house: House, folder: Path) -> None:
        self._house = house
        self._folder = folder
        house.core.storage.ledger.scrub()
        shutil.copytree(house.folder / "data", folder, ignore=shutil.ignore_patterns("lock", "*.sock", "reserve"))

    def put_back(self, *names: str) -> None:
        """Put files back: names relative to the data folder, all of them without any."""
        self._house.close()
        for name in names or [str(p.relative_to(self._folder)) for p in self._folder.rglob("*.db")]:
            for suffix in ("-wal", "-shm"):
                (self._house.folder / "data" / f"{name}{suffix}").unlink(missing_ok=True)
            shutil.copy(self._folder / name, self._house.folder / "data" / name)
        self._house.open()
