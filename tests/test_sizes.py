"""What a visitor's browser has to load (DESIGN 9), in brotli's bytes, all languages included."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

DIST = Path(__file__).parents[1] / "sdk_js" / "dist"
_MEASURE = """
const { readFileSync } = require("node:fs"), { brotliCompressSync } = require("node:zlib");
console.log(JSON.stringify(process.argv.slice(1).map(file => brotliCompressSync(readFileSync(file)).length)));
"""


def brotli(*names: str) -> int:
    """The bytes of these files together, each compressed on its own, as they travel."""
    files = [str(DIST / name) for name in names]
    sizes: list[int] = json.loads(
        subprocess.run(["node", "-e", _MEASURE, *files], check=True, capture_output=True).stdout
    )
    return sum(sizes)


@pytest.mark.parametrize(
    ("files", "budget"),
    [
        pytest.param(["dongui.js"], 4300, id="every page"),
        pytest.param(["index.js"], 4300, id="every page, as a module"),
        pytest.param(["dongui.js", "ui.js"], 7300, id="with the banner of a first visit"),
        pytest.param(["panel.js"], 7000, id="preferences and my data more"),
    ],
)
def test_budget(files: list[str], budget: int) -> None:
    assert brotli(*files) <= budget
