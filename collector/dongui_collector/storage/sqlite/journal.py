"""The journal of destructions: ``keys/journal.ndjson``, apart from ``data/`` and from every backup of it.

A line an ending, no identifiers: days, classes, ledger numbers. A backup remembers how far the journal had come when it
was made; ``restore`` repeats what came after, before anything is served. Each line carries a MAC over itself and its
predecessor's, so that a journal with a line removed from its middle, or of another installation, is found.

Ledger numbers mean something within one *epoch*: a restored ledger goes on from the backup's last number and gives the
numbers after it anew. So every line names its epoch, and an epoch's first line says where it branched off from which.
"""

from __future__ import annotations

import hmac
import json
import os
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from dongui_collector.core.durable import write_whole
from dongui_collector.core.errors import StorageError, StorageFull
from dongui_collector.core.private_files import private
from dongui_collector.storage.contract.journal import FIRST_EPOCH
from dongui_collector.storage.contract.values import Json
from dongui_collector.storage.sqlite.connect import own_errors

JOURNAL_FILE = "journal.ndjson"


@dataclass(frozen=True, slots=True)
class _Start:
    """What came before the first entry there still is."""

    count: int = 0
    mac: str = ""
    epochs: list[Json] = field(default_factory=list)


class Journal:
    """Append-only. ``key`` authenticates the lines; ``epoch`` is the ledger's: ``{id, parents: [[id, head], …]}``."""

    def __init__(self, path: Path, key: bytes, epoch: Callable[[], Json] = lambda: FIRST_EPOCH) -> None:
        self.path = path
        self._key = key
        self._epoch = epoch
        self._lock = threading.Lock()
        self._last: str | None = None  # the last line's MAC; None: not read yet
        self._known = {"0"}  # the epochs whose first line is there

    def append(self, *entries: Json) -> None:
        """Add entries; on disk when this returns."""
        epoch = self._epoch()
        with own_errors(), self._lock:
            if self._last is None:
                start, found = self._read(mend=True)
                self._last = found[-1][0] if found else start.mac
                self._known |= {e["id"] for e in (*start.epochs, *(e for _, e in found if e["kind"] == "epoch"))}
            introduced = [] if epoch["id"] in self._known else [{"kind": "epoch", **epoch}]
            self._write([*introduced, *(entry | {"epoch": epoch["id"]} for entry in entries)])
            self._known.add(epoch["id"])

    def position(self) -> tuple[int, str]:
        """How many entries there are, and the last one's MAC."""
        start, found = self._read()
        return start.count + len(found), found[-1][0] if found else start.mac

    def entries(self, after: tuple[int, str] | None = None) -> list[Json]:
        """The entries that follow a position; all there are, the epochs before them included, for None.

        Raises :class:`StorageError` when the journal does not contain the position, or not any more.
        """
        start, found = self._read()
        if after is None:
            return [*({"kind": "epoch", **epoch} for epoch in start.epochs), *(entry for _, entry in found)]
        at = after[0] - start.count
        if at < 0:
            raise StorageError(
                f"{self.path} was compacted and does not reach back to this backup any more; name an older copy of it"
                " that goes on to today with --journal"
            )
        known = [start.mac, *(mac for mac, _ in found)]
        if len(found) < at or known[at] != after[1]:
            raise StorageError(f"{self.path} is not the journal that this backup knows, or an older copy of it")
        return [entry for _, entry in found[at:]]

    def reaches(self, position: tuple[int, str]) -> bool:
        """Whether this journal goes on from a position. Where it was compacted beyond it, that cannot be told: True."""
        start, found = self._read()
        at = position[0] - start.count
        known = [start.mac, *(mac for mac, _ in found)]
        return at < 0 or (at < len(known) and known[at] == position[1])

    def compact(self, before: str) -> int:
        """Forget what only backups made before a day (``YYYY-MM-DD``) would need. Returns how many entries went.

        Everything up to the first backup made on or after that day goes; one line stands for it, which goes on with
        the chain of MACs. Whole or not at all.
        """
        with own_errors(), self._lock:
            start, found = self._read(mend=True)
            kept = (i for i, (_, e) in enumerate(found) if e["kind"] == "backup" and e["day"] >= before)
            if not (cut := next(kept, 0)):
                return 0
            gone = found[:cut]
            epochs = [{k: e[k] for k in ("id", "parents")} for _, e in gone if e["kind"] == "epoch"]
            line: Json = {"kind": "compacted", "count": start.count + cut, "mac": gone[-1][0]}
            line["epochs"] = [*start.epochs, *epochs]
            lines = [(self._mac("", _text(line)), line), *found[cut:]]
            write_whole(self.path, "".join(f"{mac} {_text(entry)}\n" for mac, entry in lines).encode())
            return cut

    def copy_to(self, target: Path) -> None:
        """As the contract says."""
        if target.absolute() != self.path.absolute():
            write_whole(target, self.path.read_bytes())

    @property
    def exists(self) -> bool:
        return self.path.exists()

    def _write(self, entries: Sequence[Json]) -> None:
        last, lines = self._last or "", b""
        for entry in entries:
            text = _text(entry)
            last = self._mac(last, text)
            lines += f"{last} {text}\n".encode()
        fd = private(str(self.path), os.O_WRONLY | os.O_APPEND | os.O_CREAT)
        try:
            before = os.fstat(fd).st_size
            if os.write(fd, lines) != len(lines):
                os.ftruncate(fd, before)  # a full disk: half a line must not stay before the next
                raise StorageFull("the disk is full")
            os.fsync(fd)
        finally:
            os.close(fd)
        self._last = last

    def _read(self, *, mend: bool = False) -> tuple[_Start, list[tuple[str, Json]]]:
        """Where it begins, and each entry with its MAC."""
        start = _Start()
        try:
            data = self.path.read_bytes()
        except FileNotFoundError:
            return start, []
        whole = data[: data.rfind(b"\n") + 1]
        if mend and len(whole) < len(data):
            os.truncate(self.path, len(whole))  # a crash while the last line was written
        found: list[tuple[str, Json]] = []
        last = ""
        for number, line in enumerate(whole.splitlines(), 1):
            mac, text = (part.decode("ascii", "replace") for part in line.partition(b" ")[::2])
            if not hmac.compare_digest(mac.encode(), self._mac(last, text).encode()):
                raise StorageError(f"{self.path}: line {number} was altered, or a line before it is missing")
            entry = json.loads(text)
            if number == 1 and entry["kind"] == "compacted":
                start = _Start(entry["count"], entry["mac"], entry["epochs"])
                last = start.mac
            else:
                found.append((mac, entry))
                last = mac
        return start, found

    def _mac(self, previous: str, text: str) -> str:
        return hmac.new(self._key, f"{previous} {text}".encode(), "sha256").hexdigest()


def _text(entry: Json) -> str:
    return json.dumps(entry, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
