"""Reading what is one's own, however often, keeps nobody from withdrawing, erasing or being recorded (DESIGN 8.8)."""

from __future__ import annotations

import ast
import asyncio
import json
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest
from dongui_collector.core.operations import perform
from dongui_collector.core.turns import Whose
from dongui_collector.intake.app import PublicApp
from dongui_collector.intake.turns import GroupTurns, ThreadTurns
from dongui_collector.rights import access_package
from dongui_collector.rights.subjects import Subject
from dongui_collector.runtime.public import public_app

from tests.collector import ORIGIN
from tests.retention.house import House, policy

PATIENCE_S = 120.0  # after which something hangs for good: no measure of how long it may take
READERS = 40  # more than the threads that any machine's default executor has


@pytest.fixture
def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[House]:
    made = House(tmp_path, monkeypatch)
    perform(made.core, "sites.add", {"name": "shop", "origins": [ORIGIN], "text": policy()})
    yield made
    made.close()
    made.loop.close()


def run(house: House, work: Callable[[PublicApp], Awaitable[None]]) -> None:
    async def whole() -> None:
        await work(public_app(house.core))

    asyncio.run(whole())


def client(door: PublicApp, address: str = "192.0.2.1") -> httpx.AsyncClient:
    transport = httpx.ASGITransport(door, client=(address, 1000))
    return httpx.AsyncClient(transport=transport, base_url="http://collector", timeout=PATIENCE_S)


def own(visitor: str) -> dict[str, str]:
    return {"authorization": f"Bearer {visitor}"}


def decision(house: House, granted: list[str], refused: list[str], visitor: str | None = None) -> dict[str, Any]:
    body = {"site": house.site.id, "notice": "v1", "granted": granted, "refused": refused, "method": "banner"}
    return body | {"visitor": visitor}


