"""How far a consumer's copy has come, and the opaque cursor that says so. Pure but for :func:`reached`.

Every day has positions of its own, given in the order of commits, so a copy's place is a position for each day: no row
that commits later, or late to a past day, can lie before it.
"""

from __future__ import annotations

import base64
import binascii
import json
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING

import msgspec

from dongui_collector.core.errors import CollectorError
from dongui_collector.core.sealing import SealBroken, seal, unseal
from dongui_collector.exports.export import Entitlement
from dongui_collector.keys.keyring import KeyRing
from dongui_collector.storage.contract.journal import EPOCH, FIRST_EPOCH
from dongui_collector.storage.contract.values import DayPosition

if TYPE_CHECKING:
    from dongui_collector.ledger.installation import LedgerInstallation

KNOWN_MS = 90 * 86_400_000  # as long as the erasure feed names whom it tells of
BEGINNING = ("", "0")  # what asks for a first copy
NOWHERE = DayPosition()


class CopyCursorError(CollectorError):
    """A cursor that is none of this consumer's for this question."""


class CopyExpired(CollectorError):
    """A cursor whose history is no longer known; the message says what to do."""


@dataclass(frozen=True, slots=True)
class CopyState:
    """As of when a copy is true: an instant, a ledger record, a day, the notice in force, and a position of each day.

    ``first`` and ``last`` are the days that it is a copy of, both included.
    """

    epoch: str = ""
    at: int = 0
    head: int = 0
    today: date = date.min
    notice: int = 0
    first: date = date.min
    last: date = date.max
    days: Mapping[date, DayPosition] = field(default_factory=dict)

    def of(self, day: date) -> DayPosition:
        return self.days.get(day, NOWHERE)


def reached(
    core: LedgerInstallation, reader: Entitlement, before: CopyState, days: Iterable[date], limit: int | None = None
) -> CopyState:
    """How far everything that is committed has come now; at most ``limit`` rows beyond ``before``, in order of
    ``days``.

    What the ledger says is looked at before any day is: what is decided meanwhile is told the next time.
    """
    now, head, today = core.clock.now(), core.storage.ledger.head()[0], core.today()
    notice = core.registry.in_force(reader.site.ref, now).ref
    left = limit
    found: dict[date, DayPosition] = {}
    for day in days:
        position, had = core.storage.events.position(day), before.of(day).n
        n = position.n if left is None else min(position.n, had + left)
        left = None if left is None else left - max(0, n - had)
        if n or position.serial:
            found[day] = DayPosition(n, position.serial)
    return CopyState(epoch_of(core), now, head, today, notice, before.first, before.last, found)


def epoch_of(core: LedgerInstallation) -> str:
    """The name of the history that positions belong to: a restored backup begins another."""
    return str((core.storage.admin.setting(EPOCH) or FIRST_EPOCH)["id"])


def check_known(core: LedgerInstallation, state: CopyState) -> None:
    """Raise :class:`CopyExpired` where what happened since ``state`` cannot be told any more."""
    if state.epoch != epoch_of(core) or core.clock.now() - state.at > KNOWN_MS:
        raise CopyExpired("a backup was restored since, or 90 days have passed: empty the copy and begin with since=0")


def continued(
    core: LedgerInstallation, cursors: CopyCursors, since: str, first: date | None = None, last: date | None = None
) -> CopyState:
    """Where the copy stands that is asked for: where a cursor says, or at the beginning, of these days or of all.

    Raises :class:`CopyCursorError` for what cannot be asked, :class:`CopyExpired` for what is known no longer.
    """
    if since in BEGINNING:
        begun = CopyState(first=first or date.min, last=last or date.max)
        if begun.first > begun.last:
            raise CopyCursorError("from must not lie after to")
        return begun
    state = cursors.state(since)
    check_known(core, state)
    if (first or state.first, last or state.last) != (state.first, state.last):
        raise CopyCursorError("from and to are those of the first copy, or left out; for other days begin anew")
    return state


class CopyCursors:
    """The cursors of one consumer for one question: purposes, columns and filters as they are asked for."""

    def __init__(
        self, keyring: KeyRing, reader: Entitlement, columns: Sequence[str] = (), filters: Sequence[str] = ()
    ) -> None:
        self._key = keyring.derive(b"copy-cursor")
        who = [reader.consumer, reader.site.id, sorted(reader.purposes), reader.recipient, reader.precise]
        self._bound = json.dumps([*who, list(columns), sorted(filters)]).encode()

    def of(self, state: CopyState) -> str:
        """The cursor of a copy's state. Sealed: positions tell how many rows a day has, those of others among them."""
        days = (state.first.toordinal(), state.last.toordinal(), state.today.toordinal())
        head = (state.epoch, state.at, state.head, state.notice, *days)
        plain = zlib.compress(msgspec.msgpack.encode((*head, _packed(state.days))))
        return base64.urlsafe_b64encode(seal(self._key, plain, self._bound)).decode().rstrip("=")

    def state(self, cursor: str) -> CopyState:
        """The state that a cursor stands for. Raises :class:`CopyCursorError` for what was altered or is another's."""
        try:
            sealed = base64.b64decode(cursor.encode() + b"=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
            plain = zlib.decompress(unseal(self._key, sealed, self._bound))
        except (SealBroken, UnicodeEncodeError, binascii.Error):
            raise CopyCursorError(
                "since is a cursor of this very question (token, purposes, columns, filters), or 0 for a first copy"
            ) from None
        epoch, at, head, notice, first, last, today, days = msgspec.msgpack.decode(plain)
        range_ = (date.fromordinal(first), date.fromordinal(last))
        return CopyState(epoch, at, head, date.fromordinal(today), notice, *range_, dict(_unpacked(days)))


def _packed(days: Mapping[date, DayPosition]) -> bytes:
    """Some six bytes a day: the distance to the day before, and the two positions, each as a base-128 number."""
    found, before = bytearray(), 0
    for day, position in sorted(days.items()):
        for number in (day.toordinal() - before, *position):
            while number > 127:
                found.append(number & 127 | 128)
                number >>= 7
            found.append(number)
        before = day.toordinal()
    return bytes(found)


def _unpacked(packed: bytes) -> Iterator[tuple[date, DayPosition]]:
    numbers, number, shift = [], 0, 0
    for byte in packed:
        number |= (byte & 127) << shift
        shift += 7
        if byte < 128:
            numbers.append(number)
            number = shift = 0
    day = 0
    for distance, n, serial in zip(*[iter(numbers)] * 3, strict=True):
        day += distance
        yield date.fromordinal(day), DayPosition(n, serial)
