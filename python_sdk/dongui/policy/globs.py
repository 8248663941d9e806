"""Globs of cookie names and addresses: ``*`` stands for any characters, everything else for itself, case included."""

from __future__ import annotations


def matches(pattern: str, name: str) -> bool:
    """Whether ``name`` fits ``pattern``, in time linear in both for any number of stars."""
    first, *rest = pattern.split("*")
    if not rest:
        return name == pattern
    if not name.startswith(first):
        return False
    at = len(first)
    for part in rest[:-1]:
        found = name.find(part, at)
        if found < 0:
            return False
        at = found + len(part)
    return len(name) - at >= len(rest[-1]) and name.endswith(rest[-1])
