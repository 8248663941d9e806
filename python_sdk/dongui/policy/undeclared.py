"""What a page uses that its policy does not declare yet, and the lines that would declare it. Pure: others look.

A tool that a preset knows is declared by the preset's words; of the rest only the site can say what it is for.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Literal
from urllib.parse import SplitResult, urlsplit

from dongui.i18n import LANGUAGES
from dongui.policy.globs import matches
from dongui.policy.model import Policy
from dongui.policy.necessary import OWN_NAME, FrameworkCookie, framework_cookie, is_tracker
from dongui.policy.preset import Preset, PresetCookie, all_presets, cookie_lines, listed, party_lines

_DAY = 86_400


@dataclass(frozen=True, slots=True)
class ScannedCookie:
    """A cookie, or a key of the browser's storage. ``seconds`` until it ends; None with the session. No values."""

    name: str
    host: str
    seconds: int | None
    place: Literal["cookie", "local storage", "session storage"] = "cookie"


@dataclass(frozen=True, slots=True)
class PageScan:
    """What a visit to ``url`` left and fetched; ``requests`` are addresses, also those that wait for consent."""

    url: str
    cookies: tuple[ScannedCookie, ...] = ()
    requests: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Gap:
    """One thing that the policy lacks, and the TOML ``lines`` for it; ``tool`` names the preset that knows it."""

    kind: Literal["cookie", "address", "receiver"]
    name: str
    tool: str | None
    lines: str


@dataclass(slots=True)
class _Needs:
    """What a preset's tool was seen to need."""

    cookies: list[PresetCookie] = field(default_factory=list)
    fetched: bool = False


def gaps(policy: Policy | None, seen: PageScan) -> list[Gap]:
    """Every gap between what was seen and ``policy`` (None: nothing is declared yet), known tools first."""
    needs: dict[str, _Needs] = {}
    unknown: list[Gap] = []
    for cookie in seen.cookies:
        if OWN_NAME.fullmatch(cookie.name) or _declares(policy, cookie.name):
            continue
        if exempt := framework_cookie(cookie.name):
            unknown.append(_exempt(policy, cookie, exempt))
        elif found := _tool_of_cookie(cookie.name):
            preset, entry = found
            needed = needs.setdefault(preset.id, _Needs()).cookies
            needed += [] if entry in needed else [entry]
        else:
            unknown.append(_unknown_cookie(cookie))
    for address in _third_party(seen):
        if not _fetches(policy, address):
            tool = _tool_of_address(address)
            if tool:
                needs.setdefault(tool.id, _Needs()).fetched = True
            elif not any(gap.name == _origin(address) for gap in unknown):
                unknown.append(_unknown_address(_origin(address)))
    known = [gap for id, need in needs.items() for gap in _tool_gaps(policy, all_presets()[id], need)]
    return [*known, *unknown]


def _declares(policy: Policy | None, name: str) -> bool:
    return policy is not None and any(matches(cookie.name, name) for cookie in policy.cookies)


def _fetches(policy: Policy | None, address: str) -> bool:
    purposes = policy.purposes.values() if policy else ()
    return any(matches(pattern, address) for purpose in purposes for pattern in purpose.urls)


def _tool_of_cookie(name: str) -> tuple[Preset, PresetCookie] | None:
    """The preset that knows a cookie, by the longest glob: ``_gac_*`` is Google Ads although ``_ga*`` fits it, too."""
    fits = [(p, c) for p in all_presets().values() for c in p.cookies if matches(c.name, name)]
    return max(fits, key=lambda pair: len(pair[1].name), default=None)


def _tool_of_address(address: str) -> Preset | None:
    return next((p for p in all_presets().values() if any(matches(url, address) for url in p.urls)), None)


def _third_party(seen: PageScan) -> Iterator[str]:
    """Addresses of other sites, less the collector's own (where the snippet came from)."""
    home = (_parts(seen.url).hostname or "").removeprefix("www.")
    ours = {_origin(url) for url in seen.requests if _parts(url).path == "/v1/dongui.js"}
    for address in seen.requests:
        host = _parts(address).hostname or ""
        same = host == home or host.endswith(f".{home}")
        if address.startswith(("http://", "https://")) and not same and _origin(address) not in ours:
            yield address


def _origin(address: str) -> str:
    parts = _parts(address)
    return f"{parts.scheme}://{parts.netloc}"


def _parts(address: str) -> SplitResult:
    """An address of the page taken apart; one that no browser could fetch has no parts."""
    try:
        return urlsplit(address)
    except ValueError:
        return urlsplit("")


def _tool_gaps(policy: Policy | None, preset: Preset, need: _Needs) -> Iterator[Gap]:
    for cookie in need.cookies:
        lines = cookie_lines(cookie.name, preset.purpose, cookie.lifetime, preset.provider)
        yield Gap("cookie", cookie.name, preset.label, _purpose_note(policy, preset.purpose) + lines)
    if need.fetched:
        purpose = policy.purposes.get(preset.purpose) if policy else None
        urls = dict.fromkeys((*(purpose.urls if purpose else ()), *preset.urls))
        lines = f"# in [purposes.{preset.purpose}], instead of its urls:\nurls = {listed(urls)}\n"
        yield Gap("address", preset.label, preset.label, lines)
    if policy is None or not any(party.name == preset.provider for _, party in policy.parties(preset.purpose)):
        languages = policy.notice.languages if policy else LANGUAGES
        yield Gap("receiver", preset.provider, preset.label, party_lines(preset, languages))


def _purpose_note(policy: Policy | None, purpose: str) -> str:
    if policy is None or purpose in policy.purposes:
        return ""
    return f"# the policy has no purpose {purpose}: name one of {', '.join(policy.purposes)}\n"


def _exempt(policy: Policy | None, cookie: ScannedCookie, known: FrameworkCookie) -> Gap:
    """A login needs no consent: under a purpose, who refuses it could not sign in any more."""
    provider = policy.controller.name if policy else cookie.host
    languages = policy.notice.languages if policy else LANGUAGES
    lifetime = None if cookie.seconds is None else _lifetime(cookie)
    note = f"# {known.framework} cannot work without it, so nobody is asked for it; it is never a purpose's\n"
    return Gap("cookie", cookie.name, known.framework, note + known.lines(cookie.name, provider, languages, lifetime))


def _unknown_cookie(cookie: ScannedCookie) -> Gap:
    """Only the site knows its purpose: left empty, so that the policy does not load until somebody says it."""
    lines = cookie_lines(cookie.name, "", _lifetime(cookie), cookie.host)
    note = f"# {cookie.place} of {cookie.host}; say which purpose it serves"
    if cookie.place == "cookie" and not is_tracker(cookie.name):
        note += ', or why the site cannot work without it: necessary = "…"'
    return Gap("cookie", cookie.name, None, f"{note}\n{lines}")


def _lifetime(cookie: ScannedCookie) -> str:
    if cookie.place == "local storage":
        return "P400D"
    return "session" if cookie.seconds is None else f"P{max(1, min(400, -(-cookie.seconds // _DAY)))}D"


def _unknown_address(origin: str) -> Gap:
    text = f'# {origin} is fetched: add "{origin}/*" to the urls of the purpose it serves,\n'
    return Gap("address", origin, None, f"{text}# and its provider to [[processors]] or [[recipients]]\n")


def as_lines(found: Iterable[Gap]) -> str:
    """The lines of all gaps, ready to be pasted into the policy."""
    return "\n".join(gap.lines for gap in found)
