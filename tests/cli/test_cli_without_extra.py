"""``dongui`` where only the SDK is installed, be it beside some of the collector's libraries."""

from __future__ import annotations

import subprocess
import sys

import pytest
from dongui.version import how_to_install

WITHOUT = """
import sys
for name in sys.argv[1].split(","):
    sys.modules[name] = None
sys.argv = ["dongui", *sys.argv[2:]]
from dongui_collector.__main__ import main
main()
"""


@pytest.mark.parametrize(
    ("missing", "command"),
    [
        pytest.param("click", ["serve"], id="nothing of it"),
        pytest.param("msgspec", ["serve"], id="click is there"),
        pytest.param("msgspec", ["retention", "plan"], id="another command"),
        pytest.param(
            "starlette,granian,sqlite_utils,cryptography,argon2", ["init", "x"], id="click and msgspec are there"
        ),
    ],
)
def test_it_says_what_to_install(missing: str, command: list[str], tmp_path: object) -> None:
    words = [sys.executable, "-c", WITHOUT, missing, *command]
    done = subprocess.run(words, capture_output=True, text=True, cwd=str(tmp_path), timeout=60, check=False)
    assert done.returncode == 2
    assert done.stderr.endswith(f"is not installed. Install the collector: {how_to_install('collector')}\n")
    assert len(done.stderr.splitlines()) == 1
    assert done.stderr.split()[1] in missing.split(",")
