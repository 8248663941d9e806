"""Random lives of privacy requests against a plain model: identity first, no clock unnoticed, closed stays closed."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from dongui_collector.core.errors import CollectorError, NotAllowed
from dongui_collector.evidence.verify.verify import verify
from dongui_collector.rights import delivery, request_list
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from tests.rights.members import a_house, ask

KINDS = ("access", "correction", "erasure", "suspension", "resumption", "objection", "explanation")
REFUSED = {  # written down from the statute, not from the code
    "access": {"PIPA 35(4)"},
    "correction": {"PIPA 36(1)"},
    "erasure": {"PIPA 36(1)"},
    "suspension": {"PIPA 37(2)"},
    "resumption": set(),
    "objection": {"PIPA 37-2(1)", "PIPA 37-2(3)"},
    "explanation": {"PIPA 37-2(3)"},
}
LATER = {
    "access": {"PIPA 35(3)"},
    "correction": {"PIPA 36(5)"},
    "erasure": {"PIPA 36(5)"},
    "objection": {"PIPA 37-2(3)"},
    "explanation": {"PIPA 37-2(3)"},
}
GROUNDS = sorted({g for some in (*REFUSED.values(), *LATER.values()) for g in some} | {"DECREE 46(1)"})


@dataclass
class Asked:
    kind: str
    who: int
    due: date
    identity: str | None = None
    state: str = "open"

    @property
    def closed(self) -> bool:
        return self.state in ("granted", "refused")


class Requests(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.stack = contextlib.ExitStack()
        self.house = self.stack.enter_context(a_house())
        self.people: list[str] = []
        self.erased: set[int] = set()
        self.suspended: set[int] = set()
        self.rows: list[int] = []
        self.asked: dict[int, Asked] = {}
        for _ in range(2):
            self.people.append(self.house.arrive())
            self.rows.append(0)

    def teardown(self) -> None:
        self.stack.close()

    @property
    def today(self) -> date:
        return self.house.core.retention.today()

    def refused(self, work: Callable[[], Any]) -> bool:
        try:
            work()
        except (NotAllowed, CollectorError):
            return True
        return False

    # -- steps

    @rule(who=st.integers(0, 1))
    def visit(self, who: int) -> None:
        refusals = self.house.visit(self.people[who])
        expected = {"no_consent": 1} if who in self.erased else {"suspended": 1} if who in self.suspended else {}
        assert refusals == expected
        self.rows[who] += not expected

    @rule(kind=st.sampled_from(KINDS), who=st.integers(0, 1), ago=st.integers(0, 30))
    def add(self, kind: str, who: int, ago: int) -> None:
        day = self.today - timedelta(days=ago)
        given = {"kind": kind, "received": day.isoformat(), "visitor": self.people[who]}
        if who in self.erased:
            assert self.refused(lambda: ask(self.house, "add", **given))
            return
        id = ask(self.house, "add", **given)["id"]
        days = 30 if kind in ("objection", "explanation") else 10
        self.asked[id] = Asked(kind, who, day + timedelta(days=days))

    @precondition(lambda self: self.asked)
    @rule(data=st.data(), failed=st.booleans())
    def identity(self, data: st.DataObject, failed: bool) -> None:
        id = data.draw(st.sampled_from(sorted(self.asked)))
        one = self.asked[id]
        refused = self.refused(lambda: ask(self.house, "identity", id=id, how="document", failed=failed))
        assert refused == one.closed
        if not refused:
            one.identity = "failed" if failed else "confirmed"

    @precondition(lambda self: self.asked)
    @rule(
        data=st.data(),
        outcome=st.sampled_from(["granted", "refused", "postponed"]),
        ground=st.sampled_from(GROUNDS),
        later=st.integers(1, 40),
    )
    def answer(self, data: st.DataObject, outcome: str, ground: str, later: int) -> None:
        id = data.draw(st.sampled_from(sorted(self.asked)))
        one = self.asked[id]
        until = self.today + timedelta(days=later)
        given = {"outcome": outcome, "ground": ground, "reason": "because", "until": until.isoformat()}
        refused = self.refused(lambda: ask(self.house, "answer", id=id, **given))
        assert refused is not self.may(one, outcome, ground)
        if refused:
            return
        one.state = outcome
        if outcome == "postponed":
            one.due = until
        if outcome == "granted":
            self.granted(one)

    @staticmethod
    def may(one: Asked, outcome: str, ground: str) -> bool:
        if one.closed or one.identity is None:
            return False
        if one.identity == "failed":
            return outcome == "refused" and ground == "DECREE 46(1)"
        if outcome == "granted":
            return True
        return ground in (REFUSED if outcome == "refused" else LATER).get(one.kind, set())

    def granted(self, one: Asked) -> None:
        if one.kind == "erasure":
            self.erased.add(one.who)
            self.suspended.discard(one.who)
            self.rows[one.who] = 0
        elif one.who not in self.erased:
            if one.kind == "suspension":
                self.suspended.add(one.who)
            elif one.kind == "resumption":
                self.suspended.discard(one.who)

    @rule(days=st.integers(0, 12))
    def wait(self, days: int) -> None:
        self.house.now += days * 86_400_000

    @precondition(lambda self: self.asked)
    @rule(data=st.data())
    def look(self, data: st.DataObject) -> None:
        id = data.draw(st.sampled_from(sorted(self.asked)))
        one = self.asked[id]
        held = ask(self.house, "show", id=id)["held"]
        if one.identity != "confirmed" or one.who in self.erased:
            assert held is None
        else:
            assert held["rows"] == self.rows[one.who]
        allowed = one.identity == "confirmed" and one.kind in ("access", "correction") and one.state != "refused"
        assert self.refused(lambda: list(delivery.zipped(self.house.core, id))) is not allowed

    # -- what always holds

    @invariant()
    def the_rows_are_those_of_whom_nobody_erased(self) -> None:
        assert len(self.house.rows()) == sum(self.rows)

    @invariant()
    def no_clock_runs_out_unnoticed_and_what_is_closed_stays_closed(self) -> None:
        listed = {r.id: r for r in request_list.listed(self.house.core, closed=True)}
        assert listed.keys() == self.asked.keys()
        counts = {"open": 0, "due_soon": 0, "overdue": 0}
        for id, one in self.asked.items():
            assert (listed[id].state, listed[id].identity) == (one.state, one.identity)
            left = (one.due - self.today).days
            if one.closed:
                assert listed[id].urgency == "closed"
            else:
                expected = "overdue" if left < 0 else "due_soon" if left <= 3 else "open"
                assert listed[id].urgency == expected
                counts[expected] += 1
        assert request_list.waiting(self.house.core) == counts


class Verified(Requests):
    def teardown(self) -> None:
        try:
            assert [str(f) for f in verify(self.house.core).findings] == []
        finally:
            super().teardown()


TestRequests = Verified.TestCase
TestRequests.settings = settings(max_examples=25, stateful_step_count=30, deadline=None)
