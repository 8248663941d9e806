"""``python -m bench [PART …] [--quick]``: measure, print, and write ``docs/performance.md``."""

from __future__ import annotations

import argparse
import sys
import time
from importlib import import_module
from importlib.util import find_spec

from bench.report import busy_share, table, write

# In the order of docs/performance.md. A module has ``measure(quick) -> (figures, notes)``.
PARTS = ("browser", "middleware", "ingest", "stages", "ageing", "year", "endings", "reports", "attacks")


def main() -> int:
    """Exit code 1 when a budget was missed: the page shows where."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    known = [part for part in PARTS if find_spec(f"bench.{part}")]
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"of {', '.join(known)}; without one, all of them")
    parser.add_argument("--quick", action="store_true", help="prove that everything works; writes nothing down")
    asked = parser.parse_args()
    if strange := set(asked.parts) - set(known):
        parser.error(f"there is no part {', '.join(sorted(strange))}; there are {', '.join(known)}")
    missed = 0
    for part in asked.parts or known:
        print(f"== {part}", flush=True)
        if (busy := busy_share()) > 0.05:
            print(f"  (other work takes {busy:.0%} of this machine; figures will be too low)", flush=True)
        start = time.monotonic()
        figures, notes = import_module(f"bench.{part}").measure(asked.quick)
        print(f"\n{table(figures)}\n\n{notes}\n({time.monotonic() - start:.0f} s)\n", flush=True)
        missed += sum(figure.met is False for figure in figures)
        if not asked.quick:
            write(part, figures, notes, busy=busy)
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
