"""Patterns in which a star stands for any characters. Pure."""

from __future__ import annotations


def fits(pattern: str, text: str) -> bool:
    """Whether ``text`` is ``pattern``, in which a star stands for any characters. In linear time for any pattern."""
    if "*" not in pattern:
        return pattern == text
    first, *middle, last = pattern.split("*")
    if len(text) < len(first) + len(last) or not (text.startswith(first) and text.endswith(last)):
        return False
    at, end = len(first), len(text) - len(last)
    for part in middle:
        if (found := text.find(part, at, end)) < 0:
            return False
        at = found + len(part)
    return True
