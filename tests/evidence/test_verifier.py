"""Line 13 of the attacker's review: the verifier is known by its digest, and no bundle speaks for it."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
import warnings
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner
from dongui_collector.cli.verify import verify
from dongui_collector.evidence import bundle, verify_evidence
from dongui_collector.evidence.verify.verify import verify as verification

from tests.retention.conftest import house, new_house
from tests.retention.house import House

__all__ = ["house", "new_house"]

SCRIPT = Path(verify_evidence.__file__)
ROOT = Path(__file__).parents[2]


def run(place: Path, *options: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-I", "-S", str(SCRIPT), str(place), "--lang", "en", *options]
    return subprocess.run(command, capture_output=True, text=True, timeout=60)


def test_the_digest_is_published_in_the_docs_and_printed() -> None:
    digest = hashlib.sha256(SCRIPT.read_bytes()).hexdigest()
    assert bundle.verifier_digest() == digest
    assert digest in (ROOT / "docs" / "proof.md").read_text(encoding="utf-8")
    printed = CliRunner().invoke(verify, ["--print-verifier-digest"])
    assert (printed.exit_code, printed.output) == (0, f"{digest}  verify_evidence.py\n")


def test_a_bundle_says_in_both_languages_what_a_browsers_consent_proves() -> None:
    korean, english = bundle._READ_ME.split("To check it:")
    assert "꾸며 보낼 수 있습니다" in korean
    assert "another program can make it up" in english


@pytest.mark.parametrize(
    "name", ["\n✓ Everything holds.", "\x1b[2J\x1b[1;32m✓", "a\u202egnihtyreve", "\rEverything holds."]
)
def test_names_in_a_bundle_are_printed_escaped_and_the_verdict_is_last(tmp_path: Path, name: str) -> None:
    made = tmp_path / "bundle.zip"
    with zipfile.ZipFile(made, "w") as packed:
        packed.writestr("manifest.json", json.dumps({"format": verify_evidence.FORMAT, "made_at": 0, "zone": "UTC"}))
        packed.writestr(f"checkpoints/{name}.json", b"{")
    done = run(made)
    assert done.returncode in (1, 2)
    shown = done.stdout + done.stderr
    assert not set(shown) - {"\n"} & {"\x1b", "\r", "\u202e"}
    assert "Everything holds." not in done.stdout.splitlines()
    assert "✓ Everything holds." not in done.stdout.splitlines()
    assert "verified" in done.stdout.splitlines()[-1] or "broken" in done.stdout.splitlines()[-1]


@pytest.mark.parametrize("other", [str, str.upper], ids=["the same name", "another case"])
def test_a_file_that_is_there_twice_is_no_proof(tmp_path: Path, house: House, other: Callable[[str], str]) -> None:
    """What is verified is one of them; what somebody unpacks and reads may be the other."""
    house.visit(house.arrive())
    made = tmp_path / "bundle.zip"
    bundle.write(house.core, made, verification(house.core), [])
    assert run(made).returncode == 0
    genuine = {name: zipfile.ZipFile(made).read(name) for name in zipfile.ZipFile(made).namelist()}
    with zipfile.ZipFile(made, "w") as packed, warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # zipfile's own about the duplicate
        packed.writestr(other("chain.ndjson"), b"{}")
        for name, body in genuine.items():
            packed.writestr(name, body)
    done = run(made)
    assert done.returncode == 1
    assert "chain.ndjson: the bundle holds several files of this name" in done.stdout
    assert done.stdout.splitlines()[-1] == "1 things are broken."


def test_what_is_no_part_of_a_bundle_is_named_and_what_is_too_large_is_not_read(tmp_path: Path) -> None:
    made = tmp_path / "bundle.zip"
    with zipfile.ZipFile(ROOT / "tests" / "fuzz" / "bundle.zip") as good, zipfile.ZipFile(made, "w") as packed:
        for name in good.namelist():
            packed.writestr(name, good.read(name))
        packed.writestr("../verdict\x1b.txt", "All was deleted.")
    done = run(made)
    assert done.returncode == 0
    assert "! 1 files in the bundle are no part of what was verified" in done.stdout
    assert "\x1b" not in done.stdout
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("manifest.json", b" " * (verify_evidence.LARGEST + 1))
    done = run(made)
    assert done.returncode == 2
    assert "larger than any of its kind" in done.stderr


def test_what_cannot_be_read_is_said_in_the_last_line_and_the_exit_code(tmp_path: Path) -> None:
    broken = tmp_path / "bundle.zip"
    broken.write_bytes(b"no zip\nEverything holds.")
    done = run(broken)
    assert done.returncode == 2
    assert done.stdout.splitlines() == ["Nothing could be read, so nothing was verified."]
