"""What the proof tests share: a house with sealed days, its checkpoint, its bundle, and the stand-alone script."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from datetime import date, timedelta
from pathlib import Path

from dongui_collector.core.operations import perform
from dongui_collector.evidence import bundle as evidence
from dongui_collector.evidence import checkpoint_files
from dongui_collector.evidence.checkpoints import Checkpoint
from dongui_collector.evidence.verify.verify import verify

from tests.retention.house import ALL, House, at

DAY = date(2025, 3, 10)


def live_in(house: House) -> list[str]:
    """Three days of visits, a withdrawal, an erasure, a suspension, records, a hold; sealed on the fourth day.

    Returns the visitors who stayed.
    """
    first, second, third = (house.arrive() for _ in range(3))
    for number in range(3):
        when = f"{DAY + timedelta(days=number)}T12:00"
        house.now = at(when)
        for visitor in (first, second, third):
            house.visit(visitor, marker=f"word{number}")
    house.core.retention.records.add(house.site, "payment", first, house.now, "settlement", {"a": 1})
    house.choose((), ("marketing",), second)
    house.erase(third)
    house.now = at("2025-03-13T12:00")
    seal(house)
    return [first, second]


def seal(house: House) -> None:
    outcome = perform(house.core, "proof.seal", {})
    assert outcome["refused"] == []


def checkpoint(house: House) -> tuple[str, Checkpoint]:
    return "kept.json", checkpoint_files.make(house.core)


def findings(house: House, *given: tuple[str, Checkpoint]) -> list[str]:
    return [str(found) for found in verify(house.core, None, given).findings]


def bundle(house: House, path: Path, *given: tuple[str, Checkpoint]) -> Path:
    """The unpacked evidence."""
    file = path / "evidence.zip"
    evidence.write(house.core, file, verify(house.core, None, given), given)
    folder = path / "unpacked"
    with zipfile.ZipFile(file) as packed:
        packed.extractall(folder)
    return folder


def run(script: Path, *arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    """The script as a stranger runs it: isolated, without site packages, from somewhere else."""
    command = [sys.executable, "-I", "-S", str(script), *arguments]
    return subprocess.run(command, capture_output=True, text=True, cwd=cwd, env={}, timeout=120)


__all__ = ["ALL", "DAY", "bundle", "checkpoint", "findings", "live_in", "run", "seal"]
