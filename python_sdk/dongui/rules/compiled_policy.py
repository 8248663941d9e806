"""A compiled policy made ready for many quick decisions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dongui.rules.consent import Choice, is_in_force, purposes_asked
from dongui.rules.cookies import NECESSARY, classify, declaration
from dongui.rules.gate import items_allowed

_REMEMBERED_NAMES = 1024
_REMEMBERED_GRANTS = 256
_NOTHING: frozenset[str] = frozenset()


class CompiledPolicy:
    """The mapping of ``GET /v1/policy``, immutable but for bounded caches; ``known`` is False before any policy is.

    Raises ``ValueError`` when the mapping cannot be used, so that nothing fails later, in the middle of a request.
    """

    def __init__(self, policy: Mapping[str, Any], *, known: bool = True) -> None:
        if not _sound(policy):
            raise ValueError("this is not a compiled policy")
        self.policy = policy
        self.known = known
        self.version: str = policy["version"]
        self.choice_seconds: int = policy["choice_seconds"]
        self.records_cookies = any(cookie["record"] for cookie in policy["cookies"])
        self.asked = frozenset(name for name, purpose in policy["purposes"].items() if purpose["basis"] == "consent")
        # The longest letters of each glob: a header that has none of them holds no cookie that is declared for consent.
        self._letters = tuple(
            {
                max(cookie["name"].split("*"), key=len)
                for cookie in policy["cookies"]
                if self.needs_consent(cookie["purpose"] or NECESSARY)
            }
        )
        self._cookie_purposes: dict[str, str | None] = {}
        self._recorded: dict[str, bool] = {}
        self._items: dict[frozenset[str], frozenset[str]] = {}
        self._granted: dict[tuple[tuple[str, ...], bool], frozenset[str]] = {}

    def purpose_of(self, cookie: str) -> str | None:
        """As :func:`~dongui.rules.cookies.classify`; None for an undeclared cookie."""
        try:
            return self._cookie_purposes[cookie]
        except KeyError:
            purpose = classify(cookie, self.policy)
            # Names come from responses and from visitors: the cache must not grow with what they invent.
            if len(self._cookie_purposes) < _REMEMBERED_NAMES:
                self._cookie_purposes[cookie] = purpose
            return purpose

    def concerns(self, cookie: str) -> bool:
        """Whether a cookie is declared for a purpose that acts only once granted."""
        purpose = self.purpose_of(cookie)
        return purpose is not None and self.needs_consent(purpose)

    def may_hold(self, cookies: str) -> bool:
        """Whether a ``Cookie`` header may hold any cookie that needs consent: a quick look before a close one."""
        return any(letters in cookies for letters in self._letters)

    def records(self, cookie: str) -> bool:
        """Whether the value of a cookie may be recorded, its purpose granted."""
        try:
            return self._recorded[cookie]
        except KeyError:
            entry = declaration(cookie, self.policy)
            recorded = entry is not None and entry["record"] is True
            if len(self._recorded) < _REMEMBERED_NAMES:
                self._recorded[cookie] = recorded
            return recorded

    def needs_consent(self, purpose: str) -> bool:
        """Whether a purpose acts only once granted. True for one that the policy does not know: it never acts."""
        if purpose in ("dongui", NECESSARY):
            return False
        return purpose in self.asked or purpose not in self.policy["purposes"]

    def items(self, purposes: frozenset[str]) -> frozenset[str]:
        """The items that these purposes list."""
        try:
            return self._items[purposes]
        except KeyError:
            items = items_allowed(purposes, self.policy)
            if len(self._items) < _REMEMBERED_GRANTS:
                self._items[purposes] = items
            return items

    def purposes(self, choice: Choice | None, now: int, gpc: bool) -> frozenset[str]:
        """As :func:`~dongui.rules.consent.effective_purposes`."""
        if choice is None or not is_in_force(choice, self.policy, now):
            return _NOTHING
        try:
            return self._granted[choice.granted, gpc]
        except KeyError:
            purposes = purposes_asked(choice.granted, self.policy, gpc)
            if len(self._granted) < _REMEMBERED_GRANTS:
                self._granted[choice.granted, gpc] = purposes
            return purposes

    def stands(self, choice: Choice, now: int) -> bool:
        """Whether a choice, be it a refusal, still counts: nobody need be asked again."""
        return choice.version in self.policy["accepts"] and now < choice.at + self.choice_seconds


def _sound(policy: Any) -> bool:
    """Whether every part that decisions use has the type that they expect."""
    if not isinstance(policy, Mapping):
        return False
    purposes, cookies = policy.get("purposes"), policy.get("cookies")
    return (
        isinstance(policy.get("version"), str)
        and type(policy.get("choice_seconds")) is int
        and _texts(policy.get("accepts"))
        and all(_texts(policy.get(key, ())) for key in ("unsearched_paths", "unsearched_properties"))
        and _texts(policy.get("query_keys"))
        and isinstance(purposes, Mapping)
        and all(_sound_purpose(purpose) for purpose in purposes.values())
        and isinstance(cookies, list | tuple)
        and all(_sound_cookie(cookie) for cookie in cookies)
    )


def _sound_purpose(purpose: Any) -> bool:
    return (
        isinstance(purpose, Mapping)
        and isinstance(purpose.get("basis"), str)
        and _texts(purpose.get("items"))
        and _texts(purpose.get("signals"))
    )


def _sound_cookie(cookie: Any) -> bool:
    return (
        isinstance(cookie, Mapping)
        and isinstance(cookie.get("name"), str)
        and isinstance(cookie.get("record"), bool)
        and (isinstance(cookie.get("purpose"), str) or (cookie.get("necessary") is True and not cookie["record"]))
    )


def _texts(value: Any) -> bool:
    return isinstance(value, list | tuple | frozenset) and all(isinstance(text, str) for text in value)


# Before any policy is known nothing is granted. The trackers that most sites carry are known by name all the same, so
# that a web server that starts while the collector is away does not let them through.
_COMMON_TRACKERS = (
    "_ga*",
    "_gid",
    "_gat*",
    "_gcl_*",
    "_fbp",
    "_fbc",
    "_clck",
    "_clsk",
    "_kawlt*",
    "wcs_bt",
    "NWB",
    "IDE",
)

UNKNOWN = CompiledPolicy(
    {
        "version": "unknown",
        "accepts": [],
        "choice_seconds": 0,
        "query_keys": [],
        "purposes": {},
        "cookies": [{"name": name, "purpose": "unknown", "record": False} for name in _COMMON_TRACKERS],
    },
    known=False,
)
