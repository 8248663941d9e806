"""Dies at every write of a rotation, of going on with one, and of restoring keys; then looks at what is left.

``python -m tests.access.crashing_keys SCENARIO FOLDER`` prints JSON, as ``tests/retention/crashing.py`` does, whose
fuse this uses. The installation in FOLDER is closed.
"""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from dongui_collector.core.errors import SettingsError, StorageError
from dongui_collector.core.operations import perform
from dongui_collector.core.settings import Settings
from dongui_collector.evidence.verify.verify import verify
from dongui_collector.keys.keyring import KeyRing, decode_master
from dongui_collector.runtime.restore import restore_backup
from dongui_collector.runtime.restore_keys import restore_keys
from dongui_collector.storage.sqlite.keys import SqliteKeys

from tests.retention.crashing import DIED, DONE, FUSE, arm, forked, opened


def rotating(folder: Path, at: int) -> int:
    arm()
    core = opened(folder)
    FUSE.at = at
    perform(core, "keys.rotate", {})
    FUSE.at = -1
    return FUSE.count


def going_on(folder: Path, at: int) -> int:
    arm()
    FUSE.at = at
    core = opened(folder)
    FUSE.at = -1
    core.close()
    return FUSE.count


def restoring(folder: Path, at: int) -> int:
    """From a copy under the master key: argon2 for each of them would take longer than all the rest."""
    arm()
    FUSE.at = at
    with (folder / "copy").open("rb") as file:
        restore_keys(Settings(folder=folder, testing=True), file)
    FUSE.at = -1
    return FUSE.count


def restoring_data(folder: Path, at: int) -> int:
    arm()
    FUSE.at = at
    with (folder / "backup").open("rb") as file:
        restore_backup(Settings(folder=folder, testing=True), file, replace_present=True)
    FUSE.at = -1
    return FUSE.count


def back(folder: Path, _: str) -> list[str]:
    """After a restore that was killed: the folder as it was or the restored one, and nothing beside it."""
    core = opened(folder)
    try:
        wrong = [str(finding) for finding in verify(core).findings]
        rows = sum(core.storage.events.count(day) for day in core.storage.events.days())
        restored_ = core.storage.ledger.last_of("restored") is not None
        if rows != (1 if restored_ else 2):  # a row came after the backup
            wrong.append(f"{rows} rows, restored: {restored_}")
    finally:
        core.close()
    names = {path.name for path in folder.iterdir() if path.name.startswith("data")}
    return wrong if names == {"data"} else [*wrong, f"left beside it: {sorted(names)}"]


def whole(folder: Path, old: str) -> list[str]:
    """What is wrong with an installation whose rotation was begun: first for a reader, then after the next start."""
    opened(folder, writable=False).close()
    core = opened(folder)
    try:
        wrong = [str(finding) for finding in verify(core).findings]
        if core.keyring.pending:
            wrong.append("the rotation is still pending after a start")
        if any(core.keyring.day(day) is None for day in core.storage.events.days()):
            wrong.append("a day's key is gone")
    finally:
        core.close()
    present = (folder / "keys" / "master.key").read_text(encoding="ascii")
    if present != old and _opens(folder, old):
        wrong.append("rotated, and the old master key still opens it")
    return wrong


def _opens(folder: Path, text: str) -> bool:
    store = SqliteKeys(folder / "keys" / "keys.db", readonly=True)
    try:
        KeyRing(store, decode_master(text, "test"))
    except SettingsError:
        return False
    finally:
        store.close()
    return True


def restored(folder: Path, _: str) -> list[str]:
    """Keys that were half restored are not there at all; then they can be restored."""
    settings = Settings(folder=folder, testing=True)
    with (folder / "copy").open("rb") as file, suppress(StorageError):  # there already: it was complete
        restore_keys(settings, file)
    core = opened(folder)
    try:
        return [str(finding) for finding in verify(core).findings]
    finally:
        core.close()


SCENARIOS: dict[str, tuple[Callable[[Path, int], int], Callable[[Path, str], list[str]]]] = {
    "rotate": (rotating, whole),
    "go_on": (going_on, whole),
    "restore": (restoring, restored),
    "restore_data": (restoring_data, back),
}


def main(scenario: str, folder: Path) -> dict[str, Any]:
    operation, check = SCENARIOS[scenario]
    work = folder.with_name(folder.name + "-work")
    old = (folder / "keys" / "master.key").read_text(encoding="ascii")

    def fresh() -> Path:
        shutil.rmtree(work, ignore_errors=True)
        shutil.copytree(folder, work)
        return work

    code, writes = forked(lambda: operation(fresh(), 1 << 40))
    assert code == DONE, writes
    changed = (work / "keys" / "master.key").read_text(encoding="ascii") != old
    wrong: dict[int, Any] = {}
    for n in range(1, writes + 1):
        fresh()
        code, said = forked(lambda n=n: operation(work, n))
        if code != DIED:
            wrong[n] = f"it did not die: {said}"
            continue
        code, said = forked(lambda: check(work, old))
        if code != DONE or said:
            wrong[n] = said
    shutil.rmtree(work, ignore_errors=True)
    return {"writes": writes, "wrong": wrong, "changed": changed}


if __name__ == "__main__":
    print(json.dumps(main(sys.argv[1], Path(sys.argv[2]))))
