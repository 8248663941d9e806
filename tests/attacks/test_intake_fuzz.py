"""Whatever a stranger sends to any public route is answered: never a 500, nothing echoed, the next one served."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from dongui_collector.core.operations import perform
from dongui_collector.intake.openapi import _CALLS
from dongui_collector.runtime.public import public_app
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.collector import ORIGIN, event
from tests.retention.house import House, policy

SENTINEL = "sentinelofthefuzz"
ROUTES = sorted({*_CALLS, ("get", "/healthz"), ("get", "/metrics"), ("put", "/v1/me"), ("get", "/nowhere")})

odd = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.integers(10**18, 10**24),
    st.floats(),
    st.text(max_size=40),
    st.sampled_from(["", "\x00", "\ud800", "가" * 300, "x" * 5000, SENTINEL, "9999-12", "0001-01-01", "-1", "%0d%0a"]),
    st.lists(st.integers(), max_size=3),
    st.dictionaries(st.text(max_size=5), st.integers(), max_size=3),
)
words = st.text(st.characters(min_codepoint=1, max_codepoint=255), max_size=40)
parameters = st.dictionaries(
    st.sampled_from(["site", "lang", "version", "format", "v", "name", "x"]), st.one_of(words, st.text(max_size=20))
)
NAMES = (
    "authorization origin cookie x-dongui content-encoding if-none-match accept-encoding x-forwarded-for"
    " x_forwarded_for dongui-address sec-gpc user-agent accept-language"
)
headers = st.dictionaries(
    st.sampled_from(NAMES.split()),
    words.map(lambda text: text.replace("\r", "").replace("\n", "").strip()),
    max_size=4,
)


class Fuzzed:
    """One collector in this process, and a valid body for each call, to be spoiled."""

    def __init__(self, house: House) -> None:
        made = perform(house.core, "sites.add", {"name": "shop", "origins": [ORIGIN], "text": policy()})
        self.site, self.secret = made["site"], made["secret_key"]
        self.visitor = house.arrive("statistics")
        self.loop = asyncio.new_event_loop()
        self.door = public_app(house.core)
        self.door.limit._full = self.door.page_limit._full = 1e9
        transport = httpx.ASGITransport(self.door, client=("192.0.2.1", 1000))
        self.http = httpx.AsyncClient(transport=transport, base_url="http://collector")
        site = {"site": self.site}
        member = site | {"member": "m1"}
        self.bodies: dict[str, dict[str, Any]] = {
            "/v1/consents": site
            | {"notice": "v1", "granted": ["statistics"], "refused": [], "method": "banner", "lang": "ko"}
            | {"id": None, "visitor": self.visitor, "signals": {"gpc": True}, "layout": "bar", "catalog": "0" * 8},
            "/v1/events": site | {"visitor": self.visitor, "events": [event(house.now, props={"a": {"b": [1]}})]},
            "/v1/records": site
            | {"class": "abuse", "subject": "m1", "at": house.now, "source": "service", "data": {"n": 1}},
            "/v1/members": member | {"visitor": self.visitor, "event": "identified"},
            "/v1/channels": member | {"granted": [], "refused": [], "method": "api", "lang": "ko"},
            "/v1/inventory": site | {"cookies": ["_ga"]},
            "/v1/counts": site
            | {"id": "019ab0c4-7a00-4000-8000-000000000000", "at": house.now, "counts": {"unasked": 1}},
            "/v1/me/requests": {"kind": "access", "text": "please"},
        }

    def ask(self, method: str, path: str, **more: Any) -> httpx.Response:
        return self.loop.run_until_complete(self.http.request(method, path, **more))

    def close(self) -> None:
        self.loop.run_until_complete(self.http.aclose())
        self.loop.close()


@pytest.fixture(scope="module")
def fuzzed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fuzzed]:
    with pytest.MonkeyPatch.context() as patched:
        house = House(Path(tmp_path_factory.mktemp("fuzz")), patched)
        made = Fuzzed(house)
        yield made
        made.close()
        house.close()
        house.loop.close()


@st.composite
def spoiled(draw: st.DrawFn, whole: Any) -> Any:
    """A valid value with something in it replaced, removed or added."""
    if isinstance(whole, dict) and whole and draw(st.integers(0, 5)):
        key = draw(st.sampled_from(sorted(whole)))
        how = draw(st.sampled_from(["inside", "inside", "gone", "more"]))
        if how == "gone":
            return {k: v for k, v in whole.items() if k != key}
        if how == "more":
            return whole | {draw(st.text(max_size=10)): draw(odd)}
        return whole | {key: draw(spoiled(whole[key]))}
    if isinstance(whole, list) and whole and draw(st.booleans()):
        return [draw(spoiled(whole[0])), *whole[1:]]
    return draw(odd)


def encoded(value: Any) -> bytes:
    return json.dumps(value).encode("utf-8", "surrogatepass")


@pytest.mark.parametrize(("method", "path"), ROUTES)
def test_every_public_route_answers_whatever_comes(fuzzed: Fuzzed, method: str, path: str) -> None:
    valid = fuzzed.bodies.get(path, {})
    bodies = st.one_of(spoiled(valid).map(encoded), st.binary(max_size=200), st.just(encoded(valid)))
    bearers = [{"authorization": f"Bearer {one}"} for one in (fuzzed.secret, fuzzed.visitor)]
    own = {"cookie": f"dongui_id={fuzzed.visitor}", "x-dongui": "1"}
    who = st.sampled_from([{"origin": ORIGIN}, *bearers, own, {}])
    names = st.sampled_from(["dongui", "ui", "nothing", "..", "%00", "a.b", "x" * 500])

    @settings(max_examples=60, suppress_health_check=list(HealthCheck), database=None, derandomize=True)
    @given(bodies, parameters, headers, who, names)
    def fuzz(body: bytes, query: dict[str, str], extra: dict[str, str], writer: dict[str, str], name: str) -> None:
        if method == "delete" and "authorization" in writer:
            writer = {"authorization": "Bearer " + "A" * 22}  # the visitor is needed to the end
        raw = [(k.encode(), v.encode("latin-1")) for k, v in {**writer, **extra}.items()]
        content = body if method in ("post", "put") else None
        answer = fuzzed.ask(
            method.upper(), path.replace("{name}", name), params=_printable(query), headers=raw, content=content
        )
        assert answer.status_code < 500, answer.text
        if answer.status_code >= 400:
            assert answer.headers["content-type"] == "application/problem+json"
            assert SENTINEL not in answer.text

    fuzz()
    assert fuzzed.ask("GET", "/healthz").status_code == 200


def _printable(query: dict[str, str]) -> dict[str, str]:
    return {k: v.encode("utf-8", "replace").decode() for k, v in query.items()}
