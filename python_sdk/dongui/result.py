"""How the collector answered: over HTTP, and to a call that waits for it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Response:
    """An answer that was read to its end. Header names are in lower case."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""

    def json(self) -> dict[str, Any]:
        """The body as a JSON object; empty when it is anything else."""
        try:
            value = json.loads(self.body)
        except (ValueError, RecursionError):
            return {}
        return value if isinstance(value, dict) else {}

    def retry_after(self) -> float | None:
        """The pause in seconds that the answer asks for; None without one, or for a date: the collector sends none."""
        text = self.headers.get("retry-after", "")
        return float(text) if text.isascii() and text.isdigit() and len(text) < 6 else None


@dataclass(frozen=True, slots=True)
class Result:
    """True in a condition when it was done.

    ``status`` is the HTTP status (0: no answer), ``data`` what it said, ``problem`` the problem's type when it refused;
    ``pending``: it could not be reached, and the call will be repeated in the background until it can; of a decision,
    what it refuses: that is in force already, and what it grants is not.
    """

    status: int = 0
    data: Mapping[str, Any] = field(default_factory=dict)
    problem: str = ""
    pending: bool = False

    def __bool__(self) -> bool:
        return 200 <= self.status < 300
