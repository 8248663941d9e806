"""A new installation: settings, policy, data, keys, the first site. All of it or nothing.

Used by ``dongui init`` and by the demo.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from contextlib import ExitStack, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from zoneinfo import ZoneInfo

from dongui.i18n import LANGUAGES
from dongui.policy import default_policy_text, parse

from dongui_collector.access.secrets import new_password
from dongui_collector.core.clock import Clock, clock_from_environment
from dongui_collector.core.errors import CollectorError, StorageError
from dongui_collector.core.operations import perform
from dongui_collector.core.private_files import private
from dongui_collector.core.settings import load_settings
from dongui_collector.keys.keyring import new_master, write_master
from dongui_collector.runtime.composition import open_core

ACCOUNT = "admin"

_SETTINGS = """\
# Settings of this dongui installation. Each key may also come from the environment, as DONGUI_<KEY>.
# docs/settings.md explains every one. Paths are relative to this file.

# Days begin and end in this zone; copied from the policy.
timezone = "{timezone}"

# Below, the defaults. The public door, and the desk, which stays on loopback:
# host = "127.0.0.1"
# port = 8787
# desk_port = 8788

# How many proxies of your own stand in front; X-Forwarded-For is believed for exactly that many hops:
# trusted_proxies = 0
"""


@dataclass(frozen=True, slots=True)
class Installed:
    """What ``dongui init`` prints. The secret key and the password are shown this once and kept only one-way."""

    config: str
    site: str
    secret_key: str
    console_password: str

    def json(self) -> dict[str, str]:
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Facts:
    """What a new policy says of the site. What nobody said stays a placeholder, with which nothing is published."""

    name: str
    controller: str = "<controller>"
    contact: str = "<contact>"
    officer: str = "<officer contact>"
    languages: Sequence[str] = LANGUAGES
    country: str = "KR"
    timezone: str = "Asia/Seoul"


def starting_policy(facts: Facts, *, presets: Sequence[str] = ()) -> str:
    """The policy that a new installation starts with, in force from today and named after the day.

    Raises :class:`CollectorError` for a preset, a language or a time zone that does not exist.
    """
    try:
        today = Clock().today(ZoneInfo(facts.timezone))
        return default_policy_text(version=today.isoformat(), effective=today, presets=presets, **asdict(facts))
    except (ValueError, OSError, KeyError) as error:
        raise CollectorError(str(error)) from None


def install(folder: Path, text: str, *, name: str, origins: Sequence[str] = (), publish: bool = True) -> Installed:
    """Make an installation in ``folder``, which may exist but must not hold one. On any error nothing is left of it.

    ``text`` is the policy; without ``publish`` it is a draft in ``policy.toml``. Raises
    :class:`~dongui.errors.PolicyError` for one that cannot be executed, :class:`SettingsError` under a false clock,
    :class:`StorageError` for a folder that holds something already.
    """
    clock_from_environment(testing=False)
    policy = parse(text)
    folder = folder.absolute()
    _refuse_a_full(folder, text)
    with ExitStack() as undo:
        _make_folder(folder, undo)
        config = _write(folder / "dongui.toml", _SETTINGS.format(timezone=policy.notice.timezone), undo)
        if not (folder / "policy.toml").exists():
            _write(folder / "policy.toml", text, undo)
        for part in ("data", "keys"):
            undo.callback(shutil.rmtree, folder / part, ignore_errors=True)
        write_master(folder / "keys" / "master.key", new_master())
        installed = _fill(config, text if publish else None, name, origins)
        undo.pop_all()
    return installed


def _fill(config: Path, text: str | None, name: str, origins: Sequence[str]) -> Installed:
    core = open_core(load_settings(config), writable=True)
    try:
        site = perform(core, "sites.add", {"name": name, "origins": list(origins), "text": text})
        password = new_password()
        perform(core, "accounts.put", {"name": ACCOUNT, "password": password, "role": "admin", "by": "dongui init"})
        core.retention.standing.grant("dongui init")
    finally:
        core.close()
    return Installed(str(config), site["site"], site["secret_key"], password)


def _refuse_a_full(folder: Path, text: str) -> None:
    for part in ("dongui.toml", "data", "keys"):
        if (folder / part).exists():
            raise StorageError(f"{folder} already holds an installation ({part}); name another folder")
    policy = folder / "policy.toml"
    if policy.exists() and policy.read_text(encoding="utf-8") != text:
        raise CollectorError(f"{policy} exists already; use it with --policy {policy}, or name another folder")


def _make_folder(folder: Path, undo: ExitStack) -> None:
    """Make the folder and the parents it lacks; those made here go again if the installation fails."""
    for missing in reversed([f for f in (folder, *folder.parents) if not f.exists()]):
        missing.mkdir(mode=0o700)
        undo.callback(_quietly(missing.rmdir))


def _write(path: Path, text: str, undo: ExitStack) -> Path:
    undo.callback(path.unlink, missing_ok=True)
    with open(path, "w", encoding="utf-8", opener=private) as file:
        file.write(text)
    return path


def _quietly(action: Callable[[], None]) -> Callable[[], None]:
    def run() -> None:
        with suppress(OSError):  # the first error is the one to be told
            action()

    return run
