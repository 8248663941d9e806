"""What a site asks of its client, and of what lies behind it: protocols, so that decisions know no connection."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Protocol

from dongui.result import Response, Result
from dongui.rules.compiled_policy import CompiledPolicy
from dongui.web.options import Options


class PolicySource(Protocol):
    """Where the policy in force is known from."""

    terms: CompiledPolicy
    trouble: object

    @property
    def idle(self) -> bool: ...
    def start(self, wait: float = 0.0) -> bool: ...
    def ask_soon(self) -> None: ...


class LongBody(Protocol):
    """The body of a long answer on its way: an iterator of pieces that is to be closed."""

    def __next__(self) -> bytes: ...
    def close(self) -> None: ...


class CollectorCalls(Protocol):
    """How a visitor's request is made of the collector; raises :class:`~dongui.errors.CollectorAway`."""

    def send(
        self, kind: str, method: str, path: str, headers: Mapping[str, str], body: bytes | None, *, whole: bool
    ) -> tuple[Response, LongBody | None]: ...


class LedgerCalls(Protocol):
    """What is asked of the ledger about one visitor, and told it."""

    @property
    def consent(self) -> Callable[..., Result]: ...
    def withdraw_earlier(self, visitor: str, refused: list[str], given_before: int) -> Mapping[str, str] | None: ...
    def mishap(self, place: str) -> None: ...


class SiteClient(LedgerCalls, Protocol):
    """What a site asks of its client."""

    options: Options

    @property
    def knowledge(self) -> PolicySource: ...
    @property
    def forwarder(self) -> CollectorCalls: ...

    def send_event(self, visitor: str, event: dict[str, Any]) -> bool: ...
    def send_inventory(self, names: Iterable[str]) -> bool: ...
    def send_counts(self, at: int, counts: Mapping[str, Any]) -> bool: ...
    def purge(self, visitor: str) -> None: ...
    def wake(self) -> None: ...
    def also_tell(self, tell: Callable[[], object]) -> None: ...
    def also_close(self, close: Callable[[], object]) -> None: ...
