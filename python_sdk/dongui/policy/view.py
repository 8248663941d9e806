"""A policy seen in one language: its texts, and ours, as plain words."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from dongui.i18n import words
from dongui.policy.blocks import Block, Inline, Paragraph, Section, Table
from dongui.policy.model import Policy, Text


@dataclass(frozen=True, slots=True)
class View:
    """A policy in one language."""

    policy: Policy
    lang: str

    def say(self, key: str, **values: object) -> str:
        """A sentence of ours."""
        return words(self.lang, "policy page")[key].format_map(values)

    def of(self, text: Text | None) -> str:
        """A text of the policy; a dash where it says nothing."""
        return text[self.lang] if text else "–"

    def items(self, ids: Iterable[str]) -> str:
        return ", ".join(self.of(self.policy.items[id].label) for id in ids)

    def purposes(self, ids: Iterable[str]) -> str:
        return ", ".join(self.of(self.policy.purposes[id].label) for id in ids)

    def section(self, id: str, *blocks: Block | None) -> Section:
        kept = tuple(block for block in blocks if block is not None)
        return Section(id, self.say(id), kept or (Paragraph(self.say("none")),))

    def table(self, caption: str, head: Sequence[str], rows: Iterable[tuple[Inline, ...]]) -> Table | None:
        """A table with the columns named; None without rows."""
        rows = tuple(rows)
        return Table(self.say(caption), tuple(self.say(key) for key in head), rows) if rows else None
