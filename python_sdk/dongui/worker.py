"""Work beside the host's threads: started when first needed, again after a fork, never in the way of the exit."""

from __future__ import annotations

import contextlib
import os
import random
import sys
import threading
import weakref
from collections.abc import Callable
from typing import Protocol

# Apart from the host's generator: drawing from that would change what a seeded application draws.
_random = random.SystemRandom()


def jittered(seconds: float, least: float = 0.5, most: float = 1.0) -> float:
    """``seconds`` times something between ``least`` and ``most``: the workers of a site must not act in step."""
    return seconds * _random.uniform(least, most)


class Worker:
    """A daemon thread that runs ``work`` until :attr:`stopping` is set.

    A fork copies the object but not its thread (gunicorn's prefork, uWSGI, multiprocessing): in the child the thread is
    gone, ``reborn`` is called to forget what belongs to the parent, and the next :meth:`ensure` starts a new one.
    """

    def __init__(self, work: Callable[[], None], *, name: str, reborn: Callable[[], None] | None = None) -> None:
        self._work = work
        self._name = name
        self._reborn = reborn
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self.running = False
        self.stopping = threading.Event()
        at_fork(self)

    def ensure(self) -> bool:
        """Starts the thread unless it runs. False when it cannot: at the interpreter's exit, or out of threads."""
        if self.running:
            return True
        with self._lock:
            if self.running or self.stopping.is_set():
                return self.running
            thread = threading.Thread(target=self._run, name=self._name, daemon=True)
            try:
                thread.start()
            except RuntimeError:
                return False
            self._thread = thread
            self.running = True
        return True

    def stop(self, timeout: float) -> bool:
        """Asks the work to end and waits for it, ``timeout`` seconds at most. Whether it has ended."""
        self.stopping.set()
        thread = self._thread
        if thread is not None and thread is not threading.current_thread():
            thread.join(timeout)
        return not self.running

    def _run(self) -> None:
        try:
            self._work()
        finally:
            self.running = False

    def after_fork(self) -> None:
        """In the child: locks may have been held by threads that are not here, so all of them are new."""
        self._lock = threading.Lock()
        self._thread = None
        self.running = False
        self.stopping = threading.Event()
        if self._reborn is not None:
            self._reborn()


class Forks(Protocol):
    """What holds locks or connections, and so must be told when it finds itself in a child process."""

    def after_fork(self) -> None:
        """Called in the child, before anything else runs there."""


_everyone: weakref.WeakSet[Forks] = weakref.WeakSet()


def at_fork(one: Forks) -> None:
    """Has ``one.after_fork()`` called in every child from now on, as long as ``one`` lives."""
    _everyone.add(one)


def _after_fork() -> None:
    for one in list(_everyone):
        one.after_fork()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)


def at_exit_of_multiprocessing(call: Callable[[], None]) -> None:
    """Children of multiprocessing leave by ``os._exit``, which skips ``atexit``: they have a list of their own.

    To be called in the child once it runs: its start empties that list.
    """
    util, process = sys.modules.get("multiprocessing.util"), sys.modules.get("multiprocessing.process")
    if util is not None and process is not None and process.parent_process() is not None:
        with contextlib.suppress(Exception):
            util.Finalize(None, call, exitpriority=10)
