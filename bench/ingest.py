"""The ingest budgets: the collector beside a server that only parses, and a Flask view that commits once a request.

All in one run and in turn, so that a noisy machine is noisy for everyone; medians of the rounds. After every load the
collector is killed with SIGKILL and its rows are counted: they must be what it answered, no more and no less.
"""

from __future__ import annotations

import os
import tempfile
from collections import defaultdict
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from bench.installation import Installation
from bench.load import Outcome, drive
from bench.payloads import Crowd, agents, requests
from bench.processes import free_port, python, running, script
from bench.report import Figure, at_least

VISITORS = 4000  # at 20 requests a second each, the default rate limit is far away, but is counted for every request
COMMON_AGENTS = 200
RARE_AGENTS = 30_000
_WARM = 1.0


@dataclass(frozen=True, slots=True)
class Plan:
    """How long and how often."""

    rounds: int = 3
    seconds: float = 8.0
    most_rate: int = 32_000  # requests a second that are prepared for


class Lost(Exception):
    """What is on disk is not what was answered."""


def measure(quick: bool) -> tuple[list[Figure], str]:
    """All ingest figures, and the notes that go below the table."""
    plan = Plan(rounds=1, seconds=1.5) if quick else Plan()
    found: dict[str, list[Outcome]] = defaultdict(list)
    for number in range(plan.rounds):
        for name, run in _cases(plan, number).items():
            found[name].append(run())
            print(f"  {name}: {found[name][-1].rate(_WARM):,.0f} requests/s", flush=True)
    return _figures(found), _notes(found)


def _cases(plan: Plan, number: int) -> dict[str, Callable[[], Outcome]]:
    return {
        "echo": lambda: _yardstick("bench.yardsticks.echo", plan, number),
        "parsed": lambda: _yardstick("bench.yardsticks.parsed_body", plan, number),
        "collector": lambda: collector(plan, number),
        "flask": lambda: _flask(plan, number),
        "collector, rare agents": lambda: collector(plan, number, agents_=RARE_AGENTS),
        "echo, 25 events": lambda: _yardstick("bench.yardsticks.echo", plan, number, events=25),
        "parsed, 25 events": lambda: _yardstick("bench.yardsticks.parsed_body", plan, number, events=25),
        "collector, 25 events": lambda: collector(plan, number, events=25),
    }


def collector(plan: Plan, number: int, *, events: int = 1, agents_: int = COMMON_AGENTS) -> Outcome:
    """A new installation under load. Raises :class:`Lost` when its disk disagrees with its answers."""
    with tempfile.TemporaryDirectory(prefix="dongui-bench-") as folder:
        installation = Installation.make(Path(folder) / "site")
        with installation.serving() as port:
            crowd = installation.crowd(port, VISITORS, agents(agents_))
            supply = _supply(crowd, plan, number, events, share=0.8 if events == 1 else 0.25)
            outcome = drive(port, supply, seconds=plan.seconds)
        check(outcome, installation.rows(), events)
    return outcome


def check(outcome: Outcome, rows: int, events: int) -> None:
    """Every request was answered 202 with all its events, and exactly these events are on disk."""
    if outcome.count(202) != outcome.requests or outcome.recorded() != outcome.requests * events:
        raise Lost(f"{outcome.requests} requests of {events} events: {outcome.answers.most_common(3)}")
    if rows != outcome.recorded():
        raise Lost(f"{outcome.recorded()} events were answered, {rows} are on disk")


def _supply(crowd: Crowd, plan: Plan, number: int, events: int, share: float) -> list[bytes]:
    return requests(crowd, int(plan.most_rate * plan.seconds * share), events=events, seed=number)


def _strangers() -> Crowd:
    """Yardsticks ask no ledger: any visitor will do."""
    return Crowd("s_yardstick", [f"yardstickvisitor{i:06d}" for i in range(VISITORS)], agents(COMMON_AGENTS))


