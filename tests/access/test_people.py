"""Accounts: in whatever order they change, somebody can manage them and the officer's office is kept (S5.3, S7.2)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path

import pytest
from dongui_collector.access.accounts import changed, enabled
from dongui_collector.access.roles import CONSOLE_ROLES
from dongui_collector.access.secrets import LOCKED, token_hash, verify_password
from dongui_collector.access.sessions import fingerprint
from dongui_collector.core.errors import CollectorError
from dongui_collector.core.operations import perform
from dongui_collector.core.settings import load_settings
from dongui_collector.evidence.verify.verify import verify
from dongui_collector.retention.installation import Installation
from dongui_collector.runtime.composition import open_core
from dongui_collector.runtime.install import install
from dongui_collector.storage.contract.access import Account
from dongui_collector.storage.contract.values import Session
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.collector import starting_text

NAMES = ("ana", "ben", "choi", "dan")
STEPS = st.one_of(
    st.tuples(
        st.just("accounts.role"),
        st.sampled_from(NAMES),
        st.fixed_dictionaries({"role": st.sampled_from(CONSOLE_ROLES)}),
    ),
    st.tuples(st.just("accounts.disable"), st.sampled_from(NAMES), st.fixed_dictionaries({"disabled": st.booleans()})),
    st.tuples(st.just("accounts.remove"), st.sampled_from(NAMES), st.just({})),
)


@pytest.fixture(scope="module")
def core(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    folder = tmp_path_factory.mktemp("people") / "d"
    installed = install(folder, starting_text("Shop"), name="Shop", origins=["https://shop.example.com"])
    with closing(open_core(load_settings(Path(installed.config)), writable=True)) as core:
        yield core


def begin_anew(core: Installation, roles: list[str]) -> None:
    people = core.storage.accounts
    with core.storage.ledger.writing():
        for account in people.accounts():
            changed(core, account, "removed", "test", ended="removed")
        for name, role in zip(NAMES, ("admin", *roles), strict=True):
            changed(core, Account(id=f"a_{name}", name=name, role=role, password=LOCKED), "made", "test")
            people.begin(Session(token_hash(name), f"a_{name}", 1, 1, ""))


@settings(max_examples=60, deadline=None)
@given(roles=st.lists(st.sampled_from(CONSOLE_ROLES), min_size=3, max_size=3), steps=st.lists(STEPS, max_size=12))
def test_s5_3_there_is_always_an_administrator_and_an_officer_once_there_was_one(
    core: Installation, roles: list[str], steps: list[tuple[str, str, dict[str, object]]]
) -> None:
    begin_anew(core, roles)
    had_officer = "officer" in roles
    for operation, name, more in steps:
        before = core.storage.accounts.account(name)
        with suppress(CollectorError):
            perform(core, operation, {"name": name, **more})
        present = [account.role for account in enabled(core)]
        assert "admin" in present
        had_officer = had_officer or "officer" in present
        assert ("officer" in present) == had_officer, "no way back to the deputy"
        if before != core.storage.accounts.account(name):
            assert core.storage.accounts.sessions(f"a_{name}") == [], "a changed account's sessions end"
    assert verify(core).findings == []


def test_a_session_cannot_be_opened_with_a_password_that_was_changed_meanwhile(core: Installation) -> None:
    """The desk checks the password, the collector opens the session: between the two it may change."""
    begin_anew(core, ["analyst", "analyst", "analyst"])
    checked = core.storage.accounts.by_id("a_ben")
    assert checked
    asked = {"account": "a_ben", "checked": fingerprint(checked)}
    assert "session" in perform(core, "sessions.begin", asked)
    perform(core, "accounts.put", {"name": "ben", "password": "quite another password"})
    assert perform(core, "sessions.begin", asked) == {"problem": "wrong"}
    perform(core, "accounts.remove", {"name": "ben"})
    assert perform(core, "sessions.begin", asked) == {"problem": "wrong"}


def test_a_locked_account_takes_as_long_as_any_other_and_lets_nobody_in() -> None:
    assert not verify_password(LOCKED, LOCKED)
    assert not verify_password(LOCKED, "")
    assert not verify_password(None, LOCKED)


@pytest.mark.parametrize("wrong", ["", "x" * 61, "a\nb", "   "], ids=ascii)
def test_a_name_that_is_none_is_refused(core: Installation, wrong: str) -> None:
    with pytest.raises(CollectorError, match="printable"):
        perform(core, "accounts.put", {"name": wrong, "password": "a long enough password", "role": "officer"})


def test_a_role_that_is_none_is_refused(core: Installation) -> None:
    begin_anew(core, ["analyst", "analyst", "analyst"])
    for role in ("consumer", "root", ""):
        with pytest.raises(CollectorError, match="no console role"):
            perform(core, "accounts.role", {"name": "ben", "role": role})
        with pytest.raises(CollectorError, match="no console role"):
            perform(core, "accounts.put", {"name": "new", "password": "a long enough password", "role": role})
