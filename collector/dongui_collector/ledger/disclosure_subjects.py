"""Whose data a disclosure concerns: keyed hashes that mean nothing without the installation's secret.

The rows that went out end, and with them the knowledge whose they were; a person may still ask to whom their data was
given (PIPA 35). So every entry keeps a set of hashes, each bound to that one entry: nobody can join two sets, and who
is erased is taken out of all of them. docs/decisions/007 says why.
"""

from __future__ import annotations

import hmac
from collections.abc import Iterable
from typing import Literal

from dongui_collector.keys.keyring import KeyRing
from dongui_collector.storage.contract.stores import Storage
from dongui_collector.storage.contract.values import Visitor

# ``given``: their data went out. ``out``: they are left out (S4.2a). ``asked``: only theirs may go out (S4.2c).
Set = Literal["given", "out", "asked"]
SETS: tuple[Set, ...] = ("given", "out", "asked")


class Disclosed:
    """The hashes of one installation. ``key`` is always a visitor's or a member's 16-byte key, never an id."""

    def __init__(self, keyring: KeyRing) -> None:
        self._secret = keyring.derive(b"disclosed")

    def hash(self, disclosure: int, key: bytes, which: Set = "given") -> bytes:
        """The 16 bytes that stand for a person in one set of one entry."""
        return hmac.digest(self._secret, f"{which}|{disclosure}|".encode() + key, "sha256")[:16]

    def hashes(self, disclosure: int, keys: Iterable[bytes], which: Set = "given") -> list[bytes]:
        """The same of many."""
        return [self.hash(disclosure, key, which) for key in keys]


def forget(storage: Storage, keyring: KeyRing, key: bytes) -> int:
    """Take an erased person out of every set, and their profile from everybody's eyes (S4.2b).

    Inside a writing transaction; how many sets they were in.
    """
    storage.disclosures.deny_profile(key)
    hashes = Disclosed(keyring)
    entries = [entry.id for entry in storage.disclosures.entries()]
    return storage.disclosures.forget(hashes.hash(id, key, which) for id in entries for which in SETS)


def says_no(storage: Storage, keyring: KeyRing, visitor: Visitor) -> None:
    """Leave the member of a visitor who withdraws, or is erased, out of every transfer that is planned (S4.2a).

    Inside the writing transaction that does it, since the visitor is no longer joined to the member afterwards.
    """
    if visitor.member is None:
        return
    for entry in storage.disclosures.entries():
        if (entry.way, entry.state, entry.site_ref) == ("transfer", "planned", visitor.site_ref):
            hashes = Disclosed(keyring).hashes(entry.id, [visitor.member], "out")
            storage.disclosures.add_people(entry.id, hashes)
