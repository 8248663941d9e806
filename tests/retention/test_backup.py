"""A restored backup serves nothing that was destroyed after it was made (invariant 5)."""

from __future__ import annotations

import io
import shutil
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest
from dongui_collector.backup.backup import make_backup
from dongui_collector.core.errors import FolderBusy, StorageError
from dongui_collector.core.operations import perform
from dongui_collector.evidence.verify.verify import verify
from dongui_collector.runtime.restore import restore_backup
from dongui_collector.storage.contract.values import Hold

from tests.retention.house import ALL, House, at, policy

DAY = date(2025, 3, 10)


def back_up(house: House) -> bytes:
    perform(house.core, "backup.prepare", {})
    out = io.BytesIO()
    made = make_backup(house.core, out)
    assert made["bytes"] == len(out.getvalue())
    return out.getvalue()


def restore(house: House, backup: bytes, **options: object) -> dict[str, object]:
    """Restore over what is there and open the result."""
    house.close()
    options = {"replace_present": True} | options
    try:
        return restore_backup(house.settings, io.BytesIO(backup), **options)  # type: ignore[arg-type]
    finally:
        house.open()


def sound(house: House) -> None:
    assert [str(f) for f in verify(house.core).findings] == []


@pytest.fixture
def lived_in(house: House) -> tuple[House, dict[str, str]]:
    """Four visitors with a row each on two days, and records."""
    visitors = {name: house.arrive() for name in ("stays", "withdraws", "leaves", "narrows")}
    for name, visitor in visitors.items():
        house.visit(visitor, marker=name)
    house.core.retention.records.add(house.site, "payment", visitors["stays"], house.now, "settlement", {"a": 1})
    house.core.retention.records.add(house.site, "abuse", visitors["leaves"], house.now, "support", {"a": 1})
    house.now = at("2025-03-11T12:00")
    for name, visitor in visitors.items():
        house.visit(visitor, marker=name)
    return house, visitors


def test_everything_comes_back_as_it_was(lived_in: tuple[House, dict[str, str]]) -> None:
    house, visitors = lived_in
    before = house.rows()
    head = house.core.storage.ledger.head()[0]
    backup = back_up(house)
    outcome = restore(house, backup)
    assert outcome["days_shredded"] == 0
    assert house.rows() == before
    assert house.core.storage.ledger.head()[0] > head
    assert sorted(r.class_id for r in house.core.storage.records.of_site(1)) == ["abuse", "payment"]
    sound(house)
    for visitor in visitors.values():
        assert house.visit(visitor, marker="after") == {}
    house.reopen()
    sound(house)


def test_nothing_that_ended_since_comes_back(lived_in: tuple[House, dict[str, str]]) -> None:
    house, visitors = lived_in
    backup = back_up(house)
    house.choose((), ALL, visitors["withdraws"])
    house.choose((), ("marketing",), visitors["narrows"])
    house.erase(visitors["leaves"])
    outcome = restore(house, backup)
    assert (outcome["withdrawals"], outcome["erasures"]) == (2, 1)
    assert house.markers() == {"stays", "narrows"}
    narrowed = [r for r in house.rows() if r.url and "narrows" in r.url]
    assert [r.ads for r in narrowed] == [None, None]
    assert all(r.ads for r in house.rows() if r.url and "stays" in r.url)
    left = house.bytes("data", "keys")
    assert b"withdraws" not in left
    assert b"leaves" not in left
    for name in ("withdraws", "leaves"):
        assert house.visit(visitors[name]) == {"no_consent": 1}
    assert [r.class_id for r in house.core.storage.records.of_site(1)] == ["payment"]
    assert house.core.ledger.key_of(visitors["leaves"]) not in house.bytes("data", "keys")
    sound(house)


def test_an_aged_out_day_is_shredded_in_the_backup_too(lived_in: tuple[House, dict[str, str]]) -> None:
    house, _ = lived_in
    backup = back_up(house)
    house.run("2026-03-11T00:00")
    assert b"stays" not in backup, "a backup is encrypted"
    outcome = restore(house, backup)
    assert outcome["days_shredded"] == 1
    assert house.core.storage.events.days() == [date(2025, 3, 11)]
    sound(house)


