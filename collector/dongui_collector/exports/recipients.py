"""Who may be given what: the processors and recipients that a policy registers, item by item and purpose by purpose.

Pure. Source: S4.0, S4.1, K2, K5.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from dongui.policy import Policy

from dongui_collector.core.errors import NotAllowed


@dataclass(frozen=True, slots=True)
class RecipientTerms:
    """What a policy gives one party: ``items`` by purpose. Named several times, it is given all of that."""

    name: str
    kind: Literal["processor", "recipient"]
    country: str
    items: Mapping[str, frozenset[str]]

    def of(self, purposes: Iterable[str]) -> frozenset[str]:
        """The items for any of these purposes."""
        return frozenset().union(*(self.items.get(purpose, frozenset()) for purpose in purposes))


def terms(policy: Policy, name: str | None) -> RecipientTerms | None:
    """What ``policy`` gives the party of that name; None where it names no such party."""
    everyone = [("processor", party) for party in policy.processors]
    everyone += [("recipient", party) for party in policy.recipients]
    mine = [(kind, party) for kind, party in everyone if party.name == name]
    if not mine:
        return None
    items: dict[str, frozenset[str]] = {}
    for _, party in mine:
        for purpose in party.purposes:
            listed = frozenset(party.items) & frozenset(policy.purposes[purpose].items)
            items[purpose] = items.get(purpose, frozenset()) | listed
    countries = dict.fromkeys(party.country or policy.controller.country for _, party in mine)
    # Who is a recipient for anything is shown as one: of the two it is what a person would rather know.
    kind: Literal["processor", "recipient"] = "recipient" if any(k == "recipient" for k, _ in mine) else "processor"
    return RecipientTerms(mine[0][1].name, kind, ", ".join(countries), items)


def registered(policy: Policy, name: str, purposes: Sequence[str], items: Sequence[str] = ()) -> RecipientTerms:
    """The terms under which something may be handed to ``name`` for these purposes.

    Raises :class:`NotAllowed` for a party, a purpose or an item that the policy does not register; the message says
    what to register, or what else may be asked for (S4.0, S4.1).
    """
    remedy = "register it in the policy ([[processors]] or [[recipients]]) and publish that, or leave it out"
    found = terms(policy, name)
    if found is None:
        known = ", ".join(dict.fromkeys(p.name for p in (*policy.processors, *policy.recipients))) or "nobody"
        what = f"the notice in force names no processor or recipient {name!r}: nothing may go there"
        raise NotAllowed(f"{what}. It names {known}; {remedy}")
    for purpose in purposes:
        if purpose not in found.items:
            given = ", ".join(found.items)
            what = f"the notice in force does not give {name} anything for the purpose {purpose}"
            raise NotAllowed(f"{what}, but for {given}; {remedy}")
    allowed = found.of(purposes)
    for item in items:
        if item not in allowed:
            given = ", ".join(sorted(allowed)) or "nothing"
            raise NotAllowed(
                f"the notice in force does not give {name} the item {item} for that, but {given}; {remedy}"
            )
    return found
