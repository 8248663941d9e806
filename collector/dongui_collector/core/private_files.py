"""Files for their owner's eyes only: made so, and narrowed where they exist with wider permissions."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

FOLDER = 0o700
FILE = 0o600
_OTHERS = 0o077


def private(path: str, flags: int) -> int:
    """The ``opener`` of every file that may hold personal data or a secret: ``open(path, "wb", opener=private)``.

    A regular file that exists is narrowed before a byte is written; a pipe or a device stays as it is.
    """
    fd = os.open(path, flags | os.O_CLOEXEC, FILE)
    try:
        mode = os.fstat(fd).st_mode
        if stat.S_ISREG(mode) and mode & _OTHERS:
            with suppress(PermissionError):
                os.fchmod(fd, FILE)
    except BaseException:
        os.close(fd)
        raise
    return fd


def narrow(folder: Path) -> None:
    """Take a folder, its folders and its files from everybody but their owner.

    Links are not followed. What another user owns stays; ``dongui doctor`` names it.
    """
    for path in open_to_others(folder):
        with suppress(PermissionError, FileNotFoundError):
            path.chmod(stat.S_IMODE(path.lstat().st_mode) & ~_OTHERS)


def open_to_others(path: Path) -> Iterator[Path]:
    """A file or folder and what is inside it, as far as others than the owner may do anything with it."""
    inside = (Path(parent, name) for parent, folders, files in os.walk(path) for name in (*folders, *files))
    for one in (path, *inside):
        with suppress(FileNotFoundError):  # ended meanwhile
            mode = one.lstat().st_mode
            if mode & _OTHERS and not stat.S_ISLNK(mode):
                yield one
