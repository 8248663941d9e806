"""The choice cookie, and which purposes a choice makes effective.

The cookie is what a browser *claims*: it may only narrow what the ledger says, never widen it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any, NamedTuple

_VERSION = re.compile(r"[A-Za-z0-9-]+")
_PURPOSES = re.compile(r"[a-z][a-z0-9_]*(?:\.[a-z][a-z0-9_]*)*")
_AT = re.compile(r"0|[1-9a-z][0-9a-z]{0,9}")
_LONGEST = 4000  # a cookie's name and value share 4096 octets (W6)
_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"
_LATEST = 36**10 - 1
_CLOCK_SKEW = 86_400


class Choice(NamedTuple):
    """What a visitor chose: under which notice version, which purposes, when (``at``, epoch seconds). No identifier."""

    version: str
    granted: tuple[str, ...]
    at: int

    def checked(self) -> Choice:
        """This choice; ``ValueError`` when no cookie can hold it."""
        encode_choice(self)
        return self


def encode_choice(choice: Choice) -> str:
    """The value of the cookie ``dongui``: ``1~<version>~<purposes, dot-joined>~<epoch seconds, base36>``.

    ``ValueError`` when the choice cannot be written so that :func:`decode_choice` reads the same back.
    """
    if not 0 <= choice.at <= _LATEST:
        raise ValueError("a choice's time is in epoch seconds and not negative")
    value = f"1~{choice.version}~{'.'.join(choice.granted)}~{_base36(choice.at)}"
    if decode_choice(value) != choice:
        raise ValueError("a choice takes a notice version of [A-Za-z0-9-]+ and different purposes of [a-z][a-z0-9_]*")
    return value


def decode_choice(value: str | None) -> Choice | None:
    """The choice in a cookie's value, None for anything malformed. Strict: one spelling a choice. Never raises."""
    if not value or len(value) > _LONGEST:
        return None
    what, mark, at = value.rpartition("~")
    chosen = _chosen(what) if mark and _AT.fullmatch(at) else None
    return None if chosen is None else Choice(*chosen, int(at, 36))


@lru_cache(maxsize=256)  # visitors differ in the time alone, which is not remembered
def _chosen(what: str) -> tuple[str, tuple[str, ...]] | None:
    """Version and purposes of a choice, ``1~<version>~<purposes>``."""
    form, _, rest = what.partition("~")
    version, mark, names = rest.partition("~")
    if form != "1" or not mark or not _VERSION.fullmatch(version):
        return None
    granted = tuple(names.split(".")) if names else ()
    if names and (not _PURPOSES.fullmatch(names) or len(set(granted)) != len(granted)):
        return None
    return version, granted


def newest_choice(values: Iterable[str | None]) -> Choice | None:
    """The newest of several choice cookies (one name, several paths); in the same second, the one granting less."""
    choices = [choice for value in values if (choice := decode_choice(value)) is not None]
    if len(choices) < 2:  # as nearly always
        return choices[0] if choices else None
    return max(choices, key=lambda choice: (choice.at, -len(choice.granted)))


def agreed_choice(values: Iterable[str | None]) -> Choice | None:
    """What several copies of a choice agree on: the newest tells version and time, and every copy has to grant.

    A ``Cookie`` header does not say where a copy was set, so a refusal in any of them wins.
    """
    choices = [choice for value in values if (choice := decode_choice(value)) is not None]
    if len(choices) < 2:  # as nearly always
        return choices[0] if choices else None
    newest = max(choices, key=lambda choice: choice.at)
    granted = tuple(name for name in newest.granted if all(name in choice.granted for choice in choices))
    return Choice(newest.version, granted, newest.at)


def effective_purposes(choice: Choice | None, policy: Mapping[str, Any], now: int, gpc: bool) -> frozenset[str]:
    """The consent purposes that a choice makes effective at ``now`` (epoch seconds) under a compiled policy.

    None of them without a choice, when its notice version no longer stands, when it has outlived ``choice_seconds``, or
    when it comes from more than a day ahead. With ``gpc`` the purposes that heed the signal drop out (W1).
    """
    if choice is None or not is_in_force(choice, policy, now):
        return frozenset()
    return purposes_asked(choice.granted, policy, gpc)


def is_in_force(choice: Choice, policy: Mapping[str, Any], now: int) -> bool:
    """Whether what a choice grants may be effective at ``now``: its notice stands, and its time has come and not run
    out.
    """
    return (
        choice.version in policy["accepts"]
        and now < choice.at + policy["choice_seconds"]
        and choice.at <= now + _CLOCK_SKEW
    )


def purposes_asked(names: Iterable[str], policy: Mapping[str, Any], gpc: bool) -> frozenset[str]:
    """Of these purposes, those to which consent means anything."""
    return frozenset(name for name in names if _asks(policy["purposes"].get(name), gpc))


def _asks(purpose: Mapping[str, Any] | None, gpc: bool) -> bool:
    """Whether consent to this purpose means anything: it rests on consent and no signal speaks against it."""
    if purpose is None or purpose["basis"] != "consent":
        return False
    return not (gpc and "gpc" in purpose["signals"])


def _base36(number: int) -> str:
    text = ""
    while number:
        number, digit = divmod(number, 36)
        text = _DIGITS[digit] + text
    return text or "0"
