"""One's own account: the password, the second factor, and proving once more that it is still the same person."""

from __future__ import annotations

import msgspec
from msgspec.structs import replace

from dongui_collector.access import totp
from dongui_collector.access.accounts import changed, check_password, without_factor
from dongui_collector.access.guessing import SESSION, fail, succeeded, waits
from dongui_collector.access.second_factor import opened_secret, sealed_secret
from dongui_collector.access.secrets import hash_password, verify_password
from dongui_collector.access.sessions import Done
from dongui_collector.core.errors import NotAllowed, Unknown
from dongui_collector.core.operations import Request, operation
from dongui_collector.storage.contract.access import Account
from dongui_collector.storage.contract.installation import StoredInstallation


class OwnPassword(Request[Done], frozen=True):
    """Change one's own password. Ends all sessions."""

    account: str
    old: str
    new: str
    address: str = ""


class Enrolment(msgspec.Struct, frozen=True):
    """The secret of a second factor, as text and as a link for authenticator programs."""

    secret: str
    uri: str


class Enrol(Request[Enrolment], frozen=True):
    """Begin a second factor: its secret, which counts once a code of it was given."""

    account: str


class Confirmed(msgspec.Struct, frozen=True, omit_defaults=True):
    """The recovery codes, shown this once, or the ``problem``."""

    recovery: tuple[str, ...] = ()
    problem: str | None = None


class Confirm(Request[Confirmed], frozen=True):
    """Give the first code of a second factor: it counts from now on. Ends all sessions: they were opened with less."""

    account: str
    code: str
    address: str = ""


class Unenrol(Request[Done], frozen=True):
    """Remove one's second factor, with the password. Ends all sessions."""

    account: str
    password: str
    address: str = ""


class Recheck(Request[Done], frozen=True):
    """Check that it is still this person who sits there, before something that cannot be undone."""

    account: str
    password: str
    address: str = ""


@operation("own.password", right="own", audit="account")
def own_password(core: StoredInstallation, request: OwnPassword) -> Done:
    """Raises :class:`NotAllowed` for a weak new password."""
    account = _own(core, request.account)
    check_password(request.new, account.name)
    if (wrong := _recheck(core, account, request.old, request.address)).problem:
        return wrong
    password = hash_password(request.new)
    with core.storage.ledger.writing():
        changed(core, replace(_own(core, account.id), password=password), "password", account.name)
    return Done()


@operation("own.enrol", right="own")
def enrol(core: StoredInstallation, request: Enrol) -> Enrolment:
    """Raises :class:`NotAllowed` where there is a second factor already."""
    secret = totp.new_secret()
    with core.storage.ledger.writing():
        account = _own(core, request.account)
        if account.factor is not None:
            raise NotAllowed("this account has a second factor already; remove it first")
        core.storage.accounts.put(replace(account, factor_pending=sealed_secret(core, account, secret)))
    issuer = " ".join(["dongui", *(site.name for site in core.storage.ledger.sites()[:1])])
    return Enrolment(totp.readable(secret), totp.uri(secret, account.name, issuer))


@operation("own.confirm", right="own", audit="account")
def confirm(core: StoredInstallation, request: Confirm) -> Confirmed:
    """Raises :class:`NotAllowed` where no second factor was begun."""
    now = core.clock.now()
    with core.storage.ledger.writing():
        account = _own(core, request.account)
        if account.factor_pending is None:
            raise NotAllowed("no second factor was begun")
        if waits(account, SESSION, now):
            return Confirmed(problem="too_many")
        secret = opened_secret(core, account, account.factor_pending)
        step = totp.accepted_step(secret, request.code, now // 1000, 0)
        if step is None:
            fail(core, account, SESSION, request.address, "second factor")
            return Confirmed(problem="wrong_code")
        codes = tuple(totp.new_recovery_codes())
        hashes = tuple(map(totp.recovery_hash, codes))
        account = replace(
            account, factor=account.factor_pending, factor_pending=None, factor_step=step, recovery=hashes
        )
        changed(core, account, "second factor", account.name)
    return Confirmed(codes)


@operation("own.unenrol", right="own", audit="account")
def unenrol(core: StoredInstallation, request: Unenrol) -> Done:
    """Raises :class:`NotAllowed` where a second factor is required."""
    account = _own(core, request.account)
    if core.settings.require_totp:
        raise NotAllowed("a second factor is required here (require_totp); an administrator can reset it")
    if (wrong := _recheck(core, account, request.password, request.address)).problem:
        return wrong
    with core.storage.ledger.writing():
        changed(core, without_factor(_own(core, account.id)), "second factor removed", account.name)
    return Done()


@operation("own.recheck", right="own")
def recheck(core: StoredInstallation, request: Recheck) -> Done:
    """The password once more."""
    return _recheck(core, _own(core, request.account), request.password, request.address)


def _own(core: StoredInstallation, account: str) -> Account:
    if (found := core.storage.accounts.by_id(account)) is None:
        raise Unknown("this account is gone")
    return found


def _recheck(core: StoredInstallation, account: Account, password: str, address: str) -> Done:
    """The password once more. Whoever took over a session must not be able to guess it either; whoever has none cannot
    keep it from being given."""
    if waits(account, SESSION, core.clock.now()):
        return Done("too_many")
    right = verify_password(account.password, password)
    with core.storage.ledger.writing():
        account = _own(core, account.id)
        if right and SESSION in account.attempts:
            core.storage.accounts.put(succeeded(account, SESSION))
        if not right:
            fail(core, account, SESSION, address, "password")
    return Done() if right else Done("wrong")
