"""One address that asks without end is refused on every page, and nobody else is."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from dongui_collector.core.operations import perform
from dongui_collector.intake.credentials import RateLimit
from dongui_collector.intake.routes import pages
from dongui_collector.rights.public_calls import PUBLIC_CALLS
from dongui_collector.runtime.public import public_app

from tests.collector import ORIGIN
from tests.retention.house import House, policy

BURST = 5
PROBES = {"/healthz", "/readyz"}  # they cost nothing, and whoever is refused them is taken for dead


@pytest.fixture
def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[House]:
    made = House(tmp_path, monkeypatch)
    perform(made.core, "sites.add", {"name": "shop", "origins": [ORIGIN], "text": policy()})
    yield made
    made.close()
    made.loop.close()


def test_every_page_that_a_stranger_reads_has_a_rate_limit(house: House) -> None:
    """The routes are walked, so that a new one cannot be forgotten."""

    async def work() -> None:
        door = public_app(house.core)
        door.limit, door.page_limit = RateLimit(1e-9, BURST), RateLimit(1e-9, BURST)
        headers = {"authorization": f"Bearer {house.arrive('statistics')}"}
        readable = {r.path for r in pages(door, more=PUBLIC_CALLS).routes if "GET" in r.methods}  # type: ignore[attr-defined]
        assert readable > PROBES
        for number, path in enumerate(sorted(readable)):
            address = path.replace("{name:str}", "dongui") + f"?site={house.site.id}"
            flood, other = (f"192.0.{number}.1", f"198.51.{number}.1")
            statuses = [(await get(door, flood, address, headers)).status_code for _ in range(BURST + 1)]
            limited = path not in PROBES
            assert statuses == [200] * BURST + [429 if limited else 200], path
            assert (await get(door, other, address, headers)).status_code == 200, path

    async def get(door: object, address: str, path: str, headers: dict[str, str]) -> httpx.Response:
        transport = httpx.ASGITransport(door, client=(address, 1000))  # type: ignore[arg-type]
        async with httpx.AsyncClient(transport=transport, base_url="http://collector") as client:
            return await client.get(path, headers=headers)

    asyncio.run(work())
