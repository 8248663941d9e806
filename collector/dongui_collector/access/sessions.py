"""Signing in to the console: password, second factor, sessions that end. The desk checks the password (argon2 takes
64 MiB), everything else is decided here, in the one process that writes.

Failures are counted by account and source, so that strangers who guess keep nobody out but themselves: after five, the
source waits, twice as long each time. An open session is a source of its own, and goes on whatever others do.
"""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
import secrets

import msgspec
from msgspec.structs import replace

from dongui_collector.access import totp
from dongui_collector.access.accounts import changed, check_password, without_factor
from dongui_collector.access.audit_log import record_access
from dongui_collector.access.secrets import hash_password, verify_password
from dongui_collector.access.throttle import LONGEST_S, pause
from dongui_collector.core.errors import NotAllowed, Unknown
from dongui_collector.core.operations import Request, operation
from dongui_collector.core.sealing import seal, unseal
from dongui_collector.core.settings import Settings
from dongui_collector.storage.contract.access import Account, Attempts
from dongui_collector.storage.contract.installation import StoredInstallation
from dongui_collector.storage.contract.values import Session

_KEY = "people"  # the key of the key ring under which second factors are sealed
SESSION = "session"  # the source of failures that an open session makes
_MOST_SOURCES = 64  # of an account that are remembered; those that may try again soonest go first


def session_hash(token: str) -> bytes:
    """What is kept of a session's random id, 32 bytes."""
    return hashlib.sha256(b"dongui-session\0" + token.encode("utf-8", "surrogatepass")).digest()


def fingerprint(account: Account) -> str:
    """Which password an account has, for the desk to say which one it checked."""
    return hashlib.sha256(account.password.encode()).hexdigest()[:24]


def stands(session: Session, settings: Settings, now: int) -> bool:
    """Whether a session may still be used: neither too old nor idle for too long."""
    return (
        now < session.started_at + settings.session_hours * 3_600_000
        and now < session.seen_at + settings.session_idle_minutes * 60_000
    )


# --- slowing guessing down -------------------------------------------------------------------------------------------


def source_of(core: StoredInstallation, address: str) -> str:
    """A name for where somebody signs in from, which tells nobody the address. Of IPv6 the /64 counts, as one house."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        network = address
    else:
        network = str(ipaddress.ip_network((parsed, 64 if parsed.version == 6 else 32), strict=False))
    return hmac.digest(core.keyring.derive(b"sign-in source"), network.encode(), "sha256").hex()[:16]


def waits(account: Account, source: str, now: int) -> float:
    """Seconds that a source waits for an account. Never longer than the longest pause, whatever the clock did."""
    attempts = account.attempts.get(source)
    return min(LONGEST_S, max(0.0, (attempts.wait_until - now) / 1000)) if attempts else 0.0


def failed(account: Account, source: str, now: int) -> Account:
    """The account after one more failure from a source. Pure."""
    before = account.attempts.get(source)
    failures = (before.failures if before else 0) + 1
    attempts = account.attempts | {source: Attempts(failures, now + int(pause(failures) * 1000))}
    latest = sorted(attempts, key=lambda one: (one == source, attempts[one].wait_until))
    return replace(account, attempts={one: attempts[one] for one in latest[-_MOST_SOURCES:]})


def succeeded(account: Account, source: str) -> Account:
    """The account after a source gave what is right: its failures are forgiven, no other's. Pure."""
    return replace(account, attempts={one: kept for one, kept in account.attempts.items() if one != source})


def _fail(core: StoredInstallation, account: Account, source: str, address: str, what: str) -> None:
    core.storage.accounts.put(failed(account, source, core.clock.now()))
    record_access(core, action="login.refused", by=account.name, reason="", address=address, what={"wrong": what})


# --- sessions --------------------------------------------------------------------------------------------------------


class SignedIn(msgspec.Struct, frozen=True, omit_defaults=True):
    """A new session, or the ``problem``: ``code_wanted``, ``wrong_code``, ``wrong`` or ``too_many``."""

    session: str | None = None
    narrow: bool = False
    problem: str | None = None


class BeginSession(Request[SignedIn], frozen=True):
    """Open a session for who gave the right password (``checked`` is its :func:`fingerprint`) and second factor."""

    account: str
    checked: str
    code: str = ""
    address: str = ""


class Done(msgspec.Struct, frozen=True, omit_defaults=True):
    """That it was done, or the ``problem``: ``wrong``, ``wrong_code`` or ``too_many``."""

    problem: str | None = None


class SignInRefused(Request[Done], frozen=True):
    """A wrong password was given; without an account: for names that are nobody's, so many ``times``."""

    account: str | None = None
    address: str = ""
    times: int = 1


