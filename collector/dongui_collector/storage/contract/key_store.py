"""What the collector needs of the store of keys."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Protocol


class KeyStore(Protocol):
    """``keys/keys.db``: wrapped keys by name, nothing else. A name is used once: destroyed, it is never made anew."""

    @property
    def readonly(self) -> bool: ...
    @property
    def lock(self) -> AbstractContextManager[object]:
        """Held while several answers must belong together; every writer of the process holds it too. Re-entrant."""

    def get(self, name: str) -> bytes | None: ...
    def put(self, name: str, wrapped: bytes) -> None:
        """Durable before it returns; a name that exists or existed is a ``StorageError``."""

    def names(self, prefix: str = "") -> list[str]: ...
    def destroyed(self, name: str) -> bool:
        """Whether a key of this name was destroyed."""

    def destroy(self, name: str) -> bool:
        """Overwritten on disk, gone from the log, before it returns. Idempotent; False when there is no such key."""

    def gone(self) -> list[str]:
        """The names of all destroyed keys."""

    def replace_all(self, rewrap: Callable[[str, bytes], bytes], *, beside: tuple[str, bytes] | None = None) -> int:
        """Master-key rotation, in one transaction; ``beside`` is a new (name, wrapped) put in the same one."""

    def close(self) -> None: ...
