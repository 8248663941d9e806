"""The policy that ``dongui init`` writes: the packaged ``default.toml`` with a site's name, date and tools."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import date
from functools import cache
from importlib.resources import files

from dongui.i18n import LANGUAGES
from dongui.policy.load import parse
from dongui.policy.model import Policy
from dongui.policy.preset import Preset, all_presets, cookie_lines, listed, party_lines, quoted


def default_policy_text(
    *, version: str, effective: date | str, name: str = "Example Shop", presets: Iterable[str] = ()
) -> str:
    """The default policy as the text of a TOML file that passes every check.

    ``name`` is controller and service; ``effective`` a date or ``YYYY-MM-DD``; ``presets`` are ids of
    :func:`dongui.policy.all_presets` whose cookies, addresses and receivers are declared too. GA4 and Meta are in it
    anyhow. ``ValueError`` for an unknown preset.
    """
    text = _template()
    text = re.sub(r'(?m)^version = ".*"$', lambda _: f"version = {quoted(version)}", text, count=1)
    text = re.sub(r"(?m)^effective = .*$", lambda _: f"effective = {effective}", text, count=1)
    text = text.replace('"Example Shop"', quoted(name))
    for id in presets:
        text = _with(text, _preset(id))
    parse(text, name="the default policy")
    return text


@cache
def _template() -> str:
    return (files("dongui.policy") / "default.toml").read_text("utf-8")


def _preset(id: str) -> Preset:
    known = all_presets()
    if id not in known:
        raise ValueError(f"no preset {id!r}; there are {', '.join(known)}")
    return known[id]


def _with(text: str, preset: Preset) -> str:
    """The text with what it lacks of a tool: its cookies, its provider, its addresses in the purpose."""
    policy = parse(text, name="the default policy")
    declared = {cookie.name for cookie in policy.cookies}
    missing = [cookie for cookie in preset.cookies if not cookie.third_party and cookie.name not in declared]
    for cookie in missing:
        entry = cookie_lines(cookie.name, preset.purpose, cookie.lifetime, preset.provider)
        text = text.replace("[[cookies]]", f"{entry}\n[[cookies]]", 1)  # in front: a wider glob may follow
    if not _receives(policy, preset):
        text = _behind_last(text, f"[[{preset.role}s]]", party_lines(preset, LANGUAGES))
    urls = policy.purposes[preset.purpose].urls
    return _with_urls(text, preset.purpose, (*urls, *(url for url in preset.urls if url not in urls)))


def _receives(policy: Policy, preset: Preset) -> bool:
    """Whether the tool's provider is named for its purpose already."""
    return any(party.name == preset.provider for _, party in policy.parties(preset.purpose))


def _behind_last(text: str, header: str, entry: str) -> str:
    """``entry`` behind the last table under ``header``, which ends at an empty line."""
    end = text.index("\n\n", text.rindex(header)) + 2
    return f"{text[:end]}{entry}\n{text[end:]}"


def _with_urls(text: str, purpose: str, urls: Iterable[str]) -> str:
    start = text.index(f"[purposes.{purpose}]")
    line = text.index("\nurls = ", start) + 1
    return f"{text[:line]}urls = {listed(urls)}{text[text.index(chr(10), line) :]}"
