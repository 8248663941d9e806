"""Slowing guessing down. Failures are counted by account and source, so that strangers who guess keep nobody out but
themselves: after five, the source waits, twice as long each time. An open session is a source of its own, and goes on
whatever others do.
"""

from __future__ import annotations

import hmac
import ipaddress

from msgspec.structs import replace

from dongui_collector.access.audit_log import record_access
from dongui_collector.access.throttle import LONGEST_S, pause
from dongui_collector.storage.contract.access import Account, Attempts
from dongui_collector.storage.contract.installation import StoredInstallation

SESSION = "session"  # the source of failures that an open session makes
_MOST_SOURCES = 64  # of an account that are remembered; those that may try again soonest go first


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


def fail(core: StoredInstallation, account: Account, source: str, address: str, what: str) -> None:
    """Count a failure and write it down, in the transaction of the caller."""
    core.storage.accounts.put(failed(account, source, core.clock.now()))
    record_access(core, action="login.refused", by=account.name, reason="", address=address, what={"wrong": what})
