from __future__ import annotations

import base64
import stat
import sys
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest
from dongui_collector.core.errors import NotAllowed, SettingsError
from dongui_collector.core.sealing import SealBroken, seal, unseal
from dongui_collector.core.settings import Settings
from dongui_collector.keys.keyring import KeyRing, load_master, new_master, write_master
from dongui_collector.storage.sqlite.keys import SqliteKeys
from hypothesis import given
from hypothesis import strategies as st

DAY = date(2026, 11, 23)
MASTER = b"m" * 32


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqliteKeys]:
    store = SqliteKeys(tmp_path / "keys.db")
    yield store
    store.close()


@given(st.binary(), st.binary(), st.integers(0, 10**9))
def test_a_sealed_value_opens_at_its_place_and_nowhere_else(plaintext: bytes, aad: bytes, where: int) -> None:
    key = b"k" * 32
    sealed = seal(key, plaintext, aad)
    assert unseal(key, sealed, aad) == plaintext
    altered = bytearray(sealed)
    altered[where % len(sealed)] ^= 1
    for args in (
        (key, bytes(altered), aad),
        (b"x" * 32, sealed, aad),
        (key, sealed, aad + b"x"),
        (key, sealed[:11], aad),
    ):
        with pytest.raises(SealBroken):
            unseal(*args)


def test_the_same_value_is_never_sealed_alike() -> None:
    assert seal(b"k" * 32, b"203.0.113.9", b"") != seal(b"k" * 32, b"203.0.113.9", b"")


def test_keys_and_secret_stay_the_same_across_restarts(store: SqliteKeys) -> None:
    first = KeyRing(store, MASTER)
    key = first.day(DAY, create=True)
    again = KeyRing(store, MASTER)
    assert key is not None
    assert len(key) == 32
    assert again.day(DAY) == key
    assert again.secret == first.secret
    assert again.derive(b"a") == first.derive(b"a") != first.derive(b"b")


def test_without_create_a_missing_key_is_none_and_stays_missing(store: SqliteKeys) -> None:
    ring = KeyRing(store, MASTER)
    assert ring.day(DAY) is None
    assert store.names("day:") == []


def test_a_destroyed_day_does_not_come_back(store: SqliteKeys) -> None:
    ring, beside = KeyRing(store, MASTER), KeyRing(store, MASTER, remember=False)
    ring.day(DAY, create=True)
    assert beside.day(DAY) is not None
    assert ring.destroy_day(DAY)
    assert ring.day(DAY) is None
    assert beside.day(DAY) is None, "a reading process must not go on with a key that was destroyed beside it"
    with pytest.raises(NotAllowed):
        ring.day(DAY, create=True)
    with pytest.raises(NotAllowed):
        KeyRing(store, MASTER).day(DAY, create=True)


def test_a_day_is_over_once_its_key_was_destroyed_and_not_before(store: SqliteKeys) -> None:
    ring = KeyRing(store, MASTER)
    assert not ring.day_is_over(DAY)
    ring.day(DAY, create=True)
    assert not ring.day_is_over(DAY)
    ring.destroy_day(DAY)
    assert ring.day_is_over(DAY)
    assert KeyRing(store, MASTER).day_is_over(DAY)


def test_the_secret_cannot_be_destroyed(store: SqliteKeys) -> None:
    with pytest.raises(NotAllowed):
        KeyRing(store, MASTER).destroy("secret")


def test_the_keys_on_disk_are_wrapped(store: SqliteKeys, tmp_path: Path) -> None:
    ring = KeyRing(store, MASTER)
    key = ring.day(DAY, create=True)
    on_disk = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    assert key is not None
    assert key not in on_disk
    assert ring.secret not in on_disk


def test_another_master_key_is_refused(store: SqliteKeys) -> None:
    KeyRing(store, MASTER)
    with pytest.raises(SettingsError, match="another installation"):
        KeyRing(store, b"n" * 32)


def test_rotation_keeps_the_keys_and_locks_the_old_master_out(store: SqliteKeys) -> None:
    ring = KeyRing(store, MASTER)
    key = ring.day(DAY, create=True)
    assert ring.rotate(b"n" * 32) == 2
    assert KeyRing(store, b"n" * 32).day(DAY) == key
    assert KeyRing(store, b"n" * 32).secret == ring.secret
    assert KeyRing(store, MASTER).day(DAY) == key, "until the new one is in place, either opens everything"
    ring.finish()
    assert not ring.pending
    with pytest.raises(SettingsError, match="another installation, or to this one before a rotation"):
        KeyRing(store, MASTER)


@pytest.mark.parametrize("name", ["day:2026-11-23", "record:payment:2031-11-22"])
def test_a_wrapped_key_does_not_open_under_another_name(store: SqliteKeys, name: str) -> None:
    ring = KeyRing(store, MASTER)
    ring.named(name, create=True)
    store.put("day:2026-11-24", store.get(name) or b"")
    with pytest.raises(SettingsError):
        ring.named("day:2026-11-24")


def test_the_master_key_file_is_written_for_its_owner_only_and_never_replaced(tmp_path: Path) -> None:
    text, path = new_master(), tmp_path / "keys" / "master.key"
    write_master(path, text)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert load_master(Settings(folder=tmp_path)) == base64.b64decode(text)
    with pytest.raises(FileExistsError):
        write_master(path, new_master())


def test_the_master_key_comes_from_environment_then_command_then_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    texts = [base64.b64encode(bytes([n]) * 32).decode() for n in range(3)]
    write_master(tmp_path / "keys" / "master.key", texts[0])
    with_command = Settings(folder=tmp_path, master_key_command=f"{sys.executable} -c 'print(\"{texts[1]}\")'")
    assert load_master(with_command) == b"\x01" * 32
    monkeypatch.setenv("DONGUI_MASTER_KEY", texts[2])
    assert load_master(with_command) == b"\x02" * 32


@pytest.mark.parametrize("content", ["", "not base64!", base64.b64encode(b"short").decode(), "비밀"], ids=ascii)
def test_a_bad_master_key_is_refused_without_showing_it(tmp_path: Path, content: str) -> None:
    (tmp_path / "keys").mkdir()
    (tmp_path / "keys" / "master.key").write_text(content, encoding="utf-8")
    with pytest.raises(SettingsError) as caught:
        load_master(Settings(folder=tmp_path))
    assert not content or content not in str(caught.value)


def test_a_missing_master_key_names_the_place(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"master\.key"):
        load_master(Settings(folder=tmp_path))


def test_a_failing_command_says_nothing_of_what_it_printed(tmp_path: Path) -> None:
    command = f"{sys.executable} -c 'import sys; print(\"hush\", file=sys.stderr); sys.exit(3)'"
    with pytest.raises(SettingsError) as caught:
        load_master(Settings(folder=tmp_path, master_key_command=command))
    assert "hush" not in str(caught.value)
