"""What goes wrong at the command line on a newcomer's first day: one line that names the remedy, exit code 2."""

from __future__ import annotations

from pathlib import Path

from tests.collector import Installation, dongui, starting_text
from tests.ports import free_port


def test_without_an_installation_the_command_that_makes_one_is_named(tmp_path: Path) -> None:
    done = dongui("doctor", cwd=tmp_path, code=2)
    assert "dongui init DIR" in done.stderr
    assert "--config" in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_a_second_serve_names_the_first_and_its_port(tmp_path: Path) -> None:
    shop = Installation(tmp_path / "shop")
    try:
        shop.start()
        assert shop.process is not None
        ports = ("--port", str(free_port()), "--desk-port", str(free_port()))
        assert str(shop.process.pid) in shop.run("serve", *ports, code=2).stderr
        taken = shop.run("serve", "--port", str(shop.port), "--desk-port", str(free_port()), code=2)
        assert "--port" in taken.stderr
    finally:
        shop.close()


def test_an_origin_with_a_path_is_refused_with_the_form(tmp_path: Path) -> None:
    shop = Installation(tmp_path / "shop")
    try:
        done = shop.run("sites", "add", "shop", "--origin", "https://shop.example.com/start", code=2)
        assert "https://shop.example.com" in done.stderr
        assert "write it like" in done.stderr
    finally:
        shop.close()


def test_a_changed_policy_under_its_old_version_is_refused_with_the_remedy(tmp_path: Path) -> None:
    shop = Installation(tmp_path / "shop")
    try:
        changed = tmp_path / "changed.toml"
        changed.write_text(f"{starting_text()}\n# one more word\n", encoding="utf-8")
        done = shop.run("policy", "publish", str(changed), code=2)
        assert "give the changed policy a new version" in done.stderr
    finally:
        shop.close()
