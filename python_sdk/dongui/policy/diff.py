"""What changed between two notice versions, and whether the visitors must be asked again (K1, S4.0).

Asked again is for a consent purpose that is new, gets a new item, recipient or processor (or one in another country),
keeps longer, or otherwise reaches further than what was agreed to. Fewer or less never asks.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from typing import Any, Literal

from dongui.i18n import Message
from dongui.policy.model import Party, Policy, Purpose
from dongui.policy.period import Period

Kind = Literal["added", "removed", "changed"]

# Fields of a purpose that have a comparison of their own, or none.
_COMPARED = {"id", "items", "record", "basis", "opt_out_signals", "joins_earlier"}
_NOWHERE = Message("no country named")


@dataclass(frozen=True, slots=True)
class PolicyChange:
    """One difference: the dotted ``key``, what happened to it, in which purposes consent must be asked again for it."""

    key: str
    kind: Kind
    needs_consent: bool
    text: str
    purposes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Diff:
    """All changes in the file's order."""

    changes: tuple[PolicyChange, ...]

    @property
    def needs_consent(self) -> bool:
        """Whether choices made under the old version no longer stand."""
        return any(change.needs_consent for change in self.changes)

    @property
    def purposes(self) -> tuple[str, ...]:
        """The purposes that must be asked for again, each once."""
        asked = (id for change in self.changes if change.needs_consent for id in change.purposes)
        return tuple(dict.fromkeys(asked))


def diff(old: Policy, new: Policy) -> Diff:
    """The changes from ``old`` to ``new``, both loaded policies."""
    changes: list[PolicyChange] = []
    changes += _plain("notice", old.notice, new.notice, skip=("version", "choice_lifetime"))
    changes += _lifetime(old, new)
    changes += _controller(old, new)
    changes += _plain("officer", old.officer, new.officer)
    changes += _ids("items", old.items, new.items)
    changes += _purposes(old, new)
    changes += _ids("cookies", _by_name(old.cookies), _by_name(new.cookies))
    changes += _ids("channels", old.channels, new.channels)
    changes += _records(old, new)
    changes += _parties("processors", old.processors, new.processors, new)
    changes += _parties("recipients", old.recipients, new.recipients, new)
    for section in ("remedies", "holds", "disclosures", "automated_decisions", "safeguards", "rights"):
        if getattr(old, section) != getattr(new, section):
            changes.append(
                PolicyChange(section, "changed", False, Message("{section}: reworded or rearranged", section=section))
            )
    return Diff(tuple(changes))


def _lifetime(old: Policy, new: Policy) -> Iterable[PolicyChange]:
    before, after = old.notice.choice_lifetime, new.notice.choice_lifetime
    if before != after:
        text = Message("a choice stands for {after} instead of {before}", after=after, before=before)
        yield _asking("notice.choice_lifetime", "changed", text, new.consent_purposes if longer(after, before) else ())


def _controller(old: Policy, new: Policy) -> Iterable[PolicyChange]:
    if old.controller.name != new.controller.name:
        text = Message(
            "the controller is {after} instead of {before}", after=new.controller.name, before=old.controller.name
        )
        yield _asking("controller.name", "changed", text, new.consent_purposes)
    yield from _plain("controller", old.controller, new.controller, skip=("name",))


def _purposes(old: Policy, new: Policy) -> Iterable[PolicyChange]:
    for id, purpose in new.purposes.items():
        key = f"purposes.{id}"
        if id not in old.purposes:
            yield _asking(key, "added", Message("new purpose, basis {basis}", basis=purpose.basis), _asked(new, (id,)))
        else:
            yield from _purpose(key, old.purposes[id], purpose, old, new)
    for id in old.purposes:
        if id not in new.purposes:
            yield PolicyChange(f"purposes.{id}", "removed", False, "no longer a purpose")


def _purpose(key: str, before: Purpose, after: Purpose, old: Policy, new: Policy) -> Iterable[PolicyChange]:
    asked = _asked(new, (after.id,))
    if before.basis != after.basis:
        yield _asking(
            f"{key}.basis",
            "changed",
            Message("basis {after} instead of {before}", after=after.basis, before=before.basis),
            asked,
        )
    for item in after.items:
        if item not in before.items:
            yield _asking(f"{key}.items", "added", Message("also takes {item}", item=item), asked)
    for item in before.items:
        if item not in after.items:
            yield PolicyChange(f"{key}.items", "removed", False, Message("no longer takes {item}", item=item))
    if before.record != after.record:
        further = longer(new.records[after.record].keep, old.records[before.record].keep)
        text = Message("kept as {after} instead of {before}", after=after.record, before=before.record)
        yield _asking(f"{key}.record", "changed", text, asked if further else ())
    if set(before.opt_out_signals) != set(after.opt_out_signals):
        further = not set(before.opt_out_signals) <= set(after.opt_out_signals)
        yield _asking(f"{key}.opt_out_signals", "changed", "heeds other signals", asked if further else ())
    if before.joins_earlier != after.joins_earlier:
        text = Message("joins earlier behaviour" if after.joins_earlier else "no longer joins earlier behaviour")
        yield _asking(f"{key}.joins_earlier", "changed", text, asked if after.joins_earlier else ())
    yield from _plain(key, before, after, skip=_COMPARED)


