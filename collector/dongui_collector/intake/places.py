"""Country and city of an address, from a MaxMind-format database that its owner may replace at any time.

The reader maps the file into memory, and a mapped file that is overwritten in place ends the process (SIGBUS). So what
is mapped is a copy that nobody else can reach: an unlinked one.
"""

from __future__ import annotations

import logging
import shutil
import tempfile
import time
from contextlib import suppress
from pathlib import Path

import maxminddb

from dongui_collector.core.errors import SettingsError

_SETTLED_S = 2.0
_READS_BADLY = (OSError, maxminddb.InvalidDatabaseError, ValueError)
log = logging.getLogger("dongui.places")


class GeoDatabase:
    """Country and city of an address; none configured is fine."""

    def __init__(self, path: Path | None) -> None:
        self.generation = 0  # another one with every file that was taken up
        self.built_at = 0  # epoch seconds; 0 without a database
        self._path = path
        self._stamp: tuple[int, int, int] | None = None
        self._reader: maxminddb.Reader | None = None
        if path is not None:
            try:
                self._take(path)
            except _READS_BADLY as error:
                raise SettingsError(
                    f"geoip_database: {path} cannot be read as a MaxMind database ({type(error).__name__})"
                ) from None

    def refresh(self) -> bool:
        """Take up a newer file. False where there is none, or none yet: lookups then go on with the old one."""
        if self._path is None:
            return False
        try:
            stamp = _stamp(self._path)
            if stamp == self._stamp or time.time() - stamp[0] / 1e9 < _SETTLED_S:  # it is being written perhaps
                return False
            return self._take(self._path)
        except _READS_BADLY as error:
            log.warning("the newer geoip_database cannot be read", extra={"kind": type(error).__name__})
            return False

    def _take(self, path: Path) -> bool:
        before = _stamp(path)
        reader = _open_copy(path)
        if _stamp(path) != before:  # written while it was copied: neither the old nor the new
            reader.close()
            if self._reader is None:
                raise OSError("the file changes while it is read")
            return False
        # The old reader ends with its last lookup, in whichever thread that is.
        self._reader, self._stamp = reader, before
        self.built_at = int(reader.metadata().build_epoch)
        self.generation += 1
        return True

    def of(self, address: str | None) -> tuple[str | None, str | None]:
        """(ISO country code, English city name), each None when unknown."""
        reader = self._reader
        if reader is None or address is None:
            return None, None
        try:
            found = reader.get(address)
        except _READS_BADLY:  # an IPv6 address and a database of IPv4 alone; a damaged part of it
            return None, None
        if not isinstance(found, dict):
            return None, None
        return _inside(found, "country", "iso_code"), _inside(found, "city", "names", "en")


def _open_copy(path: Path) -> maxminddb.Reader:
    with tempfile.TemporaryFile() as copy, path.open("rb") as source:
        shutil.copyfileobj(source, copy, 1 << 20)
        copy.flush()
        with suppress(FileNotFoundError):  # a system without /proc
            return maxminddb.open_database(f"/proc/self/fd/{copy.fileno()}")
        return maxminddb.open_database(path, maxminddb.MODE_MEMORY)


def _stamp(path: Path) -> tuple[int, int, int]:
    found = path.stat()
    return found.st_mtime_ns, found.st_size, found.st_ino


def _inside(value: object, *path: str) -> str | None:
    for key in path:
        value = value.get(key) if isinstance(value, dict) else None
    return value if isinstance(value, str) else None
