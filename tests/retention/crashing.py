"""Runs an operation again and again on copies of one installation, each time dying at the next write to disk.

``python -m tests.retention.crashing OPERATION FOLDER`` prints JSON: how many writes the operation makes, and what was
wrong after which of them. One process that forks: the modules are loaded once, and nothing is open before the fork.

A write is what changes a file: a call of :mod:`os` that does, or an SQLite statement that is no mere reading. The
process ends with ``os._exit`` right before the n-th, as a killed one does; the next one finds what it left.
"""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from dongui_collector.core.operations import perform
from dongui_collector.core.settings import Settings
from dongui_collector.evidence.verify.verify import verify
from dongui_collector.runtime.composition import Installation, open_core
from dongui_collector.storage.contract.stores import iter_rows
from dongui_collector.storage.sqlite import connect as connecting

DIED, DONE, WRONG = 77, 0, 1
_OS = ("write", "pwrite", "fsync", "ftruncate", "truncate", "rename", "replace", "unlink", "remove", "posix_fallocate")
_READING = ("SELECT", "EXPLAIN", "PRAGMA BUSY", "PRAGMA WAL_AUTO")


class Fuse:
    """Counts writes from the moment it is lit, and ends the process before the n-th."""

    def __init__(self) -> None:
        self.count = 0
        self.at = -1

    def burn(self) -> None:
        if self.at < 0:
            return
        self.count += 1
        if self.count == self.at:
            os._exit(DIED)


FUSE = Fuse()


class Connection(sqlite3.Connection):
    """Every statement that may write burns the fuse."""

    def execute(self, sql: str, *arguments: Any) -> sqlite3.Cursor:
        if not sql.lstrip().upper().startswith(_READING):
            FUSE.burn()
        return super().execute(sql, *arguments)

    def executescript(self, sql: str) -> sqlite3.Cursor:
        FUSE.burn()
        return super().executescript(sql)


def arm() -> None:
    """Put the fuse into everything that writes."""
    for name in _OS:
        real = getattr(os, name, None)
        if real is not None:
            setattr(os, name, _burning(real))
    real_connect = sqlite3.connect
    connecting.sqlite3.connect = lambda *a, **k: real_connect(*a, **({"factory": Connection} | k))  # type: ignore


def _burning(real: Callable[..., Any]) -> Callable[..., Any]:
    def call(*arguments: Any, **named: Any) -> Any:
        FUSE.burn()
        return real(*arguments, **named)

    return call


def opened(folder: Path, *, writable: bool = True) -> Installation:
    return open_core(Settings(folder=folder, testing=True), writable=writable)


# --- scenarios: the operation, and what must hold before and after the next start ------------------------------------


def run(core: Installation) -> None:
    core.retention.run()


def erase(core: Installation) -> None:
    visitor = next(iter(visitors(core)))
    core.retention.endings.finish(core.ledger.erase(visitor, "request"))


def close(core: Installation) -> None:
    member = core.ledger.member_key(1, "member-1")
    core.retention.endings.finish(core.ledger.end_member(1, member, "closed"))


def approve(core: Installation) -> None:
    perform(core, "destruction.approve", {"by": "officer"})


def release(core: Installation) -> None:
    perform(core, "holds.release", {"id": 1, "by": "officer"})


OPERATIONS: dict[str, Callable[[Installation], None]] = {
    "run": run,
    "erase": erase,
    "close": close,
    "approve": approve,
    "release": release,
}


def visitors(core: Installation) -> list[bytes]:
    """Those that have rows, in the order of the ledger."""
    seen = [r.visitor for r in core.storage.ledger.records() if r.kind == "consent" and r.visitor]
    return list(dict.fromkeys(seen))


def copies(core: Installation) -> dict[bytes, list[str]]:
    """Record → where it lies."""
    found: dict[bytes, list[str]] = {}
    for name, store in (("archive", core.storage.archive), ("live", core.storage.records)):
        for r in store.of_site(1):
            found.setdefault(r.id, []).append(name)
    return found


def readable(core: Installation) -> list[str]:
    """The ids of the records that people are shown, over all subjects."""
    site = core.registry.sites()[0]
    stores = (core.storage.archive, core.storage.records)
    subjects = {r.subject for store in stores for r in store.of_site(1)}
    return [shown.id for subject in subjects for shown in core.retention.records.of(site, subject)]