def test_a_day_whose_key_came_back_with_an_old_copy_of_the_keys_is_destroyed_again(
    lived_in: tuple[House, dict[str, str]],
) -> None:
    house, _ = lived_in
    backup = back_up(house)
    house.close()
    shutil.copytree(house.folder / "keys", house.folder / "old-keys")
    house.open()
    house.core.retention.standing.revoke("officer")
    house.run("2026-03-11T00:00")
    house.core.retention.approvals.approve(None, "officer")
    house.run()
    house.close()
    for name in ("keys.db", "keys.db-wal", "keys.db-shm"):
        (house.folder / "keys" / name).unlink(missing_ok=True)
        if (house.folder / "old-keys" / name).exists():
            shutil.copy(house.folder / "old-keys" / name, house.folder / "keys" / name)
    shutil.rmtree(house.folder / "old-keys")
    house.open()
    outcome = restore(house, backup)
    assert (outcome["days_shredded"], outcome["destructions"]) == (0, 1)
    assert house.core.storage.events.days() == [date(2025, 3, 11)]
    assert house.core.keyring.day(DAY) is None
    assert house.core.storage.admin.setting("approval.standing") is None, "a revocation is repeated, too"
    sound(house)


def test_purposes_that_aged_out_and_records(new_house: Callable[..., House]) -> None:
    house = new_house()
    house.add_site(policy(short_marketing=True))
    house.approve_routine()
    visitor = house.arrive()
    house.visit(visitor, marker="both")
    house.core.retention.records.add(house.site, "access_log", visitor, house.now, "service_use", {})
    backup = back_up(house)
    house.run("2025-09-11T00:00")
    restore(house, backup)
    assert [r.ads for r in house.rows()] == [None]
    house.run("2026-03-11T00:00")
    restore(house, backup)
    assert house.rows() == []
    assert house.core.storage.records.groups() == []
    sound(house)


def test_a_hold_placed_since_is_placed_again(lived_in: tuple[House, dict[str, str]]) -> None:
    house, visitors = lived_in
    backup = back_up(house)
    key = house.core.ledger.key_of(visitors["stays"])
    held = Hold(0, 1, "investigation", None, None, key, None, None, house.now)
    house.core.retention.holds.add(held)
    house.run("2026-03-12T00:00")
    assert house.markers() == {"stays"}
    restore(house, backup)
    assert house.markers() == {"stays"}
    assert [h.visitor for h in house.core.storage.admin.holds()] == [key]
    sound(house)


def test_a_hold_on_a_members_records_is_placed_again(house: House) -> None:
    house.core.retention.records.add(house.site, "complaint", "member-1", house.now, "support", {"a": 1})
    house.core.retention.records.add(house.site, "complaint", "member-2", house.now, "support", {"a": 2})
    backup = back_up(house)
    key = house.core.retention.records.subject_key(house.site, "member-1")
    house.core.retention.holds.add(Hold(0, 1, "claim", None, "complaint", key, None, None, house.now))
    house.run("2028-03-11T00:00")
    restore(house, backup)
    assert [r.subject for r in house.core.storage.records.of_site(1)] == [key]
    sound(house)


def test_s5_2_what_moved_into_the_archive_since_moves_again(house: House) -> None:
    """A member's closing names nobody in the journal: the records that it moved are known by their random ids."""
    data = {"transaction": "t-1", "password": "sentinel"}
    house.core.retention.records.add(house.site, "payment", "member-1", house.now, "settlement", data)
    backup = back_up(house)
    member = house.core.ledger.member_key(house.site.ref, "member-1")
    house.core.retention.endings.finish(house.core.ledger.end_member(house.site.ref, member, "closed"))
    restore(house, backup)
    assert house.core.storage.records.of_site(1) == []
    (kept,) = house.core.storage.archive.of_site(1)
    assert house.core.retention.records.opened(kept)["data"] == {"transaction": "t-1"}
    sound(house)


