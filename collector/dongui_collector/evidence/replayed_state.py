"""What the tables beside the chain must say, replayed from the chain alone. Pure: values in, values out.

The tables are what the software looks things up in; the chain is what counts. Whoever can write the database can write
both, but only the chain is fixed by its head and by the checkpoints that are kept elsewhere.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from dongui.i18n import Message

from dongui_collector.storage.contract.values import ConsentStatus, Json, LedgerRecord, Visitor


@dataclass(slots=True)
class ReplayedTables:
    """Sites, notices, holds, the standing approval, tokens and accounts as the chain tells them."""

    sites: dict[int, Json] = field(default_factory=dict)
    notices: dict[int, list[Json]] = field(default_factory=dict)
    holds: dict[int, Json] = field(default_factory=dict)
    standing: Json | None = None
    tokens: dict[str, Json] = field(default_factory=dict)
    accounts: dict[str, str] = field(default_factory=dict)
    accounts_ended: bool = False  # records of accounts have aged out (K12): what they said is not known any more

    def note(self, record: LedgerRecord) -> None:
        """Add one record. Raises KeyError, TypeError or AttributeError for one that lacks what its kind must say."""
        body: dict[str, Any] = record.body or {}
        if record.body is None and record.kind == "account":
            self.accounts_ended = True
        if record.body is None or (handler := _HANDLERS.get(record.kind)) is None:
            return
        handler(self, record, body)


def _site(books: ReplayedTables, record: LedgerRecord, body: Json) -> None:
    if record.site_ref is not None:
        known = books.sites.get(record.site_ref, {})
        books.sites[record.site_ref] = {**known, **body, "origins": list(body["origins"])}


def _notice(books: ReplayedTables, record: LedgerRecord, body: Json) -> None:
    if record.site_ref is not None:
        recorded = {key: body[key] for key in ("version", "effective", "digest")}
        books.notices.setdefault(record.site_ref, []).append(recorded | {"at": record.at})


def _hold(books: ReplayedTables, record: LedgerRecord, body: Json) -> None:
    if "released" in body:
        known = books.holds.get(int(body["released"]), {})
        books.holds[int(body["released"])] = {**known, "released_at": record.at}
    else:
        books.holds[int(body["id"])] = dict(body)


def _approval(books: ReplayedTables, record: LedgerRecord, body: Json) -> None:
    if body.get("standing") == "granted":
        books.standing = {key: value for key, value in body.items() if key != "standing"}
    elif body.get("standing") == "revoked":
        books.standing = None


def _token(books: ReplayedTables, record: LedgerRecord, body: Json) -> None:
    if "created" in body:
        books.tokens[body["created"]] = {**body, "site_ref": record.site_ref, "revoked_at": None}
    elif body["revoked"] in books.tokens:
        books.tokens[body["revoked"]] = {**books.tokens[body["revoked"]], "revoked_at": record.at}


def _account(books: ReplayedTables, record: LedgerRecord, body: Json) -> None:
    if body.get("what") == "removed":
        books.accounts.pop(body["name"], None)
    else:
        books.accounts[body["name"]] = body["role"]


_HANDLERS: dict[str, Callable[[ReplayedTables, LedgerRecord, Json], None]] = {
    "site": _site,
    "notice": _notice,
    "hold": _hold,
    "approval": _approval,
    "standing": _approval,
    "token": _token,
    "account": _account,
}


# --- visitors --------------------------------------------------------------------------------------------------------

NoticeRef = Callable[[int, str], int | None]


@dataclass(slots=True)
class ReplayedState:
    """A visitor as their own records tell: the standings, and whether they are suspended (None: no record says)."""

    standings: dict[int, ConsentStatus] = field(default_factory=dict)
    suspended: bool | None = None


def visitor_of(records: Iterable[LedgerRecord], bits: dict[str, int], notice_ref: NoticeRef) -> ReplayedState:
    """Replay one visitor's records, oldest first. A record whose content ended says nothing any more."""
    found = ReplayedState()
    for record in records:
        body = record.body
        if body is None:
            continue
        if record.kind in ("suspension", "resumption"):
            found.suspended = record.kind == "suspension"
        elif record.kind == "consent" and record.site_ref is not None:
            _decide(found.standings, record, body, bits, notice_ref(record.site_ref, body["notice"]))
    return found


def _decide(
    standings: dict[int, ConsentStatus], record: LedgerRecord, body: Json, bits: dict[str, int], ref: int | None
) -> None:
    knowing = bool(body.get("signals", {}).get("gpc"))
    for word in ("given", "refused", "withdrawn"):
        for purpose in body.get(word, ()):
            bit = bits[purpose]
            before = standings.get(bit)
            # A withdrawal that a restore repeats leaves the notice that it was given under.
            under = before.notice_ref if body.get("method") == "restore" and before else (ref or 0)
            given = word == "given"
            standings[bit] = ConsentStatus(bit, word, record.seq, under, record.at, knowing and given)


def differences(
    visitor: Visitor, expected: ReplayedState, outlived: Callable[[ConsentStatus], bool], *, forgotten: bool
) -> list[str]:
    """What the table of visitors says otherwise than the chain, in words without any identifier.

    ``outlived``: whether a consent has outlived its lifetime, so that the record that ended it may have aged out before
    its own did. ``forgotten``: whether records of suspensions have aged out.
    """
    found: list[str] = []
    for bit in sorted(visitor.standings.keys() | expected.standings.keys()):
        stored, recorded = visitor.standings.get(bit), expected.standings.get(bit)
        if stored == recorded or (stored is None and recorded is not None and outlived(recorded)):
            continue
        if recorded is None:
            state = stored.state if stored else ""
            found.append(
                Message(
                    "purpose bit {bit} stands there as {state}, and no record on the ledger says so",
                    bit=bit,
                    state=state,
                )
            )
        elif stored is None:
            found.append(
                Message(
                    "purpose bit {bit} is missing, record {seq} says {state}",
                    bit=bit,
                    seq=recorded.seq,
                    state=recorded.state,
                )
            )
        else:
            what = "purpose bit {bit} stands there otherwise than record {seq} says ({state})"
            found.append(Message(what, bit=bit, seq=recorded.seq, state=recorded.state))
    if visitor.suspended and expected.suspended is None and forgotten:
        return found
    if visitor.suspended != bool(expected.suspended):
        found.append("the suspension is not what the ledger says")
    return found


def bits_of(policies: Sequence[Iterable[str]]) -> dict[str, int]:
    """Purpose → bit, as handed out notice by notice, each time in the order in which the policy names them."""
    found: dict[str, int] = {}
    for purposes in policies:
        for purpose in purposes:
            found.setdefault(purpose, len(found))
    return found
