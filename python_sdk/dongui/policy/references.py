"""Every id that is used must be declared: what nobody declared cannot be gated, kept or shown."""

from __future__ import annotations

from collections.abc import Iterable

from dongui.i18n import Message
from dongui.policy.model import Policy
from dongui.policy.toml_reader import Problems

_ITEM, _PURPOSE, _CLASS, _PROCESSOR = Message("item"), Message("purpose"), Message("record class"), Message("processor")


def references(policy: Policy, problems: Problems) -> None:
    """Report every id in ``policy`` that its section does not declare."""

    def known(key: str, ids: Iterable[str], declared: Iterable[str], kind: Message) -> None:
        declared = tuple(declared)
        for id in ids:
            if id not in declared:
                choice = ", ".join(declared) or Message("none yet")
                problems.error(
                    key,
                    Message("names the {kind} {id!r}, which is not declared", kind=kind, id=id[:64]),
                    Message("declared: {choice}", choice=choice),
                )

    if not policy.purposes:
        problems.error("purposes", "is missing", "add a table [purposes.ID] for every purpose", "S1.0")
    for purpose in policy.purposes.values():
        known(f"purposes.{purpose.id}.items", purpose.items, policy.items, _ITEM)
        known(f"purposes.{purpose.id}.record", (purpose.record,), policy.records, _CLASS)
        known(f"purposes.{purpose.id}.depends_on", purpose.depends_on, policy.purposes, _PURPOSE)
    for channel in policy.channels.values():
        known(f"channels.{channel.id}.items", channel.items, policy.items, _ITEM)
    for n, cookie in enumerate(policy.cookies, 1):
        named = (cookie.purpose,) if cookie.purpose else ()
        known(f"cookies[{n}].purpose", named, policy.purposes, _PURPOSE)
    for record in policy.records.values():
        known(f"records.{record.id}.purposes", record.purposes, policy.purposes, _PURPOSE)
        known(f"records.{record.id}.items", record.items, policy.items, _ITEM)
    for kind, parties in (("processors", policy.processors), ("recipients", policy.recipients)):
        for n, party in enumerate(parties, 1):
            known(f"{kind}[{n}].items", party.items, policy.items, _ITEM)
            known(f"{kind}[{n}].purposes", party.purposes, policy.purposes, _PURPOSE)
            engaging = (party.engaged_by,) if party.engaged_by else ()
            known(f"{kind}[{n}].engaged_by", engaging, [other.name for other in policy.processors], _PROCESSOR)
