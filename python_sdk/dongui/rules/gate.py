"""The gate: of an event, only what a live purpose lists (S2.1b). Used in the web server, and again by the collector.

Two steps, so that a caller who knows the items of a set of purposes already need not ask again:
``gate_event`` = ``items_allowed`` + ``gate_items``.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping
from typing import Any, TypeGuard

from dongui.rules.cookies import declaration
from dongui.rules.urls import ScrubbedUrl, scrub_props, scrub_text, scrub_url

Json = dict[str, Any]

_NO_URL = ScrubbedUrl("", {})


def items_allowed(purposes: Iterable[str], policy: Mapping[str, Any]) -> frozenset[str]:
    """The items that any of ``purposes`` lists; purposes that the compiled policy does not know list none."""
    known = policy["purposes"]
    return frozenset(item for name in purposes if name in known for item in known[name]["items"])


def gate_event(
    event: Mapping[str, Any], purposes: Iterable[str], policy: Mapping[str, Any], now_ms: int
) -> Json | None:
    """An event (as ``POST /v1/events`` takes it) reduced to what ``purposes`` allow; None when none of them is live.

    ``purposes`` are those effective now; of these only the ones that rest on consent count, since events are recorded
    under consent alone. Without ``visit_time`` the time is ``now_ms``, the moment of sending; ``id`` is left as it is,
    so the caller chooses a random UUIDv4 there. Texts are scrubbed. Never adds, never raises on a wrong type.
    """
    known = policy["purposes"]
    live = frozenset(name for name in purposes if name in known and known[name]["basis"] == "consent")
    if not live:
        return None
    return gate_items(event, items_allowed(live, policy), live, policy, now_ms)


def gate_items(
    event: Mapping[str, Any], items: Container[str], granted: Container[str], policy: Mapping[str, Any], now_ms: int
) -> Json:
    """An event reduced to ``items``; ``granted`` are the live purposes, which decide about cookie values one by one."""
    at = event.get("at") if "visit_time" in items else None
    out: Json = {"id": event.get("id"), "name": "-", "at": now_ms if at is None else at}
    used, ads = "service_usage" in items, "advertising_id" in items
    if used or ads:
        url = _scrubbed(event.get("url"), policy, policy.get("unsearched_paths", ()))
        referrer = _scrubbed(event.get("referrer"), policy)
        if used:
            _put_usage(out, event, url, referrer, policy.get("unsearched_properties", ()))
        if ads and (ad_ids := _ad_ids(event, url, referrer)):
            out["ad_ids"] = ad_ids
    if "cookie" in items and (cookies := _cookies(event.get("cookies"), granted, policy)):
        out["cookies"] = cookies
    if "access_environment" in items:
        environment, agent = event.get("environment"), event.get("user_agent")
        if _is_mapping(environment):
            out["environment"] = environment
        if isinstance(agent, str):
            out["user_agent"] = agent
    if "ip_address" in items:
        ip = event.get("ip")
        if isinstance(ip, str):
            out["ip"] = ip
    return out


def _is_mapping(value: Any) -> TypeGuard[Mapping[Any, Any]]:
    """The plain cases first: the abstract test is ten times slower."""
    return type(value) is dict or (value is not None and isinstance(value, Mapping))


def _put_usage(
    out: Json, event: Mapping[str, Any], url: ScrubbedUrl, referrer: ScrubbedUrl, unsearched: Container[str]
) -> None:
    """The service-usage record: what happened, where, with which properties, what was searched for."""
    name, props, search = event.get("name"), event.get("props"), event.get("search")
    if isinstance(name, str):
        out["name"] = scrub_text(name)
    if url is not _NO_URL:
        out["url"] = url.url
    if referrer is not _NO_URL:
        out["referrer"] = referrer.url
    if _is_mapping(props):
        out["props"] = scrub_props(props, unsearched)
    if isinstance(search, str):
        out["search"] = scrub_text(search)


def _scrubbed(url: Any, policy: Mapping[str, Any], unsearched: Iterable[str] = ()) -> ScrubbedUrl:
    """``unsearched``: of the site's own addresses, not of those that lead to it."""
    return scrub_url(url, policy["query_keys"], unsearched) if isinstance(url, str) else _NO_URL


def _ad_ids(event: Mapping[str, Any], url: ScrubbedUrl, referrer: ScrubbedUrl) -> dict[str, str]:
    """Advertising IDs: what the page named outweighs what its address carried, and that what the referrer carried."""
    named = event.get("ad_ids")
    if not _is_mapping(named):
        return {**referrer.ad_ids, **url.ad_ids}
    texts = {key: value for key, value in named.items() if isinstance(key, str) and isinstance(value, str)}
    return {**referrer.ad_ids, **url.ad_ids, **texts}


def _cookies(values: Any, granted: Container[str], policy: Mapping[str, Any]) -> dict[str, str]:
    """The cookie values that may be recorded: declared, with ``record``, of a purpose that is granted itself."""
    if not _is_mapping(values):
        return {}
    kept = {}
    for name, value in values.items():
        entry = declaration(name, policy) if isinstance(name, str) and isinstance(value, str) else None
        if entry is not None and entry["record"] and entry["purpose"] in granted:
            kept[name] = value
    return kept
