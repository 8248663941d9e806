"""One target under Atheris, in a process of its own: ``python -m tests.fuzz.under_atheris TARGET SECONDS FOLDER``."""

from __future__ import annotations

import sys
from pathlib import Path

import atheris

# Before anything else imports them: what is instrumented is what tells new inputs from known ones.
with atheris.instrument_imports(include=["dongui", "dongui_collector", "tomllib"]):
    from tests.fuzz.targets import TARGETS

LONGEST = 8192  # bytes of an input


def main() -> None:
    """Fuzz until the time is over or something is raised that is no refusal. Never returns."""
    name, seconds, folder = sys.argv[1:]
    target = TARGETS[name]
    for number, seed in enumerate(target.seeds()):
        Path(folder, f"seed-{number}").write_bytes(seed)
    options = [f"-max_total_time={seconds}", f"-max_len={LONGEST}", f"-artifact_prefix={folder}/", "-timeout=20"]
    atheris.Setup([name, *options, "-print_final_stats=1", "-verbosity=0", folder], target.try_)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
