"""How the collector answered a call that waits for it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Result:
    """True in a condition when it was done.

    ``status`` is the HTTP status (0: no answer), ``data`` what it said, ``problem`` the problem's type when it refused;
    ``pending``: it could not be reached, and the call will be repeated in the background until it can.
    """

    status: int = 0
    data: Mapping[str, Any] = field(default_factory=dict)
    problem: str = ""
    pending: bool = False

    def __bool__(self) -> bool:
        return 200 <= self.status < 300
