"""Decisions as they come in, and which of them the ledger has already: each id counts once while its record lives."""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from dongui_collector.core.sealing import seal, unseal
from dongui_collector.ledger import counters
from dongui_collector.ledger.rows import visitor_key
from dongui_collector.storage.contract.stores import LedgerStore
from dongui_collector.storage.contract.values import Intent

# A decision that leaves no record (a refusal without a visitor id) and a server's repeat are known for ten minutes.
REMEMBERED_MS = 600_000
LAYOUTS = ("compact", "full", "panel", "banner", "bar", "box", "modal", "page")
OTHER = "other"

Verdict = Literal["recorded", "superseded", "conflict", "too_many"]


@dataclass(frozen=True, slots=True)
class Decision:
    """What a visitor chose at one moment, already validated: every purpose is one that the site has asked for.

    ``notice`` is the version that was shown; None stands for the one in force. ``lang``, ``layout`` and ``catalog``
    (a hexadecimal digest of the texts) say how it was shown. ``device`` is one of
    :data:`~dongui_collector.ledger.counters.DEVICES`; it is counted and never kept. ``given_before`` (epoch
    milliseconds) narrows what is refused to consents that were given earlier (docs/decisions/110). ``decided_ago``
    (milliseconds) takes from what is refused the consents that were given since (docs/decisions/140).
    """

    granted: tuple[str, ...]
    refused: tuple[str, ...]
    method: str
    lang: str
    signals: Mapping[str, bool]
    id: uuid.UUID | None = None
    device: str = counters.OTHER
    notice: str | None = None
    layout: str | None = None
    catalog: str | None = None
    given_before: int | None = None
    decided_ago: int | None = None

    def without_grants(self) -> Decision:
        """What only takes away of it."""
        return replace(self, granted=())

    def ends(self, given_at: int | None, now: int) -> bool:
        """Whether its refusal is the later word than a consent that was given then (epoch ms), or than none (None).

        A consent from after ``now`` was given under another clock; in doubt taking away is the later word.
        """
        if self.given_before is not None:
            return given_at is not None and given_at < self.given_before
        if given_at is None or self.decided_ago is None:
            return True
        return not now - self.decided_ago < given_at <= now

    def shown(self) -> dict[str, str]:
        """What the consent record says of how the question was put."""
        layout = self.layout and (self.layout if self.layout in LAYOUTS else OTHER)
        return {name: content for name, content in (("layout", layout), ("catalog", self.catalog)) if content}


@dataclass(frozen=True, slots=True)
class DecisionOutcome:
    """The answer to a decision, and what is still to be destroyed because of it.

    Unless ``verdict`` is ``recorded`` its grants did not count: another notice is in force, the visitor's entries are
    at their ceiling, or the id belongs to another decision (then its refusals did not count either).
    """

    answer: dict[str, Any] = field(default_factory=dict)
    intent: Intent | None = None
    verdict: Verdict = "recorded"


@dataclass(frozen=True, slots=True)
class KnownDecision:
    """A decision that came before under the same id."""

    same: bool  # whether it said the same
    grants_counted: bool
    seq: int | None = None  # of its consent record; None where it left none
    visitor_id: str | None = None
    at: int = 0


class DecisionIds:
    """Finds a decision by its id. Of the id only a keyed hash is stored, of the decision a keyed digest.

    The visitor id is sealed under the decision's own random id: whoever repeats the decision gets it again, and the
    collector cannot read it by itself. All of it ends with the consent record (``erase_bodies``).
    """

    def __init__(self, store: LedgerStore, secret: bytes) -> None:
        self._store = store
        self._secret = secret

    def find(self, site_ref: int, decision: Decision, now: int) -> KnownDecision | None:
        """The decision that was recorded under this one's id, if there is one."""
        if decision.id is None:
            return None
        key = self._key(site_ref, decision.id)
        if found := self._store.decision(key):
            seq, digest, sealed = found
            same, counted = self._compare(site_ref, decision, digest)
            visitor_id = unseal(own_key(decision.id.bytes), sealed, key).decode() if same else None
            return KnownDecision(same, counted, seq, visitor_id)
        if kept := self._store.answer(key, now - REMEMBERED_MS):
            same, counted = self._compare(site_ref, decision, kept[8:])
            return KnownDecision(same, counted, at=int.from_bytes(kept[:8], "big"))
        return None

    def bind(self, site_ref: int, decision: Decision, seq: int, visitor_id: str, *, grants_counted: bool) -> None:
        """Bind the id to the consent record that it has led to."""
        if decision.id is not None:
            key = self._key(site_ref, decision.id)
            sealed = seal(own_key(decision.id.bytes), visitor_id.encode(), key)
            self._store.keep_decision(key, seq, self._digest(site_ref, decision, grants_counted), sealed)

    def remember(self, site_ref: int, decision: Decision, at: int, *, grants_counted: bool) -> None:
        """Remember for a while a decision that leaves no record."""
        if decision.id is not None:
            digest = self._digest(site_ref, decision, grants_counted)
            self._store.keep_answer(self._key(site_ref, decision.id), at, at.to_bytes(8, "big") + digest)

    def _key(self, site_ref: int, id: uuid.UUID) -> bytes:
        return visitor_key(self._secret, f"decision|{site_ref}|{id.hex}")

    def _digest(self, site_ref: int, decision: Decision, grants_counted: bool) -> bytes:
        """Over everything that makes it this decision, but for the visitor, whose id the first answer may have made."""
        content = [site_ref, decision.notice, sorted(set(decision.granted)), sorted(set(decision.refused))]
        text = json.dumps([*content, decision.method, decision.lang, grants_counted])
        return visitor_key(self._secret, f"digest|{text}")

    def _compare(self, site_ref: int, decision: Decision, digest: bytes) -> tuple[bool, bool]:
        if digest == self._digest(site_ref, decision, True):
            return True, True
        return digest == self._digest(site_ref, decision, False), False


def own_key(request_id: bytes) -> bytes:
    """A key that only who knows a request's random id can make."""
    return visitor_key(request_id, "answer") * 2
