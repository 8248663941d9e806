"""Signing in to the console: password, second factor, sessions that end. The desk checks the password (argon2 takes
64 MiB), everything else is decided here, in the one process that writes.
"""

from __future__ import annotations

import hashlib
import secrets

import msgspec

from dongui_collector.access.audit_log import record_access
from dongui_collector.access.guessing import fail, source_of, succeeded, waits
from dongui_collector.access.second_factor import with_factor
from dongui_collector.core.errors import Unknown
from dongui_collector.core.operations import Request, operation
from dongui_collector.core.settings import Settings
from dongui_collector.storage.contract.access import Account
from dongui_collector.storage.contract.installation import StoredInstallation
from dongui_collector.storage.contract.values import Session


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
            after = with_factor(core, account, request.code, now)
            if after is None:
                fail(core, account, source, request.address, "second factor")
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
            fail(core, account, source_of(core, request.address), request.address, "password")
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