def test_a_suspension_since_is_repeated(lived_in: tuple[House, dict[str, str]]) -> None:
    house, visitors = lived_in
    backup = back_up(house)
    house.core.ledger.suspend(house.core.ledger.key_of(visitors["stays"]), True)
    restore(house, backup)
    assert house.visit(visitors["stays"]) == {"suspended": 1}
    assert house.visit(visitors["narrows"]) == {}
    sound(house)


def test_a_backup_can_be_restored_twice_and_from_before_an_earlier_restore(
    lived_in: tuple[House, dict[str, str]],
) -> None:
    """Ledger numbers are given anew after a restore; a number must never be taken for another visitor's."""
    house, visitors = lived_in
    early = back_up(house)
    late = [house.arrive() for _ in range(30)]
    for number, visitor in enumerate(late):
        house.visit(visitor, marker=f"late{number}")
    numbers = {house.core.storage.ledger.records_of(house.core.ledger.key_of(v))[0].seq for v in late}
    later = back_up(house)
    restore(house, early)
    assert house.markers() == set(visitors)
    newcomers = [house.arrive() for _ in range(10)]
    again = {house.core.storage.ledger.records_of(house.core.ledger.key_of(v))[0].seq for v in newcomers}
    assert again & numbers, "the test means something only where numbers were given twice"
    for visitor in newcomers:
        house.erase(visitor)
    house.erase(visitors["leaves"])
    restore(house, later)
    assert house.markers() == {"stays", "withdraws", "narrows"} | {f"late{n}" for n in range(30)}
    sound(house)
    restore(house, early)
    assert house.markers() == {"stays", "withdraws", "narrows"}
    sound(house)


