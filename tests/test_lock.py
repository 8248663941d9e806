"""The image installs what is locked: every requirement of ours is there, as one version, with hashes."""

from __future__ import annotations

import re
from configparser import ConfigParser
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parent.parent
LOCKED = (ROOT / "deploy" / "requirements.lock").read_text("utf-8").replace("\\\n", " ").splitlines()


def locked() -> dict[str, list[tuple[Requirement, int]]]:
    """Name → each of its lines (a version may differ by Python or platform), and how many hashes it has."""
    found: dict[str, list[tuple[Requirement, int]]] = {}
    for line in LOCKED:
        requirement = Requirement(line.partition("--hash")[0])
        hashes = len(re.findall(r"--hash=sha256:[0-9a-f]{64}\b", line))
        found.setdefault(canonicalize_name(requirement.name), []).append((requirement, hashes))
    return found


def test_everything_that_the_collector_requires_is_locked_as_it_asks() -> None:
    config = ConfigParser()
    config.read(ROOT / "setup.cfg", encoding="utf-8")
    wanted = [Requirement(line) for line in config["options.extras_require"]["collector"].split("\n") if line.strip()]
    assert len(wanted) > 10
    for requirement in wanted:
        for line, _ in locked()[canonicalize_name(requirement.name)]:
            (pin,) = line.specifier
            assert pin.operator == "==", line
            assert requirement.specifier.contains(pin.version), f"{line}: run .ci/lock"


def test_every_line_has_hashes_and_none_leads_elsewhere() -> None:
    assert all(hashes for lines in locked().values() for _, hashes in lines)
    assert not any("://" in line or line.startswith("-") for line in LOCKED)


def test_what_the_image_holds_is_listed_with_every_distribution() -> None:
    recipe = (ROOT / "Makefile").read_text("utf-8").partition("\ndist:")[2].partition("\n\n")[0]
    assert ".ci/dist" in recipe
    assert ".ci/sbom" in recipe
    assert "deploy/requirements.lock" in (ROOT / ".ci" / "sbom").read_text("utf-8")


def test_the_image_takes_nothing_else() -> None:
    image = (ROOT / "deploy" / "Dockerfile").read_text("utf-8")
    assert "--require-hashes -r deploy/requirements.lock" in image
    assert "--no-deps" in image
    assert "!deploy/requirements.lock" in (ROOT / "deploy" / "Dockerfile.dockerignore").read_text("utf-8").splitlines()
