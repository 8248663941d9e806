"""What can be amiss in an installation, for those who show it. ``runtime/doctor.py`` finds it out."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal

from dongui_collector.core.operations import Request


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """One thing that is not as it should be: an ``error`` keeps it from its work, a ``warning`` may be meant."""

    level: Literal["error", "warning"]
    what: str
    remedy: str

    def json(self) -> dict[str, Any]:
        return asdict(self)


class Examine(Request[list[Diagnosis]], frozen=True):
    """Say what is misconfigured, and how to mend it; errors first."""
