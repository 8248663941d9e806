"""Settings: one flat TOML file, then the environment (``DONGUI_<KEY>``), then the command line. Twelve-factor."""

from __future__ import annotations

import os
import re
import tomllib
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from dongui.rules.periods import Period

from dongui_collector.core.errors import SettingsError


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything an installation can be told. Each field is a key of ``dongui.toml``; ``docs/settings.md`` explains
    each.

    ``trusted_proxies`` is the number of proxies of yours in front of the collector: ``X-Forwarded-For`` is believed for
    exactly that many hops, counted from the right. ``rate_limit`` is requests a second for one address on one site,
    ``rate_burst`` how many may come at once. Paths are relative to the settings file.
    """

    folder: Path
    timezone: str = "Asia/Seoul"
    data: str = "data"
    keys: str = "keys"
    host: str = "127.0.0.1"
    port: int = 8787
    desk_host: str = "127.0.0.1"
    desk_port: int = 8788
    desk_hosts: str = ""
    desk_proxies: int = 0
    workers: int = 1
    trusted_proxies: int = 0
    rate_limit: float = 20.0
    rate_burst: int = 600
    geoip_database: str = ""
    master_key_file: str = "keys/master.key"
    master_key_command: str = ""
    key_backup_horizon: str = "P30D"
    session_hours: int = 8
    session_idle_minutes: int = 30
    reports_memory_mb: int = 1024
    trailing_slash: str = "keep"
    channel_rules: tuple[str, ...] = ()
    currency: str = ""
    exchange_rates: tuple[str, ...] = ()
    require_totp: bool = False
    two_person: bool = False
    checkpoint_folder: str = ""
    webhook_networks: str = ""
    mail_to: str = ""
    mail_from: str = ""
    mail_language: str = "ko"
    smtp_host: str = ""
    smtp_port: int = 587
    smtp_security: str = "starttls"
    smtp_user: str = ""
    smtp_password: str = ""
    log_level: str = "info"
    testing: bool = False

    @property
    def data_path(self) -> Path:
        return self.folder / self.data

    @property
    def keys_path(self) -> Path:
        return self.folder / self.keys

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.timezone)


_KEYS = {f.name: f for f in fields(Settings) if f.name != "folder"}
_TEXTS = "tuple[str, ...]"
_CONDITION = r"(?:referrer|source|medium|campaign|term|content):[^&>]*[^&>\s-]\s*"
_CHANNEL_RULE = re.compile(rf"{_CONDITION}(?:&\s*{_CONDITION})*->\s*[a-z][a-z0-9_]{{0,39}}")
_CHANNEL_RULE_FORM = (
    "a rule is FIELD:PATTERN [& FIELD:PATTERN …] -> CHANNEL, such as 'source:naver & medium:brand* -> paid_search'; "
    "FIELD is one of referrer, source, medium, campaign, term, content"
)
_CURRENCY = re.compile(r"[A-Z]{3}")
_FORMS = {
    "channel_rules": (_CHANNEL_RULE, _CHANNEL_RULE_FORM),
    "exchange_rates": (
        re.compile(r"[A-Z]{3}\s+(?=[0-9.]*[1-9])[0-9]{1,9}(?:\.[0-9]{1,9})?"),
        "a rate is CODE NUMBER, such as 'USD 1380.5': what one US dollar is worth in the setting currency",
    ),
}
# These select other things than a setting: the file itself, the clock, the master key's value.
_NOT_SETTINGS = {"DONGUI_CONFIG", "DONGUI_CLOCK", "DONGUI_MASTER_KEY"}
_BOUNDS = {
    "port": (0, 65535),
    "desk_port": (0, 65535),
    "smtp_port": (1, 65535),
    "workers": (1, 64),
    "trusted_proxies": (0, 16),
    "desk_proxies": (0, 16),
    "rate_burst": (1, 10**9),
    "reports_memory_mb": (0, 1 << 20),
    "session_hours": (1, 24),
    "session_idle_minutes": (1, 480),
}
_CHOICES = {
    "trailing_slash": ("keep", "ignore"),
    "smtp_security": ("starttls", "tls", "none"),
    "mail_language": ("ko", "en"),
}


def load_settings(path: Path) -> Settings:
    """Read ``dongui.toml`` and the environment.

    Raises :class:`SettingsError` naming the file, the key and the remedy; unknown keys are errors, so that a typing
    mistake never silently leaves a default standing.
    """
    try:
        raw = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise SettingsError(
            f"{path} does not exist; make an installation with `dongui init DIR`, or name one with --config"
        ) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path} is not valid TOML: {error}") from None
    settings = Settings(folder=path.resolve().parent)
    for key, value in raw.items():
        settings = _with(settings, key, value, where=str(path))
    for name, text in os.environ.items():
        key = name.removeprefix("DONGUI_").lower()
        # testing opens the door to false clocks and must stand in the file, where it is seen.
        if name.startswith("DONGUI_") and name not in _NOT_SETTINGS and key in _KEYS and key != "testing":
            settings = _with(settings, key, _from_text(key, text), where=f"the environment variable {name}")
    return settings


def override(settings: Settings, **given: Any) -> Settings:
    """Command-line options over the file and the environment; ``None`` means not given."""
    for key, value in given.items():
        if value is not None:
            settings = _with(settings, key, value, where="the command line")
    return settings


def _from_text(key: str, text: str) -> Any:
    kind = _KEYS[key].type
    if kind == _TEXTS:
        return [one.strip() for one in text.split(";") if one.strip()]
    try:
        if kind == "bool":
            return {"true": True, "1": True, "false": False, "0": False}[text.lower()]
        return int(text) if kind == "int" else float(text) if kind == "float" else text
    except KeyError:
        raise SettingsError(f"DONGUI_{key.upper()} must be true or false") from None
    except ValueError:
        raise SettingsError(f"DONGUI_{key.upper()} must be a number") from None


def _texts(key: str, value: Any, where: str) -> tuple[str, ...]:
    """A list of texts, each of the form that the key's texts have."""
    if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
        raise SettingsError(f"{where}: {key} must be a list of texts")
    form, remedy = _FORMS[key]
    if not all(form.fullmatch(one.strip()) for one in value):
        raise SettingsError(f"{where}: {key}: {remedy}")
    return tuple(one.strip() for one in value)