def between(folder: Path) -> list[str]:
    """What is wrong right after the crash, for whoever only reads."""
    core = opened(folder, writable=False)
    try:
        shown = readable(core)
        return ["a record is readable twice"] if len(shown) != len(set(shown)) else []
    finally:
        core.close()


def state(core: Installation) -> Any:
    """What an installation holds, in comparable words."""
    days = {
        day.isoformat(): sorted(
            (row.purposes, row.url or "", row.ads is not None) for row in iter_rows(core.storage.events, day)
        )
        for day in core.storage.events.days()
    }
    where = sorted(",".join(places) for places in copies(core).values())
    return json.loads(json.dumps([days, where, len(core.storage.admin.holds())]))


def resume(folder: Path, before: Any, after: Any) -> list[str]:
    """The next start, as ``serve`` makes it; what is wrong after it. Not begun is as good as complete."""
    core = opened(folder)
    try:
        core.retention.endings.resume()
        core.retention.run()
        wrong = [str(f) for f in verify(core).findings]
        if (found := state(core)) not in (before, after):
            wrong.append(f"neither not begun nor complete: {found}")
        if core.storage.events.leftovers():
            wrong.append("a renamed day is left")
        open_ = [d.id for d in core.storage.admin.destructions(("approved", "running"))]
        waits = core.storage.ledger.intents() and not core.storage.admin.holds()
        if open_ or waits:
            wrong.append(f"still going on: {open_ or 'an ending'}")
        bodies = [r.body or {} for r in core.storage.ledger.records(0, 10_000) if r.kind == "certificate"]
        certified = [body["destruction"] for body in bodies if "destruction" in body]
        if len(certified) != len(set(certified)):
            wrong.append("certified twice")
        return wrong
    finally:
        core.close()


# --- the driver ------------------------------------------------------------------------------------------------------


def forked(work: Callable[[], Any]) -> tuple[int, Any]:
    """Run something in a process of its own; its exit code and its answer."""
    read, write = os.pipe()
    pid = os.fork()
    if pid == 0:
        code = WRONG
        try:
            os.close(read)
            answer = work()
            real_write(write, json.dumps(answer).encode())
            code = DONE
        except BaseException as error:  # whatever it is, the parent is told
            real_write(write, json.dumps(f"{type(error).__name__}: {error}").encode())
        finally:
            os._exit(code)
    os.close(write)
    with os.fdopen(read, "rb") as pipe:
        said = pipe.read()
    _, status = os.waitpid(pid, 0)
    return os.waitstatus_to_exitcode(status), json.loads(said) if said else None


real_write = os.write


def attempt(folder: Path, operation: Callable[[Installation], None], at: int) -> int:
    arm()
    core = opened(folder)
    FUSE.at = at
    operation(core)
    FUSE.at = -1
    core.close()
    return FUSE.count


def looked_at(folder: Path, *, resumed: bool) -> Any:
    core = opened(folder)
    try:
        if resumed:
            core.retention.endings.resume()
            core.retention.run()
        return state(core)
    finally:
        core.close()


def main(scenario: str, folder: Path) -> dict[str, Any]:
    operation = OPERATIONS[scenario]
    _, before = forked(lambda: looked_at(folder, resumed=False))
    work = folder.with_name(folder.name + "-work")

    def fresh() -> Path:
        shutil.rmtree(work, ignore_errors=True)
        shutil.copytree(folder, work)
        return work

    code, writes = forked(lambda: attempt(fresh(), operation, 1 << 40))
    assert code == DONE, writes
    _, after = forked(lambda: looked_at(work, resumed=True))
    wrong: dict[int, list[str]] = {}
    for n in range(1, writes + 1):
        fresh()
        code, said = forked(lambda n=n: attempt(work, operation, n))
        if code != DIED:
            wrong[n] = [f"it did not die: {said}"]
            continue
        code, said = forked(lambda: between(work) + resume(work, before, after))
        problems = said if code == DONE else [said]
        if problems:
            wrong[n] = problems
    shutil.rmtree(work, ignore_errors=True)
    return {"writes": writes, "wrong": wrong, "changed": before != after}


if __name__ == "__main__":
    print(json.dumps(main(sys.argv[1], Path(sys.argv[2]))))
