"""Data keys: one a day, one a class and day for records, all wrapped by the installation's master key.

Destroying a key is the first step of every destruction (K3): from then on neither the file nor any backup of it can be
read.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import os
import shlex
import subprocess
from collections.abc import Callable, Iterator
from datetime import date
from functools import lru_cache
from pathlib import Path

from dongui_collector.core.durable import sync_folder
from dongui_collector.core.errors import NotAllowed, SettingsError
from dongui_collector.core.private_files import private
from dongui_collector.core.sealing import SealBroken, forget_keys, seal, unseal
from dongui_collector.core.settings import Settings
from dongui_collector.storage.contract.journal import DestructionJournal
from dongui_collector.storage.contract.stores import KeyStore

KEY_BYTES = 32
_CACHED = 1024  # keys held in memory; a year of days and what records need


@lru_cache(maxsize=1024)
def day_name(day: date) -> str:
    """The name of a day's key."""
    return f"day:{day.isoformat()}"


def record_name(class_id: str, last_day: date) -> str:
    """The name of the key of all records of a class whose period ends with ``last_day``."""
    return f"record:{class_id}:{last_day.isoformat()}"


def archive_name(class_id: str, last_day: date) -> str:
    """The name of the archive's own key (S5.2) of all records of a class whose period ends with ``last_day``."""
    return f"archive:{class_id}:{last_day.isoformat()}"


_BRIDGE = "bridge:"  # what leads from the old master key to the new one while a rotation is on its way


