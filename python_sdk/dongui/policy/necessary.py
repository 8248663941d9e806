"""Cookies that need no consent: those of web frameworks that a site cannot work without, and names that never are.

``necessary`` exempts a cookie from being asked for; it is no basis of its own (K2). What follows a person around is
never exempt, whatever the policy says.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from dongui.policy.globs import matches
from dongui.policy.model import Basis, Text
from dongui.policy.preset import all_presets, quoted

OWN_NAME = re.compile(r"(__(Host|Secure)-)?dongui(_frame)?(_id)?")
"""Our own two cookies under any of their names."""

_WORD = re.compile(r"[A-Z]?[a-z]+|[A-Z]+")


@dataclass(frozen=True, slots=True)
class FrameworkCookie:
    """A cookie that a framework sets by default, why a site needs it, on which basis; ``lifetime`` as in a policy."""

    framework: str
    name: str
    reason: Text
    basis: Basis
    lifetime: str
    keep_glob: bool

    def lines(self, name: str, provider: str, languages: Iterable[str], lifetime: str | None = None) -> str:
        """The ``[[cookies]]`` entry for this cookie as it was seen under ``name``, in the policy's languages."""
        declared = self.name if self.keep_glob else name
        return "\n".join(
            [
                "[[cookies]]",
                f"name = {quoted(declared)}",
                *(f"necessary.{lang} = {quoted(self.reason[lang])}" for lang in languages),
                f"basis = {quoted(self.basis)}",
                f"lifetime = {quoted(lifetime or self.lifetime)}",
                f"provider = {quoted(provider)}",
                "",
            ]
        )


@dataclass(frozen=True, slots=True)
class _Names:
    """``cookie_names.toml``, and the cookies that tools' presets set on the site's own host."""

    frameworks: tuple[FrameworkCookie, ...]
    trackers: tuple[str, ...]
    words: frozenset[str]


@cache
def _names() -> _Names:
    table = tomllib.loads((files("dongui.policy") / "cookie_names.toml").read_text("utf-8"))
    tools = (cookie.name for preset in all_presets().values() for cookie in preset.cookies if not cookie.third_party)
    frameworks = tuple(_framework_cookie(one, table["reasons"][one["reason"]]) for one in table["cookies"])
    return _Names(frameworks, (*table["trackers"], *tools), frozenset(table["words"]))


def framework_cookies() -> tuple[FrameworkCookie, ...]:
    """The session and CSRF cookies of Django, Flask, Rails, PHP, Spring and ASP.NET."""
    return _names().frameworks


def _framework_cookie(one: dict[str, str], reason: dict[str, str]) -> FrameworkCookie:
    text: Text = reason["text"]  # type: ignore[assignment]
    basis: Basis = reason["basis"]  # type: ignore[assignment]
    return FrameworkCookie(one["framework"], one["name"], text, basis, one["lifetime"], "keep_glob" in one)


def framework_cookie(name: str) -> FrameworkCookie | None:
    """The framework's cookie that goes by ``name``, unless the name is a tracker's."""
    if is_tracker(name):
        return None
    return next((one for one in framework_cookies() if one.name == name or matches(one.name, name)), None)


def is_tracker(name: str) -> bool:
    """Whether a cookie's name, or some name that fits it as a glob, is known to be a tracker's, or says it is one."""
    if any(word.lower() in _names().words for word in _WORD.findall(name)):
        return True
    trackers = _names().trackers
    plain = name.replace("*", "")
    if any(matches(tracker, plain) for tracker in trackers):
        return True
    return "*" in name and any(matches(name, sample) for tracker in trackers for sample in _samples(tracker))


def covers_own(name: str) -> bool:
    """Whether a name, or a glob, is one that our own cookies go by."""
    if "*" not in name:
        return OWN_NAME.fullmatch(name) is not None
    return any(matches(name, own) for own in ("dongui", "dongui_id", "__Host-dongui", "__Host-dongui_id"))


def _samples(tracker: str) -> tuple[str, ...]:
    return tuple(tracker.replace("*", rest) for rest in (("", "_X1") if "*" in tracker else ("",)))
