"""A day's numbers, worked out in a process of its own and printed: see ``analytics/snapshot_process.py``."""

from __future__ import annotations

import argparse
import json
import os
import sys
from datetime import date
from pathlib import Path

from dongui_collector.analytics.snapshots import numbers_of
from dongui_collector.core import logs
from dongui_collector.core.clock import clock_from_environment
from dongui_collector.core.settings import load_settings
from dongui_collector.runtime.composition import open_core


def main() -> None:
    """Print what is due of ``--day`` by ``--today`` in the installation of ``--config``: ``freezing.numbers_of``."""
    parser = argparse.ArgumentParser(prog="dongui_collector.runtime.snapshot_worker")
    parser.add_argument("--config", type=Path, required=True)
    parser.add_argument("--day", type=date.fromisoformat, required=True)
    parser.add_argument("--today", type=date.fromisoformat, required=True)
    asked = parser.parse_args()
    os.nice(10)  # after ingest and after whoever waits for a page
    settings = load_settings(asked.config)
    logs.set_up(settings.log_level, clock_from_environment(testing=settings.testing))
    core = open_core(settings, writable=False)
    try:
        json.dump(numbers_of(core, asked.day, asked.today), sys.stdout)
    finally:
        core.close()


if __name__ == "__main__":
    main()
