"""A page in frames of other sites has cookies of its own (DESIGN 4); the mount sets, reads and ends them."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.attacks.mount import decision, post, set_cookies, shop
from tests.sdk.calls import call, choice

FRAME = {"X_DONGUI": "frame", "SEC_FETCH_SITE": "same-origin"}
PAGE = {"X_DONGUI": "1", "SEC_FETCH_SITE": "same-origin"}
MINE, OTHERS = "__Host-dongui_frame", "__Host-dongui"


def value(text: str) -> str:
    return text.partition(";")[0]


def cookie(name: str, visitor: str, *granted: str) -> str:
    return f"{name}={choice(*granted).removeprefix('dongui=')}; {name}_id={visitor}"


def test_a_frames_decision_sets_a_frames_cookies() -> None:
    with shop(https="always") as (app, collector):
        got = post(app, "consents", decision("statistics"), **FRAME)
        sets = set_cookies(got)
        assert set(sets) == {MINE, f"{MINE}_id"}
        for name, text in sets.items():
            attributes = text.split("; ")[1:]
            assert {"SameSite=None", "Partitioned", "Secure", "Path=/"} <= set(attributes), name
            assert ("HttpOnly" in attributes) is name.endswith("_id")
        assert not any("dongui=" in ended or "dongui_id=" in ended for ended in got.all("Set-Cookie")), (
            "nor ends others"
        )
        assert json.loads(got.body)["visitor_cookie"] is True
        assert collector.granted[value(sets[f"{MINE}_id"])] == {"statistics"}


@pytest.mark.parametrize(("headers", "whose"), [(FRAME, "frame"), (PAGE, "page")], ids=["frame", "page"])
def test_each_is_recorded_withdrawn_shown_and_erased_under_its_own_id(headers: dict[str, str], whose: str) -> None:
    with shop(https="always") as (app, collector):
        ids = {"frame": collector.visitor("statistics"), "page": collector.visitor("statistics")}
        other = ids["page" if whose == "frame" else "frame"]
        both = f"{cookie(OTHERS, ids['page'], 'statistics')}; {cookie(MINE, ids['frame'], 'statistics')}"

        def me(method: str) -> Any:
            return call(app, "/_dongui/v1/me", method=method, cookie=both, **headers)

        collector.events["e"] = {"visitor": ids[whose], "name": "pageview"}
        assert [event["visitor"] for event in json.loads(me("GET").body)["events"]] == [ids[whose]]
        event = {"id": "019ab0c4-7a00-7000-8000-000000000000", "name": "x", "at": 1}
        post(app, "events", {"site": "site-one", "visitor": None, "events": [event]}, cookie=both, **headers)
        assert [batch["visitor"] for batch in collector.batches] == [ids[whose]]
        got = post(app, "consents", decision(refused=("statistics",)), cookie=both, **headers)
        assert list(set_cookies(got)) == [MINE if whose == "frame" else OTHERS]
        assert (collector.granted[ids[whose]], collector.granted[other]) == (set(), {"statistics"})
        ended = {text.partition("=")[0] for text in me("DELETE").all("Set-Cookie") if "Max-Age=0" in text}
        assert f"{MINE if whose == 'frame' else OTHERS}_id" in ended
        assert (ids[whose] in collector.granted, other in collector.granted) == (False, True)


def test_a_frames_cookies_end_partitioned_as_they_were_set() -> None:
    with shop(https="always") as (app, collector):
        visitor = collector.visitor("statistics")
        held = cookie(MINE, visitor, "statistics")
        got = post(app, "consents", decision(refused=("statistics",)), cookie=held, **FRAME)
        [ended] = [text for text in got.all("Set-Cookie") if text.startswith(f"{MINE}_id=;")]
        assert "Max-Age=0" in ended
        assert "Partitioned" in ended
        assert "Secure" in ended


def test_on_http_there_are_no_partitioned_cookies() -> None:
    with shop() as (app, _):
        got = post(app, "consents", decision("statistics"), X_DONGUI="frame")
        assert set(set_cookies(got)) == {"dongui", "dongui_id"}
