"""Line 3 of the attacker's review: no restore brings the erased back with a stale journal, and verify would say so."""

from __future__ import annotations

import io
import shutil
from pathlib import Path

import pytest
from dongui_collector.backup.backup import make_backup
from dongui_collector.core.errors import StorageError
from dongui_collector.core.operations import perform
from dongui_collector.evidence import checkpoint_files
from dongui_collector.evidence.verify.verify import verify
from dongui_collector.runtime.restore import restore_backup

from tests.retention.conftest import house, new_house
from tests.retention.house import House

__all__ = ["house", "new_house"]


def journal_of(house: House) -> Path:
    return house.folder / "keys" / "journal.ndjson"


def copy_of(house: House, name: str) -> Path:
    copied = house.folder / name
    shutil.copy(journal_of(house), copied)
    return copied


def backed_up(house: House) -> bytes:
    perform(house.core, "backup.prepare", {})
    out = io.BytesIO()
    make_backup(house.core, out)
    return out.getvalue()


def restored(house: House, backup: bytes, **options: object) -> dict[str, object]:
    house.close()
    try:
        return restore_backup(house.settings, io.BytesIO(backup), replace_present=True, **options)  # type: ignore[arg-type]
    finally:
        house.open()


@pytest.fixture
def stale(house: House) -> tuple[House, bytes, Path]:
    """A backup, the journal of its moment, and an erasure since."""
    leaves, stays = house.arrive(), house.arrive()
    house.visit(leaves, marker="leaves")
    house.visit(stays, marker="stays")
    backup = backed_up(house)
    older = copy_of(house, "backup.journal")
    house.erase(leaves)
    return house, backup, older


def test_a_given_journal_that_is_shorter_is_refused_with_both_ends(stale: tuple[House, bytes, Path]) -> None:
    house, backup, older = stale
    with pytest.raises(StorageError, match=r"ends with entry \d+ .* ends with entry \d+ .*Leave --journal away"):
        restored(house, backup, journal=older)
    assert house.markers() == {"stays"}, "nothing was touched"
    restored(house, backup)
    assert house.markers() == {"stays"}
    assert [str(f) for f in verify(house.core).findings] == []


def test_the_copy_beside_the_backup_is_used_only_where_it_is_the_longest(stale: tuple[House, bytes, Path]) -> None:
    house, backup, older = stale
    restored(house, backup, beside_backup=older)
    assert house.markers() == {"stays"}, "the stale copy counts for nothing beside a longer one"


@pytest.mark.parametrize("how", ["journal", "beside_backup"])
def test_a_longer_journal_from_elsewhere_is_taken_and_written_on(stale: tuple[House, bytes, Path], how: str) -> None:
    house, backup, older = stale
    newest = copy_of(house, "elsewhere.ndjson")
    shutil.copy(older, journal_of(house))  # the keys folder was put back from an old copy
    restored(house, backup, **{how: newest})
    assert house.markers() == {"stays"}
    assert len(journal_of(house).read_bytes()) >= len(newest.read_bytes())
    assert [str(f) for f in verify(house.core).findings] == []


def test_a_forked_journal_is_refused_with_both_ends(stale: tuple[House, bytes, Path]) -> None:
    house, backup, older = stale
    ours = copy_of(house, "ours.ndjson")
    shutil.copy(older, journal_of(house))
    house.reopen()  # it goes on from the old copy, as a clone of the machine does
    for _ in range(3):
        house.erase(house.arrive())
    theirs = copy_of(house, "theirs.ndjson")
    shutil.copy(ours, journal_of(house))
    for given in ({"journal": theirs}, {"beside_backup": theirs}):
        with pytest.raises(StorageError, match="neither goes on from the other"):
            restored(house, backup, **given)


