"""The gate never widens: for any event, purposes and policy, nothing gets out that no live purpose lists (S2.1b)."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from types import MappingProxyType
from typing import Any

from dongui.rules import gate_event, items_allowed
from hypothesis import given
from hypothesis import strategies as st

POLICY = json.loads((Path(__file__).parent.parent / "vectors" / "policy.json").read_text("utf-8"))
NOW = 1_764_000_000_000

# Which item opens which member of the outgoing event.
MEMBERS = {
    "url": "service_usage",
    "referrer": "service_usage",
    "props": "service_usage",
    "search": "service_usage",
    "ad_ids": "advertising_id",
    "cookies": "cookie",
    "environment": "access_environment",
    "user_agent": "access_environment",
    "ip": "ip_address",
}

purposes = st.lists(st.sampled_from([*POLICY["purposes"], "everything", "constructor"]), unique=True)
texts = st.text(max_size=30)
urls = st.builds("https://host.example/{}?utm_source={}&gclid={}".format, texts, texts, texts)
json_values = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), texts),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(texts, inner, max_size=3)),
    max_leaves=8,
)
good = {
    "name": texts,
    "at": st.integers(0, 2 * NOW),
    "url": urls,
    "referrer": urls,
    "props": st.dictionaries(texts, json_values, max_size=3),
    "search": texts,
    "ad_ids": st.dictionaries(texts, texts, max_size=2),
    "cookies": st.dictionaries(st.sampled_from(["_ga", "_fbp", "_fbc", "sid", "abc"]), texts, max_size=4),
    "environment": st.dictionaries(texts, texts, max_size=2),
    "user_agent": texts,
    "ip": st.ip_addresses().map(str),
    "visitor": texts,
}
events = st.fixed_dictionaries({"id": st.uuids().map(str)}, optional=good)
wild = st.fixed_dictionaries({"id": st.uuids().map(str)}, optional=dict.fromkeys(good, json_values))


@given(st.one_of(events, wild), purposes)
def test_only_members_of_allowed_items_get_out(event: dict[str, Any], granted: list[str]) -> None:
    """S2.1b: each automatic item is gated on its own."""
    before = copy.deepcopy(event)
    out = gate_event(event, granted, POLICY, NOW)
    assert repr(event) == repr(before), "the gate must not touch what it is given"
    live = [p for p in granted if p in POLICY["purposes"] and POLICY["purposes"][p]["basis"] == "consent"]
    assert (out is None) == (not live)
    if out is None:
        return
    items = items_allowed(live, POLICY)
    assert out["id"] == event["id"]
    assert all(MEMBERS[member] in items for member in out.keys() - {"id", "name", "at"})
    assert out["name"] == "-" or "service_usage" in items
    assert out["at"] == NOW or "visit_time" in items
    assert all(isinstance(value, str) for value in out.get("ad_ids", {}).values())


@given(events, purposes, purposes)
def test_fewer_purposes_never_let_more_out(event: dict[str, Any], one: list[str], other: list[str]) -> None:
    less = gate_event(event, one, POLICY, NOW)
    more = gate_event(event, {*one, *other}, POLICY, NOW)
    if less is not None:
        assert more is not None
        assert less.keys() <= more.keys()
        assert less.get("cookies", {}).items() <= more.get("cookies", {}).items()


@given(events, purposes)
def test_a_recorded_cookie_is_declared_for_recording_under_a_purpose_granted(
    event: dict[str, Any], granted: list[str]
) -> None:
    out = gate_event(event, granted, POLICY, NOW) or {}
    purpose = {"_fbp": "marketing", "_fbc": "personalisation", "abc": "statistics"}
    assert all(purpose[name] in granted for name in out.get("cookies", {}))


@given(events, purposes)
def test_the_gate_is_idempotent(event: dict[str, Any], granted: list[str]) -> None:
    once = gate_event(event, granted, POLICY, NOW)
    if once is not None:
        assert gate_event(once, granted, POLICY, NOW) == once


def test_what_the_policy_never_has_searched_stays_as_it_is() -> None:
    """Barcodes look like telephone numbers: the site names the paths and properties that hold them."""
    policy = POLICY | {"unsearched_paths": ["/goods/*"], "unsearched_properties": ["sku"]}
    event = {"id": "5f0c", "at": 1, "url": "/goods/01012345678", "referrer": "/goods/01012345678"}
    event["props"] = {"sku": "01012345678", "tel": "01012345678"}
    out = gate_event(event, ["statistics"], policy, NOW)
    assert out is not None
    assert (out["url"], out["referrer"]) == ("/goods/01012345678", "/goods/[phone]"), "of the site's own addresses only"
    assert out["props"] == {"sku": "01012345678", "tel": "[phone]"}


def test_mappings_of_any_kind_are_taken() -> None:
    """Servers hand over read-only views of their dictionaries too."""
    event = {
        "id": "5f0c",
        "at": 1,
        "props": MappingProxyType({"size": "L"}),
        "environment": MappingProxyType({"os": "x"}),
    }
    out = gate_event(event, ["statistics"], POLICY, NOW)
    assert out is not None
    assert (out["props"], out["environment"]) == ({"size": "L"}, {"os": "x"})
