"""How far a reader must walk to follow one call: the product's files that it enters, and its returns to one of them.

``python -m tests.walk [NAME …]`` runs the named tests of ``tests/test_walk.py`` and prints the walk of each.

The trace is of :func:`sys.setprofile`, on the calling thread. A step is a function of one product file calling a
function of another, or coming back from it; the same two functions count once, however often the loop between them
turns. A walk *enters* a file at the first step into it and *returns* with each further step into a file that it had
left. Two kinds of step do not count, and nothing beneath them does: one whose caller is a library's code (a thread
pool, a context manager), and one into the implementation of a Protocol, where a reader stops at the contract.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from types import CodeType, FrameType, ModuleType
from typing import Any, TypeVar

from tests.imports import PACKAGES, ROOT

T = TypeVar("T")
_FOLDERS = tuple(f"{folder}/" for folder in PACKAGES.values())
_OURS = (*_FOLDERS, f"{ROOT / 'tests'}/")


@dataclass
class Walk:
    """The product's files in the order in which a call entered them, and the steps that went back into one."""

    files: list[str] = field(default_factory=list)
    returns: list[str] = field(default_factory=list)

    @property
    def counts(self) -> tuple[int, int]:
        """(files entered, returns)."""
        return len(self.files), len(self.returns)

    def __str__(self) -> str:
        lines = [f"{len(self.files)} files entered, {len(self.returns)} returns", *self.files, "", *self.returns]
        return "\n".join(lines)


class _Tracer:
    def __init__(self) -> None:
        self.walk = Walk()
        self._seen: set[tuple[CodeType, CodeType]] = set()
        self._hidden: set[FrameType] = set()  # frames beneath a step that does not count

    def __call__(self, frame: FrameType, event: str, _: Any) -> None:
        caller = frame.f_back
        if event == "call":
            if caller in self._hidden or (_file(frame) and not self._counts(frame, caller)):
                self._hidden.add(frame)
            else:
                self._step(caller, frame)
        elif event == "return":
            if _file(frame) and frame not in self._hidden:
                self._step(frame, caller)
            self._hidden.discard(frame)

    def _step(self, start: FrameType | None, end: FrameType | None) -> None:
        here, there = _file(start), _file(end)
        if start is None or end is None or not there or here == there or (start.f_code, end.f_code) in self._seen:
            return
        self._seen.add((start.f_code, end.f_code))
        if there in self.walk.files:
            self.walk.returns.append(f"{here}:{start.f_code.co_name} → {there}:{end.f_code.co_name}")
        else:
            self.walk.files.append(there)

    @staticmethod
    def _counts(frame: FrameType, caller: FrameType | None) -> bool:
        """Whether a step into the product is one: its caller is the product's code or the test's, and no Protocol's."""
        known = caller is not None and caller.f_code.co_filename.startswith(_OURS)
        return known and not _keeps_a_protocol(frame)


def _file(frame: FrameType | None) -> str:
    """The product's file of a frame, relative to the repository; empty for code of anybody else."""
    name = frame.f_code.co_filename if frame else ""
    return name[len(str(ROOT)) + 1 :] if name.startswith(_FOLDERS) else ""


def _keeps_a_protocol(frame: FrameType) -> bool:
    """Whether a frame is a method that its object owes to a Protocol of the product."""
    code, owner = frame.f_code, frame.f_locals.get("self")
    return owner is not None and _owed(type(owner), code.co_name)


@cache
def _owed(kind: type, method: str) -> bool:
    return any(method in members and all(hasattr(kind, m) for m in members) for members in _protocols())


@cache
def _protocols() -> tuple[frozenset[str], ...]:
    modules = [m for name, m in sys.modules.items() if name.split(".")[0] in ("dongui", "dongui_collector") and m]
    found = [value for module in modules if isinstance(module, ModuleType) for value in vars(module).values()]
    # By its type alone: Django's settings, where another test has imported them, cannot be asked for their class.
    kinds = [k for k in found if issubclass(type(k), type) and getattr(k, "_is_protocol", False)]
    return tuple(m for k in kinds if (m := frozenset(name for name in vars(k) if not name.startswith("_"))))


def walk(call: Callable[[], T]) -> tuple[T, Walk]:
    """Trace a call; its answer and its walk."""
    tracer = _Tracer()
    before = sys.getprofile()
    sys.setprofile(tracer)
    try:
        answer = call()
    finally:
        sys.setprofile(before)
    return answer, tracer.walk


if __name__ == "__main__":
    import pytest

    names = [f"{ROOT}/tests/test_walk.py::{name}" for name in sys.argv[1:]] or [f"{ROOT}/tests/test_walk.py"]
    raise SystemExit(pytest.main(["-q", "-s", *names]))
