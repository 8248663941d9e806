"""Console accounts: made, changed, disabled, removed; each change ends the account's sessions and is in the journal.

An account is ``{id, name, role, password, disabled?, failures?, wait_until?, factor?, factor_step?, factor_pending?,
recovery?}``: ``password`` an argon2id hash, ``factor`` a sealed TOTP secret in hexadecimal, ``recovery`` hashes of
codes. Signing in is in ``sessions.py``.
"""

from __future__ import annotations

import secrets
from typing import Any

from dongui_collector.access.roles import CONSOLE_ROLES
from dongui_collector.access.secrets import LOCKED, hash_password, new_password
from dongui_collector.core.errors import CollectorError, NotAllowed, Unknown
from dongui_collector.core.operations import operation
from dongui_collector.storage.contract.installation import StoredInstallation
from dongui_collector.storage.contract.values import Json

_SHORTEST = 10
_FACTOR = ("factor", "factor_step", "factor_pending", "recovery")


def shown(account: Json) -> Json:
    """An account as others may see it: nothing secret, one-way or not."""
    return {
        "name": account["name"],
        "role": account["role"],
        "disabled": bool(account.get("disabled")),
        "locked": account["password"] == LOCKED,
        "second_factor": "factor" in account,
    }


def named(core: StoredInstallation, name: str) -> Json:
    """The account of that name. Raises :class:`Unknown`."""
    if (account := core.storage.people.account(name)) is None:
        raise Unknown(f"there is no account {name!r}; see `dongui accounts list`")
    return account


def enabled(core: StoredInstallation) -> list[Json]:
    """The accounts that may sign in, or could with a new password."""
    return [account for account in core.storage.people.accounts() if not account.get("disabled")]


def check_password(password: str, name: str) -> None:
    """Raises :class:`NotAllowed` for a password that is too short or is the account's own name."""
    if len(password) < _SHORTEST or password.casefold() == name.casefold():
        raise NotAllowed(f"a console password has at least {_SHORTEST} characters and is not the account's name")


def changed(core: StoredInstallation, account: Json, what: str, by: str, *, ended: str = "changed") -> None:
    """Keep a changed account, end its sessions, write it down, and see that no restored backup brings back what was.

    Called inside the writing transaction. ``what`` says what changed; ``ended`` is ``removed`` for one that goes.
    """
    people = core.storage.people
    if ended == "removed":
        people.remove(account["id"])
    else:
        people.put(account)
    people.end(account=account["id"])
    entry = {"name": account["name"], "role": account["role"], "what": what, "by": by}
    core.storage.ledger.append("account", core.clock.now(), entry)
    core.journal.append({"kind": "account", "account": account["id"], "ended": ended})


@operation("accounts.put")
def put_account(
    core: StoredInstallation, name: str, password: str, role: str | None = None, by: str = "command line"
) -> dict[str, Any]:
    """Make a console account, or give it another password (and role). Sessions opened with the old one end."""
    if not (name.isprintable() and 0 < len(name.strip()) <= 60):
        raise CollectorError("an account's name has 1 to 60 printable characters")
    check_password(password, name)
    kept = hash_password(password)
    with core.storage.ledger.writing():
        account = core.storage.people.account(name)
        fresh = account is None
        account = account or {"id": f"a_{secrets.token_hex(6)}", "name": name}
        wanted = role or account.get("role")
        if wanted not in CONSOLE_ROLES:
            raise CollectorError(f"there is no console role {wanted!r}; roles are {', '.join(CONSOLE_ROLES)}")
        if not fresh:
            _check_last(core, account, wanted)
        account |= {"role": wanted, "password": kept, "failures": 0, "wait_until": 0}
        changed(core, account, "made" if fresh else "password", by)
    return {"account": name, "role": wanted}


@operation("accounts.role")
def change_role(core: StoredInstallation, name: str, role: str, by: str = "command line") -> dict[str, Any]:
    """Give an account another role. Its sessions end."""
    if role not in CONSOLE_ROLES:
        raise CollectorError(f"there is no console role {role!r}; roles are {', '.join(CONSOLE_ROLES)}")
    with core.storage.ledger.writing():
        account = named(core, name)
        _check_last(core, account, role)
        changed(core, account | {"role": role}, "role", by)
    return {"account": name, "role": role}


@operation("accounts.disable")
def disable(core: StoredInstallation, name: str, disabled: bool = True, by: str = "command line") -> dict[str, Any]:
    """Shut an account out until it is enabled again, or enable it."""
    with core.storage.ledger.writing():
        account = named(core, name)
        if disabled:
            _check_last(core, account, None)
        changed(core, account | {"disabled": disabled}, "disabled" if disabled else "enabled", by)
    return {"account": name, "disabled": disabled}


@operation("accounts.remove")
def remove(core: StoredInstallation, name: str, by: str = "command line") -> dict[str, Any]:
    """Remove an account. What it did stays on the ledger under its name."""
    with core.storage.ledger.writing():
        account = named(core, name)
        _check_last(core, account, None)
        changed(core, account, "removed", by, ended="removed")
    return {"removed": name}


@operation("accounts.reset")
def reset(core: StoredInstallation, name: str, by: str = "command line") -> dict[str, Any]:
    """For whoever lost both: a new password, shown this once, and no second factor."""
    password = new_password()
    kept = hash_password(password)
    with core.storage.ledger.writing():
        account = {key: value for key, value in named(core, name).items() if key not in _FACTOR}
        changed(core, account | {"password": kept, "failures": 0, "wait_until": 0}, "reset", by)
    return {"account": name, "password": password}


def _check_last(core: StoredInstallation, account: Json, role: str | None) -> None:
    """Nobody takes the last administrator away, nor the last officer: with none, an administrator would stand in for
    the officer, and could so come to approve destruction (docs/decisions/010)."""
    others = [other["role"] for other in enabled(core) if other["id"] != account["id"]]
    for last, why in (("admin", "nobody could manage accounts"), ("officer", "make the successor's account first")):
        if account["role"] == last and role != last and not account.get("disabled") and last not in others:
            raise NotAllowed(f"{account['name']!r} is the last account with the role {last}: {why}")
