"""A restored backup gives nobody back what was taken away since (S7.2, invariant 5)."""

from __future__ import annotations

import pytest
from dongui_collector.access.secrets import token_hash, verify_password
from dongui_collector.access.sessions import fingerprint
from dongui_collector.analytics.shared_links import of_token
from dongui_collector.core.operations import perform
from dongui_collector.storage.contract.access import Account
from dongui_collector.webhooks.model import PROGRESS

from tests.retention.house import House
from tests.retention.test_backup import back_up, restore, sound

OLD, NEW = "the password of old", "the password since"


@pytest.fixture
def peopled(house: House) -> House:
    for name, role in (("admin", "admin"), ("park", "officer"), ("kim", "analyst")):
        perform(house.core, "accounts.put", {"name": name, "password": OLD, "role": role})
    return house


def account(house: House, name: str) -> Account | None:
    return house.core.storage.accounts.account(name)


def signs_in(house: House, name: str, password: str) -> bool:
    """As the desk does it: the password, then a session."""
    found = account(house, name)
    if found is None or not verify_password(found.password, password):
        return False
    opened = perform(house.core, "sessions.begin", {"account": found.id, "checked": fingerprint(found)})
    return "session" in opened


def test_s7_2_a_revoked_token_stays_revoked(peopled: House) -> None:
    stays, goes = (perform(peopled.core, "tokens.create", {"purposes": ["statistics"]}) for _ in range(2))
    backup = back_up(peopled)
    perform(peopled.core, "tokens.revoke", {"id": goes["id"]})
    assert restore(peopled, backup)["access"] == 1
    office = peopled.core.storage.admin
    assert office.token(token_hash(goes["token"])) is None
    assert office.token(token_hash(stays["token"])) is not None
    sound(peopled)


def test_s7_2_a_removed_webhook_is_told_nothing_again(peopled: House) -> None:
    goes, stays = (
        perform(peopled.core, "webhooks.add", {"url": f"https://{name}.example.com/"}) for name in ("goes", "stays")
    )
    backup = back_up(peopled)
    perform(peopled.core, "webhooks.remove", {"id": goes["id"]})
    assert restore(peopled, backup)["access"] == 1
    assert [hook["id"] for hook in perform(peopled.core, "webhooks.list", {})] == [stays["id"]]
    office = peopled.core.storage.admin
    assert goes["id"] not in (office.setting(PROGRESS) or {})
    assert "goes.example.com" not in (peopled.folder / "keys" / "journal.ndjson").read_text(encoding="utf-8")
    assert restore(peopled, backup)["access"] == 1, "a second time as well"
    sound(peopled)


def test_s7_2_a_revoked_shared_link_stays_revoked(peopled: House) -> None:
    goes, stays = (perform(peopled.core, "shares.create", {"name": name, "expires": "P30D"}) for name in ("a", "b"))
    backup = back_up(peopled)
    perform(peopled.core, "shares.revoke", {"id": goes["id"]})
    assert restore(peopled, backup)["access"] == 1
    assert of_token(peopled.core, goes["token"]) is None
    assert of_token(peopled.core, stays["token"]) is not None
    assert goes["token"] not in (peopled.folder / "keys" / "journal.ndjson").read_text(encoding="utf-8")
    sound(peopled)


def test_k13_a_changed_password_stays_changed(peopled: House) -> None:
    backup = back_up(peopled)
    perform(peopled.core, "accounts.put", {"name": "kim", "password": NEW})
    restore(peopled, backup)
    assert not signs_in(peopled, "kim", OLD), "the backup's password must not count any more"
    assert signs_in(peopled, "park", OLD)
    reset = perform(peopled.core, "accounts.reset", {"name": "kim"})
    assert signs_in(peopled, "kim", reset["password"])


def test_a_removed_account_stays_removed_and_a_disabled_one_shut_out(peopled: House) -> None:
    perform(peopled.core, "accounts.put", {"name": "lee", "password": OLD, "role": "auditor"})
    backup = back_up(peopled)
    perform(peopled.core, "accounts.remove", {"name": "kim"})
    perform(peopled.core, "accounts.disable", {"name": "lee"})
    restore(peopled, backup)
    assert account(peopled, "kim") is None
    assert not signs_in(peopled, "lee", OLD)
    assert signs_in(peopled, "admin", OLD)


def test_a_role_taken_away_does_not_come_back_with_its_password(peopled: House) -> None:
    perform(peopled.core, "accounts.put", {"name": "choi", "password": OLD, "role": "officer"})
    backup = back_up(peopled)
    perform(peopled.core, "accounts.role", {"name": "choi", "role": "analyst"})
    restore(peopled, backup)
    assert not signs_in(peopled, "choi", OLD)


def test_what_was_changed_before_the_backup_is_the_backups(peopled: House) -> None:
    perform(peopled.core, "accounts.put", {"name": "kim", "password": NEW})
    backup = back_up(peopled)
    assert restore(peopled, backup)["access"] == 0
    assert signs_in(peopled, "kim", NEW)


def test_no_session_outlives_a_restore(peopled: House) -> None:
    assert signs_in(peopled, "kim", OLD)
    backup = back_up(peopled)
    assert peopled.core.storage.accounts.sessions() != []
    restore(peopled, backup)
    assert peopled.core.storage.accounts.sessions() == []


def test_a_second_restore_of_the_same_backup_forgets_nothing(peopled: House) -> None:
    token = perform(peopled.core, "tokens.create", {"purposes": ["statistics"]})
    backup = back_up(peopled)
    perform(peopled.core, "tokens.revoke", {"id": token["id"]})
    perform(peopled.core, "accounts.remove", {"name": "kim"})
    restore(peopled, backup)
    assert restore(peopled, backup)["access"] == 2
    assert account(peopled, "kim") is None


def test_the_journal_names_no_person_and_holds_no_password(peopled: House) -> None:
    perform(peopled.core, "accounts.put", {"name": "someone named", "password": OLD, "role": "auditor"})
    perform(peopled.core, "accounts.remove", {"name": "someone named"})
    journal = (peopled.folder / "keys" / "journal.ndjson").read_text(encoding="utf-8")
    assert "someone named" not in journal
    assert "argon2" not in journal
    assert journal.count('"account"') >= 2
