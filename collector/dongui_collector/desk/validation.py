"""One validation for every parameter of the desk, before any view sees it: sizes, characters, numbers, days, months.

What a view asks beyond that (a site that exists, a report that is known) it asks itself.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping

from flask import Flask, g, request
from werkzeug.routing import IntegerConverter

from dongui_collector.core.clock import parse_day
from dongui_collector.core.errors import CollectorError

MOST_PAIRS = 500
LONGEST_NAME = 100
LONGEST_QUERY_VALUE = 2_000
LONGEST_FORM_VALUE = 200_000
LARGEST = 2**63 - 1  # what a store's integer holds
_YEARS = range(1970, 3000)
# In a query no control characters; in a form those that a text may hold. Half a surrogate pair is no character.
_NOT_IN_QUERY = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff]")
_NOT_IN_FORM = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")


class ParameterError(CollectorError):
    """A parameter that is no value of its kind. Names the parameter and what it may be, never what was sent.

    ``status`` is what a page answers: 404 for an address that holds what no address of ours does.
    """

    def __init__(self, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.status = status


def _is_day(text: str) -> bool:
    try:
        return parse_day(text).year in _YEARS
    except ValueError:
        return False


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 20 and int(text) <= LARGEST


_DAY: tuple[Callable[[str], bool], str] = (_is_day, "a day such as 2026-11-23")
_NUMBER: tuple[Callable[[str], bool], str] = (_is_number, "a whole number")
# Parameter → what it may be. An empty one counts as not given.
KINDS: Mapping[str, tuple[Callable[[str], bool], str]] = {
    "before": _DAY,
    "first": _DAY,
    "last": _DAY,
    "received": _DAY,
    "until": _DAY,
    "secret_until": _DAY,
    "handed": _DAY,
    "id": _NUMBER,
    "rows": _NUMBER,
    "page": _NUMBER,
}


def set_up(app: Flask) -> None:
    """Check every request's parameters, and hold numbers in addresses to what a store's integer holds."""
    app.url_map.converters["int"] = _StoredInteger
    app.before_request(_check)


class _StoredInteger(IntegerConverter):
    """A number in an address; a larger or longer one is no address of ours."""

    regex = r"\d{1,19}"

    def __init__(self, map: object, *arguments: object, **more: object) -> None:
        super().__init__(map, max=LARGEST)  # type: ignore[arg-type]


def _check() -> None:
    g.parameters_refused = True  # an error page repeats nothing of them
    refuse(request.args.items(multi=True), LONGEST_QUERY_VALUE, _NOT_IN_QUERY)
    refuse(request.form.items(multi=True), LONGEST_FORM_VALUE, _NOT_IN_FORM)
    g.parameters_refused = False


def refuse(pairs: Iterable[tuple[str, str]], longest: int, forbidden: re.Pattern[str]) -> None:
    """Raise :class:`ParameterError` for the first pair that no view may see."""
    for number, (name, value) in enumerate(pairs):
        if number >= MOST_PAIRS:
            raise ParameterError(f"a request has at most {MOST_PAIRS} parameters")
        if len(name) > LONGEST_NAME or forbidden.search(name):
            raise ParameterError(f"the name of a parameter has at most {LONGEST_NAME} characters, none of control")
        known = name if name.isidentifier() and name.isascii() else "a parameter"
        if len(value) > longest:
            raise ParameterError(f"{known} has at most {longest} characters")
        if forbidden.search(value):
            status = 404 if forbidden is _NOT_IN_QUERY else 400
            raise ParameterError(f"{known} holds a character that is no text", status)
        kind = KINDS.get(name)
        if kind and value.strip() and not kind[0](value.strip()):
            raise ParameterError(f"{known} is {kind[1]}")
