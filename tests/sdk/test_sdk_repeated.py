"""Refusals that a client repeats: none is lost, and none ends what the visitor has granted since (decision 140)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any

import pytest
from dongui import Client, blocking_client
from dongui.http import delivery
from dongui.result import Response
from dongui_collector.ledger.decisions import Decision
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from tests.clock import now_ms
from tests.sdk.conftest import ClientOf
from tests.sdk.sdk_stub import POLICY, SECRET, SITE, Collector

VISITOR = "V" * 22
START = 1_790_000_000_000  # epoch ms, the collector's clock
ASKED = ("marketing", "personalisation", "statistics")
PURPOSES = st.sets(st.sampled_from(ASKED[1:]))
WAYS = st.sampled_from(["open", "closed", "answers are lost"])


class Ledger:
    """What the collector has on record, by the collector's own rule of which word is the later one."""

    def __init__(self) -> None:
        self.given: dict[str, int] = {}
        self.answers: dict[str, dict[str, Any]] = {}

    def decide(self, body: Mapping[str, Any], now: int) -> dict[str, Any]:
        """The answer; an id counts once."""
        if body["id"] not in self.answers:
            ago = body.get("decided_ago")
            decision = Decision((), (), "api", "ko", {}, given_before=body.get("given_before"), decided_ago=ago)
            ended = [name for name in body["refused"] if decision.ends(self.given.get(name), now)]
            self.given = {name: at for name, at in self.given.items() if name not in ended}
            self.given |= dict.fromkeys(body["granted"], now)
        state = {name: "given" if name in self.given else "refused" for name in ASKED}
        self.answers[body["id"]] = {"id": body["id"], "at": now, "visitor": VISITOR, "state": state, "receipt": None}
        return self.answers[body["id"]]


class TwoDoors(RuleBasedStateMachine):
    """A visitor decides in the application, whose way to the collector breaks, and in the browser, whose way does not.

    The web server's monotonic clock and the collector's tell different times.
    """

    def __init__(self) -> None:
        super().__init__()
        self.ms = 0
        self.way = "open"
        self.ledger = Ledger()
        self.wanted: set[str] = set()
        #: Purposes of which a grant may have arrived without its answer: the application decides them again.
        self.unknown: set[str] = set()
        self.patched = pytest.MonkeyPatch()
        clock = SimpleNamespace(monotonic=lambda: self.ms / 1000)
        self.patched.setattr(delivery, "time", clock)
        self.patched.setattr(blocking_client, "time", clock)
        self.client = Client(site=SITE, collector="http://127.0.0.1:9", secret_key=SECRET, policy=POLICY)
        self.queue = self.client._transport
        self.patched.setattr(self.queue._background, "ensure", lambda: True)
        self.patched.setattr(self.client, "exchange", lambda _method, _path, data, *_: self.reply(data))
        self.patched.setattr(
            self.queue._http, "exchange", lambda _method, _path, _headers, data, limit: self.reply(data)
        )

    def teardown(self) -> None:
        """At rest the ledger has the last word of each purpose."""
        self.deliver("open")
        assert set(self.ledger.given) - self.unknown == self.wanted - self.unknown
        self.patched.undo()
        self.client.close()

    def reply(self, data: bytes) -> Response:
        """The collector's answer, as far as it comes."""
        if self.way == "closed":
            return Response(0)
        answer = self.ledger.decide(json.loads(data), START + self.ms)
        if self.way == "answers are lost":
            return Response(502, {"content-type": "text/html"}, b"<html>")
        return Response(201, {"content-type": "application/json"}, json.dumps(answer).encode())

    def decided(self, granted: set[str], refused: set[str]) -> None:
        self.wanted = (self.wanted | granted) - refused
        self.unknown -= granted | refused
        self.ms += 1

    @rule(way=WAYS, granted=PURPOSES, refused=PURPOSES)
    def the_application_decides(self, way: str, granted: set[str], refused: set[str]) -> None:
        self.way = way
        granted -= refused
        answer = self.client.consent(VISITOR, granted=sorted(granted), refused=sorted(refused))
        assert answer or answer.pending or not refused
        self.decided(granted if answer else set(), refused)
        if not answer and way == "answers are lost":
            self.unknown |= granted

    @rule(purpose=st.sampled_from(ASKED[1:]), grants=st.booleans())
    def the_browser_decides(self, purpose: str, grants: bool) -> None:
        body = {"id": f"b{self.ms}", "granted": [purpose] if grants else [], "refused": [] if grants else [purpose]}
        self.ledger.decide(body, START + self.ms)
        self.decided(set(body["granted"]), set(body["refused"]))

    @rule(ms=st.sampled_from([1, 999, 60_000, 86_400_000]))
    def time_goes_on(self, ms: int) -> None:
        self.ms += ms

    @rule(way=WAYS)
    @precondition(lambda self: self.queue._queued)
    def deliver(self, way: str) -> None:
        """As far as the way goes: what is not answered is put back."""
        self.way = way
        for _ in range(self.queue._queued):
            self.ms += 3_600_000  # whatever pause there was is over
            parcel = self.queue._next()
            assert parcel is not None
            self.queue._deliver(parcel)
            self.ms += 1

    @invariant()
    def nothing_that_was_granted_ends(self) -> None:
        assert self.wanted - self.unknown <= set(self.ledger.given)


TwoDoors.TestCase.settings = settings(max_examples=100, stateful_step_count=20, deadline=None)
TestTwoDoors = TwoDoors.TestCase


@pytest.mark.parametrize("granted", [[], ["marketing"]], ids=["refuses", "grants and refuses"])
@pytest.mark.parametrize("meanwhile", [True, False], ids=["granted meanwhile", "not granted meanwhile"])
def test_a_decision_of_before_leaves_what_the_browser_granted_meanwhile(
    collector: Collector, client_of: ClientOf, granted: list[str], meanwhile: bool
) -> None:
    client: Client = client_of(collector)
    visitor = collector.visitor("statistics")
    collector.mode = "down"
    assert client.consent(visitor, granted=granted, refused=["statistics"], timeout=60).pending
    if meanwhile:
        collector.given_at[visitor, "statistics"] = now_ms() + 86_400_000
    collector.mode = "ok"
    assert client.flush(60)
    assert collector.granted[visitor] == ({"statistics"} if meanwhile else set())
    assert all(isinstance(body["decided_ago"], int) for _, body in collector.posts)
