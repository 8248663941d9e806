"""Headers that name a region change nothing: everybody is asked alike, so no cache can hold another region's answer
(docs/decisions/150).
"""

from __future__ import annotations

import asyncio
from pathlib import Path

import httpx
import pytest
from dongui_collector.core.settings import load_settings
from dongui_collector.runtime.composition import open_core
from dongui_collector.runtime.install import install
from dongui_collector.runtime.public import public_app

from tests.collector import CHROME, starting_text

CALLS = ["/v1/notice?site={site}&lang=en", "/v1/policy?site={site}", "/policy?site={site}", "/v1/dongui.js"]
NAMES = ("CF-IPCountry", "X-Vercel-IP-Country", "CloudFront-Viewer-Country", "X-Country-Code", "X-AppEngine-Region")
REGIONS = [dict.fromkeys(NAMES, value) for value in ("KR", "US", "us-ca", "T1", "")]


def answers(folder: Path, call: str, trusted_proxies: int) -> list[tuple[int, bytes, list[tuple[str, str]]]]:
    """Status, body and what is said to caches, first without a region and then with each."""
    installed = install(folder, starting_text(), name="shop")
    config = Path(installed.config)
    with config.open("a", encoding="utf-8") as file:
        file.write(f"trusted_proxies = {trusted_proxies}\n")
    core = open_core(load_settings(config), writable=True)

    async def asked() -> list[httpx.Response]:
        door = httpx.ASGITransport(public_app(core))
        async with httpx.AsyncClient(transport=door, base_url="http://test", headers={"user-agent": CHROME}) as http:
            path = call.format(site=installed.site)
            return [await http.get(path, headers=region) for region in ({}, *REGIONS)]

    try:
        found = asyncio.run(asked())
    finally:
        core.close()
    told = ("cache-control", "etag", "vary", "content-type")
    return [(a.status_code, a.content, [(name, a.headers.get(name, "")) for name in told]) for a in found]


@pytest.mark.parametrize("trusted_proxies", [0, 1], ids=["no proxy", "a trusted proxy"])
@pytest.mark.parametrize("call", CALLS)
def test_no_header_makes_an_answer_for_a_region(call: str, trusted_proxies: int, tmp_path: Path) -> None:
    first, *others = answers(tmp_path / "d", call, trusted_proxies)
    assert first[0] == 200
    assert len(first[1]) > 100
    assert [other for other in others if other != first] == []
