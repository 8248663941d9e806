"""The cursor that an export is gone on with: opaque, good for its consumer and its question alone.

Sealed, since a place tells how many rows a day has, and of rows without a time on which day they are.
"""

from __future__ import annotations

import base64
import binascii
import json
from datetime import date

from dongui_collector.core.errors import CollectorError
from dongui_collector.core.sealing import SealBroken, seal, unseal
from dongui_collector.exports.day_order import ExportPosition
from dongui_collector.exports.export import Entitlement
from dongui_collector.keys.keyring import KeyRing


class CursorError(CollectorError):
    """A cursor that is none of this consumer's for this question."""


class Cursors:
    """The cursors of one question: a consumer, a site, purposes and days."""

    def __init__(self, keyring: KeyRing, reader: Entitlement, first: date, last: date) -> None:
        self._key = keyring.derive(b"export-cursor")
        asked = [reader.consumer, reader.site.id, sorted(reader.purposes), first.isoformat(), last.isoformat()]
        self._bound = json.dumps(asked).encode()

    def of(self, place: ExportPosition) -> str:
        """The cursor behind a row."""
        plain = json.dumps([place.undated, place.day.isoformat(), place.n]).encode()
        return base64.urlsafe_b64encode(seal(self._key, plain, self._bound)).decode().rstrip("=")

    def place(self, cursor: str) -> ExportPosition:
        """Where a cursor stands. Raises :class:`CursorError`; never believes what was altered or made for another."""
        try:
            sealed = base64.b64decode(cursor.encode() + b"=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
            undated, day, n = json.loads(unseal(self._key, sealed, self._bound))
        except (SealBroken, UnicodeEncodeError, binascii.Error):
            raise CursorError("after is a cursor of this very question, as the last answer's Link gave it") from None
        return ExportPosition(undated, date.fromisoformat(day), n)
