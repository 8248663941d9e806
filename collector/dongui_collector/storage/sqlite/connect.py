"""How every SQLite connection of the collector is opened, and the one lock that all writing holds."""

from __future__ import annotations

import errno
import os
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path

from dongui_collector.core.errors import StorageDamaged, StorageError, StorageFull
from dongui_collector.core.private_files import private

# One writer a process, and no checkpoint beside a write: threads that checkpoint one WAL at the same instant meet a
# SQLite bug mended only in 3.51.3 (https://sqlite.org/wal.html#walresetbug). Ingest holds it for one group commit.
WRITER = threading.RLock()

_PRAGMAS = {"journal_mode": "wal", "synchronous": 2, "secure_delete": 1, "temp_store": 2}
_BUSY_MS = 10_000
_FULL = ("full", "disk i/o error", "no space")
_NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_OUR_OWN = (sqlite3.IntegrityError, sqlite3.ProgrammingError)  # mistakes of this program: never the folder's


def connect(path: Path, *, readonly: bool = False, create: bool = True) -> sqlite3.Connection:
    """Open a database with the settings that our promises rest on, and assert that they took.

    ``synchronous=FULL`` is what "202 means on disk" rests on; ``secure_delete`` zeroes what is cleared in place;
    ``temp_store=MEMORY`` keeps sorted values out of temporary files. Without ``create`` the file must be there.
    """
    if create and not readonly:
        # For its owner alone; log and index get the same mode. A file that exists is never opened beside SQLite: to
        # close a second descriptor lets go of every lock that this process has on it (sqlite.org/howtocorrupt.html).
        with suppress(FileExistsError):
            os.close(private(str(path), os.O_RDWR | os.O_CREAT | os.O_EXCL))
    mode = "ro" if readonly else "rwc" if create else "rw"
    uri = f"{path.absolute().as_uri()}?mode={mode}"
    conn = sqlite3.connect(
        uri, uri=True, isolation_level=None, check_same_thread=False, timeout=_BUSY_MS / 1000, cached_statements=256
    )
    try:
        for name, value in _PRAGMAS.items():
            if readonly and name in ("journal_mode", "secure_delete"):
                continue
            answer = conn.execute(f"PRAGMA {name}={value}").fetchone() or conn.execute(f"PRAGMA {name}").fetchone()
            if (found := answer[0]) != value:
                raise StorageError(
                    f"{path.name}: SQLite refused {name}={value} (it says {found}); use a local file system"
                )
    except BaseException:
        conn.close()
        raise
    return conn


@contextmanager
def own_errors() -> Iterator[None]:
    """Raise the collector's own exceptions: :class:`StorageFull` where nothing more can be written (also for what the
    operating system says), :class:`StorageDamaged` where SQLite cannot use a file."""
    try:
        yield
    except sqlite3.DatabaseError as error:
        raise own_error(error) from error
    except OSError as error:
        if error.errno in _NO_ROOM:
            raise StorageFull("the disk is full") from error
        raise


def own_error(error: sqlite3.DatabaseError) -> Exception:
    """The collector's own exception for one of SQLite's; the same for a mistake of this program."""
    if isinstance(error, _OUR_OWN):
        return error
    if isinstance(error, sqlite3.OperationalError) and any(word in str(error).lower() for word in _FULL):
        return StorageFull("the disk is full")
    return StorageDamaged(f"the data folder cannot be used ({error}); `dongui verify` says where it is damaged")


@own_errors()
def scrub(
    conn: sqlite3.Connection,
    *,
    within: float = 5.0,
    alone: Callable[[], AbstractContextManager[object]] = lambda: WRITER,
) -> bool:
    """Bring the log into the database and truncate it, so that no cleared value stays behind in it.

    Readers hold snapshots for a page only, so it is tried again for ``within`` seconds. False when one stayed longer;
    the caller then counts the work as unfinished. ``alone`` keeps out whoever else may checkpoint this log; it is
    let go of between two tries.
    """
    deadline = time.monotonic() + within
    while True:
        with alone():
            conn.execute("PRAGMA busy_timeout=0")  # never wait for a reader while every writer waits for us
            try:
                busy = conn.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]
            finally:
                conn.execute(f"PRAGMA busy_timeout={_BUSY_MS}")
        if not busy:
            return True
        if time.monotonic() > deadline:
            return False
        time.sleep(0.005)
