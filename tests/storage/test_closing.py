"""A connection closed under another thread's query crashes the process (SIGSEGV): so closing waits for its turn."""

from __future__ import annotations

import sqlite3
import threading
from pathlib import Path

import pytest
from dongui_collector.core.settings import Settings
from dongui_collector.keys.keyring import new_master, write_master
from dongui_collector.runtime.composition import open_core
from dongui_collector.storage.sqlite.connect import WRITER


@pytest.mark.parametrize("what", ["storage", "keys"])
def test_nothing_is_closed_under_a_reader(tmp_path: Path, what: str) -> None:
    write_master(tmp_path / "keys" / "master.key", new_master())
    core = open_core(Settings(folder=tmp_path), writable=True)
    storage = core.storage
    closing = threading.Thread(target={"storage": storage.close, "keys": storage.keys.close}[what])
    with WRITER:  # as every reader of a shared connection does
        closing.start()
        closing.join(0.3)
        assert closing.is_alive(), "it waits"
        assert storage.ledger.intents() == []
        assert storage.archive.groups() == storage.records.groups() == []
        assert storage.keys.names("day:") == []
    closing.join()
    with pytest.raises(sqlite3.ProgrammingError):
        storage.ledger.intents() if what == "storage" else storage.keys.names()
    core.close()
