"""The disclosure ledger's files on SQLite: in ``data/dongui.db``, in the ledger's own transactions.

A new version of an entry is appended and the old one cleared in place, and so are the sets of people, so that no row
grows and is moved (docs/decisions/001).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec
from msgspec.structs import replace

from dongui_collector.core.errors import Unknown
from dongui_collector.storage.contract.disclosures import Disclosure
from dongui_collector.storage.sqlite.ledger import SqliteLedger

_AT_ONCE = 500  # values of one statement


class SqliteDisclosures:
    """Implements :class:`~dongui_collector.storage.contract.stores.DisclosureStore`."""

    def __init__(self, ledger: SqliteLedger) -> None:
        self._read = ledger._read
        self._write = ledger._write

    # -- entries

    def add(self, entry: Disclosure) -> int:
        # Numbers are never used again, those of cleared entries included.
        ((last,),) = self._read("SELECT max(id) FROM disclosure_numbers")
        id = int(last or 0) + 1
        self._write("INSERT INTO disclosure_numbers (id) VALUES (?)", (id,))
        self._put(replace(entry, id=id))
        return id

    def _put(self, entry: Disclosure) -> None:
        text = msgspec.json.encode(entry, order="sorted").decode()
        self._write("INSERT INTO disclosures (id, body) VALUES (?, ?)", (entry.id, text))

    def entry(self, id: int) -> Disclosure | None:
        return next(iter(self._entries("id = ?", (id,))), None)

    def entries(self) -> list[Disclosure]:
        return self._entries("id IS NOT NULL ORDER BY id")

    def _entries(self, condition: str, values: Sequence[int] = ()) -> list[Disclosure]:
        rows = self._read(f"SELECT body FROM disclosures WHERE {condition}", tuple(values))
        return [msgspec.json.decode(body, type=Disclosure) for (body,) in rows]

    def change(self, entry: Disclosure) -> None:
        if not self._write("UPDATE disclosures SET id = NULL, body = NULL WHERE id = ?", (entry.id,)).rowcount:
            raise Unknown(f"there is no disclosure {entry.id}; see `dongui disclosures list`")
        self._put(entry)

    def destroy(self, ids: Sequence[int]) -> int:
        done = 0
        for id in ids:
            self._write("UPDATE disclosed SET disclosure = NULL, whose = NULL WHERE disclosure = ?", (id,))
            done += self._write("UPDATE disclosures SET id = NULL, body = NULL WHERE id = ?", (id,)).rowcount
        return done

    # -- whose data

    def add_people(self, id: int, hashes: Iterable[bytes]) -> int:
        return sum(
            self._write("INSERT OR IGNORE INTO disclosed (disclosure, whose) VALUES (?, ?)", (id, whose)).rowcount
            for whose in hashes
        )

    def people(self, id: int) -> int:
        ((number,),) = self._read("SELECT count(*) FROM disclosed WHERE disclosure = ?", (id,))
        return int(number)

    def known(self, hashes: Iterable[bytes]) -> set[bytes]:
        found: set[bytes] = set()
        wanted = list(hashes)
        for start in range(0, len(wanted), _AT_ONCE):
            some = wanted[start : start + _AT_ONCE]
            marks = ", ".join("?" * len(some))
            found |= {whose for (whose,) in self._read(f"SELECT whose FROM disclosed WHERE whose IN ({marks})", some)}
        return found

    def forget(self, hashes: Iterable[bytes]) -> int:
        return sum(
            self._write("UPDATE disclosed SET disclosure = NULL, whose = NULL WHERE whose = ?", (whose,)).rowcount
            for whose in hashes
        )

    # -- profiles: who allows others to see theirs

    def allow_profile(self, site_ref: int, member: bytes, at: int) -> bool:
        if self._read("SELECT 1 FROM profiles WHERE member = ?", (member,)):
            return False
        self._write("INSERT INTO profiles (site_ref, member, at) VALUES (?, ?, ?)", (site_ref, member, at))
        return True

    def deny_profile(self, member: bytes) -> bool:
        sql = "UPDATE profiles SET site_ref = NULL, member = NULL, at = NULL WHERE member = ?"
        return bool(self._write(sql, (member,)).rowcount)

    def profiles(self, site_ref: int) -> dict[bytes, int]:
        return dict(self._read("SELECT member, at FROM profiles WHERE site_ref = ? ORDER BY n", (site_ref,)))
