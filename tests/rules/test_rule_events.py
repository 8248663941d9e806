"""Events within the collector's limits: the cases of ``tests/vectors/events.json``, which the browser runs too."""

from __future__ import annotations

import json
import uuid
from collections import deque
from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest
from dongui.rules.body import encode
from dongui.rules.events import fit_event, plain
from dongui_collector.intake.schema import EventBatch, check_events, decode
from hypothesis import given
from hypothesis import strategies as st

CASES = json.loads((Path(__file__).parent.parent / "vectors" / "events.json").read_text("utf-8"))


class Throws:
    def __str__(self) -> str:
        raise RuntimeError("the host application's bug")


class Address:
    def __init__(self, text: str) -> None:
        self.text = text

    def __str__(self) -> str:
        return self.text


def _nested(levels: int) -> list[Any]:
    out: list[Any] = []
    for _ in range(levels - 1):
        out = [out]
    return out


def _fan() -> list[Any]:
    out: list[Any] = [1]
    for _ in range(40):
        out = [out] * 10
    return out


MAKERS: dict[str, Callable[[Any], Any]] = {
    "$date": datetime.fromisoformat,
    "$url": Address,
    "$uuid": uuid.UUID,
    "$decimal": Decimal,
    "$path": Path,
    "$seconds": lambda seconds: timedelta(seconds=seconds),
    "$set": set,
    "$tuple": tuple,
    "$deque": deque,
    "$bytes": str.encode,
    "$big": int,
    "$number": float,
    "$throws": lambda _: Throws(),
    "$nested": _nested,
    "$fan": lambda _: _fan(),
    "$repeat": lambda pair: [pair[0]] * pair[1],
    "$text": lambda pair: pair[0] * pair[1],
}


def made(value: Any, root: Any = None, same: Any = None) -> Any:
    """The value that a case writes with ``$`` for what JSON has no word for."""
    if isinstance(value, list):
        return [made(member, root, same) for member in value]
    if not isinstance(value, dict):
        return value
    [(name, given)] = value.items() if len(value) == 1 else [("", None)]
    if name == "$root":
        return root
    if name == "$same":
        return same
    if name == "$pairs":
        return {key: made(member, root, same) for key, member in given}
    if name in MAKERS:
        return MAKERS[name](given)
    out: dict[str, Any] = {}
    out.update({key: made(member, out if root is None else root, same or {"x": 1}) for key, member in value.items()})
    return out


def _ran(case: dict[str, Any]) -> dict[str, Any]:
    why: set[str] = set()
    given = case["input"]
    if case["call"] == "plain":
        value = plain(made(given["value"]), why.add, 8000)
    else:
        value = fit_event(made(given["event"]), given.get("now_ms", 0), why.add)
    return {"value": value, "cut": sorted(why)}


@pytest.mark.parametrize("case", [c for c in CASES if c.get("only") != "js"], ids=lambda case: str(case["name"]))
def test_case(case: dict[str, Any]) -> None:
    got = _ran(case)
    if case.get("cut_only"):
        del got["value"]
    assert got == made(case["expect"])


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary() | st.datetimes() | st.decimals(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text() | st.integers() | st.none(), inner) | st.tuples(inner),
    max_leaves=40,
)


@given(
    props=st.dictionaries(st.text(), ANYTHING),
    ad_ids=st.dictionaries(st.text(), ANYTHING),
    texts=st.fixed_dictionaries(
        {}, optional={key: st.text() for key in ("url", "referrer", "search", "user_agent", "ip")}
    ),
    name=st.text(),
    at=st.integers(),
)
def test_the_collector_takes_what_is_left_of_anything(
    props: dict[str, Any], ad_ids: dict[str, Any], texts: dict[str, str], name: str, at: int
) -> None:
    event = {"id": str(uuid.UUID(int=0)), "name": name, "at": at, "ad_ids": ad_ids, **texts}
    event["props"] = plain(props, str)
    body = encode({"site": "s", "events": [fit_event(event, 1, str)]})
    batch = decode(body, EventBatch)
    check_events(batch.events, addresses=True)
    assert msgspec.json.decode(body)["events"][0]["id"] == event["id"]
