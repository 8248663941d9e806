"""Policies for tests: the examples, and variants of them made by editing the text, as a site's officer would."""

from __future__ import annotations

from pathlib import Path

from dongui.policy import Policy, load, parse

EXAMPLES = Path(__file__).parent.parent.parent / "examples" / "somoon"
MENDED = EXAMPLES / "policy.toml"
FIRST = EXAMPLES / "policy-as-first-encoded.toml"


def somoon() -> Policy:
    return load(MENDED)


def edited(*edits: tuple[str, str], of: Path = MENDED) -> str:
    """The text with each ``(old, new)`` replaced where it first occurs; an edit that finds nothing is a mistake."""
    text = of.read_text("utf-8")
    for old, new in edits:
        assert old in text, f"{old!r} is not in {of.name}"
        text = text.replace(old, new, 1)
    return text


def variant(*edits: tuple[str, str]) -> Policy:
    return parse(edited(*edits))
