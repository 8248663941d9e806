"""The journal of destructions: ``keys/journal.ndjson``, apart from ``data/`` and from every backup of it.

A line an ending, no identifiers: days, classes, ledger numbers. A backup remembers how far the journal had come when it
was made; ``restore`` repeats what came after, before anything is served. Each line carries a MAC over itself and its
predecessor's, so that a journal with a line removed from its middle, or of another installation, is found.
"""

from __future__ import annotations

import hmac
import json
import os
import threading
from pathlib import Path

from dongui_collector.errors import StorageError
from dongui_collector.storage.base import Json


class Journal:
    """Append-only. ``key`` authenticates the lines."""

    def __init__(self, path: Path, key: bytes) -> None:
        self._path = path
        self._key = key
        self._lock = threading.Lock()
        self._count = -1  # not read yet
        self._last = ""

    def append(self, entry: Json) -> None:
        """Add an entry; on disk when this returns."""
        with self._lock:
            if self._count < 0:
                self._open()
            text = _text(entry)
            mac = self._mac(self._last, text)
            line = f"{mac} {text}\n".encode()
            fd = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
            try:
                before = os.fstat(fd).st_size
                if os.write(fd, line) != len(line):
                    os.ftruncate(fd, before)  # a full disk: half a line must not stay before the next
                    raise OSError(28, "no space left on device")
                os.fsync(fd)
            finally:
                os.close(fd)
            self._count, self._last = self._count + 1, mac

    def position(self) -> tuple[int, str]:
        """How many entries there are, and the last one's MAC."""
        with self._lock:
            self._open()
            return self._count, self._last

    def entries(self, after: tuple[int, str] = (0, "")) -> list[Json]:
        """The entries that follow a position. Raises :class:`StorageError` when the journal does not contain it."""
        found = self._read()
        count, mac = after
        if len(found) < count or (count and found[count - 1][0] != mac):
            raise StorageError(f"{self._path} is not the journal that this backup knows, or an older copy of it")
        return [entry for _, entry in found[count:]]

    @property
    def exists(self) -> bool:
        return self._path.exists()

    def _open(self) -> None:
        found = self._read(mend=True)
        self._count, self._last = len(found), found[-1][0] if found else ""

    def _read(self, *, mend: bool = False) -> list[tuple[str, Json]]:
        try:
            data = self._path.read_bytes()
        except FileNotFoundError:
            return []
        whole = data[: data.rfind(b"\n") + 1]
        if mend and len(whole) < len(data):
            os.truncate(self._path, len(whole))  # a crash while the last line was written
        found: list[tuple[str, Json]] = []
        last = ""
        for number, line in enumerate(whole.decode().splitlines(), 1):
            mac, _, text = line.partition(" ")
            if not hmac.compare_digest(mac, self._mac(last, text)):
                raise StorageError(f"{self._path}: line {number} was altered, or a line before it is missing")
            found.append((mac, json.loads(text)))
            last = mac
        return found

    def _mac(self, previous: str, text: str) -> str:
        return hmac.new(self._key, f"{previous} {text}".encode(), "sha256").hexdigest()


def _text(entry: Json) -> str:
    return json.dumps(entry, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
