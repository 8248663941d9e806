"""Console accounts: made, changed, disabled, removed; each change ends the account's sessions and is in the journal.

Signing in is in ``sessions.py``.
"""

from __future__ import annotations

import secrets
from typing import Annotated

import msgspec
from msgspec.structs import replace

from dongui_collector.access.roles import CONSOLE_ROLES
from dongui_collector.access.secrets import LOCKED, hash_password, new_password
from dongui_collector.core.errors import CollectorError, NotAllowed, Unknown
from dongui_collector.core.operations import AttributedRequest, Field, Request, operation
from dongui_collector.storage.contract.access import Account
from dongui_collector.storage.contract.installation import StoredInstallation

_SHORTEST = 10


class AccountSummary(msgspec.Struct, frozen=True):
    """An account as others may see it: nothing secret, one-way or not."""

    name: str
    role: str
    disabled: bool
    locked: bool
    second_factor: bool
    sessions: int


class AccountRole(msgspec.Struct, frozen=True):
    """An account and its role."""

    account: str
    role: str


class AccountPassword(msgspec.Struct, frozen=True, omit_defaults=True):
    """An account's new password, shown this once."""

    account: str
    password: str
    role: str | None = None


class AccountState(msgspec.Struct, frozen=True):
    """Whether an account is shut out."""

    account: str
    disabled: bool


class AccountRemoved(msgspec.Struct, frozen=True):
    """The name of an account that is gone."""

    removed: str


Name = Annotated[str, Field(argument=True)]
Role = Annotated[str, Field(choices=CONSOLE_ROLES)]


class ListAccounts(Request[list[AccountSummary]], frozen=True):
    """List the accounts: role, second factor, open sessions."""


class AddAccount(AttributedRequest[AccountPassword], frozen=True):
    """Make an account. Its password is shown this once; whoever uses it changes it in the console."""

    name: Name
    role: Role


class PutAccount(AttributedRequest[AccountRole], frozen=True):
    """Make a console account, or give it another password (and role). Sessions opened with the old one end."""

    name: Name
    password: Annotated[str, Field(reads="password")]
    role: Annotated[str | None, Field()] = None


class ChangeRole(AttributedRequest[AccountRole], frozen=True):
    """Give an account another role. Its sessions end."""

    name: Name
    role: Annotated[str, Field(choices=CONSOLE_ROLES, argument=True)]


class DisableAccount(AttributedRequest[AccountState], frozen=True):
    """Shut an account out until it is enabled again."""

    name: Name
    disabled: bool = True


class RemoveAccount(AttributedRequest[AccountRemoved], frozen=True):
    """Remove an account; what it did stays on the ledger under its name."""

    name: Name


class ResetAccount(AttributedRequest[AccountPassword], frozen=True):
    """Give an account a new password, shown this once, and take its second factor away."""

    name: Name


def account_named(core: StoredInstallation, name: str) -> Account:
    """The account of that name. Raises :class:`Unknown`."""
    if (account := core.storage.accounts.account(name)) is None:
        raise Unknown(f"there is no account {name!r}; see `dongui accounts list`")
    return account


def enabled(core: StoredInstallation) -> list[Account]:
    """The accounts that may sign in, or could with a new password."""
    return [account for account in core.storage.accounts.accounts() if not account.disabled]


def check_password(password: str, name: str) -> None:
    """Raises :class:`NotAllowed` for a password that is too short or is the account's own name."""
    if len(password) < _SHORTEST or password.casefold() == name.casefold():
        raise NotAllowed(f"a console password has at least {_SHORTEST} characters and is not the account's name")


def changed(core: StoredInstallation, account: Account, what: str, by: str, *, ended: str = "changed") -> None:
    """Keep a changed account, end its sessions, write it down, and see that no restored backup brings back what was.

    Called inside the writing transaction. ``what`` says what changed; ``ended`` is ``removed`` for one that goes.
    """
    people = core.storage.accounts
    if ended == "removed":
        people.remove(account.id)
    else:
        people.put(account)
    people.end(account=account.id)
    entry = {"name": account.name, "role": account.role, "what": what, "by": by}
    core.storage.ledger.append("account", core.clock.now(), entry)
    line = {"kind": "account", "account": account.id, "ended": ended}
    core.storage.ledger.before_commit(lambda: core.journal.append(line))


