"""The disclosure ledger's entries (S4), stored as they are encoded.

Fields that an entry's way does not have are left out of what is stored, and fields that it does not know are skipped
when it is read, so that what earlier versions stored can still be read.
"""

from __future__ import annotations

from typing import Literal

import msgspec
from msgspec import UNSET, UnsetType

DisclosureState = Literal["planned", "begun", "done", "interrupted", "cancelled"]
Text = str | UnsetType


class TransferNotice(msgspec.Struct, frozen=True):
    """A notice of a transfer: how and on which day it was given, what proves it, and who logged it."""

    means: str
    on: str
    proof: str
    by: str


class DisclosureFacts(msgspec.Struct, kw_only=True):
    """What an entry says of a hand-over. None of it names a person whose data it was.

    ``at`` and other instants are epoch ms; ``first`` and ``last`` the days of the data (None: of no day in particular);
    ``way`` is how it went: an export, a profile, noted by hand, a transfer, an investigation.
    """

    id: int = 0
    at: int = 0
    state: DisclosureState = "begun"
    way: str
    recipient: str
    party: str
    country: str | None
    purposes: list[str]
    items: list[str]
    first: str | None = msgspec.field(name="from", default=None)
    last: str | None = msgspec.field(name="to", default=None)
    by: str
    rows: int | None = None
    people: int | None = None
    digest: str | None = None
    notice: Text = UNSET
    format: Text = UNSET
    precise: bool | UnsetType = UNSET
    done_at: int | UnsetType = UNSET
    begun_at: int | UnsetType = UNSET
    handed_by: Text = UNSET
    # noted by hand
    what: Text = UNSET
    everyone: bool | UnsetType = UNSET
    handed: Text = UNSET
    # a transfer, and a profile's reader
    address: Text | None = UNSET
    contact: Text = UNSET
    fact: Text = UNSET
    opt_out: Text = UNSET
    until: Text = UNSET
    notices: list[TransferNotice] | UnsetType = UNSET
    opted_out: int | UnsetType = UNSET
    # an investigation
    statute: Text = UNSET
    procedure: Text = UNSET
    document: Text = UNSET
    of_everyone: bool | UnsetType = UNSET
    secret_until: Text | None = UNSET
    secret_law: Text = UNSET


class Disclosure(DisclosureFacts, kw_only=True):
    """An entry. It may be changed and put back with :meth:`DisclosureStore.change`. ``v`` is its form's
    version; absent is 1."""

    site_ref: int
    v: int | UnsetType = UNSET
