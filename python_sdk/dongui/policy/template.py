"""The policy that ``dongui init`` writes: the packaged ``default.toml`` with a site's own facts and its tools."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from datetime import date
from functools import cache
from importlib.resources import files

from dongui.i18n import LANGUAGES
from dongui.policy.globs import matches
from dongui.policy.load import parse
from dongui.policy.model import Policy
from dongui.policy.preset import Preset, all_presets, cookie_lines, listed, party_lines, quoted

_RECIPIENTS = "# --- what the page states besides"
_RECORDS = "# --- record classes"


def default_policy_text(
    *,
    version: str,
    effective: date | str,
    name: str = "Example Shop",
    controller: str | None = None,
    contact: str = "privacy@shop.example",
    officer: str | None = None,
    languages: Sequence[str] = LANGUAGES,
    country: str = "KR",
    timezone: str = "Asia/Seoul",
    presets: Iterable[str] = (),
) -> str:
    """The minimal policy, which names no third party, as the text of a TOML file that passes every check.

    ``name`` is the service, ``controller`` who runs it (by default of the same name), ``contact`` and ``officer`` (by
    default the same) where to write to them. ``effective`` is a date or ``YYYY-MM-DD``; ``country`` ISO 3166 alpha-2;
    ``timezone`` an IANA name. ``presets`` are ids of :func:`dongui.policy.all_presets`: each adds its tool's cookies,
    addresses, receiver and consent-mode signals, and nothing else. Raises ``ValueError`` for an unknown preset or
    language, :class:`~dongui.errors.PolicyError` for what a policy cannot hold.
    """
    text = _spoken(_template(), languages)
    facts = {
        "version": version,
        "service": name,
        "controller": controller or name,
        "contact": contact,
        "officer contact": officer or contact,
        "timezone": timezone,
        "country": country,
    }
    for place, pattern in _PLACES.items():
        text = _filled(text, pattern, facts[place])
    text = re.sub(r"(?m)^effective = .*$", lambda _: f"effective = {effective}", text, count=1)
    for id in dict.fromkeys(presets):
        text = _with(text, _preset(id))
    parse(text, name="the default policy")
    return text


_PLACES = {
    "version": r"(?m)^(version = ).*$",
    "service": r"(?m)^(service = ).*$",
    "controller": r'(name = )"<controller>"',
    "contact": r'(contact = )"<contact>"',
    "officer contact": r'(contact = )"<officer contact>"',
    "timezone": r"(?m)^(timezone = ).*$",
    "country": r"(?m)^(country = ).*$",
}
"""Where each fact stands in the template; what comes before it is the first group."""


def _filled(text: str, pattern: str, fact: str) -> str:
    return re.sub(pattern, lambda found: f"{found[1]}{quoted(fact)}", text, count=1)


@cache
def _template() -> str:
    return (files("dongui.policy") / "default.toml").read_text("utf-8")


def _spoken(text: str, languages: Sequence[str]) -> str:
    """The template in these languages alone."""
    if unknown := [lang for lang in languages if lang not in LANGUAGES]:
        raise ValueError(f"no language {unknown[0]!r}; there are {', '.join(LANGUAGES)}")
    for lang in LANGUAGES:
        if lang not in languages:
            text = re.sub(rf"(?m)^\w+\.{lang} = .*\n", "", text)
    return re.sub(r"(?m)^languages = .*$", lambda _: f"languages = {listed(languages)}", text, count=1)


def _preset(id: str) -> Preset:
    known = all_presets()
    if id not in known:
        raise ValueError(f"no preset {id!r}; there are minimal, {', '.join(known)}")
    return known[id]


def _with(text: str, preset: Preset) -> str:
    """The text with what it lacks of a tool: its cookies, its provider, its addresses and signals in the purposes."""
    policy = parse(text, name="the default policy")
    declared = {cookie.name for cookie in policy.cookies}
    for cookie in preset.cookies:
        if not cookie.third_party and cookie.name not in declared:
            wide = any(matches(cookie.name, name.replace("*", "")) for name in declared)
            text = _with_cookie(text, cookie_lines(cookie.name, preset.purpose, cookie.lifetime, preset.provider), wide)
    if not _receives(policy, preset):
        text = text.replace(_RECIPIENTS, f"{party_lines(preset, policy.notice.languages)}\n{_RECIPIENTS}", 1)
    urls = policy.purposes[preset.purpose].urls
    text = _with_list(text, preset.purpose, "urls", (*urls, *(url for url in preset.urls if url not in urls)))
    for purpose, signals in preset.google_consent.items():
        text = _with_list(text, purpose, "google_consent", signals)
    return text


def _with_cookie(text: str, entry: str, wide: bool) -> str:
    """Behind the other cookies where its glob fits one of them, else in front: the first that fits a name counts."""
    before = "[[cookies]]" if "\n[[cookies]]" in text and not wide else _RECORDS
    return text.replace(f"\n{before}", f"\n{entry}\n{before}", 1)


def _receives(policy: Policy, preset: Preset) -> bool:
    """Whether the tool's provider is named for its purpose already."""
    return any(party.name == preset.provider for _, party in policy.parties(preset.purpose))


def _with_list(text: str, purpose: str, key: str, entries: Iterable[str]) -> str:
    """A purpose with ``key`` as this list, whether it had one or not."""
    start = text.index(f"[purposes.{purpose}]")
    end = text.index("\n\n", start)
    kept = [line for line in text[start:end].splitlines() if not line.startswith(f"{key} = ")]
    return text[:start] + "\n".join([*kept, f"{key} = {listed(entries)}"]) + text[end:]
