"""The switch of a member's profile at the public door (S4.2b): the site's server says it, on the member's word."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from dongui_collector.core.settings import load_settings
from dongui_collector.runtime.composition import open_core

from tests.collector import ORIGIN, Installation


def tell(collector: Installation, **said: Any) -> httpx.Response:
    return collector.http.post("/v1/members", json={"site": collector.site, **said}, headers=collector.bearer)


def allowed(collector: Installation) -> int:
    core = open_core(load_settings(collector.folder / "dongui.toml"), writable=False)
    try:
        return len(core.storage.disclosures.profiles(core.registry.sites()[0].ref))
    finally:
        core.close()


def test_s4_2b_a_member_allows_and_denies(collector: Installation) -> None:
    before = allowed(collector)
    for _ in range(2):
        assert tell(collector, member="m-profile", event="profile_allowed").json() == {"allowed": True}
    assert allowed(collector) == before + 1
    assert tell(collector, member="m-profile", event="profile_denied").json() == {"allowed": False}
    assert allowed(collector) == before


@pytest.mark.parametrize(
    "said", [{"event": "profile_allowed"}, {"event": "profile", "member": "m"}], ids=["whose", "what"]
)
def test_what_is_not_whole_is_malformed(collector: Installation, said: dict[str, str]) -> None:
    assert tell(collector, **said).status_code == 400


def test_a_browser_cannot_say_it(collector: Installation) -> None:
    said = {"site": collector.site, "member": "m-profile", "event": "profile_allowed"}
    assert collector.http.post("/v1/members", json=said, headers={"origin": ORIGIN}).status_code == 401


def test_s8_not_of_a_member_under_age(collector: Installation) -> None:
    tell(collector, member="m-child-profile", event="minor")
    assert tell(collector, member="m-child-profile", event="profile_allowed").status_code == 409
