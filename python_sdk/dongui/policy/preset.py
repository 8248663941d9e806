"""Presets: what common third-party tools set, fetch and receive, one TOML file a tool in ``presets/``.

They are a start, not a statement: tools change, so check a page with ``dongui scan`` and the tool's own documents.
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Literal

from dongui.errors import PolicyError
from dongui.i18n import LANGUAGES
from dongui.policy.model import Text
from dongui.policy.toml_reader import Problems, TomlTable


@dataclass(frozen=True, slots=True)
class PresetCookie:
    """A cookie of a tool; ``lifetime`` as in a policy file, ``third_party`` ones live on the tool's own domain."""

    name: str
    lifetime: str
    third_party: bool


@dataclass(frozen=True, slots=True)
class Preset:
    """One tool. ``role`` says whether its provider acts for the site (processor) or for itself (recipient).

    ``google_consent`` are the signals of Google's consent mode that a Google tool reads, by the purpose they stand for.
    """

    id: str
    label: str
    provider: str
    role: Literal["processor", "recipient"]
    purpose: str
    country: str
    contact: str
    task: Text
    transfer: Text
    keep: Text
    items: tuple[str, ...]
    urls: tuple[str, ...]
    cookies: tuple[PresetCookie, ...]
    google_consent: Mapping[str, tuple[str, ...]]


@cache
def all_presets() -> Mapping[str, Preset]:
    """All presets by id (``ga4``, ``meta``, …)."""
    found = sorted(
        (file for file in (files("dongui.policy") / "presets").iterdir() if file.name.endswith(".toml")), key=str
    )
    return {(id := file.name.removesuffix(".toml")): _read(id, file.read_text("utf-8")) for file in found}


def _read(id: str, text: str) -> Preset:
    problems = Problems(f"presets/{id}.toml")
    table = TomlTable(tomllib.loads(text), "", problems, LANGUAGES)
    preset = Preset(
        id=id,
        label=table.string("label", example="Google Analytics 4"),
        provider=table.string("provider", example="Google LLC"),
        role=table.word("role", ("processor", "recipient")),
        purpose=table.string("purpose", example="statistics"),
        country=table.string("country", example="US"),
        contact=table.string("contact", example="https://example.com"),
        task=table.text("task"),
        transfer=table.text("transfer"),
        keep=table.text("keep"),
        items=table.names("items", required=True),
        urls=table.names("urls", required=True),
        cookies=table.each("cookies", _cookie),
        google_consent=_signals(table.table("google_consent")),
    )
    table.done()
    if problems:
        raise PolicyError(problems)
    return preset


def _signals(table: TomlTable) -> dict[str, tuple[str, ...]]:
    found = {purpose: table.names(purpose) for purpose in table.raw}
    table.done()
    return found


def _cookie(table: TomlTable) -> PresetCookie:
    name = table.string("name", example="_ga*")
    cookie = PresetCookie(name, table.string("lifetime", example="P400D"), table.flag("third_party"))
    table.done()
    return cookie


# --- as lines of a policy file ----------------------------------------------------------------------------------------


def quoted(text: str) -> str:
    """A TOML basic string; JSON's escapes are TOML's, but for DEL."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def listed(entries: Iterable[str]) -> str:
    """A TOML list of texts on one line."""
    return f"[{', '.join(quoted(entry) for entry in entries)}]"


def cookie_lines(name: str, purpose: str, lifetime: str, provider: str) -> str:
    """A ``[[cookies]]`` entry; its value is not recorded until the site says so."""
    keys = {"name": name, "purpose": purpose, "lifetime": lifetime, "provider": provider}
    lines = [f"{key} = {quoted(value)}" for key, value in keys.items()]
    return "\n".join(["[[cookies]]", *lines, "record = false", ""])


def party_lines(preset: Preset, languages: Iterable[str]) -> str:
    """The ``[[processors]]`` or ``[[recipients]]`` entry of a tool's provider, in the policy's languages."""
    languages = tuple(languages)
    lines = [f"# {preset.label}: confirm country, period and contact with its provider's own documents."]
    lines += [f"[[{preset.role}s]]", f"name = {quoted(preset.provider)}"]
    lines += [f"task.{lang} = {quoted(preset.task[lang])}" for lang in languages]
    lines += [f"country = {quoted(preset.country)}", f"contact = {quoted(preset.contact)}"]
    lines += [f"transfer.{lang} = {quoted(preset.transfer[lang])}" for lang in languages]
    lines += [f"keep.{lang} = {quoted(preset.keep[lang])}" for lang in languages]
    lines += [f"items = {listed(preset.items)}", f"purposes = {listed((preset.purpose,))}", ""]
    return "\n".join(lines)
