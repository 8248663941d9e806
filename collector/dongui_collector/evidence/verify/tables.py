"""The tables against the chain: sites, notices, purposes, visitors, holds, approvals, tokens, accounts."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import TYPE_CHECKING

from dongui.i18n import Message

from dongui_collector.evidence import replayed_state
from dongui_collector.evidence.replayed_state import ReplayedTables
from dongui_collector.evidence.verify.findings import VerificationFinding
from dongui_collector.ledger.sites import key_print
from dongui_collector.retention.serializers import hold_json
from dongui_collector.retention.standing_approval import SETTING
from dongui_collector.storage.contract.values import ConsentStatus, Json, Visitor

if TYPE_CHECKING:
    from dongui_collector.retention.installation import Installation

_PAGE = 1000
_UNSAID = "the ledger says nothing of it"
_NO_ROW = "the ledger has it and the table does not"
TABLES = "the chain is what counts: correct the table from it, or restore a backup, and find out who wrote there"


def tables(core: Installation, books: ReplayedTables) -> Iterator[VerificationFinding]:
    """Everything but visitors: the small tables, whole."""
    yield from _sites(core, books)
    yield from _notices(core, books)
    yield from _purposes(core)
    yield from _holds(core, books)
    yield from _standing(core, books)
    yield from _tokens(core, books)
    yield from _accounts(core, books)


def _otherwise(where: str, what: str) -> VerificationFinding:
    return VerificationFinding(where, what, TABLES)


def _sites(core: Installation, books: ReplayedTables) -> Iterator[VerificationFinding]:
    stored = {site.ref: site for site in core.storage.ledger.sites()}
    for ref in sorted(stored.keys() | books.sites.keys()):
        recorded, site = books.sites.get(ref), stored.get(ref)
        if recorded is None or site is None:
            missing = _UNSAID if recorded is None else _NO_ROW
            yield _otherwise(Message("table sites, site {ref}", ref=ref), missing)
            continue
        for name, stored_one in (("id", site.id), ("name", site.name), ("origins", list(site.origins))):
            if stored_one != recorded.get(name):
                yield _otherwise(
                    Message("table sites, site {ref}", ref=ref),
                    Message("its {name} is not what the ledger says", name=name),
                )
        if "keys" in recorded and recorded["keys"] != key_print(site.secret_hash, site.address_key):
            yield _otherwise(
                Message("table sites, site {ref}", ref=ref), "its secret key is not the one that the ledger fixed"
            )


def _notices(core: Installation, books: ReplayedTables) -> Iterator[VerificationFinding]:
    for ref in sorted({site.ref for site in core.storage.ledger.sites()} | books.notices.keys()):
        recorded = {one["version"]: one for one in books.notices.get(ref, [])}
        stored = {one.version: one for one in core.storage.ledger.notices(ref)}
        for version in sorted(stored.keys() | recorded.keys()):
            where = Message("table notices, site {ref}, version {version}", ref=ref, version=version)
            if version not in recorded:
                yield _otherwise(where, "the ledger says nothing of its publication")
            elif version not in stored:
                yield _otherwise(where, "it was published, and the table does not have it")
            else:
                one, digest = stored[version], hashlib.sha256(stored[version].text.encode()).hexdigest()
                stored_one = {"effective": one.effective.isoformat(), "digest": digest, "at": one.published_at}
                for name, text in (
                    ("effective", Message("its date")),
                    ("digest", Message("its text")),
                    ("at", Message("its publication")),
                ):
                    if stored_one[name] != recorded[version][name]:
                        yield _otherwise(where, Message("{text} is not what was published", text=text))


def _purposes(core: Installation) -> Iterator[VerificationFinding]:
    for site in core.registry.sites():
        published = sorted(core.registry.notices(site.ref), key=lambda notice: notice.ref)
        if core.storage.ledger.bits(site.ref) != replayed_state.bits_of([n.policy.purposes for n in published]):
            yield _otherwise(
                Message("table purposes, site {ref}", ref=site.ref), "a purpose's bit is not the one that it was given"
            )


def _holds(core: Installation, books: ReplayedTables) -> Iterator[VerificationFinding]:
    stored = {hold.id: hold_json(hold) for hold in core.storage.admin.holds(active=False)}
    for id in sorted(stored.keys() | books.holds.keys()):
        recorded, stored_one = books.holds.get(id), stored.get(id)
        if recorded is None or stored_one is None or _hold_core(recorded) != _hold_core(stored_one):
            yield _otherwise(Message("table holds, hold {id}", id=id), "it is not what the ledger says")


def _hold_core(hold: Json) -> Json:
    """Once released, whom it named is forgotten, and that it named someone with it."""
    return {k: v for k, v in hold.items() if k != "one_visitor" or not hold.get("released_at")}


def _standing(core: Installation, books: ReplayedTables) -> Iterator[VerificationFinding]:
    if core.storage.admin.setting(SETTING) != books.standing:
        yield _otherwise("table settings, standing approval", "it is not what the ledger says")


def _tokens(core: Installation, books: ReplayedTables) -> Iterator[VerificationFinding]:
    stored = {token.id: token for token in core.storage.admin.tokens()}
    for id in sorted(stored.keys() | books.tokens.keys()):
        recorded, stored_one = books.tokens.get(id), stored.get(id)
        if recorded is None or stored_one is None:
            what = _UNSAID if recorded is None else _NO_ROW
            yield _otherwise(Message("table tokens, token {id}", id=id), what)
            continue
        site = core.registry.site(stored_one.site)
        for name in ("role", "purposes", "expires_at", "recipient", "revoked_at"):
            stored_value = list(stored_one.purposes) if name == "purposes" else getattr(stored_one, name)
            if name in recorded and stored_value != recorded[name]:
                yield _otherwise(
                    Message("table tokens, token {id}", id=id),
                    Message("its {name} is not what the ledger says", name=name),
                )
        if (site.ref if site else None) != recorded["site_ref"]:
            yield _otherwise(Message("table tokens, token {id}", id=id), "its site is not what the ledger says")


def _accounts(core: Installation, books: ReplayedTables) -> Iterator[VerificationFinding]:
    stored = {account.name: account.role for account in core.storage.accounts.accounts()}
    for number, name in enumerate(sorted(stored.keys() | books.accounts.keys()), 1):
        if name not in books.accounts and books.accounts_ended:
            continue
        if stored.get(name) != books.accounts.get(name):
            yield _otherwise(Message("table accounts, account {n} by name", n=number), "it is not what the ledger says")


# --- visitors --------------------------------------------------------------------------------------------------------


class VisitorCheck:
    """Visitors and their standings, a page at a time; ``checked`` counts them."""

    def __init__(self, core: Installation, *, forgotten: bool) -> None:
        self._core = core
        self._ledger = core.storage.ledger
        self._forgotten = forgotten
        self._bits = {site.ref: self._ledger.bits(site.ref) for site in core.registry.sites()}
        self._refs = {
            (n.site_ref, n.version): n.ref for s in core.registry.sites() for n in core.registry.notices(s.ref)
        }
        self._now = core.clock.now()
        self.checked = 0

    def run(self) -> Iterator[VerificationFinding]:
        """Every visitor in the table against their records."""
        after = b""
        while page := self._ledger.visitors(after, _PAGE):
            for key in page:
                self.checked += 1
                if self._complaints(key) and (found := self._complaints(key)):
                    where = Message("table visitors, number {n} in order", n=self.checked)
                    yield from (_otherwise(where, what) for what in found)
            after = page[-1]

    def absent(self, key: bytes) -> str | None:
        """Whether a visitor with records is missing from the table although a consent of theirs stands."""
        if self._ledger.visitor(key) is not None:
            return None
        records = self._ledger.records_of(key)
        site_ref = next((r.site_ref for r in records), None)
        if self._ledger.visitor(key) is not None or site_ref not in self._bits:
            return None  # there by now, or erased: then the records are not found under the key either
        if any(intent.kind == "erasure" and intent.visitor == key for intent in self._ledger.intents()):
            return None  # erased, and the ending waits for a legal hold that keeps the records
        recorded = replayed_state.visitor_of(
            records, self._bits[site_ref], lambda ref, version: self._refs.get((ref, version))
        )
        if all(self._outlived(standing) for standing in recorded.standings.values()) and not recorded.suspended:
            return None
        return "the visitor whom it is about is not in the table of visitors"

    def _complaints(self, key: bytes) -> list[str]:
        visitor = self._ledger.visitor(key)
        if visitor is None:
            return []  # erased a moment ago
        return self._differences(visitor)

    def _differences(self, visitor: Visitor) -> list[str]:
        if visitor.site_ref not in self._bits:
            return ["it belongs to a site that does not exist"]
        records = self._ledger.records_of(visitor.key)
        if any(r.site_ref != visitor.site_ref for r in records):
            return ["it belongs to another site than its records"]
        bits = self._bits[visitor.site_ref]
        try:
            recorded = replayed_state.visitor_of(records, bits, lambda ref, version: self._refs.get((ref, version)))
        except (KeyError, TypeError, AttributeError):
            return ["a record about it names a purpose or notice that does not exist"]
        return replayed_state.differences(visitor, recorded, self._outlived, forgotten=self._forgotten)

    def _outlived(self, standing: ConsentStatus) -> bool:
        try:
            return standing.state != "given" or self._core.registry.expired(standing.notice_ref, standing.at, self._now)
        except KeyError:
            return False
