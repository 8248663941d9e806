"""Files that are whole or not there: written beside, brought to the disk, then renamed."""

from __future__ import annotations

import os
from pathlib import Path

from dongui_collector.core.private_files import private


def write_whole(path: Path, data: bytes) -> None:
    """Put ``data`` into ``path``, for its owner's eyes only: whole or not at all, on disk when this returns."""
    part = path.with_name(path.name + ".part")
    with open(part, "wb", opener=private) as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    part.replace(path)
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Make renames and unlinks in a folder durable."""
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
