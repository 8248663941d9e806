from __future__ import annotations

import hashlib
import re

import pytest
from dongui_collector.security import tokens


@pytest.mark.parametrize(("make", "prefix"), [(tokens.new_secret_key, "dgs_"), (tokens.new_token, "dgt_")])
def test_bearer_secrets_have_256_random_bits(make: object, prefix: str) -> None:
    made = {make() for _ in range(50)}  # type: ignore[operator]
    assert len(made) == 50
    assert all(re.fullmatch(prefix + r"[A-Za-z0-9_-]{43}", secret) for secret in made)


def test_only_one_way_derivations_are_kept_and_they_differ() -> None:
    secret = "dgs_" + "a" * 43
    assert tokens.token_hash(secret) == hashlib.sha256(b"dongui-auth\0" + secret.encode()).digest()
    assert tokens.address_key(secret) == hashlib.sha256(b"dongui-address\0" + secret.encode()).digest()
    assert tokens.token_hash(secret) != tokens.address_key(secret)


def test_hashing_hostile_tokens_never_fails() -> None:
    assert len(tokens.token_hash("\ud800\0")) == 32


def test_passwords() -> None:
    password = tokens.new_password()
    kept = tokens.hash_password(password)
    assert password not in kept
    assert kept.startswith("$argon2id$")
    assert tokens.verify_password(kept, password)
    assert not tokens.verify_password(kept, password + "x")
    assert not tokens.verify_password("damaged", password)


def test_without_an_account_the_same_work_is_done_and_nobody_gets_in(monkeypatch: pytest.MonkeyPatch) -> None:
    assert not tokens.verify_password(None, "anything")
    # The stand-in must be a hash that can be checked, or the answer would come early and tell that there is no account.
    assert not tokens._PASSWORDS.check_needs_rehash(tokens._NOBODY)