class KeyRing:
    """The installation's keys, unwrapped on demand. Thread-safe.

    ``store`` keeps them wrapped; ``master`` is 32 bytes. With ``remember=False`` (processes that only read) every use
    asks the store, so that a key destroyed by the collector is gone for them at once. ``reload`` reads the master key
    again, for processes beside which it is rotated. ``journal`` is told the name of a key before it is destroyed.

    A rotation rewraps every key and puts a *bridge* beside them, in one transaction: the new master key, sealed under
    the old one. So each of the two opens everything until the source of the master key has been switched, and a crash
    at any moment leaves an installation that starts. Then the bridge is destroyed, and the old one opens nothing.
    """

    def __init__(
        self, store: KeyStore, master: bytes, *, remember: bool = True, reload: Callable[[], bytes] | None = None
    ) -> None:
        if len(master) != KEY_BYTES:
            raise SettingsError(f"the master key must have {KEY_BYTES} bytes, not {len(master)}")
        self._store = store
        self._loaded = master
        self._master = _across(store, master)
        self._reload = reload
        self.journal: DestructionJournal | None = None
        self._remember = remember
        self._cache: dict[str, bytes] = {}
        self._alive: set[str] = set()  # names known not to be destroyed, also where there is no key yet
        # The writers' own lock: with another one, who holds this and wants that would meet who holds that and
        # wants this.
        self._lock = store.lock
        self.secret = self._secret()

    def derive(self, label: bytes) -> bytes:
        """A key for one use: HMAC-SHA256(secret, label). Labels of different uses must differ."""
        return hmac.digest(self.secret, label, "sha256")

    def day(self, day: date, *, create: bool = False) -> bytes | None:
        """The key of a day; None when there is none, or none any more. See :meth:`named`."""
        return self.named(day_name(day), create=create)

    def named(self, name: str, *, create: bool = False) -> bytes | None:
        """A key by name. With ``create`` it is made when missing and durable before it is returned.

        Raises :class:`NotAllowed` for ``create`` after its destruction: what has ended does not begin again.
        """
        if (key := self._cache.get(name)) is not None:
            return key
        with self._lock:
            wrapped = self._store.get(name)
            if wrapped is not None:
                key = self._unwrap(name, wrapped)
            elif not create:
                return None
            elif self._store.destroyed(name):
                raise NotAllowed(f"the key {name!r} was destroyed; nothing can be recorded under it again")
            else:
                key = os.urandom(KEY_BYTES)
                self._store.put(name, seal(self._master, key, name.encode()))
            if self._remember:
                while len(self._cache) >= _CACHED:
                    self._cache.pop(next(iter(self._cache)))
                self._cache[name] = key
            return key

    def day_is_over(self, day: date) -> bool:
        """Whether a day's key was destroyed: nothing may be recorded on that day any more. Cheap to ask again."""
        name = day_name(day)
        if name in self._cache or name in self._alive:
            return False
        with self._lock:
            if self._store.destroyed(name):
                return True
            if len(self._alive) >= _CACHED:
                self._alive.clear()
            self._alive.add(name)
            return False

    def destroy_day(self, day: date) -> bool:
        """Destroy a day's key. See :meth:`destroy`."""
        return self.destroy(day_name(day))

    def destroy(self, name: str) -> bool:
        """Destroy a key, on disk and in memory, before it returns. Idempotent; False when there was none."""
        if name == "secret":
            raise NotAllowed("the installation secret is not destroyed: every visitor's key derives from it")
        if self.journal is not None and self._store.get(name) is not None:
            self.journal.append({"kind": "key", "name": name})
        try:
            return self._store.destroy(name)  # outside the lock: it may have to wait for a reader
        finally:
            with self._lock:
                self._cache.pop(name, None)
                self._alive.discard(name)
                forget_keys()

    def rotate(self, new_master: bytes) -> int:
        """Rewrap every key under another master key, all or none. Returns how many. The keys themselves stay.

        The old master key goes on opening everything until :meth:`finish`. Raises :class:`NotAllowed` while an earlier
        rotation is not finished.
        """
        if len(new_master) != KEY_BYTES:
            raise SettingsError(f"the master key must have {KEY_BYTES} bytes, not {len(new_master)}")
        with self._lock:
            if self.pending:
                raise NotAllowed("an earlier rotation is not finished: give the new master key and restart serve")

            def rewrap(name: str, wrapped: bytes) -> bytes:
                return seal(new_master, self._unwrap(name, wrapped), name.encode())

            bridge = f"{_BRIDGE}{os.urandom(6).hex()}"
            beside = (bridge, seal(self._master, new_master, bridge.encode()))
            count = self._store.replace_all(rewrap, beside=beside)
            self._master = new_master
            return count

    @property
    def master(self) -> bytes:
        """The master key under which the keys are wrapped now."""
        return self._master

    @property
    def pending(self) -> bool:
        """Whether a rotation is not finished: the old master key still opens everything."""
        return bool(self._store.names(_BRIDGE))

    @property
    def bridged(self) -> bool:
        """Whether the master key that this process was given is the old one."""
        return self._loaded != self._master

    def finish(self) -> None:
        """The source of the master key gives the new one: from here on the old one opens nothing."""
        for name in self._store.names(_BRIDGE):
            self._store.destroy(name)
        self._loaded = self._master

    def names(self) -> list[str]:
        """The names of all keys there are."""
        return [name for name in self._store.names() if not name.startswith(_BRIDGE)]

    def gone(self) -> list[str]:
        """The names of all keys that were destroyed."""
        return [name for name in self._store.gone() if not name.startswith(_BRIDGE)]

    def _secret(self) -> bytes:
        secret = self.named("secret", create=not self._store.readonly)
        if secret is None:
            raise SettingsError(
                "keys.db holds no installation secret; start `dongui serve` once, or restore the keys folder"
            )
        return secret

    def _unwrap(self, name: str, wrapped: bytes) -> bytes:
        try:
            return unseal(self._master, wrapped, name.encode())
        except SealBroken:
            # Beside us somebody may have rotated: what we were given may be the old one by now.
            self._loaded = self._reload() if self._reload else self._loaded
            self._master = _across(self._store, self._loaded, self._master)
            fresh = self._store.get(name)
        try:
            return unseal(self._master, wrapped if fresh is None else fresh, name.encode())
        except SealBroken:
            raise SettingsError(_mismatch(name)) from None


def _across(store: KeyStore, *given: bytes) -> bytes:
    """The first of the given master keys, or what a bridge leads to from one, that opens the store; else the first."""
    wrapped = store.get("secret")
    if wrapped is None:
        return given[0]
    for master in given:
        for candidate in (master, *_bridges(store, master)):
            if _opens(candidate, wrapped, b"secret"):
                return candidate
    return given[0]


