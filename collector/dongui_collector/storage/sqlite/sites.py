"""Sites, their notices and the bits of their purposes on SQLite: tables of ``data/dongui.db``."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from datetime import date

from dongui_collector.storage.contract.values import NoticeVersion, Site
from dongui_collector.storage.sqlite.own_file import OwnFile


class SqliteSites(OwnFile):
    """The part of :class:`~dongui_collector.storage.contract.stores.LedgerStore` that is about sites."""

    def add_site(self, id: str, name: str, origins: Sequence[str], secret_hash: bytes, address_key: bytes) -> Site:
        ref = self._write(
            "INSERT INTO sites (id, name, origins, secret_hash, address_key) VALUES (?, ?, ?, ?, ?)",
            (id, name, json.dumps(list(origins)), secret_hash, address_key),
        ).lastrowid
        return Site(ref or 0, id, name, tuple(origins), secret_hash, address_key)

    def set_origins(self, site_ref: int, origins: Sequence[str]) -> None:
        self._write("UPDATE sites SET origins = ? WHERE ref = ?", (json.dumps(list(origins)), site_ref))

    def sites(self) -> list[Site]:
        rows = self._read("SELECT ref, id, name, origins, secret_hash, address_key FROM sites ORDER BY ref")
        return [Site(r[0], r[1], r[2], tuple(json.loads(r[3])), r[4], r[5]) for r in rows]

    def add_notice(self, site_ref: int, version: str, effective: date, at: int, text: str) -> NoticeVersion:
        ref = self._write(
            "INSERT INTO notices (site_ref, version, effective, published_at, text) VALUES (?, ?, ?, ?, ?)",
            (site_ref, version, effective.isoformat(), at, text),
        ).lastrowid
        return NoticeVersion(ref or 0, site_ref, version, effective, at, text)

    def notices(self, site_ref: int) -> list[NoticeVersion]:
        rows = self._read(
            "SELECT ref, site_ref, version, effective, published_at, text FROM notices WHERE site_ref = ? ORDER BY ref",
            (site_ref,),
        )
        return [NoticeVersion(r[0], r[1], r[2], date.fromisoformat(r[3]), r[4], r[5]) for r in rows]

    def bits(self, site_ref: int) -> dict[str, int]:
        return dict(self._read("SELECT id, bit FROM purposes WHERE site_ref = ? ORDER BY bit", (site_ref,)))

    def assign_bits(self, site_ref: int, purposes: Iterable[str]) -> dict[str, int]:
        bits = self.bits(site_ref)
        for purpose in purposes:
            if purpose not in bits:
                bits[purpose] = len(bits)
                self._write(
                    "INSERT INTO purposes (site_ref, id, bit) VALUES (?, ?, ?)", (site_ref, purpose, bits[purpose])
                )
        return bits
