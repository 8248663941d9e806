"""Withdrawals that are found in cookies: a lost one is delivered, a fresh grant is never taken for one (DESIGN 4)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from dongui import Client
from dongui.result import Response
from dongui.rules import Choice, encode_choice
from dongui.rules.compiled_policy import CompiledPolicy
from dongui.web.consent import Consent
from dongui.web.undelivered import UndeliveredWithdrawals
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from tests.sdk.conftest import ClientOf
from tests.sdk.sdk_stub import POLICY, Collector

VISITOR = "V" * 22
START = 1_790_000_000_000  # epoch ms
ASKED = ("marketing", "personalisation", "statistics")
TERMS = CompiledPolicy(POLICY)
ON_ITS_WAY = 20_000  # ms: no request and no answer takes longer
APART = 15  # seconds by which the clocks of collector and web server differ at most


def consent(*granted: str, at: int, now: int) -> Consent:
    """Of a request with such a cookie; both in epoch seconds."""
    cookie = f"dongui={encode_choice(Choice('v1', granted, at))}; dongui_id={VISITOR}"
    return Consent(TERMS, cookie, now=now)


class Ledger:
    """The collector's side of :class:`~dongui.web.site_client.LedgerCalls`: when each purpose was given (epoch ms)."""

    def __init__(self, **given: int) -> None:
        self.given = dict(given)
        self.calls = 0
        self.answers = True

    consent: Any = None

    def withdraw_earlier(self, visitor: str, refused: list[str], given_before: int) -> Mapping[str, str] | None:
        assert visitor == VISITOR
        self.calls += 1
        if not self.answers:
            return None
        self.given = {p: at for p, at in self.given.items() if p not in refused or at >= given_before}
        return {p: "given" if p in self.given else "withdrawn" for p in ASKED}

    def mishap(self, place: str) -> None:
        raise AssertionError(place)