def test_a_withdrawal_during_the_backup_is_repeated(
    lived_in: tuple[House, dict[str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    house, visitors = lived_in
    perform(house.core, "backup.prepare", {})
    out, done = io.BytesIO(), []
    real = house.core.storage.events.days

    def days() -> list[date]:
        found = real()
        if not done:  # after the ledger was read, before the first day is
            done.append(1)
            house.erase(visitors["leaves"])
        return found

    with monkeypatch.context() as patched:
        patched.setattr(house.core.storage.events, "days", days)
        make_backup(house.core, out)
    assert done
    restore(house, out.getvalue())
    assert house.markers() == {"stays", "withdraws", "narrows"}
    assert b"leaves" not in house.bytes()
    sound(house)


def test_a_day_that_ends_during_the_backup_is_not_in_it(
    lived_in: tuple[House, dict[str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    house, _ = lived_in
    perform(house.core, "backup.prepare", {})
    out, done = io.BytesIO(), []
    real = house.core.storage.events.days

    def days() -> list[date]:
        found = real()
        if not done:
            done.append(1)
            house.run("2026-03-11T00:00")
        return found

    with monkeypatch.context() as patched:
        patched.setattr(house.core.storage.events, "days", days)
        make_backup(house.core, out)
    assert b"day:2025-03-10" not in out.getvalue()
    restore(house, out.getvalue())
    assert house.core.storage.events.days() == [date(2025, 3, 11)]
    sound(house)


# --- what is refused -------------------------------------------------------------------------------------------------


def test_without_the_journal_only_when_told(lived_in: tuple[House, dict[str, str]]) -> None:
    house, visitors = lived_in
    backup = back_up(house)
    house.erase(visitors["leaves"])
    journal = house.folder / "keys" / "journal.ndjson"
    kept = house.folder / "elsewhere.ndjson"
    shutil.move(journal, kept)
    with pytest.raises(StorageError, match="journal"):
        restore(house, backup)
    assert "leaves" not in house.markers(), "a refused restore leaves everything as it was"
    restore(house, backup, journal=kept)
    assert "leaves" not in house.markers()
    assert journal.exists(), "from here on it is written on"
    restore(house, backup)
    assert "leaves" not in house.markers()
    with pytest.raises(StorageError, match="Leave --without-journal away"):
        restore(house, backup, without_journal=True)
    assert "leaves" not in house.markers(), "there is one: no flag goes past it"
    journal.unlink()
    restore(house, backup, without_journal=True)
    assert "leaves" in house.markers()


def test_an_older_journal_is_refused(lived_in: tuple[House, dict[str, str]]) -> None:
    house, visitors = lived_in
    back_up(house)
    older = house.folder / "older.ndjson"
    shutil.copy(house.folder / "keys" / "journal.ndjson", older)
    house.erase(visitors["leaves"])
    backup = back_up(house)
    with pytest.raises(StorageError, match="older copy"):
        restore(house, backup, journal=older)


def test_what_is_there_is_not_replaced_unless_told(lived_in: tuple[House, dict[str, str]]) -> None:
    house, _ = lived_in
    backup = back_up(house)
    with pytest.raises(StorageError, match="--replace"):
        restore(house, backup, replace_present=False)


def test_beside_a_running_collector_it_is_refused(lived_in: tuple[House, dict[str, str]]) -> None:
    house, _ = lived_in
    backup = back_up(house)
    with pytest.raises(FolderBusy):
        restore_backup(house.settings, io.BytesIO(backup), replace_present=True)


def test_a_lost_data_folder_is_restored(lived_in: tuple[House, dict[str, str]]) -> None:
    house, visitors = lived_in
    backup = back_up(house)
    house.close()
    shutil.rmtree(house.folder / "data")
    restore_backup(house.settings, io.BytesIO(backup))
    house.open()
    assert house.markers() == set(visitors)
    sound(house)
    assert sorted(p.name for p in house.folder.iterdir()) == ["data", "keys"]


def test_other_keys_do_not_open_it(lived_in: tuple[House, dict[str, str]], new_house: Callable[..., House]) -> None:
    house, _ = lived_in
    backup = back_up(house)
    other = new_house("other")
    with pytest.raises(StorageError, match="other keys"):
        restore(other, backup, without_journal=True)


@pytest.mark.parametrize(
    "damage", ["cut", "cut at a frame", "flipped", "section removed", "header changed", "not a backup", "empty"]
)
def test_a_damaged_backup_is_refused_and_changes_nothing(lived_in: tuple[House, dict[str, str]], damage: str) -> None:
    house, visitors = lived_in
    backup = back_up(house)
    frames = split(backup)
    broken = {
        "cut": backup[:-10],
        "cut at a frame": b"".join(frames[:-1]),
        "flipped": backup[:-400] + bytes([backup[-400] ^ 1]) + backup[-399:],
        "section removed": b"".join(f for f in frames if b"day:2025-03-11" not in f[:40]),
        "header changed": backup.replace(b'"made_at": 1', b'"made_at": 2', 1),
        "not a backup": b"PK\x03\x04" + backup,
        "empty": b"",
    }[damage]
    assert broken != backup
    with pytest.raises(StorageError):
        restore(house, broken)
    assert house.markers() == set(visitors)
    sound(house)


def split(backup: bytes) -> list[bytes]:
    """Magic and header, then every frame."""
    start = backup.index(b"\n", backup.index(b"\n") + 1) + 1
    found, at_ = [backup[:start]], start
    while at_ < len(backup):
        length, name = int.from_bytes(backup[at_ : at_ + 4], "big"), int.from_bytes(backup[at_ + 4 : at_ + 6], "big")
        end = at_ + 6 + name + 5 + length
        found.append(backup[at_:end])
        at_ = end
    return found


def test_neither_identifiers_nor_text_are_readable_in_a_backup_or_journal(
    lived_in: tuple[House, dict[str, str]],
) -> None:
    house, visitors = lived_in
    house.erase(visitors["leaves"])
    house.choose((), ALL, visitors["withdraws"])
    backup = back_up(house)
    journal = (house.folder / "keys" / "journal.ndjson").read_bytes()
    for visitor in visitors.values():
        key = house.core.ledger.key_of(visitor)
        for form in (visitor.encode(), key, key.hex().encode()):
            assert form not in backup
            assert form not in journal
    assert b"stays" not in backup
    assert b"203.0.113.7" not in backup


def test_no_unencrypted_copy_is_left_or_made(lived_in: tuple[House, dict[str, str]], tmp_path: Path) -> None:
    house, visitors = lived_in
    backup = back_up(house)
    house.erase(visitors["leaves"])
    restore(house, backup)
    everything = b"".join(p.read_bytes() for p in tmp_path.rglob("*") if p.is_file())
    assert b"leaves" not in everything
