"""The parameters of the desk's HTTP calls: an unknown one is refused, since a filter left out shows too much."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date

from flask import request

from dongui_collector.core.clock import parse_day
from dongui_collector.intake.problems import Problem


def check(once: Collection[str], many: Collection[str] = ()) -> None:
    """Raise a 400 :class:`Problem` where the present request has a parameter that is neither in ``once``, of which each
    may be given once, nor in ``many``."""
    known = sorted({*once, *many})
    if set(request.args) - set(known):
        what = f"the parameters are {', '.join(known)}" if known else "this call has no parameters"
        raise Problem("malformed", what)
    for name in once:
        if len(request.args.getlist(name)) > 1:
            raise Problem("malformed", f"{name} is given once")


def days() -> tuple[date, date]:
    """The days ``from`` to ``to`` of the present request, both included. Raises a 400 :class:`Problem`."""
    first, last = day("from"), day("to")
    if first > last:
        raise Problem("malformed", "from must not lie after to")
    return first, last


def day(name: str) -> date:
    try:
        return parse_day(request.args.get(name, ""))
    except ValueError:
        raise Problem("malformed", f"{name} is a day such as 2026-11-23") from None


def number(name: str, default: int, most: int = 10**15 - 1) -> int:
    """A whole number from 0 to ``most``."""
    text = request.args.get(name, str(default))
    if not (text.isascii() and text.isdigit() and len(text) < 16) or int(text) > most:
        raise Problem("malformed", f"{name} is a number from 0 to {most}")
    return int(text)