class Bench:
    """Undelivered withdrawals whose worker is stepped by hand, under a clock of its own."""

    def __init__(self, ledger: Ledger) -> None:
        self.ms = START
        self.undelivered = UndeliveredWithdrawals(ledger, lambda: self.ms / 1000)
        self.undelivered._worker.ensure = lambda: True  # type: ignore[method-assign]

    def page(self, *granted: str, at: int) -> None:
        self.undelivered.look(consent(*granted, at=at, now=self.ms // 1000))
        self.undelivered.deliver_one()


NOW = START // 1000


@pytest.mark.parametrize(
    ("given", "at", "later", "stays"),
    [
        pytest.param(START - 60_000, NOW, 0, False, id="given before the choice that refuses"),
        pytest.param(START - 1, NOW, 0, False, id="a millisecond before that second"),
        pytest.param(START + 1, NOW - 9, 0, True, id="given after it, the request had set out"),
        pytest.param(START + 1, NOW - 9, 86_400_000, True, id="given after it, however long ago: the answer was lost"),
        pytest.param(START + 999, NOW, 0, True, id="in the same second, which may be either"),
        pytest.param(START + 999, NOW, 59_000, True, id="in the same second, and an answer may be on its way"),
        pytest.param(START + 999, NOW, 61_000, False, id="in the same second, and by now it would have arrived"),
    ],
)
def test_what_a_cookie_refuses_ends_only_where_it_is_the_later_word(
    given: int, at: int, later: int, stays: bool
) -> None:
    ledger = Ledger(statistics=given)
    bench = Bench(ledger)
    bench.ms += later
    bench.page("marketing", at=at)
    assert ("statistics" in ledger.given) is stays


def test_in_doubt_it_looks_again_a_minute_later_and_otherwise_once() -> None:
    ledger = Ledger(statistics=START)
    bench = Bench(ledger)
    calls = []
    for _ in range(5):
        bench.page(at=NOW)
        bench.page(at=NOW)
        calls.append(ledger.calls)
        bench.ms += 61_000
    assert (calls, ledger.given) == ([1, 2, 2, 2, 2], {})


def test_without_an_answer_the_next_page_asks_again() -> None:
    ledger = Ledger(statistics=START - 60_000)
    bench = Bench(ledger)
    ledger.answers = False
    bench.page(at=NOW)
    ledger.answers = True
    bench.page(at=NOW)
    assert (ledger.calls, ledger.given) == (2, {})


@pytest.mark.parametrize("mode", ["down", "full", "error", "page"])
def test_a_client_without_an_answer_says_so_and_repeats_nothing(
    collector: Collector, client_of: ClientOf, mode: str
) -> None:
    client: Client = client_of(collector)
    visitor = collector.visitor("statistics", "marketing")
    collector.mode = mode
    assert client.withdraw_earlier(visitor, ["statistics"], START) is None
    collector.mode = "ok"
    assert client.flush(60)
    assert collector.granted[visitor] == {"statistics", "marketing"}
    assert client.withdraw_earlier(visitor, ["statistics"], START) == {
        "statistics": "refused",
        "marketing": "given",
        "personalisation": "refused",
    }


def test_a_withdrawal_that_was_refused_is_told_again(
    collector: Collector, client_of: ClientOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A key that does not hold, a site that is not there yet: once that is mended, the next page delivers it."""
    client: Client = client_of(collector)
    visitor = collector.visitor("statistics")
    body = b'{"type": "urn:dongui:problem:unauthorised", "title": "", "status": 401}'
    refused = Response(401, {"content-type": "application/problem+json"}, body)
    with monkeypatch.context() as patched:
        patched.setattr(client, "exchange", lambda *_: refused)
        assert client.withdraw_earlier(visitor, ["statistics"], START) is None
    assert collector.granted[visitor] == {"statistics"}
    assert client.withdraw_earlier(visitor, ["statistics"], START)
    assert collector.granted[visitor] == set()


class Browsing(RuleBasedStateMachine):
    """A browser whose decisions go through the mount one after another, and whose queue is sometimes lost.

    Pages are asked for with the cookies of the moment and arrive later; so do answers. The clocks differ.
    """

    def __init__(self) -> None:
        super().__init__()
        self.ledger = Ledger()
        self.bench = Bench(self.ledger)
        self.wanted: set[str] = set()
        self.cookie: tuple[frozenset[str], int] | None = None
        self.answer: tuple[frozenset[str], int, int] | None = None  # and until when it arrives
        self.pages: list[tuple[frozenset[str], int, int]] = []
        self.apart = 0

    @property
    def seconds(self) -> int:
        return self.bench.ms // 1000

    @rule(seconds=st.integers(-APART, APART))
    def clocks_differ(self, seconds: int) -> None:
        self.apart = seconds

    @rule(purpose=st.sampled_from(ASKED))
    @precondition(lambda self: self.answer is None)
    def grants(self, purpose: str) -> None:
        self.wanted.add(purpose)
        self.ledger.given[purpose] = self.bench.ms
        self.answer = frozenset(self.wanted), self.seconds, self.bench.ms + ON_ITS_WAY

    @rule()
    @precondition(lambda self: self.answer is not None)
    def the_answer_arrives(self) -> None:
        assert self.answer is not None
        self.cookie, self.answer = self.answer[:2], None

    @rule(purpose=st.sampled_from(ASKED), lost=st.booleans())
    @precondition(lambda self: self.answer is None and self.cookie is not None)
    def withdraws(self, purpose: str, lost: bool) -> None:
        assert self.cookie is not None
        if purpose not in self.cookie[0]:
            return
        self.wanted.discard(purpose)
        left = self.cookie[0] - {purpose}
        self.cookie = left, self.cookie[1]  # at once, and under its own time
        if not lost:
            self.ledger.given.pop(purpose, None)
            self.cookie = left, self.cookie[1] if left else self.seconds

    @rule()
    @precondition(lambda self: self.cookie is not None)
    def asks_for_a_page(self) -> None:
        assert self.cookie is not None
        self.pages.append((*self.cookie, self.bench.ms + ON_ITS_WAY))

    @rule(index=st.integers(0, 9))
    @precondition(lambda self: self.pages)
    def a_page_arrives(self, index: int) -> None:
        granted, at, _ = self.pages.pop(index % len(self.pages))
        self.bench.undelivered.look(consent(*sorted(granted), at=at, now=self.seconds + self.apart))

    @rule()
    def the_worker_works(self) -> None:
        self.bench.undelivered.deliver_one()

    @rule(ms=st.sampled_from([1, 400, 1_000, 30_000, 61_000]))
    def time_goes_on(self, ms: int) -> None:
        self.bench.ms += ms
        if self.answer is not None and self.answer[2] < self.bench.ms:
            self.cookie, self.answer = self.answer[:2], None
        self.pages = [page for page in self.pages if page[2] >= self.bench.ms]

    @invariant()
    def what_is_granted_stays(self) -> None:
        assert self.wanted <= set(self.ledger.given)

    def teardown(self) -> None:
        """At rest everything that was lost is delivered by the pages that follow."""
        self.time_goes_on(120_000)
        for _ in range(2):
            if self.cookie is not None:
                self.asks_for_a_page()
                self.a_page_arrives(-1)
            for _ in range(50):
                self.the_worker_works()
            self.bench.ms += 120_000
        assert set(self.ledger.given) == self.wanted


Browsing.TestCase.settings = settings(max_examples=200, stateful_step_count=30, deadline=None)
TestBrowsing = Browsing.TestCase
