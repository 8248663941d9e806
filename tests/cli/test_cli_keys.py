"""``dongui keys`` beside a running serve and without one (K13)."""

from __future__ import annotations

import base64
import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.collector import Installation, event


@pytest.fixture
def installed(tmp_path: Path) -> Iterator[Installation]:
    made = Installation(tmp_path / "d", testing=True)
    yield made
    made.close()


def test_keys_are_copied_lost_and_restored(installed: Installation, tmp_path: Path) -> None:
    installed.start()
    visitor = installed.consent(["statistics"])["visitor"]
    assert installed.send(visitor, event()).status_code == 202
    (tmp_path / "passphrase").write_text("a passphrase of some length\n")
    made = json.loads(
        installed.run(
            "keys", "backup", str(tmp_path / "copy"), "--passphrase-file", str(tmp_path / "passphrase"), "--json"
        ).stdout
    )
    assert made["under"] == "passphrase"
    assert (tmp_path / "copy").stat().st_mode & 0o777 == 0o600
    installed.stop()
    keys = installed.folder / "keys"
    (keys / "master.key").unlink()
    assert "there is no master key" in installed.run("tokens", "list", code=2).stderr
    for path in keys.glob("keys.db*"):
        path.unlink()
    restore = ("keys", "restore", str(tmp_path / "copy"), "--passphrase-file")
    (tmp_path / "wrong").write_text("not the passphrase\n")
    assert "does not open" in installed.run(*restore, str(tmp_path / "wrong"), code=2).stderr
    installed.run(*restore, str(tmp_path / "passphrase"))
    installed.run("verify")
    installed.start()
    assert len(installed.me(visitor)["events"]) == 1


def test_the_master_key_is_rotated_while_serve_goes_on(installed: Installation) -> None:
    installed.start()
    visitor = installed.consent(["statistics"])["visitor"]
    before = (installed.folder / "keys" / "master.key").read_bytes()
    assert json.loads(installed.run("keys", "rotate", "--json").stdout)["finished"]
    assert (installed.folder / "keys" / "master.key").read_bytes() != before
    assert installed.send(visitor, event()).status_code == 202
    assert len(installed.me(visitor)["events"]) == 1
    status = json.loads(installed.run("keys", "status", "--json").stdout)
    assert (status["master_key"], status["rotation_pending"]) == ("file", False)
    assert status["rotated_at"]
    assert "rotated 20" in installed.run("keys", "status").stdout
    export = ("export", "events", "--purpose", "statistics", "--from", "2020-01-01", "--to", "2099-01-01")
    assert installed.run(*export).stdout.count("\n") == 1


def test_another_installations_master_key_is_explained(installed: Installation) -> None:
    path = installed.folder / "keys" / "master.key"
    path.write_text(base64.b64encode(os.urandom(32)).decode() + "\n")
    for command in (("tokens", "list"), ("serve",), ("doctor",)):
        said = installed.run(*command, code=2).stderr
        assert "does not open the key" in said, command
        assert "dongui keys restore" in said


def test_lost_keys_are_explained_and_never_made_anew(installed: Installation) -> None:
    keys = installed.folder / "keys"
    keys.rename(installed.folder / "lost")
    keys.mkdir(mode=0o700)
    (keys / "master.key").write_bytes((installed.folder / "lost" / "master.key").read_bytes())
    for command in (("tokens", "list"), ("serve",), ("doctor",), ("retention", "run"), ("keys", "rotate")):
        said = installed.run(*command, code=2).stderr
        assert "keys.db is missing" in said, command
        assert "dongui keys restore" in said
    assert "`dongui keys restore FILE`" in installed.run("verify", code=1).stdout
    assert not (keys / "keys.db").exists(), "a new secret would make every visitor a stranger"


def test_a_lost_journal_is_an_error(installed: Installation) -> None:
    (installed.folder / "keys" / "journal.ndjson").unlink()
    said = installed.run("doctor", code=1, clock="2099-01-01T00:00:00+09:00").stdout
    assert "no journal of destructions" in said


def test_a_short_passphrase_makes_no_file(installed: Installation, tmp_path: Path) -> None:
    (tmp_path / "passphrase").write_text("short\n")
    arguments = ("keys", "backup", str(tmp_path / "copy"), "--passphrase-file", str(tmp_path / "passphrase"))
    assert "at least 12" in installed.run(*arguments, code=2).stderr
    assert not (tmp_path / "copy").exists()


def test_doctor_names_one_volume_and_a_missing_copy(installed: Installation, tmp_path: Path) -> None:
    assert "one volume" in installed.run("doctor", code=None).stdout
    then = {"code": None, "clock": "2099-01-01T00:00:00+09:00"}
    assert "there is no copy of the keys" in installed.run("doctor", **then).stdout
    installed.run("keys", "backup", str(tmp_path / "copy"), "--under-master-key", **then)
    assert "copy of the keys" not in installed.run("doctor", **then).stdout
    then["clock"] = "2099-02-01T00:00:00+09:00"
    assert "the last copy of the keys has expired" in installed.run("doctor", **then).stdout


def test_the_journal_is_compacted(installed: Installation, tmp_path: Path) -> None:
    installed.run("backup", str(tmp_path / "one"), clock="2026-01-01T00:00:00+09:00")
    token = json.loads(installed.run("tokens", "create", "--purpose", "statistics", "--json").stdout)
    installed.run("tokens", "revoke", token["id"])
    installed.run("backup", str(tmp_path / "two"), clock="2026-03-01T00:00:00+09:00")
    assert "before must be a day such as" in installed.run("keys", "compact", "--before", "soon", code=2).stderr
    told = json.loads(installed.run("keys", "compact", "--before", "2026-02-01", "--json").stdout)
    assert told["forgotten"] >= 1
    assert "compacted" in installed.run("restore", str(tmp_path / "one"), "--replace", code=2).stderr
    installed.run("restore", str(tmp_path / "two"), "--replace")
    installed.run("verify")


def test_starting_over_on_another_machine(installed: Installation, tmp_path: Path) -> None:
    """From the settings, the copy of the keys, the backup and its journal alone, as docs/operations.md says."""
    installed.start()
    visitor = installed.consent(["statistics"])["visitor"]
    assert installed.send(visitor, event()).status_code == 202
    secret = ("--passphrase-file", str(tmp_path / "passphrase"))
    (tmp_path / "passphrase").write_text("a passphrase of some length\n")
    installed.run("keys", "backup", str(tmp_path / "copy"), *secret)
    installed.run("backup", str(tmp_path / "data"))
    installed.stop()
    for folder in ("data", "keys"):
        shutil.rmtree(installed.folder / folder)
    installed.run("keys", "restore", str(tmp_path / "copy"), *secret, "--journal", str(tmp_path / "data.journal"))
    installed.run("restore", str(tmp_path / "data"))
    installed.run("verify")
    installed.start()
    assert len(installed.me(visitor)["events"]) == 1
