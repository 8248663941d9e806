"""What the snippet costs a visitor: the committed files of ``sdk_js/dist`` under brotli."""

from __future__ import annotations

import subprocess

from bench.processes import ROOT
from bench.report import Figure

_DIST = ROOT / "sdk_js" / "dist"
_SIZE = "console.log(require('zlib').brotliCompressSync(require('fs').readFileSync(process.argv[1])).length)"


def measure(quick: bool) -> tuple[list[Figure], str]:
    """Bytes; the same with and without ``quick``."""
    page, banner, panel = (_compressed(name) for name in ("dongui.js", "ui.js", "panel.js"))
    first = page + banner
    return [
        Figure("every page (dongui.js)", f"{page:,} B", "", "≤ 4,000 B", page <= 4000),
        Figure("with the banner of a first visit (and ui.js)", f"{first:,} B", "", "≤ 6,900 B in all", first <= 6900),
        Figure("preferences, on demand (panel.js)", f"{panel:,} B", "", "≤ 7,000 B more", panel <= 7000),
    ], "Brotli at its highest level, without HTTP headers."


def _compressed(name: str) -> int:
    done = subprocess.run(["node", "-e", _SIZE, str(_DIST / name)], capture_output=True, text=True, check=True)
    return int(done.stdout)
