"""The queue of decisions in the built snippet, with tabs and a network, against a real collector.

A model that knows nothing of how it is done holds at every step what DESIGN 4 promises. Hypothesis opens, leaves and
crashes tabs, decides in them, delays, forges and breaks off answers, takes the network away, steps the browser's clock
and publishes notices. Nothing waits for a clock of the host's, and a seed always does the same.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import lru_cache
from typing import Any, ClassVar

import pytest
from dongui_collector.ledger import notices
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.internal.conjecture.providers import HypothesisProvider
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from tests.queue.world import DAY, FOREIGN, PURPOSES, Browser, World
from tests.retention.house import House

TABS = ("a", "b", "c")
#: What a run has to have met, about half of what it does meet: one that meets less has shown nothing.
FLOOR = {
    "grants recorded": 15,
    "withdrawals delivered": 12,
    "answers that refuse": 6,
    "answers of strangers": 8,
    "tabs crashed": 15,
}
DECISIONS = st.dictionaries(st.sampled_from(PURPOSES), st.booleans(), min_size=1)


class Queue(RuleBasedStateMachine):
    world: ClassVar[World]

    @initialize(seed=st.integers(0, 2**31), locks=st.booleans())
    def begin(self, seed: int, locks: bool) -> None:
        self.world.begin(seed, locks=locks)
        self.step = 0
        #: When each purpose was last taken away or refused, and its last decision: None where none binds any more.
        self.taken = dict.fromkeys(PURPOSES, 0)
        self.last: dict[str, bool | None] = dict.fromkeys(PURPOSES, None)
        #: Grants that no answer has confirmed yet, and since when (server, browser): what waits too long is asked anew.
        self.unsure: dict[str, tuple[int, int]] = {}
        #: What answers have granted, by the request's id, until a page has taken the answer in: one that ends before
        #: that has lost it.
        self.told: dict[str, set[str]] = {}
        #: The visitor ids that this browser has ever had. A grant whose answer was lost, and that then waited too long,
        #: stands on the ledger under another one, so nothing is recorded under it.
        self.had: set[str] = set()
        #: When the request of each id was first seen; and the purposes that a 201 has put in force, by when that was.
        self.seen: dict[str, int] = {}
        self.recorded: dict[str, int] = dict.fromkeys(PURPOSES, -1)
        self.events: set[int] = set()
        self.do("open", tab="a")

    def do(self, what: str, **given: Any) -> None:
        self.world.see(what, **given)
        self.look()

    def look(self) -> None:
        """Takes note of what has become visible in this step."""
        self.step += 1
        self.had.update(value for name, value in self.cookies().items() if name.endswith("_id"))
        for entry in self.world.queue():
            if "id" in entry:
                self.seen.setdefault(entry["id"], self.step)
                self.had.add(entry["visitor"])
            if entry.get("notice") != self.world.notice:  # a page that does not know of the new one
                for name in set(entry.get("granted", [])) & set(self.unsure):
                    self.stale(name)
        for request in self.world.posts():
            body = json.loads(request["body"]) if request["body"] else {}
            if "id" in body:
                self.seen.setdefault(body["id"], self.step)
            if request["url"].endswith("/v1/events") and request["id"] not in self.events:
                self.events.add(request["id"])
                assert self.allowed(), "events left the browser, and nothing is granted"
        if any("refused" in tab["results"] for tab in self.world.state["tabs"].values()):
            for name in set(self.unsure) - self.waiting():  # could not be written down, and the page was told so
                self.stale(name)
        for name, since in list(self.unsure.items()):
            server, browser = since
            if self.world.state["now"] - server > DAY - 6e5 or abs(self.world.state["browser"] - browser) > DAY - 6e5:
                self.stale(name)
        for taken in set(self.told) - self.queued():
            for name in self.told.pop(taken):
                self.unsure.pop(name, None)

    def stale(self, name: str) -> None:
        """A grant that waited too long may be dropped, and asked anew: only what it is worth must agree then."""
        del self.unsure[name]
        self.last[name] = None

    def cookies(self) -> dict[str, str]:
        return dict(pair.split("=", 1) for pair in self.world.state["cookies"].split("; ") if pair)

    def queued(self) -> set[str]:
        return {entry["id"] for entry in self.world.queue() if "id" in entry}

    def waiting(self) -> set[str]:
        return {name for entry in self.world.queue() for name in entry.get("granted", [])}

    def allowed(self) -> set[str]:
        return {name for name in PURPOSES if self.recorded[name] >= self.taken[name] and self.recorded[name] > 0}

    @property
    def tabs(self) -> list[str]:
        return list(self.world.state["tabs"])

    # -- people

    @precondition(lambda self: len(self.tabs) < len(TABS))
    @rule()
    def open(self) -> None:
        self.do("open", tab=next(name for name in TABS if name not in self.tabs))
        self.do("advance", ms=701)

    @precondition(lambda self: self.tabs)
    @rule(data=st.data(), crash=st.booleans())
    def close(self, data: st.DataObject, crash: bool) -> None:
        tab = data.draw(st.sampled_from(self.tabs))
        self.world.met["tabs crashed"] += crash
        self.do("close", tab=tab, crash=crash)
        for name in set(self.unsure) - self.waiting():  # was never written down: nobody was promised anything yet
            self.stale(name)

    @precondition(lambda self: self.tabs)
    @rule(data=st.data(), changes=DECISIONS)
    def decide(self, data: st.DataObject, changes: dict[str, bool]) -> None:
        self.decides(data.draw(st.sampled_from(self.tabs)), changes)

    def decides(self, tab: str, changes: dict[str, bool]) -> None:
        self.decided(changes)
        code = f"dongui.consent.set({json.dumps(changes)})"
        self.do("call", tab=tab, code=f"{code}.then((result) => results.push(result))")

    @precondition(lambda self: self.tabs)
    @rule(data=st.data(), which=st.sets(st.sampled_from(PURPOSES)))
    def withdraw(self, data: st.DataObject, which: set[str]) -> None:
        self.withdraws(data.draw(st.sampled_from(self.tabs)), which)

    def withdraws(self, tab: str, which: set[str]) -> None:
        self.decided(dict.fromkeys(which or PURPOSES, False))
        names = ",".join(map(repr, sorted(which)))
        self.do("call", tab=tab, code=f"dongui.withdraw({names}).then((result) => results.push(result))")

    def decided(self, changes: dict[str, bool]) -> None:
        for name, given in changes.items():
            self.last[name] = given
            self.unsure.pop(name, None)
            for granted in self.told.values():
                granted.discard(name)
            if given:
                self.unsure[name] = (self.world.state["now"], self.world.state["browser"])
            else:
                self.taken[name] = self.step + 1

    # -- sequences that chance alone seldom finds

    @precondition(lambda self: self.tabs)
    @rule(data=st.data(), changes=st.dictionaries(st.sampled_from(PURPOSES), st.just(True), min_size=1))
    def agree(self, data: st.DataObject, changes: dict[str, bool]) -> None:
        """Somebody agrees, and all is well."""
        self.network(True)
        self.decides(data.draw(st.sampled_from(self.tabs)), changes)
        self.deliver()

    @precondition(lambda self: self.allowed() and len(self.tabs) < len(TABS))
    @rule(which=st.sets(st.sampled_from(PURPOSES)))
    def withdraw_offline(self, which: set[str]) -> None:
        """On a page that has loaded nothing on demand yet, so that nobody tells the cookie."""
        self.network(True)
        self.deliver()
        self.open()
        self.network(False)
        self.withdraws(self.tabs[-1], which)

    @precondition(lambda self: 0 < len(self.tabs) < len(TABS))
    @rule(
        asks=st.booleans(),
        online=st.booleans(),
        changes=st.dictionaries(st.sampled_from(PURPOSES), st.just(True), min_size=1),
    )
    def agree_to_the_new_notice(self, asks: bool, online: bool, changes: dict[str, bool]) -> None:
        """What waits for its record in a new page is not for a page to drop that knows the old notice alone."""
        self.network(True)
        self.deliver()
        self.publish(asks=asks)
        self.open()
        self.decides(self.tabs[-1], changes)
        self.network(online)
        for request in self.world.posts():
            self.do("answer", request=request["id"], answer=FOREIGN["away 503"])
        assert set(changes) & set(self.unsure) <= self.waiting(), "a grant under the notice in force was dropped"

    @precondition(lambda self: self.tabs)
    @rule(data=st.data(), changes=st.dictionaries(st.sampled_from(PURPOSES), st.just(True), min_size=1))
    def agree_to_the_old_notice(self, data: st.DataObject, changes: dict[str, bool]) -> None:
        """On a page that has stood for long: the collector refuses."""
        self.network(True)
        self.deliver()
        self.publish(asks=True)
        self.decides(data.draw(st.sampled_from(self.tabs)), changes)
        self.deliver()

    @precondition(lambda self: self.tabs)
    @rule(data=st.data())
    def track(self, data: st.DataObject) -> None:
        self.do("call", tab=data.draw(st.sampled_from(self.tabs)), code="dongui.track('x', {a: 1})")

    # -- the network

    @precondition(lambda self: self.world.posts())
    @rule(data=st.data(), loses=st.booleans(), broken=st.booleans())
    def answer(self, data: st.DataObject, loses: bool, broken: bool) -> None:
        """The collector gets it; its answer arrives, breaks off, or is lost."""
        request = data.draw(st.sampled_from(self.world.posts()), label="request")
        answer: dict[str, Any] | None = self.world.collector(request)
        assert answer is not None
        if loses:
            self.do("answer", request=request["id"], answer=answer | {"broken": True} if broken else None)
        else:
            self.arrives(request, answer)

    def arrives(self, request: dict[str, Any], answer: dict[str, Any]) -> None:
        self.world.met["answers that refuse"] += answer["status"] >= 400
        self.confirmed(request, answer)
        before = self.queued()
        self.do("answer", request=request["id"], answer=answer)
        if answer["status"] == 201 and json.loads(request["body"])["id"] in before - self.queued():
            self.had.add(json.loads(answer["text"])["visitor"])

    def confirmed(self, request: dict[str, Any], answer: dict[str, Any]) -> None:
        if answer["status"] != 201:
            return
        body, told = json.loads(request["body"]), json.loads(answer["text"])
        assert told["id"] == body["id"]
        self.world.met["grants recorded"] += any(told["state"].get(name) == "given" for name in body["granted"])
        self.world.met["withdrawals delivered"] += any(
            told["state"].get(name) == "withdrawn" for name in body["refused"]
        )
        given = {name for name in body["granted"] if told["state"].get(name) == "given"}
        for name in given:
            self.recorded[name] = max(self.recorded[name], self.seen[body["id"]])
        self.told[body["id"]] = {name for name in given if self.recorded[name] >= self.taken[name]}

    @precondition(lambda self: self.world.posts())
    @rule(data=st.data(), what=st.sampled_from(sorted(FOREIGN)))
    def forge(self, data: st.DataObject, what: str) -> None:
        request = data.draw(st.sampled_from(self.world.posts()), label="request")
        self.world.met["answers of strangers"] += 1
        self.do("answer", request=request["id"], answer=FOREIGN[what])

    def deliver(self) -> bool:
        """The collector answers what is on its way; whether anything was."""
        busy = False
        while posts := self.world.posts():
            self.nothing_acts_without_its_record()
            self.arrives(posts[0], self.world.collector(posts[0]))
            busy = True
        return busy

    @rule(online=st.booleans())
    def network(self, online: bool) -> None:
        self.world.online = online
        self.do("network", online=online)

    @rule(seconds=st.sampled_from([1, 1, 5, 60, 3600, 25 * 3600]))
    def wait(self, seconds: int) -> None:
        self.do("advance", ms=seconds * 1000)

    @rule(hours=st.sampled_from([-25, -1, 1, 25, 72, -72]))
    def step_the_clock(self, hours: int) -> None:
        self.do("skew", ms=hours * 3_600_000)

    @rule(asks=st.booleans())
    def publish(self, asks: bool) -> None:
        self.world.publish(asks=asks)
        for name in list(self.unsure):
            self.stale(name)
        if asks and self.world.more:
            self.last = {name: last and None for name, last in self.last.items()}

    # -- what must hold

    @invariant()
    def nothing_acts_without_its_record(self) -> None:
        allowed = self.allowed()
        for name, tab in self.world.state["tabs"].items():
            assert set(tab["granted"]) <= allowed, f"{name} grants what is not recorded, or was taken away"
            assert set(tab["ran"]) <= allowed, f"{name} ran what is not recorded, or was taken away"
        # A withdrawal without queue.js at hand is laid over the cookies by every page; once that is there, they shrink.
        laid = {name for entry in self.world.queue() if "id" not in entry for name in entry["refused"]}
        for name, value in self.cookies().items():
            if name.endswith("dongui"):
                assert set(filter(None, value.split("~")[2].split("."))) <= allowed | laid, "a cookie grants too much"
            if name.endswith("_id"):
                assert allowed | laid, "an id, and nothing is granted"

    def teardown(self) -> None:
        if not hasattr(self, "last"):
            return
        self.rest()
        given = set().union(*(given for visitor, given in self.world.ledger().items() if visitor in self.had))
        # Of the newest page: one that has stood for longer need not have heard of a notice that asks anew.
        page = set(self.world.state["tabs"][self.tabs[-1]]["granted"])
        assert page <= given, "the page grants what the ledger does not say"
        for name, last in self.last.items():
            if last is not None:
                assert (name in given) == last, f"{name}: last decided {last}, the ledger says {given}"

    def rest(self) -> None:
        """All that waits is delivered, and honestly answered."""
        self.network(True)
        if len(self.tabs) == len(TABS):
            self.do("close", tab=self.tabs[0], crash=False)
        self.open()  # where all else has failed, the next page delivers
        for _ in range(80):
            self.nothing_acts_without_its_record()
            if self.deliver():
                continue
            if not self.world.queue():
                break
            self.do("advance", ms=300_000)
        assert not self.world.queue(), "what is queued is never delivered"
        self.do("advance", ms=1000)
        self.nothing_acts_without_its_record()


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(notices, "parse", lru_cache(maxsize=None)(notices.parse))  # of all sites, at each change
        # Values from whatever is imported besides would make another run of it, alone and among other tests.
        patch.setattr(HypothesisProvider, "_maybe_draw_constant", lambda *given, **more: None, raising=False)
        folder = tmp_path_factory.mktemp("queue")
        house = House(folder, patch, rate_limit=1e6, rate_burst=10**9)
        browser = Browser()
        yield World(house, browser)
        browser.close()
        house.close()
        house.loop.close()


def run(world: World, examples: int, steps: int) -> None:
    Queue.world = world
    chosen = settings(
        max_examples=examples,
        stateful_step_count=steps,
        derandomize=True,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    run_state_machine_as_test(Queue, settings=chosen)


def test_no_sequence_of_decisions_answers_and_crashes_breaks_the_promise(world: World) -> None:
    run(world, examples=40, steps=22)
    assert not {name: world.met[name] for name, least in FLOOR.items() if world.met[name] < least}
