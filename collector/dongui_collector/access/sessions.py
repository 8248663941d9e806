"""Signing in to the console: password, second factor, sessions that end. The desk checks the password (argon2 takes
64 MiB), everything else is decided here, in the one process that writes."""

from __future__ import annotations

import hashlib
import secrets
from typing import Any

from dongui_collector.access import totp
from dongui_collector.access.accounts import changed, check_password
from dongui_collector.access.audit_log import record_access
from dongui_collector.access.secrets import hash_password, verify_password
from dongui_collector.access.throttle import LONGEST_S, pause
from dongui_collector.core.errors import NotAllowed, Unknown
from dongui_collector.core.operations import operation
from dongui_collector.core.sealing import seal, unseal
from dongui_collector.core.settings import Settings
from dongui_collector.storage.contract.installation import StoredInstallation
from dongui_collector.storage.contract.values import Json, Session

_KEY = "people"  # the key of the key ring under which second factors are sealed


def session_hash(token: str) -> bytes:
    """What is kept of a session's random id, 32 bytes."""
    return hashlib.sha256(b"dongui-session\0" + token.encode("utf-8", "surrogatepass")).digest()


def fingerprint(account: Json) -> str:
    """Which password an account has, for the desk to say which one it checked."""
    return hashlib.sha256(account["password"].encode()).hexdigest()[:24]


def stands(session: Session, settings: Settings, now: int) -> bool:
    """Whether a session may still be used: neither too old nor idle for too long."""
    return (
        now < session.started_at + settings.session_hours * 3_600_000
        and now < session.seen_at + settings.session_idle_minutes * 60_000
    )


def waits(account: Json, now: int) -> float:
    """Seconds that an account waits after failures. Never longer than the longest pause, whatever the clock did."""
    return min(LONGEST_S, max(0.0, (int(account.get("wait_until", 0)) - now) / 1000))


@operation("sessions.begin")
def begin(core: StoredInstallation, account: str, checked: str, code: str = "", address: str = "") -> dict[str, Any]:
    """Open a session for who gave the right password (``checked`` is its :func:`fingerprint`) and second factor.

    Answers ``{session, narrow}``, or ``{problem}``: ``code_wanted``, ``wrong_code``, ``wrong`` or ``too_many``.
    """
    now = core.clock.now()
    with core.storage.ledger.writing():
        found = core.storage.people.by_id(account)
        if found is None or found.get("disabled") or fingerprint(found) != checked:
            return {"problem": "wrong"}
        if waits(found, now):
            return {"problem": "too_many"}
        if "factor" in found:
            if not code.strip():
                return {"problem": "code_wanted"}
            after = _with_factor(core, found, code, now)
            if after is None:
                _fail(core, found, address, now, "second factor")
                return {"problem": "wrong_code"}
            found = after
        core.storage.people.put(found | {"failures": 0, "wait_until": 0})
        core.storage.people.end_before(
            now - core.settings.session_hours * 3_600_000, now - core.settings.session_idle_minutes * 60_000
        )
        token = secrets.token_urlsafe(24)
        narrow = core.settings.require_totp and "factor" not in found
        core.storage.people.begin(Session(session_hash(token), account, now, now, address[:60], narrow))
        record_access(core, action="login", by=found["name"], reason="", address=address)
    return {"session": token, "narrow": narrow}


@operation("sessions.refused")
def refused(core: StoredInstallation, account: str | None = None, address: str = "", times: int = 1) -> dict[str, Any]:
    """A wrong password: the account waits longer each time. ``None``: names that are nobody's, so many of them."""
    now = core.clock.now()
    with core.storage.ledger.writing():
        found = core.storage.people.by_id(account) if account else None
        if found is not None:
            _fail(core, found, address, now, "password")
        else:
            record_access(
                core, action="login.refused", by="nobody's name", reason="", address=address, what={"times": times}
            )
    return {}


def _fail(core: StoredInstallation, account: Json, address: str, now: int, what: str) -> None:
    failures = account.get("failures", 0) + 1
    wait_until = now + int(pause(failures) * 1000)
    core.storage.people.put(account | {"failures": failures, "wait_until": wait_until})
    record_access(core, action="login.refused", by=account["name"], reason="", address=address, what={"wrong": what})


@operation("sessions.seen")
def seen(core: StoredInstallation, session: str) -> dict[str, Any]:
    """A session was used (``session`` is its hash in hexadecimal)."""
    with core.storage.ledger.writing():
        core.storage.people.seen(bytes.fromhex(session), core.clock.now())
    return {}


@operation("sessions.end")
def end(
    core: StoredInstallation, session: str | None = None, account: str | None = None, by: str = ""
) -> dict[str, Any]:
    """End one session, or all of an account (its id)."""
    if session is None and account is None:
        raise Unknown("say which session or whose")
    with core.storage.ledger.writing():
        ended = core.storage.people.end(hash=bytes.fromhex(session) if session else None, account=account)
        if by and ended:
            record_access(core, action="sessions.end", by=by, reason="", what={"ended": ended})
    return {"ended": ended}


