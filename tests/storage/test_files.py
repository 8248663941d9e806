"""A destroyed file: every byte overwritten before it is unlinked, piece by piece, and again after a crash."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from dongui_collector.storage.sqlite import files
from dongui_collector.storage.sqlite.files import destroy_file

PIECE = 1 << 16


@pytest.fixture(autouse=True)
def small_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "_PIECE", PIECE)


@pytest.mark.parametrize("size", [0, 1, PIECE - 1, PIECE, PIECE + 1, 5 * PIECE, 5 * PIECE + 4096])
def test_what_was_in_a_file_is_nowhere_when_it_is_unlinked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, size: int
) -> None:
    path, seen = tmp_path / "day.db", list[bytes]()
    path.write_bytes(b"\xaa" * size)
    os.link(path, tmp_path / "beside")  # the same bytes under another name: what the disk still holds
    truncate = os.ftruncate

    def watched(fd: int, length: int) -> None:
        seen.append((tmp_path / "beside").read_bytes()[length:])
        truncate(fd, length)

    monkeypatch.setattr(os, "ftruncate", watched)
    assert destroy_file(path) == size
    assert not path.exists()
    left = (tmp_path / "beside").read_bytes()
    assert len(left) + sum(map(len, seen)) == size
    assert not any(left)
    assert not any(any(piece) for piece in seen), "overwritten before the file system takes it back"


def test_an_interrupted_destruction_is_finished_by_the_next(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "day.db"
    path.write_bytes(b"\xaa" * (5 * PIECE))
    os.link(path, tmp_path / "beside")

    def killed(_fd: int, _length: int) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as crash:
        crash.setattr(os, "ftruncate", killed)
        with pytest.raises(KeyboardInterrupt):
            destroy_file(path)
    assert path.exists()
    assert destroy_file(path) == 5 * PIECE
    assert not any((tmp_path / "beside").read_bytes())
    assert destroy_file(path) == 0


def test_a_small_file_keeps_its_length_to_the_end(tmp_path: Path) -> None:
    # An index of the log is mapped into the memory of its readers: to shorten it would kill them.
    path = tmp_path / "day.db-shm"
    path.write_bytes(b"\xaa" * 32_768)
    os.link(path, tmp_path / "beside")
    destroy_file(path)
    assert (tmp_path / "beside").read_bytes() == bytes(32_768)
