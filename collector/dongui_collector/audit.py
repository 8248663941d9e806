"""The staff's access log (S7.2, K12): who looked at personal data, when, from where, whose, what was done and why.

Entries are records of kind ``audit`` on the hash chain: append-only, sealed by the days after them, kept for the class
``staff_audit`` and ended in place, without breaking the chain. Whose data it was stands in a record of its own beside
the entry: when that person is erased it goes, and that somebody looked, who and why, stays.
"""

from __future__ import annotations

import re
from typing import Any

from dongui_collector.control import operation
from dongui_collector.core import Core
from dongui_collector.errors import CollectorError
from dongui_collector.storage.base import Json

KIND = "audit"
WHOSE = "whose"  # the action of the record that says whose data an entry is about
_ACTION = re.compile(r"[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)*")
_LONGEST = {"by": 200, "reason": 500, "address": 60}


def look(
    core: Core,
    *,
    action: str,
    by: str,
    reason: str,
    site_ref: int | None = None,
    visitor: bytes | None = None,
    address: str = "",
    what: Json | None = None,
) -> None:
    """Write down that personal data is looked at; durable when this returns, so call it before showing anything.

    ``action`` is a dotted name such as ``archive.read``; ``by`` who looks (an account, a token's id, the system's
    user); ``reason`` why, in the words of who looks, may be empty where the action says it; ``visitor`` the 16-byte key
    of whom it is about (a visitor or a member), ``address`` from where, ``what`` which part of it, as plain values
    without any identifier of a person. Inside a writing transaction it becomes part of it. Raises
    :class:`CollectorError` for an action that is no name or an entry that nobody made. Source: S7.2, K12.
    """
    if not _ACTION.fullmatch(action) or action == WHOSE:
        raise CollectorError(f"an audit entry needs an action such as archive.read, not {action[:40]!r}")
    if not by.strip():
        raise CollectorError(f"an audit entry ({action}) must say who looked")
    said = {"by": by.strip(), "reason": reason.strip(), "address": address}
    body: Json = {"action": action, **{name: text[: _LONGEST[name]] for name, text in said.items() if text}}
    if what:
        body["what"] = what
    with core.storage.ledger.writing():
        now = core.clock.now()
        record = core.storage.ledger.append(KIND, now, body, site_ref=site_ref)
        if visitor is not None:
            of = {"action": WHOSE, "of": record.seq}
            core.storage.ledger.append(KIND, now, of, site_ref=site_ref, visitor=visitor)


@operation("audit.look")
def look_from_desk(
    core: Core,
    action: str,
    by: str,
    reason: str = "",
    site: str | None = None,
    visitor: str | None = None,
    address: str = "",
    what: Json | None = None,
) -> dict[str, Any]:
    """:func:`look` for processes that only read: ``site`` is a site's id, ``visitor`` the key in hexadecimal."""
    found = core.book.site(site) if site is not None else None
    look(
        core,
        action=action,
        by=by,
        reason=reason,
        site_ref=found.ref if found else None,
        visitor=bytes.fromhex(visitor) if visitor else None,
        address=address,
        what=what,
    )
    return {"noted": action}
