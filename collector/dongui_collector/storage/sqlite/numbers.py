"""Numbers that outlive a day on SQLite: tables of ``data/dongui.db``."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import date

from dongui_collector.storage.contract.values import FrozenNumbers, Json
from dongui_collector.storage.sqlite.own_file import OwnFile


class SqliteNumbers(OwnFile):
    """The part of :class:`~dongui_collector.storage.contract.stores.LedgerStore` that is about numbers."""

    def add_totals(self, day: date, site_ref: int, counts: Mapping[str, int]) -> None:
        for name, n in counts.items():
            self._write(
                "INSERT INTO totals VALUES (?, ?, ?, ?)"
                " ON CONFLICT (day, site_ref, name) DO UPDATE SET n = n + excluded.n",
                (day.isoformat(), site_ref, name, n),
            )

    def totals(
        self, site_ref: int | None = None, since: date | None = None, prefix: str = ""
    ) -> dict[tuple[date, int, str], int]:
        rows = self._read(
            "SELECT day, site_ref, name, n FROM totals"
            " WHERE day >= ?2 AND (?1 IS NULL OR site_ref = ?1) AND substr(name, 1, ?4) = ?3 ORDER BY day, name",
            (site_ref, since.isoformat() if since else "", prefix, len(prefix)),
        )
        return {(date.fromisoformat(d), s, name): n for d, s, name, n in rows}

    def freeze(self, day: date, site_ref: int, source: str, numbers: Mapping[str, Mapping[str, Json]]) -> list[str]:
        found = self._read(
            "SELECT DISTINCT purposes FROM frozen WHERE site_ref = ? AND day = ? AND source = ?",
            (site_ref, day.isoformat(), source),
        )
        fresh = [purposes for purposes in numbers if (purposes,) not in found]
        for purposes in fresh:
            for report, body in numbers[purposes].items():
                text = json.dumps(body, separators=(",", ":"), ensure_ascii=False)
                values = (site_ref, report, day.isoformat(), purposes, source, text)
                self._write("INSERT INTO frozen VALUES (?, ?, ?, ?, ?, ?)", values)
        return fresh

    def frozen(
        self, site_ref: int, report: str, purposes: Sequence[str], first: date, last: date
    ) -> list[FrozenNumbers]:
        some = f"AND purposes IN ({', '.join('?' * len(purposes))})" if purposes else ""
        rows = self._read(
            "SELECT day, purposes, source, body FROM frozen"
            f" WHERE site_ref = ? AND report = ? AND day >= ? AND day <= ? {some} ORDER BY day, source",
            (site_ref, report, first.isoformat(), last.isoformat(), *purposes),
        )
        return [FrozenNumbers(date.fromisoformat(d), p, s, json.loads(b)) for d, p, s, b in rows]

    def frozen_days(self, site_ref: int, source: str, first: date, last: date) -> list[date]:
        rows = self._read(
            "SELECT DISTINCT day FROM frozen"
            " WHERE site_ref = ? AND report = 'overview' AND day >= ? AND day <= ? AND source = ? ORDER BY day",
            (site_ref, first.isoformat(), last.isoformat(), source),
        )
        return [date.fromisoformat(day) for (day,) in rows]
