"""The shared cases of ``tests/vectors``: the same files run in the browser's suite."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from datetime import UTC, date
from pathlib import Path
from typing import Any

import pytest
from dongui import rules

VECTORS = Path(__file__).parent.parent / "vectors"
POLICY = json.loads((VECTORS / "policy.json").read_text("utf-8"))
FILES = ("choice", "effective", "gate", "urls", "cookies", "crawlers", "periods", "own_cookies", "decisions")
# The queue of decisions is the browser's: the web server passes them on and keeps none.
BROWSER_ONLY = {"collapse", "expire", "settle", "next_decision", "pending_grants"}
CASES = [
    case | {"file": name}
    for name in FILES
    for case in json.loads((VECTORS / f"{name}.json").read_text("utf-8"))
    if case["call"] not in BROWSER_ONLY
]


def _choice(given: dict[str, Any] | None) -> rules.Choice | None:
    return None if given is None else rules.Choice(given["version"], tuple(given["granted"]), given["at"])


def _plain(choice: rules.Choice | None) -> dict[str, Any] | None:
    return None if choice is None else {"version": choice.version, "granted": list(choice.granted), "at": choice.at}


def _encode(choice: dict[str, Any]) -> str:
    made = _choice(choice)
    assert made is not None
    return rules.encode_choice(made)


def _effective(choice: dict[str, Any] | None, now: int, gpc: bool) -> list[str]:
    return sorted(rules.effective_purposes(_choice(choice), POLICY, now, gpc))


def _url(url: str, query_keys: list[str] | None = None, unsearched: Sequence[str] = ()) -> dict[str, Any]:
    return rules.scrub_url(url, rules.QUERY_KEYS if query_keys is None else query_keys, unsearched)._asdict()


def _last_day(day: str, period: str) -> str:
    return rules.last_day(date.fromisoformat(day), rules.Period.parse(period)).isoformat()


def _destroy_at(day: str, period: str, tz: str) -> str:
    at = rules.destroy_at(date.fromisoformat(day), rules.Period.parse(period), tz)
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _choice_after(
    choice: dict[str, Any] | None, entry: dict[str, Any], rest: list[dict[str, Any]], recorded: dict[str, Any]
) -> dict[str, Any] | None:
    return _plain(
        rules.choice_after(_choice(choice), entry["notice"], entry["granted"], entry["refused"], recorded, queue=rest)
    )


def _pairs(pairs: list[list[str]]) -> list[tuple[str, str]]:
    return [(name, value) for name, value in pairs]


CALLS: dict[str, Callable[..., Any]] = {
    "decode_choice": lambda value: _plain(rules.decode_choice(value)),
    "encode_choice": _encode,
    "newest_choice": lambda values: _plain(rules.newest_choice(values)),
    "effective_purposes": _effective,
    "items_allowed": lambda purposes: sorted(rules.items_allowed(purposes, POLICY)),
    "gate_event": lambda event, purposes, now_ms: rules.gate_event(event, purposes, POLICY, now_ms),
    "scrub_url": _url,
    "scrub_text": rules.scrub_text,
    "percent_encoded": rules.percent_encoded,
    "scrub_props": lambda value, unsearched=(): rules.scrub_props(value, unsearched),
    "is_crawler": rules.is_crawler,
    "classify": lambda name: rules.classify(name, POLICY),
    "cookie_verdict": lambda name, granted, strict=False: rules.cookie_verdict(name, granted, POLICY, strict),
    "cookie_prefix": rules.cookie_prefix,
    "read_choice": lambda pairs, **naming: _plain(rules.read_choice(_pairs(pairs), **naming)),
    "visitor_ids": lambda pairs, **naming: rules.visitor_ids(_pairs(pairs), **naming)._asdict(),
    "classify_answer": rules.classify_answer,
    "overlay": rules.overlay,
    "choice_after": _choice_after,
    "last_day": _last_day,
    "destroy_at": _destroy_at,
}


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case['file']}: {case['name']}")
def test_vector(case: dict[str, Any]) -> None:
    got = CALLS[case["call"]](**case["input"])
    assert got == case["expect"]


def test_every_call_has_a_case() -> None:
    assert {case["call"] for case in CASES} == set(CALLS)
    for name in FILES:
        names = [(case["call"], case["name"]) for case in CASES if case["file"] == name]
        assert len(names) == len(set(names)), f"two cases of {name}.json share a name"