@pytest.mark.parametrize("path", ["/v1/me", "/v1/me/export", "/v1/me/export?format=html"])
def test_readers_hold_nobodys_erasure_withdrawal_or_grant(
    house: House, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    """Every reader stands still within a page; on the threads of the default executor all others stood behind them."""
    reader, eraser, withdrawer = (house.arrive("statistics") for _ in range(3))
    let_go, begun = threading.Event(), threading.Event()

    def stuck(*_: Any) -> Iterator[list[dict[str, Any]]]:
        begun.set()
        let_go.wait(PATIENCE_S)
        yield []

    monkeypatch.setattr(access_package, "events", stuck)

    async def work(door: PublicApp) -> None:
        async with client(door) as attacker, client(door, "198.51.100.7") as honest:
            reads = [asyncio.create_task(attacker.get(path, headers=own(reader))) for _ in range(READERS)]
            try:
                await asyncio.to_thread(begun.wait, PATIENCE_S)
                async with asyncio.timeout(PATIENCE_S / 2):
                    headers = {"origin": ORIGIN}
                    said = decision(house, [], ["statistics"], withdrawer)
                    answer = await honest.post("/v1/consents", json=said, headers=headers)
                    assert answer.json()["state"]["statistics"] == "withdrawn"
                    assert (await honest.delete("/v1/me", headers=own(eraser))).status_code == 200
                    for kind in ("suspend", "resume", "access"):
                        asked = await honest.post("/v1/me/requests", json={"kind": kind}, headers=own(reader))
                        assert asked.status_code == 201
                    said = decision(house, ["statistics"], [])
                    assert (await honest.post("/v1/consents", json=said, headers=headers)).status_code == 201
            finally:
                let_go.set()
            assert {answer.status_code for answer in await asyncio.gather(*reads)} == {200}

    run(house, work)


def test_sites_take_turns_and_so_do_their_addresses_and_the_visitors_of_one() -> None:
    """However much one asks for, the next one's page comes next."""
    order: list[str] = []

    async def work() -> None:
        turns = ThreadTurns(1, "test")
        gate = threading.Event()
        greedy, other, far, elsewhere = (
            (1, "a", b"greedy"),
            (1, "a", b"other"),
            (1, "b", b"far"),
            (2, "a", b"elsewhere"),
        )
        first = asyncio.create_task(turns.run(Whose(*greedy), gate.wait))
        await asyncio.sleep(0)
        asked = [greedy] * 5 + [other] * 2 + [far, elsewhere]
        jobs = [turns.run(Whose(*whose), lambda whose=whose: order.append(whose[2].decode())) for whose in asked]
        waiting = [asyncio.create_task(job) for job in jobs]
        await asyncio.sleep(0)
        gate.set()
        await asyncio.gather(first, *waiting)

    asyncio.run(work())
    assert sorted(order[:4]) == ["elsewhere", "far", "greedy", "other"]
    assert sorted(order) == ["elsewhere", "far", *["greedy"] * 5, *["other"] * 2]


def test_what_a_turn_raises_is_raised_to_whom_it_belongs_and_the_next_ones_go_on() -> None:
    async def work() -> None:
        turns = ThreadTurns(1, "test")
        failed = asyncio.create_task(turns.run(Whose(), lambda: 1 // 0))
        gone = asyncio.create_task(turns.run(Whose(), lambda: 1))
        good = asyncio.create_task(turns.run(Whose(), lambda: 2))
        await asyncio.sleep(0)
        gone.cancel()
        with pytest.raises(ZeroDivisionError):
            await failed
        assert await good == 2

    asyncio.run(work())


def test_what_waits_together_shares_a_transaction_and_one_that_fails_spoils_it_for_nobody() -> None:
    entered: list[str] = []
    done: list[str] = []

    @contextmanager
    def together() -> Iterator[None]:
        before = list(done)
        try:
            yield
        except BaseException:
            done[:] = before  # rolled back
            entered.append("rolled back")
            raise
        entered.append("committed")

    def alone(work: Callable[[], Any]) -> Any:
        entered.append("alone")
        return work()

    async def work() -> None:
        turns, gate = GroupTurns("test", together, alone, most=8), threading.Event()
        first = asyncio.create_task(turns.run(Whose(), gate.wait))
        await asyncio.sleep(0)
        good = [asyncio.create_task(turns.run(Whose(visitor=bytes([n])), partial(done.append, str(n)))) for n in (1, 2)]
        await asyncio.sleep(0)
        gate.set()
        await asyncio.gather(first, *good)
        assert entered == ["alone", "committed"], "alone the first, together those who waited"
        gate.clear()
        first = asyncio.create_task(turns.run(Whose(), gate.wait))
        await asyncio.sleep(0)
        again = [
            asyncio.create_task(turns.run(Whose(visitor=bytes([n])), partial(done.append, str(n)))) for n in (3, 4)
        ]
        bad = asyncio.create_task(turns.run(Whose(visitor=b"bad"), lambda: 1 // 0))
        await asyncio.sleep(0)
        gate.set()
        with pytest.raises(ZeroDivisionError):
            await bad
        await asyncio.gather(first, *again)

    asyncio.run(work())
    assert sorted(done) == ["1", "2", "3", "4"], "each once"
    assert entered[2:] == ["alone", "rolled back", "alone", "alone", "alone"]


def test_an_export_is_written_a_page_a_step(house: House) -> None:
    """No step reads more than a page, so that none holds the readers' thread for longer; the whole is one document."""
    visitor = house.arrive("statistics")
    for day in range(3):
        for number in range(350):
            house.visit(visitor, url=f"{ORIGIN}/{day}/{number}")
        house.now += 86_400_000
    subject = Subject(house.site.ref, None, (house.core.ledger.key_of(visitor),))
    pieces = list(access_package.as_json(house.core, subject, access_package.AccessScope()))
    assert max(map(len, pieces)) < 256 << 10
    whole = json.loads(b"".join(pieces))
    assert len(whole["events"]) == 1050
    steps = [len(json.loads(b"[" + piece.lstrip(b",") + b"]")) for piece in pieces[1:-1]]
    assert max(steps) <= 100


def test_a_journal_line_stands_only_where_its_transaction_does(house: House) -> None:
    """One job of a shared transaction fails: what others wrote is undone, and a restore must not repeat it."""
    visitor = house.arrive()
    ledger, journal = house.core.ledger, house.core.ledger.journal
    key, before = ledger.key_of(visitor), journal.position()

    def together() -> None:
        with house.core.storage.ledger.writing():
            ledger.suspend(key, True)
            assert journal.position() == before, "its fate is not known yet"
            raise OSError("another's job")

    with pytest.raises(OSError, match="another's job"):
        together()
    assert journal.position() == before
    found = house.core.storage.ledger.visitor(key)
    assert found is not None
    assert not found.suspended
    with house.core.storage.ledger.writing():
        ledger.suspend(key, True)
    assert [e["kind"] for e in journal.entries(before)] == ["suspension"], "and once where it does"


def test_no_journal_line_of_the_ledgers_own_is_written_inside_a_transaction() -> None:
    """The kind of fault: a line inside ``writing()`` that is not kept until all else of it has succeeded."""
    source = Path(__file__).parents[2] / "collector" / "dongui_collector"
    found = []
    for path in source.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.With) and any("writing()" in ast.unparse(item) for item in node.items):
                later = {id(n) for c in ast.walk(node) if isinstance(c, ast.Lambda) for n in ast.walk(c)}
                calls = (n for n in ast.walk(node) if isinstance(n, ast.Call) and id(n) not in later)
                found += [path.name for call in calls if "journal.append" in ast.unparse(call.func)]
    assert found == []


def test_a_64_is_one_address_where_decisions_take_turns(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[str] = []

    async def work(door: PublicApp) -> None:
        real = door.choices.add

        async def watched(*arguments: Any, source: str) -> Any:
            seen.append(source)
            return await real(*arguments, source=source)

        monkeypatch.setattr(door.choices, "add", watched)
        for address in ("2001:db8::1", "2001:db8::ffff:2", "2001:db8:0:1::1"):
            async with client(door, address) as asker:
                body = decision(house, [], ["statistics"])
                answer = await asker.post("/v1/consents", json=body, headers={"origin": ORIGIN})
                assert answer.status_code == 201

    run(house, work)
    assert seen == ["2001:db8::", "2001:db8::", "2001:db8:0:1::"]
