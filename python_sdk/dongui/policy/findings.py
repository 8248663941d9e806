"""What is wrong with a policy: one value for what loading refuses and what checking finds."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

from dongui.policy.model import Policy

Level = Literal["error", "warning"]

Found = Iterator[tuple[str, str, str, str]]
"""What a rule finds: key, message, remedy, citation."""

Rule = Callable[[Policy], Found]
"""One thing to look at in a loaded policy."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing wrong: where (``file`` and dotted ``key``), what, and how to mend it.

    An ``error`` cannot be executed or is unlawful on its face; a ``warning`` is for the privacy officer to judge.
    ``rule`` cites the requirement behind it where there is one (``"K1"``, ``"S3.1e"``).
    """

    level: Level
    key: str
    message: str
    remedy: str
    file: str = "policy.toml"
    rule: str = ""

    def __str__(self) -> str:
        rule = f" [{self.rule}]" if self.rule else ""
        return f"{self.file}: {self.key or '(file)'}: {self.message}{rule} — {self.remedy}"
