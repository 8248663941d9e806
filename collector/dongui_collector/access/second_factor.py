"""A second factor of an account: one-time codes and recovery codes, its secret sealed under a key of the key ring."""

from __future__ import annotations

from msgspec.structs import replace

from dongui_collector.access import totp
from dongui_collector.core.errors import NotAllowed
from dongui_collector.core.sealing import seal, unseal
from dongui_collector.storage.contract.access import Account
from dongui_collector.storage.contract.installation import StoredInstallation

_KEY = "people"  # the key of the key ring under which second factors are sealed


def with_factor(core: StoredInstallation, account: Account, code: str, now: int) -> Account | None:
    """The account after its second factor was used: a code of the clock, or a recovery code; None for a wrong one."""
    secret = opened_secret(core, account, account.factor or "")
    step = totp.accepted_step(secret, code, now // 1000, account.factor_step)
    if step is not None:
        return replace(account, factor_step=step)
    used = totp.matching_recovery(account.recovery, code)
    if used is None:
        return None
    return replace(account, recovery=tuple(one for one in account.recovery if one != used))


def sealed_secret(core: StoredInstallation, account: Account, secret: bytes) -> str:
    key = core.keyring.named(_KEY, create=True)
    if key is None:
        raise NotAllowed("there is no key for second factors")
    return seal(key, secret, account.id.encode()).hex()


def opened_secret(core: StoredInstallation, account: Account, sealed: str) -> bytes:
    key = core.keyring.named(_KEY)
    if key is None:
        raise NotAllowed("the key of the second factors is gone; `dongui accounts reset NAME` starts anew")
    return unseal(key, bytes.fromhex(sealed), account.id.encode())
