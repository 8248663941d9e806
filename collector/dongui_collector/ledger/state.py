"""What a visitor's consents amount to, and what a choice changes. Pure: values in, values out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Literal

from dongui_collector.ledger.notices import LoadedNotice, NoticeRegistry
from dongui_collector.storage.contract.values import ConsentStatus, Visitor

State = Literal["unasked", "given", "refused", "withdrawn", "expired", "invalidated"]


def state_of(standing: ConsentStatus | None, current: LoadedNotice, registry: NoticeRegistry, now: int) -> State:
    """The state of one consent at ``now``. Expiry and invalidation are judged, never stored.

    The notice in force decides.
    """
    if standing is None:
        return "unasked"
    if standing.state != "given":
        return standing.state
    if standing.notice_ref not in current.accepts:
        return "invalidated"
    return "expired" if registry.expired(standing.notice_ref, standing.at, now, standing.bit) else "given"


def states(visitor: Visitor | None, current: LoadedNotice, registry: NoticeRegistry, now: int) -> dict[str, State]:
    """Every consent purpose of the notice in force → its state."""
    standings = visitor.standings if visitor else {}
    return {
        p: state_of(standings.get(current.bits[p]), current, registry, now) for p in current.policy.consent_purposes
    }


def live(
    visitor: Visitor | None, current: LoadedNotice, registry: NoticeRegistry, now: int, *, gpc: bool = False
) -> tuple[int, int]:
    """The bit set of purposes that may record at ``now``, and the newest ledger sequence among them (the rule,
    section 1).

    Under GPC a purpose that heeds the signal counts only where its consent was given knowingly, the signal already on
    (W1).
    """
    mask = seq = 0
    if visitor is None or visitor.suspended:
        return 0, 0
    for bit, standing in visitor.standings.items():
        flag = 1 << bit
        if not flag & current.consent_mask or (gpc and flag & current.signal_mask and not standing.knowing):
            continue
        if state_of(standing, current, registry, now) == "given":
            mask |= flag
            seq = max(seq, standing.seq)
    return mask, seq


def live_until(visitor: Visitor, mask: int, registry: NoticeRegistry) -> int:
    """The instant (epoch ms) up to which the live purposes of ``mask`` stay live if nothing is recorded meanwhile."""
    ends = [registry.ends_at(s.notice_ref, s.at, bit) for bit, s in visitor.standings.items() if mask >> bit & 1]
    return min(ends, default=0)


def is_known(visitor: Visitor | None) -> bool:
    """Whether an id still stands for someone: after the last withdrawal it does not, and a new one is minted."""
    return visitor is not None and any(s.state == "given" for s in visitor.standings.values())


def newest(visitor: Visitor) -> int:
    """The newest record that a visitor's standings rest on, 0 for none: what the next record says that it follows.

    So a third party sees which consent a withdrawal ends without learning whose they are (docs/decisions/006).
    """
    return max((s.seq for s in visitor.standings.values()), default=0)


@dataclass(frozen=True, slots=True)
class ConsentChange:
    """What a choice does to a visitor: the new standings (their ``seq`` is set by the record that proves them)."""

    given: tuple[str, ...]
    refused: tuple[str, ...]
    withdrawn: tuple[str, ...]
    withdrawn_mask: int


def change(
    visitor: Visitor | None,
    current: LoadedNotice,
    bits: Mapping[str, int],
    granted: Iterable[str],
    refused: Iterable[str],
) -> ConsentChange:
    """Decide a choice. A purpose named in neither list keeps its state; refusing a given one withdraws it.

    Refusing after expiry or invalidation withdraws too, since rows recorded before may still stand on that consent.
    With the last purpose that the notice asks for those end too that it asks for no more (``bits`` knows every purpose
    that the site ever had): the visitor's id goes, and with it the only way to withdraw them.
    """
    standings: Mapping[int, ConsentStatus] = visitor.standings if visitor else {}
    asked = current.policy.consent_purposes
    named = (*asked, *(p for p in bits if p not in asked))  # an earlier notice's purposes can be refused too
    had = {p for p in refused if (s := standings.get(bits[p])) and s.state != "refused"}
    withdrawn = tuple(p for p in named if p in had)
    given = tuple(p for p in asked if p in set(granted))
    ends = sum(1 << bits[p] for p in withdrawn if standings[bits[p]].state == "given")
    stays = sum(1 << bit for bit, s in standings.items() if s.state == "given") & ~ends
    if not given and not stays & current.consent_mask:
        withdrawn += tuple(p for p, bit in bits.items() if stays >> bit & 1)
        ends |= stays
    return ConsentChange(
        given=given,
        refused=tuple(p for p in named if p in set(refused) - had),
        withdrawn=withdrawn,
        withdrawn_mask=ends,
    )


def changed(
    visitor: Visitor,
    decided: ConsentChange,
    current: LoadedNotice,
    bits: Mapping[str, int],
    *,
    seq: int,
    at: int,
    knowing: bool,
    shown: LoadedNotice | None = None,
) -> Visitor:
    """The visitor after a choice that record ``seq`` proves; ``bits`` as for :func:`change`.

    ``shown`` is the notice that the record names, where it is not the current one.
    """
    standings = dict(visitor.standings)
    for state, purposes in (("given", decided.given), ("refused", decided.refused), ("withdrawn", decided.withdrawn)):
        for purpose in purposes:
            bit = bits[purpose]
            standings[bit] = ConsentStatus(bit, state, seq, (shown or current).ref, at, knowing and state == "given")  # type: ignore[arg-type]
    member = visitor.member if _may_hold_member(standings, current) else None
    return replace(visitor, standings=standings, member=member)


def _may_hold_member(standings: Mapping[int, ConsentStatus], current: LoadedNotice) -> bool:
    return any(
        s.state == "given" and "member_reference" in current.items_by_bit.get(s.bit, ()) for s in standings.values()
    )