class SessionSeen(Request[Done], frozen=True):
    """A session was used (``session`` is its hash in hexadecimal)."""

    session: str


class SessionsEnded(msgspec.Struct, frozen=True):
    """How many sessions ended."""

    ended: int


class EndSessions(Request[SessionsEnded], frozen=True):
    """End one session, or all of an account (its id)."""

    session: str | None = None
    account: str | None = None
    by: str = ""


@operation("sessions.begin", audit="login")
def begin(core: StoredInstallation, request: BeginSession) -> SignedIn:
    """Open a session, or say why not."""
    now, source = core.clock.now(), source_of(core, request.address)
    with core.storage.ledger.writing():
        account = core.storage.accounts.by_id(request.account)
        if account is None or account.disabled or fingerprint(account) != request.checked:
            return SignedIn(problem="wrong")
        if waits(account, source, now):
            return SignedIn(problem="too_many")
        if account.factor is not None:
            if not request.code.strip():
                return SignedIn(problem="code_wanted")
            after = _with_factor(core, account, request.code, now)
            if after is None:
                _fail(core, account, source, request.address, "second factor")
                return SignedIn(problem="wrong_code")
            account = after
        core.storage.accounts.put(succeeded(account, source))
        return _opened_session(core, account, request.address, now)


def _opened_session(core: StoredInstallation, account: Account, address: str, now: int) -> SignedIn:
    people, settings = core.storage.accounts, core.settings
    people.end_before(now - settings.session_hours * 3_600_000, now - settings.session_idle_minutes * 60_000)
    token = secrets.token_urlsafe(24)
    narrow = settings.require_totp and account.factor is None
    people.begin(Session(session_hash(token), account.id, now, now, address[:60], narrow))
    record_access(core, action="login", by=account.name, reason="", address=address)
    return SignedIn(token, narrow)


@operation("sessions.refused", audit="login.refused")
def refused(core: StoredInstallation, request: SignInRefused) -> Done:
    """The source waits for that account, longer each time."""
    with core.storage.ledger.writing():
        account = core.storage.accounts.by_id(request.account) if request.account else None
        if account is not None:
            _fail(core, account, source_of(core, request.address), request.address, "password")
        else:
            what = {"times": request.times}
            record_access(
                core, action="login.refused", by="nobody's name", reason="", address=request.address, what=what
            )
    return Done()


@operation("sessions.seen")
def seen(core: StoredInstallation, request: SessionSeen) -> Done:
    """Keep a session from being idle."""
    with core.storage.ledger.writing():
        core.storage.accounts.seen(bytes.fromhex(request.session), core.clock.now())
    return Done()


@operation("sessions.end", right="own", audit="sessions.end")
def end(core: StoredInstallation, request: EndSessions) -> SessionsEnded:
    """Raises :class:`Unknown` where neither a session nor an account is named."""
    if request.session is None and request.account is None:
        raise Unknown("say which session or whose")
    with core.storage.ledger.writing():
        hash = bytes.fromhex(request.session) if request.session else None
        ended = core.storage.accounts.end(hash=hash, account=request.account)
        if request.by and ended:
            record_access(core, action="sessions.end", by=request.by, reason="", what={"ended": ended})
    return SessionsEnded(ended)


# --- one's own account -----------------------------------------------------------------------------------------------


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
        core.storage.accounts.put(replace(account, factor_pending=_sealed(core, account, secret)))
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
        secret = _opened(core, account, account.factor_pending)
        step = totp.accepted_step(secret, request.code, now // 1000, 0)
        if step is None:
            _fail(core, account, SESSION, request.address, "second factor")
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
            _fail(core, account, SESSION, address, "password")
    return Done() if right else Done("wrong")


def _with_factor(core: StoredInstallation, account: Account, code: str, now: int) -> Account | None:
    """The account after its second factor was used: a code of the clock, or a recovery code; None for a wrong one."""
    secret = _opened(core, account, account.factor or "")
    step = totp.accepted_step(secret, code, now // 1000, account.factor_step)
    if step is not None:
        return replace(account, factor_step=step)
    used = totp.matching_recovery(account.recovery, code)
    if used is None:
        return None
    return replace(account, recovery=tuple(one for one in account.recovery if one != used))


def _sealed(core: StoredInstallation, account: Account, secret: bytes) -> str:
    key = core.keyring.named(_KEY, create=True)
    if key is None:
        raise NotAllowed("there is no key for second factors")
    return seal(key, secret, account.id.encode()).hex()


def _opened(core: StoredInstallation, account: Account, sealed: str) -> bytes:
    key = core.keyring.named(_KEY)
    if key is None:
        raise NotAllowed("the key of the second factors is gone; `dongui accounts reset NAME` starts anew")
    return unseal(key, bytes.fromhex(sealed), account.id.encode())
