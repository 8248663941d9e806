"""The master key is rotated beside everything else; a crash at any write leaves an installation that starts (K13)."""

from __future__ import annotations

import base64
import json
import os
import signal
import subprocess
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest
from dongui_collector.backup.backup import make_backup
from dongui_collector.core.errors import NotAllowed, SettingsError
from dongui_collector.core.operations import perform
from dongui_collector.evidence.verify.verify import verify
from dongui_collector.keys.backup import write_copy
from dongui_collector.keys.keyring import KeyRing, load_master, new_master
from dongui_collector.keys.operations import KeyCopy
from dongui_collector.runtime.composition import open_core
from dongui_collector.storage.sqlite.keys import SqliteKeys

from tests.collector import Installation, event, marker
from tests.retention.conftest import house, new_house
from tests.retention.house import House

__all__ = ["house", "new_house"]


def tried(house: House, scenario: str) -> dict[str, Any]:
    """Kill it at every write."""
    house.close()
    command = [sys.executable, "-m", "tests.access.crashing_keys", scenario, str(house.folder)]
    environment = os.environ | {"DONGUI_CLOCK": "2025-03-11T12:00:00+09:00"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=500)
    house.open()
    assert done.returncode == 0, done.stderr[-3000:]
    told: dict[str, Any] = json.loads(done.stdout)
    assert told["wrong"] == {}
    return told


@pytest.fixture
def lived_in(house: House) -> House:
    visitor = house.arrive()
    house.visit(visitor, marker="somebody")
    house.core.retention.records.add(house.site, "payment", "member-1", house.now, "settlement", {"a": 1})
    return house


def old_opens(house: House, master: bytes) -> bool:
    store = SqliteKeys(house.folder / "keys" / "keys.db", readonly=True)
    try:
        KeyRing(store, master)
    except SettingsError:
        return False
    finally:
        store.close()
    return True


# --- at every write --------------------------------------------------------------------------------------------------


def test_k13_a_rotation_killed_at_any_write_is_not_begun_or_complete(lived_in: House) -> None:
    told = tried(lived_in, "rotate")
    assert told["changed"]
    assert told["writes"] >= 10


def test_k13_going_on_with_a_rotation_may_be_killed_too(lived_in: House) -> None:
    lived_in.core.keyring.rotate(base64.b64decode(new_master()))  # and no more: the process died right here
    told = tried(lived_in, "go_on")
    assert told["changed"]
    assert told["writes"] >= 4


def test_restoring_keys_may_be_killed_too(lived_in: House) -> None:
    house = lived_in
    with (house.folder / "copy").open("wb") as out:
        write_copy(house.core, out, msgspec.convert(perform(house.core, "keys.copy", {}), KeyCopy), None)
    house.close()
    kept = house.folder / "kept"
    kept.mkdir()
    for path in (house.folder / "keys").glob("keys.db*"):
        path.rename(kept / path.name)
    house.open = lambda: None  # type: ignore[method-assign]  # there is nothing that could be opened
    house.close = lambda: None  # type: ignore[method-assign]
    assert tried(house, "restore")["writes"] >= 10


def test_s3_0_a_restore_killed_at_any_write_leaves_the_one_folder_or_the_other(lived_in: House) -> None:
    house = lived_in
    perform(house.core, "backup.prepare", {})
    with (house.folder / "backup").open("wb") as out:
        make_backup(house.core, out)
    house.visit(house.arrive(), marker="afterwards")
    assert tried(house, "restore_data")["writes"] >= 50


# --- beside readers, and from other sources --------------------------------------------------------------------------