def _yardstick(module: str, plan: Plan, number: int, events: int = 1) -> Outcome:
    port = free_port()
    trivial = module.endswith("echo")  # it reaches three times what the others do; its run need not be long
    supply = _supply(_strangers(), plan, number, events, share=1.0)
    with running(python("-m", module, str(port)), port):
        return drive(port, supply * 3 if trivial else supply, seconds=min(plan.seconds, 3) if trivial else plan.seconds)


def _flask(plan: Plan, number: int) -> Outcome:
    with tempfile.TemporaryDirectory(prefix="dongui-bench-") as folder:
        port = free_port()
        with _flask_serving(port, Path(folder) / "events.db"):
            return drive(port, _supply(_strangers(), plan, number, 1, share=0.4), seconds=plan.seconds)


def _flask_serving(port: int, database: Path) -> AbstractContextManager[object]:
    # Two processes of one thread: on two cores the fastest of what was tried (granian with 1 or 4 threads, gunicorn's
    # gthread with 1 or 2 processes), so the yardstick is no straw man.
    options = ["--interface", "wsgi", "--http", "1", "--no-ws", "--workers", "2", "--blocking-threads", "1"]
    command = [script("granian"), *options, "--port", str(port), "bench.yardsticks.flask_commit:app"]
    return running(command, port, env={"BENCH_DATABASE": os.fspath(database)})


def _figures(found: dict[str, list[Outcome]]) -> list[Figure]:
    rate = {name: median(o.rate(_WARM) for o in outcomes) for name, outcomes in found.items()}
    one, parsed, flask, rare = rate["collector"], rate["parsed"], rate["flask"], rate["collector, rare agents"]
    batch = 25 * rate["collector, 25 events"]
    per_parsed = f"parsed body: {parsed:,.0f} requests/s"
    return [
        at_least(
            "one event a request",
            one / parsed,
            0.45,
            measured=f"{one:,.0f} requests/s = {one / parsed:.0%}",
            beside=per_parsed,
            budget="≥ 45 %",
        ),
        at_least(
            "one event a request",
            one / flask,
            5,
            measured=f"{one:,.0f} requests/s = {one / flask:.1f} ×",
            beside=f"Flask, one commit a request: {flask:,.0f} requests/s",
            budget="≥ 5 ×",
        ),
        at_least(
            "the same, 30,000 distinct user agents",
            rare / parsed,
            0.45,
            measured=f"{rare:,.0f} requests/s = {rare / parsed:.0%}",
            beside=per_parsed,
            budget="≥ 45 %",
        ),
        Figure(
            "25 events a request",
            f"{batch:,.0f} events/s = {batch / parsed:.1f} ×",
            per_parsed,
            "≥ 60,000 events/s, or ≥ 2.5 ×",
            batch >= 60_000 or batch >= 2.5 * parsed,
        ),
        Figure("latency at that load, one event", _latency(found["collector"])),
        Figure("latency at that load, 25 events", _latency(found["collector, 25 events"])),
    ]


def _latency(outcomes: list[Outcome]) -> str:
    p50, p99 = (median(o.percentile(p) for o in outcomes) * 1000 for p in (50, 99))
    return f"p50 {p50:.1f} ms, p99 {p99:.1f} ms"


def _notes(found: dict[str, list[Outcome]]) -> str:
    ceiling = {name: median(o.rate() for o in found[name]) for name in ("echo", "echo, 25 events")}
    share = max(o.generator_share for name in ("parsed", "collector", "collector, 25 events") for o in found[name])
    batched = median(o.rate(_WARM) for o in found["parsed, 25 events"])
    rounds = len(found["collector"])
    return (
        f"Medians of {rounds} rounds, each in a new installation; after each the server was killed (SIGKILL) and its "
        f"rows were counted: "
        f"exactly what had been answered. The load generator's own ceiling, against a server that only counts bytes: "
        f"{ceiling['echo']:,.0f} requests/s with one event, {ceiling['echo, 25 events']:,.0f} with 25; it "
        f"took at most {share:.0%} of one core while the others were measured. "
        f"The parsed-body server answers {batched:,.0f} requests/s of 25 events. "
        "Flask runs under granian with two processes of one thread."
    )
