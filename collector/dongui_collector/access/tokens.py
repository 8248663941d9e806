"""Tokens: who may read what from outside. Changes are operations, used by the command line and the desk alike."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from dongui.rules.periods import Period, last_day

from dongui_collector.access.roles import ROLES
from dongui_collector.access.secrets import new_token, new_token_id, token_hash
from dongui_collector.core.clock import start_of
from dongui_collector.core.errors import CollectorError, Unknown
from dongui_collector.core.operations import operation
from dongui_collector.exports.export import entitle
from dongui_collector.ledger.installation import LedgerInstallation
from dongui_collector.ledger.sites import find_site
from dongui_collector.storage.contract.values import Json

DEFAULT_LIFE = "P1Y"


@operation("tokens.create")
def create_token(
    core: LedgerInstallation,
    purposes: Sequence[str],
    role: str = "consumer",
    site: str | None = None,
    note: str = "",
    recipient: str | None = None,
    expires: str = DEFAULT_LIFE,
    by: str = "command line",
    precise: bool = False,
) -> dict[str, Any]:
    """Make a token, bound to one site and to purposes. It is shown this once; only its hash is kept.

    ``expires`` is a period (``P90D``), the last day on which it is good, or ``never``; ``recipient`` whom its exports
    are handed to, who must be in the notice for these purposes (S4.1); none for the controller's own use. What goes to
    a recipient is coarse unless the controller says ``precise`` here.

    Its id is also the consumer's name: pseudonyms differ from token to token. Raises :class:`Unknown` for a purpose
    that the site's notice in force does not list, :class:`CollectorError` for an unknown role or none at all.
    """
    found = find_site(core, site)
    if role not in ROLES:
        raise CollectorError(f"there is no role {role!r}; roles are {', '.join(ROLES)}")
    known = core.registry.in_force(found.ref, core.clock.now()).policy.consent_purposes
    for purpose in purposes:
        if purpose not in known:
            raise Unknown(
                f"the notice in force asks no consent for a purpose {purpose!r}; it does for {', '.join(known)}"
            )
    if not purposes:
        raise CollectorError("a token names the purposes it reads for; add --purpose")
    now = core.clock.now()
    if precise and recipient is None:
        raise CollectorError("precise is for tokens of a recipient; the controller's own exports are exact anyway")
    if recipient is not None:
        entitle(core, found, purposes, recipient=recipient)
    kept: dict[str, Any] = {
        "id": new_token_id(),
        "role": role,
        "site": found.id,
        "purposes": list(dict.fromkeys(purposes)),
        "note": note[:200],
        "created_at": now,
        "expires_at": expiry(expires, core.clock.today(core.settings.zone), core.settings.zone),
        "recipient": recipient,
    } | ({"precise": True} if precise else {})
    token = new_token()
    with core.storage.ledger.writing():
        core.storage.office.add_token(kept, token_hash(token))
        body = {name: kept[name] for name in ("role", "purposes", "expires_at", "recipient", "precise") if name in kept}
        core.storage.ledger.append("token", now, body | {"created": kept["id"], "by": by}, site_ref=found.ref)
    return {**kept, "token": token}


def expiry(text: str, today: date, zone: ZoneInfo) -> int | None:
    """The instant (epoch ms) at which what is good for a period, or until a day, ends; None for ``never``.

    Raises :class:`CollectorError`.
    """
    if text == "never":
        return None
    try:
        last = last_day(today, Period.parse(text)) if text.startswith("P") else date.fromisoformat(text)
        ends = start_of(last + timedelta(days=1), zone)
    except (ValueError, OverflowError):
        raise CollectorError(f"{text[:20]!r} is neither a period (P90D) nor a day (2027-01-31) nor never") from None
    if last < today:
        raise CollectorError(f"{last} is over; a token ends today at the earliest")
    return ends


def is_live(token: Json, now: int) -> bool:
    """Whether a token that is not revoked is still good."""
    return token.get("expires_at") is None or now < token["expires_at"]


@operation("tokens.used")
def token_used(core: LedgerInstallation, id: str) -> dict[str, Any]:
    """A token was used today; only the day is kept."""
    with core.storage.ledger.writing():
        core.storage.office.token_used(id, core.clock.today(core.settings.zone))
    return {}


@operation("tokens.revoke")
def revoke_token(core: LedgerInstallation, id: str, by: str = "command line") -> dict[str, Any]:
    """End a token, from this moment on. Raises :class:`Unknown`."""
    with core.storage.ledger.writing():
        now = core.clock.now()
        if not core.storage.office.revoke_token(id, now):
            raise Unknown(f"there is no live token {id!r}; see `dongui tokens list`")
        core.storage.ledger.append("token", now, {"revoked": id, "by": by})
        core.journal.append({"kind": "token", "revoked": id})  # so that no restored backup revives it
    return {"revoked": id}
