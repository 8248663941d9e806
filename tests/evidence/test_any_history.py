"""Whatever happens in whatever order: the days that were sealed stay explained, and the bundle convinces a stranger."""

from __future__ import annotations

from collections.abc import Callable
from itertools import count
from pathlib import Path

from dongui_collector.core.operations import perform
from dongui_collector.evidence import bundle
from dongui_collector.evidence.checkpoints import Checkpoint
from dongui_collector.evidence.verify.verify import verify
from dongui_collector.evidence.verify_evidence import Bundle, BundleVerifier
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.evidence.seen import checkpoint, findings, seal
from tests.retention.house import ALL, House

DAY_MS = 86_400_000
NUMBER = count()
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("arrive"), st.sets(st.sampled_from(ALL), min_size=1)),
        st.tuples(st.just("visit"), st.integers(0, 9)),
        st.tuples(st.just("late"), st.integers(0, 9)),
        st.tuples(st.just("withdraw"), st.tuples(st.integers(0, 9), st.sampled_from(ALL))),
        st.tuples(st.just("erase"), st.integers(0, 9)),
        st.tuples(st.just("days"), st.sampled_from([1, 1, 2, 180, 366])),
        st.tuples(st.just("seal"), st.none()),
        st.tuples(st.just("restart"), st.none()),
    ),
    min_size=8,
    max_size=30,
)


class History:
    """Carries steps out; a visitor who is gone is passed over."""

    def __init__(self, house: House) -> None:
        self.house = house
        self.visitors: list[str] = []
        self.checkpoints: list[tuple[str, Checkpoint]] = []

    def arrive(self, granted: set[str]) -> None:
        self.visitors.append(self.house.arrive(*sorted(granted)))

    def visit(self, who: int, *, back: int = 0) -> None:
        if self.visitors:
            visitor, now = self.visitors[who % len(self.visitors)], self.house.now
            self.house.now = now - back  # a server may send what happened earlier; the ledger is judged as of then
            self.house.visit(visitor)
            self.house.now = now

    def late(self, who: int) -> None:
        self.visit(who, back=DAY_MS)

    def withdraw(self, what: tuple[int, str]) -> None:
        if self.visitors:
            number = what[0] % len(self.visitors)
            if self.house.choose((), (what[1],), self.visitors[number]) is None:
                del self.visitors[number]

    def erase(self, who: int) -> None:
        if self.visitors:
            self.house.erase(self.visitors.pop(who % len(self.visitors)))

    def days(self, number: int) -> None:
        self.house.now += number * DAY_MS
        self.house.run()

    def seal(self, _: None) -> None:
        seal(self.house)
        self.checkpoints.append(checkpoint(self.house))

    def restart(self, _: None) -> None:
        self.house.reopen()


@settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))
@given(steps=STEPS)
def test_s3_0_any_history_is_proved(
    new_house: Callable[..., House], tmp_path: Path, steps: list[tuple[str, object]]
) -> None:
    house = new_house(f"any{next(NUMBER)}")
    house.add_site()
    house.approve_routine()
    history = History(house)
    history.arrive(set(ALL))
    history.visit(0)
    for name, value in [*steps, ("days", 1)]:
        getattr(history, name)(value)
        house.core.retention.endings.resume()
    assert findings(house, *history.checkpoints) == []
    assert perform(house.core, "proof.seal", {})["refused"] == []
    file = tmp_path / "any.zip"
    bundle.write(house.core, file, verify(house.core), history.checkpoints)
    stranger = BundleVerifier(Bundle(file))
    stranger.run([("kept", one.json()) for _, one in history.checkpoints])
    assert stranger.broken == []
    assert stranger.counted["rows"] == len(house.rows())
