from __future__ import annotations

import hashlib
import re

import pytest
from dongui_collector.access import secrets


@pytest.mark.parametrize(("make", "prefix"), [(secrets.new_secret_key, "dgs_"), (secrets.new_token, "dgt_")])
def test_bearer_secrets_have_256_random_bits(make: object, prefix: str) -> None:
    made = {make() for _ in range(50)}  # type: ignore[operator]
    assert len(made) == 50
    assert all(re.fullmatch(prefix + r"[A-Za-z0-9_-]{43}", secret) for secret in made)


def test_only_one_way_derivations_are_kept_and_they_differ() -> None:
    secret = "dgs_" + "a" * 43
    assert secrets.token_hash(secret) == hashlib.sha256(b"dongui-auth\0" + secret.encode()).digest()
    assert secrets.address_key(secret) == hashlib.sha256(b"dongui-address\0" + secret.encode()).digest()
    assert secrets.token_hash(secret) != secrets.address_key(secret)


def test_hashing_hostile_tokens_never_fails() -> None:
    assert len(secrets.token_hash("\ud800\0")) == 32


def test_passwords() -> None:
    password = secrets.new_password()
    kept = secrets.hash_password(password)
    assert password not in kept
    assert kept.startswith("$argon2id$")
    assert secrets.verify_password(kept, password)
    assert not secrets.verify_password(kept, password + "x")
    assert not secrets.verify_password("damaged", password)


def test_without_an_account_the_same_work_is_done_and_nobody_gets_in(monkeypatch: pytest.MonkeyPatch) -> None:
    assert not secrets.verify_password(None, "anything")
    # The stand-in must be a hash that can be checked, or the answer would come early and tell that there is no account.
    assert not secrets._PASSWORDS.check_needs_rehash(secrets._NOBODY)
