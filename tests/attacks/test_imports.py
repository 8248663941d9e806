"""Files of other products are never believed, and never read without end."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from dongui_collector.analytics.imports import files
from dongui_collector.analytics.imports.days import READERS, days_of
from dongui_collector.analytics.imports.files import ForeignError

SEOUL = ZoneInfo("Asia/Seoul")


def test_a_line_without_end_is_not_read_to_its_end() -> None:
    reader = io.BytesIO(b"a" * (8 * files._LONGEST_LINE))
    with pytest.raises(ForeignError, match="line of more than"):
        list(files.rows(reader, "export.csv", ("date",)))
    assert reader.tell() < 3 * files._LONGEST_LINE


@pytest.mark.parametrize("product", sorted(READERS))
def test_a_zip_of_too_many_files_is_refused(product: str, tmp_path: Path) -> None:
    path = tmp_path / "export.zip"
    with zipfile.ZipFile(path, "w") as packed:
        for n in range(files._MOST_FILES + 1):
            packed.writestr(f"{n}.csv", "")
    with pytest.raises(ForeignError, match="holds more than 1000 files"):
        days_of(product, path, SEOUL)
