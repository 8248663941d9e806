"""Files of other analytics products: CSV, alone, gzipped or in a zip. Read a row at a time, and never believed."""

from __future__ import annotations

import csv
import gzip
import io
import lzma
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import IO

from dongui_collector.core.errors import CollectorError

LONGEST = 2048  # characters of a text
_MOST_BYTES = 4 << 30  # of one file, unpacked: a small zip must not fill a disk or a life
# What a damaged or shortened file raises while it is unpacked, whatever it was packed with.
_DAMAGED = (zipfile.BadZipFile, EOFError, OSError, zlib.error, lzma.LZMAError)
_GZIP, _ZIP = b"\x1f\x8b", b"PK\x03\x04"
_MOST = 10**12  # of any number
_LONGEST_LINE = 1 << 20  # characters; csv bounds a field, and only once its line was read
_MOST_FILES = 1000  # in a zip


class ForeignError(CollectorError):
    """A file that is not what it should be; the message names the file, the line and the column, not what is there."""


@dataclass(frozen=True, slots=True)
class ImportRow:
    """One line, by the names of its columns."""

    where: str
    values: dict[str, str]

    def text(self, name: str) -> str | None:
        """A text, None for an empty or an absent one."""
        value = self.values.get(name, "").strip()
        if "\x00" in value or len(value) > LONGEST:
            raise ForeignError(f"{self.where}: {name} is too long or holds NUL characters")
        return value or None

    def number(self, name: str) -> int:
        """A whole number, 0 for an empty or an absent one."""
        value = self.values.get(name, "").strip() or "0"
        if not (value.isascii() and value.isdigit()) or len(value) > 13 or int(value) > _MOST:
            raise ForeignError(f"{self.where}: {name} is no whole number")
        return int(value)

    def day(self, name: str) -> date:
        try:
            return date.fromisoformat(self.values.get(name, "").strip())
        except ValueError:
            raise ForeignError(f"{self.where}: {name} is no day such as 2025-03-10") from None


def rows(file: IO[bytes], name: str, needed: Sequence[str]) -> Iterator[ImportRow]:
    """The lines of a CSV file with a header. Raises :class:`ForeignError` where a column of ``needed`` is not there."""
    text = io.TextIOWrapper(io.BufferedReader(_Bounded(file, name)), encoding="utf-8-sig", newline="")
    try:
        lines = csv.reader(_lines(text, name), strict=True)
        header = [column.strip() for column in next(lines, [])]
        if lacking := [column for column in needed if column not in header]:
            what = "it is no export of that product, or of a form that is not known here"
            raise ForeignError(f"{name} has no column {lacking[0]}: {what}")
        for line in lines:
            if not line:
                continue
            if len(line) != len(header):
                raise ForeignError(f"{name}, line {lines.line_num}: {len(line)} columns instead of {len(header)}")
            yield ImportRow(f"{name}, line {lines.line_num}", dict(zip(header, line, strict=True)))
    except UnicodeDecodeError:
        raise ForeignError(f"{name} is not text in UTF-8") from None
    except csv.Error:
        raise ForeignError(f"{name}, line {lines.line_num}: this is no CSV") from None
    except _DAMAGED:
        raise ForeignError(f"{name} is damaged") from None
    finally:
        text.detach()


def _lines(text: io.TextIOWrapper, name: str) -> Iterator[str]:
    """The lines of a text. One that is too long is never read to its end, which may be the file's."""
    while line := text.readline(_LONGEST_LINE):
        if len(line) == _LONGEST_LINE and not line.endswith("\n"):
            raise ForeignError(f"{name} has a line of more than {_LONGEST_LINE} characters")
        yield line


class _Bounded(io.RawIOBase):
    """Refuses what unpacks to more than any such export has."""

    def __init__(self, file: IO[bytes], name: str) -> None:
        super().__init__()
        self._file, self._name, self._left = file, name, _MOST_BYTES

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]  # the buffer is one of these two
        data = self._file.read(len(buffer))
        self._left -= len(data)
        if self._left < 0:
            raise ForeignError(f"{self._name} is larger than {_MOST_BYTES >> 30} GiB")
        buffer[: len(data)] = data
        return len(data)


@contextmanager
def opened(path: Path) -> Iterator[dict[str, IO[bytes]]]:
    """The CSV files in ``path`` by name: itself, unpacked, or those of a zip, whose names lead nowhere on disk."""
    with path.open("rb") as file:
        start = file.read(4)
        file.seek(0)
        if start == _ZIP:
            try:
                with zipfile.ZipFile(file) as archive:
                    if len(archive.infolist()) > _MOST_FILES:
                        raise ForeignError(f"{path.name} holds more than {_MOST_FILES} files")
                    names = [i.filename for i in archive.infolist() if not i.is_dir() and i.filename.endswith(".csv")]
                    yield {name.rpartition("/")[2]: _member(archive, name) for name in names}
            except zipfile.BadZipFile:
                raise ForeignError(f"{path.name} is a damaged zip") from None
        elif start[:2] == _GZIP:
            with gzip.open(file) as unpacked:
                yield {path.name.removesuffix(".gz"): unpacked}  # type: ignore[dict-item]  # reads bytes like any file
        else:
            yield {path.name: file}


def _member(archive: zipfile.ZipFile, name: str) -> IO[bytes]:
    try:
        return archive.open(name)
    except (RuntimeError, NotImplementedError, zipfile.BadZipFile):
        raise ForeignError(f"{name[:80]!r} in the zip is encrypted or damaged") from None
