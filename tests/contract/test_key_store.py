"""What every key store promises."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from dongui_collector.core.errors import StorageError
from dongui_collector.storage.contract.stores import KeyStore
from dongui_collector.storage.sqlite.connect import WRITER
from dongui_collector.storage.sqlite.keys import SqliteKeys

Open = Callable[[], KeyStore]


@pytest.fixture(params=["sqlite"])
def reopen(tmp_path: Path) -> Iterator[Open]:
    opened: list[SqliteKeys] = []

    def open_again() -> KeyStore:
        opened.append(SqliteKeys(tmp_path / "keys.db"))
        return opened[-1]

    yield open_again
    for store in opened:
        store.close()


def test_a_key_is_there_after_reopening(reopen: Open) -> None:
    reopen().put("day:2026-11-23", b"wrapped")
    assert reopen().get("day:2026-11-23") == b"wrapped"
    assert reopen().get("day:2026-11-24") is None


def test_a_name_that_exists_cannot_be_put_again(reopen: Open) -> None:
    store = reopen()
    store.put("day:2026-11-23", b"first")
    with pytest.raises(StorageError, match="2026-11-23"):
        store.put("day:2026-11-23", b"second")
    assert store.get("day:2026-11-23") == b"first"


def test_names_are_listed_by_prefix(reopen: Open) -> None:
    store = reopen()
    for name in ("day:2026-11-24", "secret", "day:2026-11-23", "record:payment:2031-11-23"):
        store.put(name, b"x")
    assert store.names("day:") == ["day:2026-11-23", "day:2026-11-24"]
    assert len(store.names()) == 4


def test_a_destroyed_key_is_gone_for_good(reopen: Open) -> None:
    store = reopen()
    store.put("day:2026-11-23", b"wrapped")
    assert not store.destroyed("day:2026-11-23")
    assert store.destroy("day:2026-11-23")
    assert not store.destroy("day:2026-11-23"), "a second time there is nothing left to destroy"
    for again in (store, reopen()):
        assert again.get("day:2026-11-23") is None
        assert again.names() == []
        assert again.destroyed("day:2026-11-23")
        with pytest.raises(StorageError):
            again.put("day:2026-11-23", b"anew")


def test_destroying_what_never_was_is_no_error_and_reserves_nothing(reopen: Open) -> None:
    store = reopen()
    assert not store.destroy("day:2026-11-23")
    assert not store.destroyed("day:2026-11-23")
    store.put("day:2026-11-23", b"wrapped")


def test_no_byte_of_a_destroyed_key_stays_on_disk(reopen: Open, tmp_path: Path) -> None:
    store = reopen()
    # Many keys before and after, so that pages fill and split around the one that is destroyed.
    sentinels = {f"day:{n:04}": f"sentinel-{n:04}-".encode() * 4 for n in range(600)}
    for name, wrapped in sentinels.items():
        store.put(name, wrapped)
    gone = [f"day:{n:04}" for n in range(0, 600, 7)]
    for name in gone:
        store.destroy(name)
    on_disk = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    assert [name for name in gone if sentinels[name][:14] in on_disk] == []
    assert sentinels["day:0001"] in on_disk


def test_rewrapping_replaces_every_living_key_or_none(reopen: Open) -> None:
    store = reopen()
    for name in ("a", "b", "c"):
        store.put(name, name.encode())
    store.destroy("b")

    def broken(name: str, wrapped: bytes) -> bytes:
        if name == "c":
            raise ValueError
        return wrapped * 2

    with pytest.raises(ValueError):
        store.replace_all(broken)
    assert (store.get("a"), store.get("c")) == (b"a", b"c")
    assert store.replace_all(lambda name, wrapped: wrapped + b"!") == 2
    assert (store.get("a"), store.get("b"), store.get("c")) == (b"a!", None, b"c!")


def test_a_store_opened_for_reading_sees_what_the_writer_commits(tmp_path: Path) -> None:
    writer = SqliteKeys(tmp_path / "keys.db")
    reader = SqliteKeys(tmp_path / "keys.db", readonly=True)
    writer.put("secret", b"wrapped")
    assert reader.readonly
    assert reader.get("secret") == b"wrapped"
    reader.close()
    writer.close()


def test_no_writer_waits_while_a_destruction_waits_for_a_reader(reopen: Open, tmp_path: Path) -> None:
    store = reopen()
    store.put("day:2026-11-23", b"wrapped")
    reader = sqlite3.connect(tmp_path / "keys.db", check_same_thread=False)
    reader.execute("BEGIN")
    reader.execute("SELECT * FROM keys").fetchone()
    destroying = threading.Thread(target=store.destroy, args=("day:2026-11-23",))
    destroying.start()
    while store.get("day:2026-11-23"):
        pass
    with WRITER:  # got although the log cannot be brought home yet
        assert destroying.is_alive()
    reader.close()
    destroying.join()
    assert store.destroyed("day:2026-11-23")
