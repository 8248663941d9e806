"""What a restore that was interrupted left behind: completed or undone at the next start.

``restore`` builds ``data.restoring`` beside ``data``, and only when that is whole renames ``data`` to ``data.replaced``
and ``data.restoring`` to ``data``. So where ``data`` is missing beside ``data.replaced`` the restore was decided, and
where it is there the others are remains, which hold data that no destruction would reach.
"""

from __future__ import annotations

from pathlib import Path

from dongui_collector.storage.sqlite.files import destroy_file, sync_folder


def beside(data: Path) -> tuple[Path, Path]:
    """Where a restore builds, and where it puts what was there before."""
    return data.with_name(data.name + ".restoring"), data.with_name(data.name + ".replaced")


def go_on(data: Path) -> None:
    """Before a data folder is opened or made: complete the renaming that a crash came between."""
    fresh, old = beside(data)
    if not data.exists() and old.exists():
        (fresh if fresh.exists() else old).rename(data)
        sync_folder(data.parent)


def clear_up(data: Path, keys: Path) -> None:
    """Under the folder's lock: destroy what is left of a restore, of the data or of the keys."""
    for folder in beside(data):
        destroy_folder(folder)
    for path in keys.glob("keys.db.restoring*"):
        destroy_file(path)


def swap(data: Path) -> None:
    """Put the restored folder in place; what was there is destroyed."""
    fresh, old = beside(data)
    destroy_folder(old)
    if data.exists():
        data.rename(old)
    fresh.rename(data)
    sync_folder(data.parent)
    destroy_folder(old)


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
