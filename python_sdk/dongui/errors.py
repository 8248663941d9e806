"""What the SDK raises. One root; the facts are attributes; each message says what, where and the remedy.

Nothing here is ever raised into a request of the host application: set-up raises, serving does not.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any


class DonguiError(Exception):
    """Root of everything that dongui raises on purpose."""


class PolicyError(DonguiError):
    """A policy file that cannot be executed; ``problems`` holds every finding, each with its key and remedy."""

    def __init__(self, problems: Sequence[Any]) -> None:
        super().__init__("\n".join(str(problem) for problem in problems) or "the policy cannot be executed")
        self.problems = tuple(problems)


class ConfigurationError(DonguiError, ValueError):
    """An option that cannot be used; ``option`` is its name as written in code."""

    def __init__(self, option: str, message: str) -> None:
        super().__init__(f"{option}: {message}")
        self.option = option


class UnknownOption(ConfigurationError, TypeError):
    """An option that there is not: a typing error, which must not silently change what is guarded."""


class AnswerError(DonguiError):
    """The collector answered with a problem, or not at all.

    ``status`` is the HTTP status (0: no answer), ``type`` the stable problem type, ``retry_after`` the pause in seconds
    that the collector asked for, else None. Raised only to those who ask for data (:mod:`dongui.reader`).
    """

    def __init__(self, status: int, type_: str, message: str, *, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.type = type_
        self.retry_after = retry_after


class CollectorAway(DonguiError):
    """The collector does not answer now; ``retry_after`` is in seconds. Never leaves the SDK: visitors get a 503."""

    def __init__(self, retry_after: int) -> None:
        super().__init__("the collector does not answer")
        self.retry_after = retry_after
