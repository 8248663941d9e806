"""The steps of a set-up are ticked by the last look, and by what arrived after it."""

from __future__ import annotations

from dataclasses import replace

import pytest
from dongui_collector.core.arrivals import SiteArrivals
from dongui_collector.site_check.check import key_use
from dongui_collector.site_check.live import steps
from dongui_collector.site_check.results import CHECKS, CheckResult, failed, passed

from tests.site_check.test_site_judge import STATE

WAITING = replace(STATE, recorded=False)


def told(*looks: list[CheckResult], at: int | None = None, arrivals: SiteArrivals | None = None) -> dict[str, str]:
    return {step.name: step.status for step in steps(WAITING, looks, at, arrivals)}


def test_before_anything_every_step_is_there_and_none_is_ticked() -> None:
    assert told() == dict.fromkeys(CHECKS, "unchecked") | {"first_event": "waiting"}
    ended = steps(replace(WAITING, recorded=True), [], None, None)
    assert ended[-1].status == "ok"


def test_what_arrives_ticks_its_step_unless_a_later_look_says_otherwise() -> None:
    all_there = SiteArrivals(asked_at=10, written_at=10, key_taken_at=10)
    assert {name for name, status in told(arrivals=all_there).items() if status == "ok"} == {
        "tag",
        "site_id",
        "origin",
        "key",
    }
    look = [failed("tag", "the page has no tag of the snippet", "", "")]
    assert told(look, at=5, arrivals=all_there)["tag"] == "ok"
    assert told(look, at=20, arrivals=all_there)["tag"] == "failed"


def test_of_several_pages_the_worst_counts() -> None:
    good, bad = [passed("csp", "")], [failed("csp", "", "", "")]
    assert told(good, bad)["csp"] == told(bad, good)["csp"] == "failed"
    assert told(good, good)["csp"] == "ok"


@pytest.mark.parametrize(
    ("arrivals", "use"),
    [
        (None, "unknown"),
        (SiteArrivals(), "unused"),
        (SiteArrivals(key_refused_at=2), "refused"),
        (SiteArrivals(key_refused_at=2, key_taken_at=1), "accepted"),  # anybody can send a wrong one
    ],
)
def test_how_the_key_was_used(arrivals: SiteArrivals | None, use: str) -> None:
    assert key_use(arrivals) == use
