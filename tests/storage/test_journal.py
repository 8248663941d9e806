from __future__ import annotations

import json
from pathlib import Path

import pytest
from dongui_collector.core.errors import StorageError
from dongui_collector.storage.contract.journal import FIRST_EPOCH, shared
from dongui_collector.storage.contract.values import Json
from dongui_collector.storage.sqlite.journal import Journal
from hypothesis import given
from hypothesis import strategies as st

KEY = b"k" * 32


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "journal.ndjson"


def filled(path: Path, *seqs: int) -> Journal:
    journal = Journal(path, KEY)
    for seq in seqs:
        journal.append({"kind": "withdrawal", "seq": seq})
    return journal


def seqs(journal: Journal, after: tuple[int, str] = (0, "")) -> list[int]:
    return [entry["seq"] for entry in journal.entries(after)]


def test_entries_are_there_after_reopening_in_order(path: Path) -> None:
    filled(path, 1, 2)
    filled(path, 3)
    assert seqs(Journal(path, KEY)) == [1, 2, 3]


def test_what_follows_a_position(path: Path) -> None:
    journal = filled(path, 1, 2)
    position = journal.position()
    assert position[0] == 2
    assert journal.entries(position) == []
    filled(path, 3)
    assert seqs(journal, position) == [3]


def test_a_missing_journal_is_empty(path: Path) -> None:
    journal = Journal(path, KEY)
    assert not journal.exists
    assert journal.position() == (0, "")
    assert journal.entries() == []


