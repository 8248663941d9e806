"""``dongui doctor``: each ailment is found, named with its remedy, and nothing else is."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from dongui_collector.core.settings import load_settings
from dongui_collector.runtime.composition import open_core

from tests.collector import Installation

Run = Callable[..., Result]


def all_symptoms(dongui: Run) -> tuple[int, list[dict[str, Any]]]:
    result = dongui("doctor", "--json")
    assert result.stdout, result.output
    return result.exit_code, json.loads(result.stdout)


def symptoms(dongui: Run) -> tuple[int, list[dict[str, Any]]]:
    """But that data and keys lie on one volume and nobody has visited: so it is in every one of these folders."""
    code, found = all_symptoms(dongui)
    return code, [s for s in found if "one volume" not in s["what"] and "no visit of" not in s["what"]]


@pytest.fixture
def folder(installed: dict[str, str]) -> Path:
    return Path(installed["config"]).parent


def append(folder: Path, line: str) -> None:
    with (folder / "dongui.toml").open("a") as file:
        file.write(line + "\n")


def test_a_fresh_installation_lacks_only_its_first_visit_and_its_running_collector(dongui: Run) -> None:
    code, found = all_symptoms(dongui)
    assert code == 0
    assert [s["level"] for s in found] == ["warning"] * 3
    assert "not running" in found[0]["what"]
    assert "one volume" in found[1]["what"], "K13: keys apart from the data is the operator's to arrange"
    assert "no visit of shop is recorded yet" in found[2]["what"]
    assert "dongui check-site https://shop.example.com/" in found[2]["remedy"]


def set_modes(folder: Path) -> None:
    (folder / "keys" / "master.key").chmod(0o644)


def set_keys_inside(folder: Path) -> None:
    (folder / "keys").rename(folder / "data" / "keys")
    append(folder, 'keys = "data/keys"\nmaster_key_file = "data/keys/master.key"')


def set_zone(folder: Path) -> None:
    text = (folder / "dongui.toml").read_text()
    (folder / "dongui.toml").write_text(text.replace("Asia/Seoul", "Europe/Berlin"))


def set_new_policy(folder: Path) -> None:
    with (folder / "policy.toml").open("a") as file:
        file.write("# changed\n")


def set_undeclared(folder: Path) -> None:
    core = open_core(load_settings(folder / "dongui.toml"), writable=True)
    with core.storage.ledger.writing():
        core.storage.admin.seen_cookies(1, ["_ga_X", "mystery"], core.clock.now())
    core.close()


def set_login(folder: Path) -> None:
    core = open_core(load_settings(folder / "dongui.toml"), writable=True)
    with core.storage.ledger.writing():
        core.storage.admin.seen_cookies(1, ["sessionid"], core.clock.now())
    core.close()


@pytest.mark.parametrize(
    ("ail", "level", "what", "remedy"),
    [
        (set_modes, "error", "master.key can be read by other users", "chmod 600"),
        (set_keys_inside, "error", "inside the data folder", "move it"),
        (set_zone, "error", "days end in Europe/Berlin", "set timezone"),
        (set_new_policy, "warning", "policy.toml is not among the published", "dongui policy publish"),
        (set_undeclared, "warning", "does not declare: mystery", "dongui scan"),
        (set_login, "warning", "which Django cannot work without", 'necessary = "login session"'),
        (lambda f: append(f, "testing = true"), "warning", "false clock", "remove the line"),
        (lambda f: append(f, 'host = "0.0.0.0"'), "warning", "0.0.0.0 without TLS", "trusted_proxies"),
        (lambda f: append(f, 'desk_host = "0.0.0.0"'), "warning", "the desk listens on 0.0.0.0", "tunnel"),
        (lambda f: append(f, 'geoip_database = "nowhere.mmdb"'), "error", "nowhere.mmdb", "no database is fine"),
    ],
    ids=[
        "modes",
        "keys inside",
        "zone",
        "unpublished",
        "undeclared cookie",
        "login",
        "testing",
        "host",
        "desk",
        "geoip",
    ],
)
def test_an_ailment_is_found(
    dongui: Run, folder: Path, ail: Callable[[Path], None], level: str, what: str, remedy: str
) -> None:
    ail(folder)
    code, found = symptoms(dongui)
    [symptom] = [s for s in found if "not running" not in s["what"]]
    assert symptom["level"] == level
    assert what in symptom["what"]
    assert remedy in symptom["remedy"]
    assert code == (1 if level == "error" else 0)


def test_a_site_without_origins_is_an_error(dongui: Run, folder: Path) -> None:
    core = open_core(load_settings(folder / "dongui.toml"), writable=True)
    with core.storage.ledger.writing():
        core.storage.ledger.set_origins(1, [])
    core.close()
    code, found = symptoms(dongui)
    assert code == 1
    assert "no origin" in found[0]["what"]


def test_a_serve_on_another_port_than_the_settings_is_asked_there(tmp_path: Path) -> None:
    one = Installation(tmp_path / "d", port=1, desk_port=2)
    try:
        one.start()
        found = [s["what"] for s in json.loads(one.run("doctor", "--json").stdout)]
        assert ["one volume" in found[0], "no visit of" in found[1], len(found)] == [True, True, 2]
    finally:
        one.close()


def test_the_text_gives_the_remedy_below(dongui: Run) -> None:
    assert dongui("doctor").stdout.splitlines()[1].strip() == "dongui serve"
