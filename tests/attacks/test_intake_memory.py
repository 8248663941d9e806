"""What was refused or erased is in none of the door's tables; nor is anybody's address longer than its limit counts."""

from __future__ import annotations

import asyncio
import functools
import gc
import resource
import subprocess
import sys
import textwrap
import types
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from dongui.rules.addresses import parse_ip
from dongui_collector.core.operations import perform
from dongui_collector.intake import credentials
from dongui_collector.intake.app import PublicApp
from dongui_collector.intake.caches import HashedCache
from dongui_collector.intake.credentials import RateLimit
from dongui_collector.runtime.public import public_app

from tests.collector import CHROME, ORIGIN, event
from tests.retention.house import House, policy

_RUNNING = (types.FrameType, types.CoroutineType, types.GeneratorType, types.CellType, types.FunctionType)


@pytest.fixture
def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[House]:
    made = House(tmp_path, monkeypatch)
    perform(made.core, "sites.add", {"name": "shop", "origins": [ORIGIN], "text": policy()})
    yield made
    made.close()
    made.loop.close()


def held(*words: str) -> list[str]:
    """The strings with one of these words that some object of the process holds: a table, a cache, an attribute."""
    found, seen = [], set()
    stack = [thing for thing in gc.get_objects() if not isinstance(thing, _RUNNING) and thing is not words]
    while stack:
        thing = stack.pop()
        for part in gc.get_referents(thing):
            if type(part) is str:
                found += [part] if any(word in part for word in words) else []
            elif isinstance(part, dict | list | set | tuple) and not gc.is_tracked(part) and id(part) not in seen:
                seen.add(id(part))  # of plain values alone, and so not among the objects themselves
                stack.append(part)
    return found


async def visit(door: PublicApp, house: House, address: str, agent: str, path: str, *, grant: bool) -> None:
    headers = {"origin": ORIGIN, "user-agent": f"{CHROME} {agent}", "accept-language": f"x-{agent[-8:]}"}
    transport = httpx.ASGITransport(door, client=(address, 1000))
    async with httpx.AsyncClient(transport=transport, base_url="http://collector", headers=headers) as client:
        said: dict[str, Any] = {"site": house.site.id, "notice": "v1", "granted": [], "refused": ["statistics"]}
        if grant:
            said |= {"granted": ["statistics"], "refused": []}
        answer = await client.post("/v1/consents", json=said | {"method": "banner"})
        visitor = answer.json()["visitor"] or "A" * 22
        page = event(house.now, url=f"{ORIGIN}/{path}?secret=1", name=f"n{path}")
        sent = await client.post("/v1/events", json={"site": house.site.id, "visitor": visitor, "events": [page]})
        assert sent.json()["recorded"] == int(grant)
        if grant:
            erased = await client.delete("/v1/me", headers={"authorization": f"Bearer {visitor}"})
            assert erased.status_code == 200
        await client.aclose()


@pytest.mark.parametrize("grant", [False, True], ids=["refused", "erased"])
def test_no_table_holds_address_agent_or_url(house: House, monkeypatch: pytest.MonkeyPatch, grant: bool) -> None:
    agent, path = (f"marker{uuid.uuid4().hex}" for _ in range(2))
    address = ".".join(["198", "51", "100", "77"])  # no constant of this module, which would be found too
    clock = {"now": 1000.0}
    monkeypatch.setattr(credentials.time, "monotonic", lambda: clock["now"])
    door = public_app(house.core)

    asyncio.run(visit(door, house, address, agent, path, grant=grant))
    clock["now"] += house.settings.rate_burst / house.settings.rate_limit + 1
    door.limit.forget()
    door.served.taken()  # as whoever watches the connections does every second
    gc.collect()
    assert held(agent, path, address) == []


def test_the_search_itself_finds_what_a_table_holds() -> None:
    word = f"marker{uuid.uuid4().hex}"
    assert held(word[:20] + "x") == []
    for table in ({word: 1}, {(word, "x"): 1.0}, {1: (1, (word,))}, [word], {word}):
        gc.collect()
        assert word in held(word[:20])
        assert table
    cached = functools.lru_cache(str.upper)
    cached(word)
    assert word in held(word[:20])


def test_a_rate_limit_forgets_after_its_window(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = {"now": 1000.0}
    monkeypatch.setattr(credentials.time, "monotonic", lambda: clock["now"])
    limit = RateLimit(10, 20)
    for n in range(300):
        assert limit.allow("", f"192.0.2.{n % 200}")
    clock["now"] += 2.0
    assert limit.allow("", "203.0.113.1")
    assert set(limit._full_at) == {("", "203.0.113.1")}, "far below its bound, and yet nobody else is in it"
    clock["now"] += 2.0
    limit.forget()
    assert not limit._full_at


def test_the_eldest_go_where_too_many_are_in_use() -> None:
    limit = RateLimit(0.001, 5, most=100)
    for n in range(150):
        limit.allow("", f"10.0.{n // 250}.{n % 250}")
    assert len(limit._full_at) <= 100
    assert ("", "10.0.0.149") in limit._full_at


def test_a_cache_holds_no_text() -> None:
    cache = HashedCache(len, 3)
    for text in ("a", "bb", "ccc", "dddd"):
        assert cache(text) == len(text)
        assert cache(text) == len(text)
    assert len(cache) == 3
    assert not any(isinstance(key, str) for key in cache._held)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("192.0.2.1", "192.0.2.1"),
        (" 192.0.2.1 ", "192.0.2.1"),
        ("192.0.2.1:80", "192.0.2.1"),
        ("[2001:db8::1]:443", "2001:db8::1"),
        ("2001:DB8:0::1%eth0", "2001:db8::1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("192.0.2.01", None),
        ("192.0.2", None),
        ("3221225985", None),
        ("192.0.2.1\x00", None),
        ("１９２.0.2.1", None),
        ("", None),
    ],
)
def test_addresses_are_read_as_before(text: str, expected: str | None) -> None:
    assert parse_ip(text) == expected


def test_no_core_is_left() -> None:
    script = """
        import ctypes, resource
        from dongui_collector.runtime.hardening import no_core_dumps
        no_core_dumps()
        assert resource.getrlimit(resource.RLIMIT_CORE) == (0, 0)
        print(ctypes.CDLL(None).prctl(3, 0, 0, 0, 0))
    """
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(script)], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "0", "PR_GET_DUMPABLE"
    assert resource.getrlimit(resource.RLIMIT_CORE)[0] is not None
