"""What the body of a request to the collector may hold: its limits (DESIGN 6) and its JSON. Pure."""

from __future__ import annotations

import json
from typing import Any

MOST_BODY = 64 * 1024
MOST_EVENTS = 100

_ENCODER = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":"))


def encode(value: Any) -> bytes:
    """JSON in UTF-8 that the collector accepts: no lone surrogates, no NUL.

    ``ValueError`` or ``TypeError`` for what JSON has no word for.
    """
    text = _ENCODER.encode(value)
    if "\\u0000" in text:
        text = _ENCODER.encode(_without_nul(value))
    return text.encode("utf-8", "replace")


def _without_nul(value: Any) -> Any:
    if isinstance(value, str):
        return value.replace("\0", "")
    if isinstance(value, dict):
        return {_without_nul(key): _without_nul(member) for key, member in value.items()}
    if isinstance(value, list | tuple):
        return [_without_nul(member) for member in value]
    return value