def _with(settings: Settings, key: str, value: Any, *, where: str) -> Settings:
    if key not in _KEYS:
        raise SettingsError(f"{where}: unknown setting {key!r}; known are {', '.join(sorted(_KEYS))}")
    wanted = _KEYS[key].type
    if wanted == "float" and type(value) is int:
        value = float(value)
    if wanted == _TEXTS:
        texts: dict[str, Any] = {key: _texts(key, value, where)}
        return replace(settings, **texts)
    if type(value).__name__ != wanted:
        raise SettingsError(f"{where}: {key} must be of type {wanted}, not {type(value).__name__}")
    low, high = _BOUNDS.get(key, (value, value))
    if not low <= value <= high:
        raise SettingsError(f"{where}: {key} must lie between {low} and {high}")
    if wanted == "float" and not value > 0:
        raise SettingsError(f"{where}: {key} must be greater than 0")
    if (known := _CHOICES.get(key)) and value not in known:
        raise SettingsError(f"{where}: {key} must be one of {', '.join(known)}")
    if key == "currency" and value and not _CURRENCY.fullmatch(value):
        raise SettingsError(f"{where}: currency is a code of ISO 4217, such as KRW")
    if key == "key_backup_horizon":
        try:
            Period.parse(value)
        except ValueError:
            raise SettingsError(f"{where}: key_backup_horizon {value!r} is no period such as P30D") from None
    if key == "timezone":
        try:
            ZoneInfo(value)
        except (KeyError, ValueError, OSError):
            raise SettingsError(f"{where}: timezone {value!r} is not a zone name such as Asia/Seoul") from None
    return replace(settings, **{key: value})
