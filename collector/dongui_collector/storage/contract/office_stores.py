"""What the collector needs of the books of officers: holds, destructions, requests, accounts, disclosures."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date
from typing import Protocol

from dongui_collector.storage.contract.access import Account, Token
from dongui_collector.storage.contract.disclosures import Disclosure
from dongui_collector.storage.contract.requests import StoredRequest
from dongui_collector.storage.contract.targets import SelectedTarget
from dongui_collector.storage.contract.values import Destruction, DestructionState, Hold, Json, Session

MOST_COOKIES = 1_000  # names in the inventory of a site


class AdminStore(Protocol):
    """Tables of ``data/dongui.db`` beside the ledger; writes inside ``ledger.writing()``."""

    def add_hold(self, hold: Hold) -> Hold: ...
    def release_hold(self, id: int, at: int) -> None:
        """From here on it holds nothing; whom it held is forgotten, that and why it stood is not."""

    def holds(self, *, active: bool = True) -> list[Hold]:
        """``active``: those not released; whether one still stands on a day says :meth:`Hold.stands`."""

    def join_hold(self, subject: bytes, visitor: bytes) -> None:
        """A visitor was joined to a member: holds that name the member hold the visitor's too."""

    def add_destruction(
        self, target: SelectedTarget, reason: str, at: int, *, due: date | None = None, by: str = ""
    ) -> Destruction: ...
    def update_destruction(self, destruction: Destruction) -> None: ...
    def destruction(self, id: int) -> Destruction | None: ...
    def destructions(self, states: Sequence[DestructionState] = ()) -> list[Destruction]: ...
    def setting(self, name: str) -> Json | None:
        """Small named values: the standing approval, the last retention run, …"""

    def put_setting(self, name: str, value: Json | None) -> None: ...
    def seen_cookies(self, site_ref: int, names: Iterable[str], at: int) -> None:
        """Names of cookies that browsers sent to a site, where strangers choose them: at most :data:`MOST_COOKIES` are
        kept. Those seen again stay before those seen once, and the newer before the older."""

    def cookie_inventory(self, site_ref: int) -> list[Json]: ...
    def add_to_feed(self, consumer: str, at: int, entry: Json) -> None:
        """Tell a consumer (``*``: everyone) what must be destroyed downstream."""

    def feed(self, consumer: str, after: int = 0, limit: int = 1000) -> list[tuple[int, int, Json]]:
        """(cursor, at, entry) of this consumer and of everyone, in order."""

    def forget_feed(self, before: int) -> int:
        """Clear entries older than ``before`` in place."""

    def add_token(self, token: Token, token_hash: bytes) -> None:
        """``token``: {id, role, site, purposes, note, created_at}; the token itself is never stored."""

    def token(self, token_hash: bytes) -> Token | None: ...
    def tokens(self) -> list[Token]: ...
    def revoke_token(self, id: str, at: int) -> bool: ...
    def token_used(self, id: str, day: date) -> None:
        """The last day on which a token was used; ``tokens`` shows it as ``last_used``."""

    def add_request(self, request: StoredRequest) -> int: ...
    def request(self, id: int) -> StoredRequest | None: ...
    def requests(self) -> list[StoredRequest]:
        """All of them, oldest first, each with its ``id``."""

    def requests_after(self, id: int) -> list[StoredRequest]:
        """Those with a higher number, oldest first."""

    def requests_of(self, subjects: Sequence[bytes]) -> list[StoredRequest]:
        """Those about a visitor or a member under one of these keys, oldest first."""

    def request_page(self, soon: date, *, closed: bool, offset: int, limit: int) -> list[StoredRequest]:
        """A part of the list; open are those without ``closed_at``, and with ``closed`` the others follow them.

        The soonest due first; one that was filed with ``nothing_held`` of its visitor comes after the others, unless it
        is due by ``soon``. What a page costs does not grow with the requests that are not on it.
        """

    def request_count(self, *, closed: bool) -> int: ...
    def requests_due(self) -> dict[date, int]:
        """Of how many that are open each day is the last."""

    def update_request(self, request: StoredRequest) -> None: ...
    def destroy_requests(self, ids: Sequence[int]) -> int: ...


class AccountStore(Protocol):
    """Console accounts and sessions, beside the ledger; writes inside ``ledger.writing()``."""

    def put(self, account: Account) -> None:
        """Insert or replace by ``id``. {id, name, role, password, …}: what else there is, see ``people.py``."""

    def remove(self, id: str) -> bool: ...
    def account(self, name: str) -> Account | None: ...
    def by_id(self, id: str) -> Account | None: ...
    def accounts(self) -> list[Account]:
        """By name."""

    def begin(self, session: Session) -> None: ...
    def session(self, hash: bytes) -> Session | None: ...
    def sessions(self, account: str | None = None) -> list[Session]:
        """Of one account (by its id) or of all, oldest first."""

    def seen(self, hash: bytes, at: int) -> None: ...
    def end(self, *, hash: bytes | None = None, account: str | None = None) -> int:
        """One session, all of an account, or, with neither, everybody's."""

    def end_before(self, started: int, seen: int) -> int:
        """Sessions that began or were last used before these instants."""


class DisclosureStore(Protocol):
    """What was handed to whom (S4), beside the ledger; writes inside ``ledger.writing()``.

    Whose data an entry concerns is a set of 16-byte keyed hashes, different for every entry
    (``ledger/disclosure_subjects.py``).
    """

    def add(self, entry: Disclosure) -> int:
        """A new entry; its number, which is never used again."""

    def entry(self, id: int) -> Disclosure | None: ...
    def entries(self) -> list[Disclosure]:
        """By number, each with its ``id``."""

    def change(self, entry: Disclosure) -> None:
        """Put an entry in the place of the one of its number. Raises :class:`Unknown` where there is none."""

    def destroy(self, ids: Sequence[int]) -> int:
        """Clear entries and their sets in place."""

    def add_people(self, id: int, hashes: Iterable[bytes]) -> int:
        """How many of them were not in the entry's set before."""

    def people(self, id: int) -> int: ...
    def known(self, hashes: Iterable[bytes]) -> set[bytes]:
        """Those that are in a set."""

    def forget(self, hashes: Iterable[bytes]) -> int: ...

    # profiles (S4.2b): members who allow others to see theirs
    def allow_profile(self, site_ref: int, member: bytes, at: int) -> bool:
        """False when it was allowed already."""

    def deny_profile(self, member: bytes) -> bool:
        """False when it was not allowed."""

    def profiles(self, site_ref: int) -> dict[bytes, int]:
        """Member → since when (epoch ms)."""
