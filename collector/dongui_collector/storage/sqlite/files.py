"""Files of the data folder beyond SQL: readers' leases, overwriting, the folder's lock, the reserve for a full disk."""

from __future__ import annotations

import fcntl
import os
import struct
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import date
from pathlib import Path

from dongui_collector.core.errors import FolderBusy, StorageError
from dongui_collector.core.private_files import private

_BLOCK = bytes(1 << 20)
_BLOCKS_AT_A_TIME = 4
_PIECE = 16 << 20
_RESERVE = 24 << 20
# Locks and memory maps are not dependable there, and "on disk" would be somebody else's promise.
_NETWORK = {
    "nfs",
    "nfs4",
    "cifs",
    "smb3",
    "smbfs",
    "9p",
    "fuse.sshfs",
    "ceph",
    "glusterfs",
    "fuse.glusterfs",
    "afs",
    "lustre",
}


# Leases are byte locks in a file of their own, a byte a day. To open and close a day's own file beside SQLite would let
# go of every lock that this process has on it (https://sqlite.org/howtocorrupt.html), so nothing of ours ever does.
LEASES = "leases"
_LOCK = "hhqqi0q"  # struct flock: kind, whence, start, length, pid; of the open file, not of the process


@contextmanager
def reading(folder: Path, day: date) -> Iterator[None]:
    """A reader's lease on a day, held for one page: destruction waits for it.

    In a folder that nobody has written to since leases have a file there is none to take: nothing is destroyed there.
    """
    try:
        fd = os.open(f"{folder}{os.sep}{LEASES}", os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        yield
        return
    try:
        fcntl.fcntl(fd, fcntl.F_OFD_SETLKW, _lock(fcntl.F_RDLCK, day))
        yield
    finally:
        os.close(fd)


def make_leases(folder: Path) -> int:
    """Make the file of leases where it is not there. Returns a descriptor of it."""
    return private(str(folder / LEASES), os.O_RDWR | os.O_CREAT)


def await_readers(folder: Path, day: date, *, within: float = 10.0) -> None:
    """Wait until no reader holds a lease. A reader that stays longer loses: it reads zeros or meets the
    file's end, never a value."""
    fd = make_leases(folder)
    deadline = time.monotonic() + within
    try:
        while True:
            try:
                fcntl.fcntl(fd, fcntl.F_OFD_SETLK, _lock(fcntl.F_WRLCK, day))
                return
            except BlockingIOError:
                if time.monotonic() > deadline:
                    return
                time.sleep(0.01)
    finally:
        os.close(fd)


def _lock(kind: int, day: date) -> bytes:
    return struct.pack(_LOCK, kind, os.SEEK_SET, day.toordinal(), 1, 0)


def destroy_file(path: Path) -> int:
    """Overwrite a file with zeros, on disk, and unlink it (K13). Returns its size; 0 when it is not there.

    From its end, and a piece at a time: what ingest commits meanwhile waits neither for all of it to be written nor,
    at the unlink, for the file system to take back (and discard) all of it at once.
    """
    try:
        fd = os.open(path, os.O_WRONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return 0
    try:
        size = end = os.fstat(fd).st_size
        while end > 0:
            start = max(0, end - _PIECE)
            _zero(fd, start, end)
            if start:  # never a small file's only piece: readers have an index of the log mapped into their memory
                os.ftruncate(fd, start)
            end = start
    finally:
        os.close(fd)
    path.unlink()
    return size


def _zero(fd: int, start: int, end: int) -> None:
    """Overwrite a part of a file, a few blocks at a time down to the disk."""
    while start < end:
        for _ in range(_BLOCKS_AT_A_TIME):
            start += os.pwrite(fd, _BLOCK[: min(end - start, len(_BLOCK))], start)
        os.fdatasync(fd)


def destroy_folder(folder: Path) -> None:
    """Overwrite and remove every file of a folder that holds data."""
    for path in sorted(folder.rglob("*"), reverse=True) if folder.is_dir() else ():
        if path.is_dir() and not path.is_symlink():
            path.rmdir()
        elif path.is_file():
            destroy_file(path)
        else:
            path.unlink()
    if folder.is_dir():
        folder.rmdir()


class FolderLock:
    """One process writes a data folder.

    Raises :class:`FolderBusy` with the holder's pid, or for a network file system.
    """

    def __init__(self, folder: Path) -> None:
        refuse_network(folder)
        self._fd = private(str(folder / "lock"), os.O_RDWR | os.O_CREAT)
        try:
            fcntl.flock(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            text = os.pread(self._fd, 32, 0).decode(errors="replace").strip()
            os.close(self._fd)
            raise FolderBusy(str(folder), int(text) if text.isascii() and text.isdigit() else None) from None
        with suppress(OSError):  # on a full disk the lock still counts, only its pid is missing
            os.ftruncate(self._fd, 0)
            os.pwrite(self._fd, str(os.getpid()).encode(), 0)

    def release(self) -> None:
        os.close(self._fd)


def refuse_network(folder: Path) -> None:
    """Raise :class:`StorageError` when a folder lies on a network file system (Linux; elsewhere nothing is known)."""
    best, kind = "", ""
    with suppress(OSError):
        target = str(folder.resolve()) + "/"
        for line in Path("/proc/self/mounts").read_text(encoding="utf-8", errors="replace").splitlines():
            _, mount, found, *_ = line.split(" ")
            mount = mount.replace("\\040", " ").rstrip("/") + "/"
            if target.startswith(mount) and len(mount) >= len(best):
                best, kind = mount, found
    if kind in _NETWORK:
        raise StorageError(f"{folder} lies on a network file system ({kind}); put the data folder on a local disk")


class ReserveFile:
    """Disk space put by, so that withdrawal and destruction still work when the disk is full."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / "reserve"

    def take(self) -> None:
        """Put the space by (again). Silently does without when there is none to spare."""
        try:
            fd = private(str(self._path), os.O_RDWR | os.O_CREAT)
        except OSError:
            return
        try:
            if os.fstat(fd).st_size < _RESERVE:
                os.posix_fallocate(fd, 0, _RESERVE)
        except OSError:
            os.ftruncate(fd, 0)
        finally:
            os.close(fd)

    @property
    def held(self) -> bool:
        with suppress(OSError):
            return self._path.stat().st_size > 0
        return False

    def spend(self) -> bool:
        """Give the space back for work that must not fail. False when there was none."""
        had = self.held
        with suppress(OSError):
            os.truncate(self._path, 0)
        return had