@pytest.mark.parametrize("beside", [False, True], ids=["beside the keys", "beside the backup alone"])
def test_an_older_journal_alone_is_held_against_the_ledger_that_is_replaced(
    stale: tuple[House, bytes, Path], beside: bool
) -> None:
    """Whoever puts an old copy back leaves no longer one to compare with; but the ledger is there."""
    house, backup, older = stale
    if beside:
        journal_of(house).unlink()
    else:
        shutil.copy(older, journal_of(house))
    with pytest.raises(StorageError, match="certifies 1 endings that it lacks"):
        restored(house, backup, **({"beside_backup": older} if beside else {}))
    assert house.markers() == {"stays"}, "nothing was touched"


def test_a_ledger_that_cannot_be_read_stops_no_restore(stale: tuple[House, bytes, Path]) -> None:
    house, backup, _ = stale
    house.close()
    (house.folder / "data" / "dongui.db").write_bytes(b"no database at all" * 1000)
    restore_backup(house.settings, io.BytesIO(backup), replace_present=True)
    house.open()
    assert house.markers() == {"stays"}


FORGED = {
    "doubled": lambda lines: [*lines, lines[-1]],
    "swapped": lambda lines: [*lines[:-2], lines[-1], lines[-2]],
    "with a hole": lambda lines: [*lines[:-2], lines[-1]],
    "without its beginning": lambda lines: lines[1:],
    "behind a byte order mark": lambda lines: [b"\xef\xbb\xbf", *lines],
    "that is no text": lambda lines: [*lines, b"\xff\xfe\n"],
    "with blank lines": lambda lines: [*lines, b"\n"],
}


@pytest.mark.parametrize("how", FORGED)
def test_a_journal_whose_lines_are_others_is_refused(stale: tuple[House, bytes, Path], how: str) -> None:
    house, backup, _ = stale
    forged = house.folder / "forged.ndjson"
    forged.write_bytes(b"".join(FORGED[how](journal_of(house).read_bytes().splitlines(keepends=True))))
    with pytest.raises(StorageError, match=r"line \d+ was altered, or a line before it is missing"):
        restored(house, backup, journal=forged)
    assert house.markers() == {"stays"}


def test_an_altered_journal_is_refused(stale: tuple[House, bytes, Path]) -> None:
    house, backup, older = stale
    forged = house.folder / "forged.ndjson"
    forged.write_bytes(older.read_bytes() + b"00 {}\n" * 50)
    with pytest.raises(StorageError, match="was altered"):
        restored(house, backup, journal=forged)


def test_no_flag_goes_past_a_journal_that_is_there(stale: tuple[House, bytes, Path]) -> None:
    house, backup, _ = stale
    with pytest.raises(StorageError, match="Leave --without-journal away"):
        restored(house, backup, without_journal=True)
    assert house.markers() == {"stays"}


def test_without_any_it_is_held_against_a_checkpoint_from_elsewhere(stale: tuple[House, bytes, Path]) -> None:
    house, backup, _ = stale
    kept = checkpoint_files.make(house.core)
    journal_of(house).unlink()
    outcome = restored(house, backup, without_journal=True, checkpoints=[("kept.json", kept)])
    assert int(str(outcome["records_lost"])) > 0, "how many records the backup lacks is said"


def test_a_backup_that_contradicts_the_checkpoint_is_refused(
    stale: tuple[House, bytes, Path], new_house: object
) -> None:
    house, backup, _ = stale
    other: House = new_house("other")  # type: ignore[operator]
    other.add_site()
    foreign = checkpoint_files.make(other.core)
    journal_of(house).unlink()
    with pytest.raises(StorageError, match=r"contradicts kept\.json"):
        restored(house, backup, without_journal=True, checkpoints=[("kept.json", foreign)])
    assert house.markers() == {"stays"}


def test_verify_tells_of_endings_that_the_journal_does_not_have(stale: tuple[House, bytes, Path]) -> None:
    house, _, older = stale
    shutil.copy(older, journal_of(house))
    house.reopen()
    found = [str(f) for f in verify(house.core).findings]
    assert len(found) == 1
    assert found[0].startswith("the journal of destructions: it lacks 1 of the endings that the ledger certifies")