def _records(old: Policy, new: Policy) -> Iterable[PolicyChange]:
    yield from _ids("records", old.records, new.records, changed=False)
    for id in (id for id in new.records if id in old.records):
        before, after, key = old.records[id], new.records[id], f"records.{id}"
        users = [purpose.id for purpose in new.purposes.values() if purpose.record == id]
        if before.keep != after.keep:
            further = _asked(new, users) if longer(after.keep, before.keep) else ()
            yield _asking(
                f"{key}.keep",
                "changed",
                Message("kept for {after} instead of {before}", after=after.keep, before=before.keep),
                further,
            )
        if not before.archive and after.archive:
            yield _asking(
                f"{key}.archive", "changed", "archived, so a withdrawal no longer ends it", _asked(new, users)
            )
        skip = ("id", "keep") if before.archive >= after.archive else ("id", "keep", "archive")
        yield from _plain(key, before, after, skip=skip)


def _parties(section: str, old: tuple[Party, ...], new: tuple[Party, ...], policy: Policy) -> Iterable[PolicyChange]:
    """Who gets items. A party that appears twice under one name is compared by its place among its namesakes."""
    before, after = _namesakes(old), _namesakes(new)
    for label, party in after.items():
        asked = _asked(policy, party.purposes)
        if label not in before:
            yield _asking(f"{section}.{label}", "added", Message("new: {name}", name=party.name), asked)
            continue
        known = before[label]
        if known.country != party.country:
            text = Message(
                "in {after} instead of {before}", after=party.country or _NOWHERE, before=known.country or _NOWHERE
            )
            yield _asking(f"{section}.{label}.country", "changed", text, asked)
        if more := [item for item in party.items if item not in known.items]:
            yield _asking(
                f"{section}.{label}.items", "added", Message("also gets {items}", items=", ".join(more)), asked
            )
        if more := [id for id in party.purposes if id not in known.purposes]:
            yield _asking(
                f"{section}.{label}.purposes",
                "added",
                Message("also for {purposes}", purposes=", ".join(more)),
                _asked(policy, more),
            )
        yield from _plain(f"{section}.{label}", known, party, skip=("country",), less=("items", "purposes"))
    for label in before:
        if label not in after:
            yield PolicyChange(f"{section}.{label}", "removed", False, "no longer gets anything")


def _plain(
    key: str, old: Any, new: Any, *, skip: Iterable[str] = (), less: Iterable[str] = ()
) -> Iterable[PolicyChange]:
    """Fields that differ and need no consent. ``less``: lists in which only what went is of interest here."""
    for name in (field.name for field in fields(old)):
        before, after = getattr(old, name), getattr(new, name)
        if name in skip or before == after:
            continue
        if name not in less:
            yield PolicyChange(f"{key}.{name}", "changed", False, Message("{name} changed", name=name))
        elif gone := [entry for entry in before if entry not in after]:
            yield PolicyChange(f"{key}.{name}", "removed", False, Message("no longer: {gone}", gone=", ".join(gone)))


def _ids(
    section: str, old: Mapping[str, Any], new: Mapping[str, Any], *, changed: bool = True
) -> Iterable[PolicyChange]:
    for id in new:
        if id not in old:
            yield PolicyChange(f"{section}.{id}", "added", False, Message("declared"))
        elif changed:
            yield from _plain(f"{section}.{id}", old[id], new[id])
    for id in old:
        if id not in new:
            yield PolicyChange(f"{section}.{id}", "removed", False, "no longer declared")


def _by_name(entries: Iterable[Any]) -> dict[str, Any]:
    return {entry.name: entry for entry in entries}


def _namesakes(parties: Iterable[Party]) -> dict[str, Party]:
    found: dict[str, Party] = {}
    for party in parties:
        label, n = party.name, 1
        while label in found:
            n += 1
            label = f"{party.name} ({n})"
        found[label] = party
    return found


def _asked(policy: Policy, purposes: Iterable[str]) -> tuple[str, ...]:
    """Those of ``purposes`` that rest on consent: the others are never asked for."""
    return tuple(id for id in purposes if id in policy.consent_purposes)


def _asking(key: str, kind: Kind, text: str, purposes: tuple[str, ...]) -> PolicyChange:
    return PolicyChange(key, kind, bool(purposes), text, purposes)


def longer(new: Period, old: Period) -> bool:
    """Whether ``new`` may end later than ``old`` for some day it counts from; sure in neither case, then yes."""
    months, days = new.years * 12 + new.months, new.weeks * 7 + new.days
    old_months, old_days = old.years * 12 + old.months, old.weeks * 7 + old.days
    if months <= old_months and days <= old_days:
        return False
    most = months // 12 * 366 + months % 12 * 31 + days
    least = old_months // 12 * 365 + old_months % 12 * 28 + old_days
    return most > least