def _bridges(store: KeyStore, master: bytes) -> Iterator[bytes]:
    for name in store.names(_BRIDGE):
        sealed = store.get(name)
        if sealed is not None and _opens(master, sealed, name.encode()):
            yield unseal(master, sealed, name.encode())


def _opens(key: bytes, sealed: bytes, aad: bytes) -> bool:
    try:
        unseal(key, sealed, aad)
    except SealBroken:
        return False
    return True


def _mismatch(name: str) -> str:
    return (
        f"the master key does not open the key {name!r} in keys.db: it belongs to another installation, or to this one "
        "before a rotation; give the right one (master_key_file, master_key_command or DONGUI_MASTER_KEY), or restore "
        "both together with `dongui keys restore FILE`"
    )


def new_master() -> str:
    """A fresh master key as text (base64 of 32 random bytes)."""
    return base64.b64encode(os.urandom(KEY_BYTES)).decode()


def write_master(path: Path, text: str) -> None:
    """Write a master key for the owner's eyes only. Raises :class:`FileExistsError` rather than replace one."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with open(path, "x", encoding="ascii", opener=private) as file:
        file.write(text + "\n")
        file.flush()
        os.fsync(file.fileno())


def replace_master(path: Path, text: str) -> None:
    """Put another master key in place of a file's: whole or not at all, on disk when this returns; the old one's bytes
    are overwritten."""
    fresh = path.with_name(path.name + ".new")
    with open(fresh, "w", encoding="ascii", opener=private) as file:
        file.write(text + "\n")
        file.flush()
        os.fsync(file.fileno())
    old = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    try:
        fresh.replace(path)
        sync_folder(path.parent)
        os.pwrite(old, bytes(os.fstat(old).st_size), 0)
        os.fsync(old)
    finally:
        os.close(old)


def source(settings: Settings) -> str:
    """Where the master key comes from: ``environment``, ``command`` or ``file``."""
    if os.environ.get("DONGUI_MASTER_KEY"):
        return "environment"
    return "command" if settings.master_key_command else "file"


def load_master(settings: Settings) -> bytes:
    """The master key, 32 bytes.

    From ``DONGUI_MASTER_KEY`` (base64), else what ``master_key_command`` prints, else ``master_key_file``.

    Raises :class:`SettingsError` with the place and the remedy, never with the key.
    """
    if text := os.environ.get("DONGUI_MASTER_KEY"):
        return _decode(text, "the environment variable DONGUI_MASTER_KEY")
    if settings.master_key_command:
        return _decode(_from_command(settings.master_key_command), "the output of master_key_command")
    path = settings.folder / settings.master_key_file
    try:
        return _decode(path.read_text(encoding="ascii"), str(path))
    except FileNotFoundError:
        raise SettingsError(
            f"there is no master key: {path} does not exist; restore it, or set master_key_file or DONGUI_MASTER_KEY"
        ) from None
    except (OSError, UnicodeDecodeError):
        raise SettingsError(f"the master key file {path} cannot be read by this user") from None


def _from_command(command: str) -> str:
    try:
        done = subprocess.run(shlex.split(command), capture_output=True, timeout=60, check=True)  # noqa: S603 (the operator's own)
    except (OSError, ValueError, subprocess.SubprocessError) as error:
        # Neither the command's output nor its arguments: either may hold a secret.
        raise SettingsError(f"master_key_command failed ({type(error).__name__}); run it by hand to see why") from None
    return done.stdout.decode("ascii", "replace")


def decode_master(text: str, where: str) -> bytes:
    """A master key from its text. Raises :class:`SettingsError` that names ``where``, never the text."""
    return _decode(text, where)


def _decode(text: str, where: str) -> bytes:
    try:
        key = base64.b64decode(text.strip(), validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if len(key) != KEY_BYTES:
        raise SettingsError(f"{where} must be a master key: base64 of {KEY_BYTES} bytes")
    return key
