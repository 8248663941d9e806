"""A process that kills itself (SIGKILL) before or after the n-th call of one function: what does a crash leave?"""

from __future__ import annotations

import os
import signal
from importlib import import_module
from typing import Any, NoReturn


def arm(target: str, moment: str, nth: int) -> None:
    """Make ``target`` (``module:Class.method``) deadly, in this process; ``moment`` is ``before`` or ``after``."""
    module, _, path = target.partition(":")
    *owners, name = path.split(".")
    owner: Any = import_module(module)
    for part in owners:
        owner = getattr(owner, part)
    real, calls = getattr(owner, name), 0

    def deadly(*args: Any, **kwargs: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls == nth and moment == "before":
            die()
        result = real(*args, **kwargs)
        if calls == nth:
            die()
        return result

    setattr(owner, name, deadly)


def die() -> NoReturn:
    os.kill(os.getpid(), signal.SIGKILL)
    raise AssertionError("unreachable")