def test_a_torn_last_line_is_passed_over_and_mended(path: Path) -> None:
    filled(path, 1, 2)
    whole = path.read_bytes()
    path.write_bytes(whole + whole[: len(whole) // 4].rstrip(b"\n"))
    assert seqs(Journal(path, KEY)) == [1, 2]
    filled(path, 3)
    assert seqs(Journal(path, KEY)) == [1, 2, 3]


@pytest.mark.parametrize("damage", ["line removed", "line edited", "lines swapped", "other key"])
def test_damage_is_found(path: Path, damage: str) -> None:
    filled(path, 1, 2, 3)
    lines = path.read_bytes().splitlines(keepends=True)
    if damage == "line removed":
        del lines[1]
    elif damage == "line edited":
        lines[1] = lines[1].replace(b'"seq":2', b'"seq":9')
    elif damage == "lines swapped":
        lines[1], lines[2] = lines[2], lines[1]
    path.write_bytes(b"".join(lines))
    with pytest.raises(StorageError):
        Journal(path, KEY if damage != "other key" else b"x" * 32).entries()


def test_an_older_copy_is_refused_for_a_younger_backup(path: Path) -> None:
    journal = filled(path, 1)
    older = path.read_bytes()
    journal.append({"kind": "withdrawal", "seq": 2})
    position = journal.position()
    path.write_bytes(older)
    with pytest.raises(StorageError, match="older copy"):
        Journal(path, KEY).entries(position)


def test_a_forked_copy_is_refused(path: Path) -> None:
    """Restored from an older copy and written on: as long as the other, but not the same."""
    journal = filled(path, 1)
    older = path.read_bytes()
    journal.append({"kind": "withdrawal", "seq": 2})
    position = journal.position()
    path.write_bytes(older)
    filled(path, 3)
    with pytest.raises(StorageError, match="older copy"):
        Journal(path, KEY).entries(position)


def test_an_epoch_says_where_it_branched_off_before_its_first_entry(path: Path) -> None:
    epoch = {"id": "e2", "parents": [["0", 40]]}
    filled(path, 1)
    for _ in range(2):
        Journal(path, KEY, lambda: epoch).append({"kind": "withdrawal", "seq": 41})
    found = Journal(path, KEY).entries()
    assert [e["kind"] for e in found] == ["withdrawal", "epoch", "withdrawal", "withdrawal"]
    assert found[1] == {"kind": "epoch", **epoch}
    assert [e.get("epoch") for e in found] == ["0", None, "e2", "e2"]


def test_it_is_for_its_owner_alone_and_plain_json(path: Path) -> None:
    filled(path, 1)
    assert path.stat().st_mode & 0o777 == 0o600
    assert json.loads(path.read_text().split(" ", 1)[1]) == {"epoch": "0", "kind": "withdrawal", "seq": 1}


# --- how far two ledgers are one -------------------------------------------------------------------------------------

A = {"id": "a", "parents": [["0", 100]]}  # restored from a backup of the first ledger at 100
B = {"id": "b", "parents": [["a", 150], ["0", 100]]}  # restored from a backup of a at 150
C = {"id": "c", "parents": [["0", 60]]}  # restored from an older backup of the first ledger


@pytest.mark.parametrize(
    ("epoch", "head", "other", "common"),
    [
        (FIRST_EPOCH, 80, FIRST_EPOCH, 80),
        (FIRST_EPOCH, 80, A, 80),
        (FIRST_EPOCH, 120, A, 100),
        (A, 180, B, 150),
        (A, 120, B, 120),
        (B, 200, A, 150),
        (B, 200, C, 60),
        (C, 50, B, 50),
        (FIRST_EPOCH, 400, C, 60),
        (A, 120, {"id": "x", "parents": []}, 0),
    ],
)
def test_how_far_two_ledgers_are_one(epoch: Json, head: int, other: Json, common: int) -> None:
    assert shared(epoch, head, other) == common


@given(st.lists(st.tuples(st.integers(0, 30), st.integers(0, 20)), max_size=8), st.data())
def test_against_ledgers_that_are_really_branched(steps: list[tuple[int, int]], data: st.DataObject) -> None:
    """Grow ledgers as lists of unique entries, branching now and then: what they share is found from the epochs."""
    counter = iter(range(10**6))
    ledgers: list[tuple[Json, list[int]]] = [(FIRST_EPOCH, [next(counter) for _ in range(10)])]
    for number, (grow, _) in enumerate(steps):
        source, content = data.draw(st.sampled_from(ledgers))
        head = data.draw(st.integers(0, len(content)))
        epoch = {"id": f"e{number}", "parents": [[source["id"], head], *source["parents"]]}
        ledgers.append((epoch, content[:head] + [next(counter) for _ in range(grow)]))
    one, mine = data.draw(st.sampled_from(ledgers))
    two, theirs = data.draw(st.sampled_from(ledgers))
    head = data.draw(st.integers(0, len(mine)))
    really = 0
    while really < min(head, len(theirs)) and mine[really] == theirs[really]:
        really += 1
    # What is beyond the other's end has no entry there, so a larger answer names nobody.
    assert min(shared(one, head, two), len(theirs)) == really


# --- compaction ------------------------------------------------------------------------------------------------------


def lived_in(path: Path) -> tuple[Journal, list[tuple[int, str]]]:
    """Backups on three days, endings between them; where the journal stood at each backup."""
    epoch = {"id": "0", "parents": []}
    journal, positions = Journal(path, KEY, lambda: epoch), []
    for number, day in enumerate(("2026-01-01", "2026-02-01", "2026-03-01")):
        journal.append({"kind": "erasure", "seq": 10 * number})
        journal.append({"kind": "backup", "day": day})
        positions.append(journal.position())
        journal.append({"kind": "erasure", "seq": 10 * number + 1})
    return journal, positions


def test_compaction_forgets_what_only_older_backups_need(tmp_path: Path) -> None:
    path = tmp_path / "journal.ndjson"
    journal, (oldest, *others) = lived_in(path)
    before = [journal.entries(position) for position in others]
    size = path.stat().st_size
    assert journal.compact("2026-01-15") == 4
    assert path.stat().st_size < size
    for again in (journal, Journal(path, KEY)):
        assert [again.entries(position) for position in others] == before
        with pytest.raises(StorageError, match="compacted"):
            again.entries(oldest)
    assert journal.compact("2026-01-15") == 0
    journal.append({"kind": "erasure", "seq": 99})
    assert [entry["seq"] for entry in Journal(path, KEY).entries(others[1])] == [21, 99]
    assert journal.compact("2026-02-15") == 3
    assert [entry["seq"] for entry in Journal(path, KEY).entries(others[1])] == [21, 99]


@pytest.mark.parametrize("before", ["2025-01-01", "2026-01-01", "2026-03-02", "2999-01-01"])
def test_compaction_keeps_everything_where_no_backup_says_otherwise(tmp_path: Path, before: str) -> None:
    journal, positions = lived_in(tmp_path / "journal.ndjson")
    gone = journal.compact(before)
    assert gone == (1 if before <= "2026-01-01" else 0), "what comes before the first backup is needed by none"
    assert len(journal.entries(positions[0])) == 7


def test_the_epochs_of_what_was_forgotten_are_kept(tmp_path: Path) -> None:
    epoch = {"id": "0", "parents": []}
    journal = Journal(tmp_path / "journal.ndjson", KEY, lambda: epoch)
    journal.append({"kind": "erasure", "seq": 1})
    epoch = {"id": "b", "parents": [["0", 7]]}
    for day in ("2026-01-01", "2026-02-01"):
        journal.append({"kind": "backup", "day": day})
    assert journal.compact("2026-01-15") == 3
    again = Journal(tmp_path / "journal.ndjson", KEY, lambda: epoch)
    assert {"kind": "epoch", "id": "b", "parents": [["0", 7]]} in again.entries()
    again.append({"kind": "erasure", "seq": 2})
    assert [entry["kind"] for entry in again.entries()].count("epoch") == 1, "it is not introduced twice"


@pytest.mark.parametrize("line", [0, 1])
def test_a_compacted_journal_that_was_altered_is_found(tmp_path: Path, line: int) -> None:
    path = tmp_path / "journal.ndjson"
    journal, _ = lived_in(path)
    journal.compact("2026-01-15")
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    lines[line] = lines[line].replace("2026-02-01" if line else '"count":4', "2026-09-09" if line else '"count":3')
    path.write_text("".join(lines), encoding="utf-8")
    with pytest.raises(StorageError, match="was altered"):
        Journal(path, KEY).entries()
