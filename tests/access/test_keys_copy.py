"""Copies of the keys: sealed, with a last day, and never a way back for a key that was destroyed (K13, K3)."""

from __future__ import annotations

import hmac
import io
import json
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import msgspec
import pytest
from dongui_collector.core.errors import CollectorError, NotAllowed, SettingsError, StorageError
from dongui_collector.core.operations import perform, plain
from dongui_collector.core.sealing import seal
from dongui_collector.core.settings import Settings, override
from dongui_collector.evidence.verify.verify import verify
from dongui_collector.keys.backup import MAGIC, check_passphrase, opened_copy, write_copy
from dongui_collector.keys.keyring import load_master
from dongui_collector.keys.operations import KeyCopy
from dongui_collector.runtime.restore_keys import restore_keys
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.retention.conftest import house, new_house
from tests.retention.house import House, at

__all__ = ["house", "new_house"]

DAY = date(2025, 3, 10)
PASSPHRASE = "a passphrase of some length"


@pytest.fixture
def lived_in(house: House) -> House:
    house.visit(house.arrive(), marker="somebody")
    return house


def copied(house: House, passphrase: str | None = PASSPHRASE) -> bytes:
    out = io.BytesIO()
    noted = msgspec.convert(perform(house.core, "keys.copy", {}), KeyCopy)
    write_copy(house.core, out, noted, passphrase)
    return out.getvalue()


def lose_keys(house: House, *, master_too: bool = False) -> None:
    house.close()
    for path in (house.folder / "keys").glob("keys.db*"):
        path.unlink()
    if master_too:
        (house.folder / "keys" / "master.key").unlink()


def restore(house: House, copy: bytes, monkeypatch: pytest.MonkeyPatch, **more: Any) -> Any:
    """As ``dongui keys restore`` does, on the house's own day."""
    monkeypatch.setattr("dongui_collector.keys.backup.clock_from_environment", lambda testing: house.core.clock)
    return restore_keys(house.settings, io.BytesIO(copy), **{"passphrase": PASSPHRASE, **more})


def test_k13_what_was_lost_comes_back_and_opens_everything(lived_in: House, monkeypatch: pytest.MonkeyPatch) -> None:
    rows, copy = lived_in.rows(), copied(lived_in)
    lose_keys(lived_in, master_too=True)
    assert restore(lived_in, copy, monkeypatch)["left_out"] == 0
    lived_in.open()
    assert lived_in.rows() == rows
    assert [row.ip for row in rows] != [None]
    assert verify(lived_in.core).findings == []


def test_a_copy_holds_no_key_in_the_clear(lived_in: House) -> None:
    copy, key = copied(lived_in), lived_in.core.keyring.day(DAY)
    assert key is not None
    assert key not in copy
    assert lived_in.core.keyring.secret not in copy
    assert load_master(lived_in.settings) not in copy


def test_k3_a_key_destroyed_since_does_not_come_back(lived_in: House, monkeypatch: pytest.MonkeyPatch) -> None:
    copy = copied(lived_in)
    key = lived_in.core.keyring.day(DAY)
    lived_in.now = at("2025-03-20T12:00")
    lived_in.core.keyring.destroy_day(DAY)
    lose_keys(lived_in)
    assert restore(lived_in, copy, monkeypatch)["left_out"] == 1
    lived_in.open()
    assert lived_in.core.keyring.day(DAY) is None
    with pytest.raises(NotAllowed):
        lived_in.core.keyring.day(DAY, create=True)
    assert key
    assert key not in lived_in.bytes("data", "keys")


def test_without_the_journal_it_is_refused_unless_told(lived_in: House, monkeypatch: pytest.MonkeyPatch) -> None:
    copy = copied(lived_in)
    lose_keys(lived_in)
    journal = lived_in.folder / "keys" / "journal.ndjson"
    elsewhere = lived_in.folder / "elsewhere.ndjson"
    journal.rename(elsewhere)
    with pytest.raises(StorageError, match="--without-journal"):
        restore(lived_in, copy, monkeypatch)
    assert not (lived_in.folder / "keys" / "keys.db").exists()
    restore(lived_in, copy, monkeypatch, journal=elsewhere)
    assert journal.exists()
    lose_keys(lived_in)
    journal.unlink()
    restore(lived_in, copy, monkeypatch, without_journal=True)
    lived_in.open()


def test_an_expired_copy_is_refused(lived_in: House, monkeypatch: pytest.MonkeyPatch) -> None:
    copy = copied(lived_in)
    lose_keys(lived_in)
    lived_in.now = at("2025-04-09T23:59")  # P30D from 2025-03-10
    restore(lived_in, copy, monkeypatch)
    lose_keys(lived_in)
    lived_in.now = at("2025-04-10T00:00")
    with pytest.raises(StorageError, match="expired on 2025-04-09"):
        restore(lived_in, copy, monkeypatch)
    restore_back(lived_in, copy, monkeypatch)


