"""Fenced blocks of a page, and a shell that types them: a fresh folder, ports of its own, ``serve`` in the background.

What a page may say in a fence: ``sh`` is run, with the environment of the blocks before it; with ``title="FILE"`` any
other language is written to that file; ``python`` alone is run; ``text`` behind a block that ran is what it prints, a
line a line, with ``…`` for anything; ``not-run="reason"`` is left alone.
"""

from __future__ import annotations

import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from tests.collector import environment
from tests.imports import ROOT
from tests.ports import free_port

_FENCE = re.compile(r"^```(\w*)[^\S\n]*([^\n]*)\n(.*?)^```$", re.M | re.S)
_MARK = "@@block "
PATIENCE_S = 550  # a page takes some 20 s on a machine with nothing else to do

# The words that a page types, as they work here: what serves goes to the background, and is waited for.
_PREAMBLE = r"""
set -eu
dongui() {
  case "${1-}" in
    serve) command dongui "$@" >serve.out 2>&1 & wait_for "$!" "$DONGUI_PORT" /readyz ;;
    demo) [ ! -e demo ] || return 0
      command dongui "$@" --port-base "$DEMO" >demo.out 2>&1 & wait_for "$!" "$((DEMO + 2))" / ;;
    *) command dongui "$@" ;;
  esac
}
wait_for() {
  until curl -fsL -o /dev/null "http://127.0.0.1:$2$3" 2>/dev/null; do
    kill -0 "$1" || { cat ./*.out; exit 1; }
    sleep 0.1
  done
}
stop() { local running; running=$(jobs -p); [ -z "$running" ] || { kill $running 2>/dev/null; wait; } || true; }
trap stop EXIT
"""


@dataclass(frozen=True, slots=True)
class Fence:
    """A fenced block. ``info`` is what stands behind its language."""

    page: str
    line: int
    language: str
    info: str
    text: str

    def option(self, name: str) -> str:
        return found[1] if (found := re.search(rf'\b{name}="([^"]*)"', self.info)) else ""

    def __str__(self) -> str:
        return f"{self.page}:{self.line}"


def fences(page: Path) -> list[Fence]:
    text = page.read_text(encoding="utf-8")
    name = str(page.relative_to(ROOT))
    return [Fence(name, text.count("\n", 0, m.start()) + 1, m[1], m[2].strip(), m[3]) for m in _FENCE.finditer(text)]


def script(blocks: list[Fence], ports: dict[str, str]) -> str:
    """The blocks as one program for bash, each behind a line that names it; the usual ports become those given."""
    parts = [_PREAMBLE]
    for number, block in enumerate(blocks):
        parts.append(f"echo; echo '{_MARK}{number}'")
        if block.language != "text" and not block.option("not-run"):
            parts.append(_commands(block))
    typed = "\n".join(parts)
    for usual, port in ports.items():
        typed = re.sub(rf"\b{usual}\b", port, typed)
    return typed


def _commands(block: Fence) -> str:
    if block.language in ("sh", "bash"):
        return re.sub(r"^# Ctrl-C .*$", "stop", block.text, flags=re.M)
    if title := block.option("title"):
        return f"cat >{title} <<'END-OF-FILE'\n{block.text}END-OF-FILE"
    assert block.language == "python", f'{block}: give it a title="FILE", or say not-run="reason"'
    return f"python - <<'END-OF-FILE'\n{block.text}END-OF-FILE"


def three_ports() -> int:
    """The first of three free ports in a row."""
    while True:
        first, second, third = free_port(), free_port(), free_port()
        if (second, third) == (first + 1, first + 2):
            return first


def run(pages: list[Path], folder: Path) -> None:
    """Type the blocks of the pages, one page after the other, in one folder; fails with what was printed."""
    blocks = [block for page in pages for block in fences(page)]
    first = three_ports()
    ports = {"8787": str(first), "8788": str(first + 1), "8789": str(first + 2)}
    known = environment() | {"DEMO": str(first), "DONGUI_PORT": str(first), "DONGUI_DESK_PORT": str(first + 1)}
    known["PATH"] = f"{Path(sys.executable).parent}:{known['PATH']}"
    with (folder / "typed.log").open("w+b") as log:
        done = subprocess.run(
            ["bash", "-c", script(blocks, ports)],
            cwd=folder,
            env=known | {"PYTHONUNBUFFERED": "1"},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            timeout=PATIENCE_S,
            check=False,
        )
        log.seek(0)
        printed = log.read().decode()
    parts = re.split(rf"^{_MARK}\d+\n", printed, flags=re.M)[1:]
    assert done.returncode == 0, f"{blocks[len(parts) - 1]} ended with {done.returncode}:\n{parts[-1]}"
    for before, block, output in zip(blocks, blocks[1:], parts, strict=False):
        if block.language == "text" and not block.option("not-run"):
            missing = unprinted(block.text, output)
            assert missing == [], f"{block} promises what {before} did not print; it printed:\n{output}"


def unprinted(promise: str, output: str) -> list[str]:
    """The lines of a promise that no printed line matches. Blanks count once; ``…`` stands for anything."""
    printed = [" ".join(line.split()) for line in output.splitlines()]
    wanted = [" ".join(line.split()) for line in promise.splitlines() if line.strip()]
    return [w for w in wanted if not any(re.fullmatch(_pattern(w), line) for line in printed)]


def _pattern(line: str) -> str:
    return ".*".join(re.escape(part) for part in line.split("…"))
