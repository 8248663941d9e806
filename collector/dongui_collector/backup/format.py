"""A backup's file: a magic line, a line of JSON, then frames ``[length][name length][name][index][last][sealed]``.

Every frame is bound to the header, its section and its place, and the last section lists all others: nothing can be
left out, added or moved unseen.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Iterator
from datetime import date
from typing import BinaryIO

import msgspec

from dongui_collector.core.errors import StorageError
from dongui_collector.core.sealing import SealBroken, seal, unseal
from dongui_collector.keys.keyring import KeyRing
from dongui_collector.storage.contract.folder import Part
from dongui_collector.storage.contract.values import Json

MAGIC = b"DONGUI-BACKUP/1\n"
_MAX_FRAME = 256 << 20
_MAX_HEADER = 64 << 10


def own_key(keyring: KeyRing) -> bytes:
    """The key of everything in a backup that is no day."""
    return keyring.derive(b"backup")


def day_backup_key(day_key: bytes) -> bytes:
    """A day's key for backups: gone with the day's own."""
    return hmac.digest(day_key, b"backup", "sha256")


class BackupWriter:
    """Writes header and frames to ``out``."""

    def __init__(self, out: BinaryIO, header: Json) -> None:
        line = json.dumps(header).encode() + b"\n"
        self._out = out
        self._header = hashlib.sha256(line).digest()
        self.sections: dict[str, int] = {}
        self.bytes = out.write(MAGIC + line)

    def section(self, name: str, key: bytes, parts: Iterator[Part]) -> None:
        index = 0
        for part in parts:
            self._frame(name, index, False, key, msgspec.msgpack.encode(part))
            index += 1
        self._frame(name, index, True, key, b"")
        self.sections[name] = index

    def finish(self, key: bytes) -> None:
        self._frame("end", 0, True, key, msgspec.msgpack.encode(self.sections))

    def _frame(self, name: str, index: int, last: bool, key: bytes, plain: bytes) -> None:
        place = _place(name, index, last)
        sealed = seal(key, plain, self._header + place)
        frame = len(sealed).to_bytes(4, "big") + place + sealed
        self._out.write(frame)
        self.bytes += len(frame)


def _place(name: str, index: int, last: bool) -> bytes:
    text = name.encode()
    return len(text).to_bytes(2, "big") + text + index.to_bytes(4, "big") + bytes([last])


class BackupReader:
    """Reads frames in order and sees that none is missing. ``header`` is believed only once a frame has opened."""

    def __init__(self, file: BinaryIO, keyring: KeyRing) -> None:
        self._file = file
        self._keyring = keyring
        self.shredded: list[str] = []
        self._read: dict[str, int] = {}
        if file.read(len(MAGIC)) != MAGIC:
            raise StorageError("this is no dongui backup, or one of another version")
        line = file.readline(_MAX_HEADER)
        self._bound = hashlib.sha256(line).digest()
        try:
            self.header: Json = json.loads(line)
        except ValueError:
            raise StorageError("the backup's header is damaged") from None

    def sections(self) -> Iterator[tuple[str, Iterator[Part]]]:
        """Each section's name and parts. A day whose key was destroyed is passed over: it cannot be read any more."""
        while True:
            name, index, last, sealed = self._frame()
            if name == "end":
                listed = msgspec.msgpack.decode(self._opened("end", 0, True, sealed, own_key(self._keyring)))
                if listed != self._read:
                    raise StorageError("the backup is not whole: sections are missing or were added")
                return
            key = self._key(name)
            parts = self._parts(name, key, (index, last, sealed))
            if key is None:
                for _ in parts:
                    pass
                self.shredded.append(name)
            else:
                yield name, parts

    def _key(self, name: str) -> bytes | None:
        if not name.startswith("day:"):
            return own_key(self._keyring)
        key = self._keyring.day(date.fromisoformat(name.removeprefix("day:")))
        return None if key is None else day_backup_key(key)

    def _parts(self, name: str, key: bytes | None, first: tuple[int, bool, bytes]) -> Iterator[Part]:
        index, last, sealed = first
        expected = 0
        while True:
            if index != expected:
                raise StorageError(f"the backup is damaged: a part of {name} is missing")
            plain = b"" if key is None else self._opened(name, index, last, sealed, key)
            if last:
                self._read[name] = index
                return
            if key is not None:
                yield msgspec.msgpack.decode(plain)
            expected += 1
            found, index, last, sealed = self._frame()
            if found != name:
                raise StorageError(f"the backup is damaged: the end of {name} is missing")

    def _opened(self, name: str, index: int, last: bool, sealed: bytes, key: bytes) -> bytes:
        try:
            return unseal(key, sealed, self._bound + _place(name, index, last))
        except SealBroken:
            raise StorageError(f"the backup does not open at {name}: it was damaged, or made with other keys") from None

    def _frame(self) -> tuple[str, int, bool, bytes]:
        head = self._file.read(6)
        if len(head) < 6:
            raise StorageError("the backup is not whole: it ends too early")
        length, name_length = int.from_bytes(head[:4], "big"), int.from_bytes(head[4:], "big")
        rest = self._file.read(name_length + 5)
        sealed = self._file.read(length) if length <= _MAX_FRAME else b""
        if len(rest) < name_length + 5 or len(sealed) < length:
            raise StorageError("the backup is not whole: it ends too early")
        name = rest[:name_length].decode(errors="replace")
        return name, int.from_bytes(rest[name_length:-1], "big"), bool(rest[-1]), sealed
