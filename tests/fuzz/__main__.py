"""``python -m tests.fuzz``: run each target for some minutes under Atheris, which keeps what reaches new code.

The first exception that is no refusal ends a target's run; the input that led there stays in the corpus as
``crash-…``, and the test suite fails until it is mended; it is kept then as ``found-…``.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path

from tests.fuzz.targets import HERE, TARGETS

CORPUS = HERE / "corpus"
MOST_KEPT = 48  # inputs of a target beside its seeds


def main() -> int:
    parser = argparse.ArgumentParser(description="Fuzz the parsers that strangers reach.")
    parser.add_argument("--minutes", type=float, default=1.0, help="for each target [default: 1]")
    parser.add_argument("--target", action="append", choices=sorted(TARGETS), help="only this one; may be repeated")
    given = parser.parse_args()
    failed = []
    for name in given.target or sorted(TARGETS):
        print(f"== {name}", flush=True)
        folder = CORPUS / name
        folder.mkdir(parents=True, exist_ok=True)
        command = [sys.executable, "-m", "tests.fuzz.under_atheris", name, str(int(given.minutes * 60)), str(folder)]
        if subprocess.run(command, check=False).returncode:
            failed.append(f"{name} raised what is no refusal: see {folder}/crash-*")
        prune(folder)
    print("\n".join(failed) or "all refused clearly")
    return bool(failed)


def prune(folder: Path) -> None:
    """Keep the seeds, what was found wrong, and of the rest the smallest: the corpus lives in the repository."""
    found = [
        path for path in folder.iterdir() if not path.name.startswith(("seed-", "found-", "crash-", "timeout-", "oom-"))
    ]
    for path in sorted(found, key=lambda path: (path.stat().st_size, path.name))[MOST_KEPT:]:
        path.unlink()


if __name__ == "__main__":
    raise SystemExit(main())
