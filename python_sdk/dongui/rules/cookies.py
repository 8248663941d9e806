"""Which purpose a cookie serves, and whether it may be set."""

from __future__ import annotations

from collections.abc import Container, Mapping
from typing import Any, Literal

from dongui.policy.globs import matches
from dongui.rules.own_cookies import OWN_COOKIES

__all__ = ["NECESSARY", "OWN_COOKIES", "Verdict", "classify", "cookie_verdict", "declaration", "matches"]

Verdict = Literal["pass", "drop", "undeclared"]

NECESSARY = "(necessary)"
"""What stands in place of a purpose for cookies that need none; no purpose can have this id."""


def declaration(name: str, policy: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """The first cookie entry of a compiled policy whose glob fits ``name``."""
    for cookie in policy["cookies"]:
        if matches(cookie["name"], name):
            found: Mapping[str, Any] = cookie
            return found
    return None


def classify(name: str, policy: Mapping[str, Any]) -> str | None:
    """The purpose of a cookie: ``"dongui"`` for our own under any of their names, :data:`NECESSARY` for one that nobody
    is asked for, None when no entry declares it.
    """
    if name in OWN_COOKIES:
        return "dongui"
    cookie = declaration(name, policy)
    return None if cookie is None else cookie["purpose"] or NECESSARY


def cookie_verdict(name: str, granted: Container[str], policy: Mapping[str, Any], strict: bool = False) -> Verdict:
    """Whether a cookie may be set now: an undeclared one passes and is counted by name, unless ``strict`` drops it.

    A purpose that rests on another basis than consent needs no grant; one that the policy does not know gets none.
    """
    name_of_purpose = classify(name, policy)
    if name_of_purpose is None:
        return "drop" if strict else "undeclared"
    if name_of_purpose in ("dongui", NECESSARY) or name_of_purpose in granted:
        return "pass"
    purpose = policy["purposes"].get(name_of_purpose)
    return "drop" if purpose is None or purpose["basis"] == "consent" else "pass"