def restore_back(house: House, copy: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    house.now = at("2025-03-11T00:00")
    restore(house, copy, monkeypatch)
    house.open()


@pytest.mark.parametrize(
    ("passphrase", "message"), [("another passphrase", "does not open"), (None, "--passphrase-file")]
)
def test_nobody_else_opens_it(
    lived_in: House, monkeypatch: pytest.MonkeyPatch, passphrase: str | None, message: str
) -> None:
    copy = copied(lived_in)
    lose_keys(lived_in)
    with pytest.raises(CollectorError, match=message):
        restore(lived_in, copy, monkeypatch, passphrase=passphrase)
    restore_back(lived_in, copy, monkeypatch)


def test_under_the_master_key_also_after_a_rotation(lived_in: House, monkeypatch: pytest.MonkeyPatch) -> None:
    copy, old = copied(lived_in, None), load_master(lived_in.settings)
    perform(lived_in.core, "keys.rotate", {})
    lose_keys(lived_in)
    with pytest.raises(StorageError, match="does not open"):
        restore(lived_in, copy, monkeypatch)
    restore(lived_in, copy, monkeypatch, master=old)
    lived_in.open()
    assert lived_in.core.keyring.day(DAY) is not None


def test_keys_that_are_there_are_never_overwritten(lived_in: House, monkeypatch: pytest.MonkeyPatch) -> None:
    copy = copied(lived_in)
    with pytest.raises(StorageError, match="move it away"):
        restore(lived_in, copy, monkeypatch)


@settings(max_examples=40, deadline=None)
@given(where=st.integers(0, 1 << 30), what=st.integers(1, 255))
def test_an_altered_copy_is_refused_whatever_was_altered(where: int, what: int) -> None:

    header = {"expires": "2999-01-01", "under": "master key", "salt": "00" * 16, "journal": [1, "x"]}
    line = json.dumps(header).encode() + b"\n"
    key = hmac.digest(b"m" * 32, b"keys copy\0" + bytes(16), "sha256")
    good = MAGIC + line + seal(key, b"\x80", line)
    bad = bytearray(good)
    bad[where % len(good)] ^= what
    given_settings = Settings(folder=Path("/nonexistent"))
    assert opened_copy(given_settings, io.BytesIO(good), None, b"m" * 32)[1] == {}
    with pytest.raises(CollectorError):
        opened_copy(given_settings, io.BytesIO(bytes(bad)), None, b"m" * 32)


def test_a_short_passphrase_is_refused() -> None:
    with pytest.raises(NotAllowed):
        check_passphrase("too short")
    check_passphrase(PASSPHRASE)


@pytest.mark.parametrize("wrong", ["", "30 days", "P30H"])
def test_a_horizon_that_is_none_is_refused(house: House, wrong: str) -> None:
    with pytest.raises(SettingsError, match="key_backup_horizon"):
        override(replace(house.settings), key_backup_horizon=wrong)


# --- certificates, and the journal's length --------------------------------------------------------------------------


def certificates(house: House) -> list[dict[str, Any]]:
    return [plain(d.certificate) for d in house.core.storage.admin.destructions(("done",)) if d.certificate]


@pytest.mark.parametrize(
    ("copied_on", "expires"),
    [("2026-03-05T12:00", "2026-04-04"), ("2026-02-09T12:00", "2026-03-11")],
    ids=["in time", "on its last day"],
)
def test_k3_a_certificate_names_when_the_last_copy_of_its_key_expires(
    lived_in: House, copied_on: str, expires: str
) -> None:
    lived_in.now = at(copied_on)
    copied(lived_in)
    lived_in.run("2026-03-11T00:00")
    [certificate] = [c for c in certificates(lived_in) if c["what"]["kind"] == "day"]
    assert certificate["last_key_copy_expires"] == expires
    assert verify(lived_in.core).findings == []


@pytest.mark.parametrize("copied_on", [None, "2026-01-05T12:00"], ids=["never", "long ago"])
def test_a_certificate_names_no_copy_where_none_is_left(lived_in: House, copied_on: str | None) -> None:
    if copied_on:
        lived_in.now = at(copied_on)
        copied(lived_in)
    lived_in.run("2026-03-11T00:00")
    [certificate] = [c for c in certificates(lived_in) if c["what"]["kind"] == "day"]
    assert "last_key_copy_expires" not in certificate