def test_k13_the_old_key_opens_nothing_afterwards_and_every_value_still_opens(lived_in: House) -> None:
    house, old = lived_in, load_master(lived_in.settings)
    rows = house.rows()
    assert perform(house.core, "keys.rotate", {})["finished"]
    assert load_master(house.settings) != old
    assert not old_opens(house, old)
    house.reopen()
    assert house.rows() == rows
    [record] = house.core.storage.records.of_site(1)
    assert house.core.retention.records.opened(record)["data"] == {"a": 1}
    assert verify(house.core).findings == []
    assert base64.b64encode(old) not in (house.folder / "keys" / "master.key").read_bytes()
    mode = (house.folder / "keys" / "master.key").stat().st_mode & 0o777
    assert mode == 0o600


def test_a_reader_that_was_open_before_goes_on_after_it(lived_in: House) -> None:
    reader = open_core(lived_in.settings, writable=False)
    day = reader.storage.events.days()[0]
    before = reader.keyring.day(day)
    for _ in range(3):
        perform(lived_in.core, "keys.rotate", {})
        assert reader.keyring.day(day) == before
    reader.close()


def test_from_the_environment_either_key_opens_until_the_new_one_is_in_place(
    lived_in: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    house, new = lived_in, new_master()
    old = (house.folder / "keys" / "master.key").read_text(encoding="ascii").strip()
    monkeypatch.setenv("DONGUI_MASTER_KEY", old)
    house.reopen()
    with pytest.raises(NotAllowed, match="--new-key"):
        perform(house.core, "keys.rotate", {})
    assert not perform(house.core, "keys.rotate", {"new_key": new})["finished"]
    house.reopen()  # still with the old one: a crash, or somebody was too early
    assert house.core.keyring.pending
    with pytest.raises(NotAllowed, match="not finished"):
        perform(house.core, "keys.rotate", {"new_key": new_master()})
    monkeypatch.setenv("DONGUI_MASTER_KEY", new)
    house.reopen()
    assert not house.core.keyring.pending
    assert not old_opens(house, base64.b64decode(old))
    assert verify(house.core).findings == []


@pytest.mark.parametrize("wrong", ["", "short", base64.b64encode(b"x" * 31).decode()])
def test_a_new_key_that_is_none_changes_nothing(lived_in: House, wrong: str) -> None:
    before = load_master(lived_in.settings)
    with pytest.raises(SettingsError) as caught:
        perform(lived_in.core, "keys.rotate", {"new_key": wrong})
    assert not wrong or wrong not in str(caught.value)
    assert load_master(lived_in.settings) == before
    assert not lived_in.core.keyring.pending


# --- under load, killed ----------------------------------------------------------------------------------------------


def test_k13_rotated_again_and_again_under_load_and_killed(tmp_path: Path) -> None:
    installed = Installation(tmp_path / "d", testing=True)
    visitors: dict[str, set[str]] = {}
    stop = threading.Event()

    def load(visitor: str) -> None:
        while not stop.is_set():
            word = marker()
            with suppress(httpx.TransportError):
                if installed.send(visitor, event(props={"word": word})).status_code == 202:
                    visitors[visitor].add(word)

    try:
        for wait in (0.15, 0.4, 0.05):
            stop.clear()
            installed.start()
            visitor = installed.consent(["statistics"])["visitor"]
            visitors[visitor] = set()
            worker = threading.Thread(target=load, args=(visitor,))
            worker.start()
            while len(visitors[visitor]) < 5:
                time.sleep(0.01)
            installed.run("keys", "rotate")
            turning = subprocess.Popen(
                [sys.executable, "-m", "dongui_collector", "keys", "rotate", "--config", installed.config],
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
            time.sleep(wait)
            installed.stop(signal.SIGKILL)
            stop.set()
            worker.join()
            turning.wait(60)
        installed.start()
        for visitor, words in visitors.items():
            found = {row["props"]["word"] for row in installed.me(visitor)["events"]}
            assert words <= found, "what was answered 202 is there"
        assert installed.stop() == 0
        assert json.loads(installed.run("keys", "status", "--json").stdout)["rotation_pending"] is False
        installed.run("verify")
    finally:
        stop.set()
        installed.close()