# --- one's own account -----------------------------------------------------------------------------------------------


@operation("own.password")
def own_password(core: StoredInstallation, account: str, old: str, new: str, address: str = "") -> dict[str, Any]:
    """Change one's own password. Ends all sessions. Answers ``{problem}`` when the old one is not right."""
    found = _own(core, account)
    check_password(new, found["name"])
    if (problem := _recheck(core, found, old, address)) is not None:
        return problem
    kept = hash_password(new)
    with core.storage.ledger.writing():
        changed(core, _own(core, account) | {"password": kept}, "password", found["name"])
    return {}


@operation("own.enrol")
def enrol(core: StoredInstallation, account: str) -> dict[str, Any]:
    """Begin a second factor: its secret, which counts once a code of it was given."""
    secret = totp.new_secret()
    with core.storage.ledger.writing():
        found = _own(core, account)
        if "factor" in found:
            raise NotAllowed("this account has a second factor already; remove it first")
        core.storage.people.put(found | {"factor_pending": _sealed(core, found, secret)})
    issuer = " ".join(["dongui", *(site.name for site in core.storage.ledger.sites()[:1])])
    return {"secret": totp.shown(secret), "uri": totp.uri(secret, found["name"], issuer)}


@operation("own.confirm")
def confirm(core: StoredInstallation, account: str, code: str, address: str = "") -> dict[str, Any]:
    """The first code of a second factor: it counts from now on. Answers the recovery codes, shown this once.

    Ends all sessions, since they were opened with less. ``{problem}`` for a wrong code.
    """
    now = core.clock.now()
    with core.storage.ledger.writing():
        found = _own(core, account)
        if "factor_pending" not in found:
            raise NotAllowed("no second factor was begun")
        if waits(found, now):
            return {"problem": "too_many"}
        step = totp.accepted_step(_opened(core, found, "factor_pending"), code, now // 1000, 0)
        if step is None:
            _fail(core, found, address, now, "second factor")
            return {"problem": "wrong_code"}
        codes = totp.new_recovery_codes()
        kept = {"factor": found.pop("factor_pending"), "factor_step": step}
        kept["recovery"] = [totp.recovery_hash(one) for one in codes]
        changed(core, found | kept, "second factor", found["name"])
    return {"recovery": codes}


@operation("own.unenrol")
def unenrol(core: StoredInstallation, account: str, password: str, address: str = "") -> dict[str, Any]:
    """Remove one's second factor, with the password. Ends all sessions."""
    found = _own(core, account)
    if core.settings.require_totp:
        raise NotAllowed("a second factor is required here (require_totp); an administrator can reset it")
    if (problem := _recheck(core, found, password, address)) is not None:
        return problem
    with core.storage.ledger.writing():
        left = {k: v for k, v in _own(core, account).items() if not k.startswith(("factor", "recovery"))}
        changed(core, left, "second factor removed", found["name"])
    return {}


@operation("own.recheck")
def recheck(core: StoredInstallation, account: str, password: str, address: str = "") -> dict[str, Any]:
    """Whether it is still this person who sits there, before something that cannot be undone. ``{problem}`` if not."""
    return _recheck(core, _own(core, account), password, address) or {}


def _own(core: StoredInstallation, account: str) -> Json:
    if (found := core.storage.people.by_id(account)) is None:
        raise Unknown("this account is gone")
    return found


def _recheck(core: StoredInstallation, account: Json, password: str, address: str) -> dict[str, Any] | None:
    """The password once more. Whoever took over a session must not be able to guess it either."""
    if waits(account, core.clock.now()):
        return {"problem": "too_many"}
    if verify_password(account["password"], password):
        return None
    refused(core, account["id"], address)
    return {"problem": "wrong"}


def _with_factor(core: StoredInstallation, account: Json, code: str, now: int) -> Json | None:
    """The account after its second factor was used: a code of the clock, or a recovery code; None for a wrong one."""
    secret = _opened(core, account, "factor")
    step = totp.accepted_step(secret, code, now // 1000, account.get("factor_step", 0))
    if step is not None:
        return account | {"factor_step": step}
    used = totp.matching_recovery(account.get("recovery", ()), code)
    if used is None:
        return None
    return account | {"recovery": [one for one in account["recovery"] if one != used]}


def _sealed(core: StoredInstallation, account: Json, secret: bytes) -> str:
    key = core.keyring.named(_KEY, create=True)
    if key is None:
        raise NotAllowed("there is no key for second factors")
    return seal(key, secret, account["id"].encode()).hex()


def _opened(core: StoredInstallation, account: Json, which: str) -> bytes:
    key = core.keyring.named(_KEY)
    if key is None:
        raise NotAllowed("the key of the second factors is gone; `dongui accounts reset NAME` starts anew")
    return unseal(key, bytes.fromhex(account[which]), account["id"].encode())