@operation("accounts.list", right="access", changes=False)
def list_accounts(core: StoredInstallation, request: ListAccounts) -> list[AccountSummary]:
    """By name."""
    people = core.storage.accounts
    return [
        AccountSummary(
            account.name,
            account.role,
            account.disabled,
            account.password == LOCKED,
            account.factor is not None,
            len(people.sessions(account.id)),
        )
        for account in people.accounts()
    ]


@operation("accounts.add", right="access", audit="account")
def add_account(core: StoredInstallation, request: AddAccount) -> AccountPassword:
    """Raises :class:`CollectorError` for a name that is taken, or is none."""
    if core.storage.accounts.account(request.name):
        raise CollectorError(f"there is an account {request.name!r} already; see `dongui accounts reset` and `role`")
    password = new_password()
    made = put_account(core, PutAccount(request.name, password, request.role, by=request.by))
    return AccountPassword(made.account, password, made.role)


@operation("accounts.put", right="access", audit="account")
def put_account(core: StoredInstallation, request: PutAccount) -> AccountRole:
    """Raises :class:`CollectorError` for a name or role that is none, :class:`NotAllowed` for a weak password."""
    name = request.name
    if not (name.isprintable() and 0 < len(name.strip()) <= 60):
        raise CollectorError("an account's name has 1 to 60 printable characters")
    check_password(request.password, name)
    password = hash_password(request.password)
    with core.storage.ledger.writing():
        account = core.storage.accounts.account(name)
        role = _console_role(request.role or (account.role if account else None))
        if account is None:
            account, what = Account(id=f"a_{secrets.token_hex(6)}", name=name, role=role, password=password), "made"
        else:
            _check_last(core, account, role)
            account, what = replace(account, role=role, password=password, attempts={}), "password"
        changed(core, account, what, request.by)
    return AccountRole(name, role)


def _console_role(role: str | None) -> str:
    if role not in CONSOLE_ROLES:
        raise CollectorError(f"there is no console role {role!r}; roles are {', '.join(CONSOLE_ROLES)}")
    return role


@operation("accounts.role", right="access", audit="account")
def change_role(core: StoredInstallation, request: ChangeRole) -> AccountRole:
    """Raises :class:`NotAllowed` for the last administrator or officer."""
    role = _console_role(request.role)
    with core.storage.ledger.writing():
        account = account_named(core, request.name)
        _check_last(core, account, role)
        changed(core, replace(account, role=role), "role", request.by)
    return AccountRole(request.name, role)


@operation("accounts.disable", right="access", audit="account")
def disable(core: StoredInstallation, request: DisableAccount) -> AccountState:
    """Shut out, or with ``disabled`` false let in again. Raises :class:`NotAllowed` as :func:`change_role` does."""
    disabled = request.disabled
    with core.storage.ledger.writing():
        account = account_named(core, request.name)
        if disabled:
            _check_last(core, account, None)
        changed(core, replace(account, disabled=disabled), "disabled" if disabled else "enabled", request.by)
    return AccountState(request.name, disabled)


@operation("accounts.remove", right="access", audit="account")
def remove(core: StoredInstallation, request: RemoveAccount) -> AccountRemoved:
    """Raises :class:`NotAllowed` as :func:`change_role` does."""
    with core.storage.ledger.writing():
        account = account_named(core, request.name)
        _check_last(core, account, None)
        changed(core, account, "removed", request.by, ended="removed")
    return AccountRemoved(request.name)


@operation("accounts.reset", right="access", audit="account")
def reset(core: StoredInstallation, request: ResetAccount) -> AccountPassword:
    """For whoever lost both: a new password, and no second factor."""
    password = new_password()
    hashed = hash_password(password)
    with core.storage.ledger.writing():
        account = without_factor(account_named(core, request.name))
        changed(core, replace(account, password=hashed, attempts={}), "reset", request.by)
    return AccountPassword(request.name, password)


def without_factor(account: Account) -> Account:
    """The account without its second factor and recovery codes."""
    return replace(account, factor=None, factor_step=0, factor_pending=None, recovery=())


def _check_last(core: StoredInstallation, account: Account, role: str | None) -> None:
    """Nobody takes the last administrator away, nor the last officer: with none, an administrator would stand in for
    the officer, and could so come to approve destruction (docs/decisions/010)."""
    others = [other.role for other in enabled(core) if other.id != account.id]
    for last, why in (("admin", "nobody could manage accounts"), ("officer", "make the successor's account first")):
        if account.role == last and role != last and not account.disabled and last not in others:
            raise NotAllowed(f"{account.name!r} is the last account with the role {last}: {why}")
