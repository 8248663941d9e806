"""Tokens and accounts: who may read what. Changes are operations, used by the command line and the desk alike."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from dongui_collector.control import operation
from dongui_collector.core import Core
from dongui_collector.errors import CollectorError, NotAllowed, Unknown
from dongui_collector.publishing import find_site
from dongui_collector.security.tokens import hash_password, new_token, new_token_id, token_hash

ROLES = ("consumer", "officer", "analyst", "auditor", "admin")


@operation("tokens.create")
def create_token(
    core: Core,
    purposes: Sequence[str],
    role: str = "consumer",
    site: str | None = None,
    note: str = "",
    by: str = "command line",
) -> dict[str, Any]:
    """Make a token, bound to one site and to purposes. It is shown this once; only its hash is kept.

    Its id is also the consumer's name: pseudonyms differ from token to token. Raises :class:`Unknown` for a purpose
    that the site's notice in force does not list, :class:`CollectorError` for an unknown role or none at all.
    """
    found = find_site(core, site)
    if role not in ROLES:
        raise CollectorError(f"there is no role {role!r}; roles are {', '.join(ROLES)}")
    known = core.book.in_force(found.ref, core.clock.now()).policy.consent_purposes
    for purpose in purposes:
        if purpose not in known:
            raise Unknown(
                f"the notice in force asks no consent for a purpose {purpose!r}; it does for {', '.join(known)}"
            )
    if not purposes:
        raise CollectorError("a token names the purposes it reads for; add --purpose")
    kept = {
        "id": new_token_id(),
        "role": role,
        "site": found.id,
        "purposes": list(dict.fromkeys(purposes)),
        "note": note[:200],
        "created_at": core.clock.now(),
    }
    token = new_token()
    with core.storage.ledger.writing():
        core.storage.office.add_token(kept, token_hash(token))
        body = {"created": kept["id"], "role": role, "purposes": kept["purposes"], "by": by}
        core.storage.ledger.append("token", core.clock.now(), body, site_ref=found.ref)
    return {**kept, "token": token}


@operation("tokens.revoke")
def revoke_token(core: Core, id: str, by: str = "command line") -> dict[str, Any]:
    """End a token, from this moment on. Raises :class:`Unknown`."""
    with core.storage.ledger.writing():
        if not core.storage.office.revoke_token(id, core.clock.now()):
            raise Unknown(f"there is no live token {id!r}; see `dongui tokens list`")
        core.storage.ledger.append("token", core.clock.now(), {"revoked": id, "by": by})
    return {"revoked": id}


@operation("accounts.put")
def put_account(core: Core, name: str, password: str, role: str = "admin", by: str = "command line") -> dict[str, Any]:
    """Make a console account, or give it another password. Sessions opened with the old one end."""
    if not (name.isprintable() and 0 < len(name) <= 60):
        raise CollectorError("an account's name has 1 to 60 printable characters")
    if role not in ROLES or role == "consumer":
        raise CollectorError(f"there is no console role {role!r}; roles are {', '.join(ROLES[1:])}")
    if len(password) < 10:
        raise NotAllowed("a console password has at least 10 characters")
    with core.storage.ledger.writing():
        core.storage.office.put_account(name, role, hash_password(password))
        core.storage.ledger.append("account", core.clock.now(), {"name": name, "role": role, "by": by})
    return {"account": name, "role": role}
