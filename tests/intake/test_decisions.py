"""Decisions at the collector (DESIGN section 4): recorded once, answered with the current state, never lost."""

from __future__ import annotations

import json
import signal
import sqlite3
import uuid
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from typing import Any

import httpx
import pytest
from dongui.policy import default_policy_text
from dongui_collector.ledger.decisions import Decision

from tests.clock import now_ms
from tests.collector import CONSENT_PURPOSES, ORIGIN, Installation

PROBLEM = "urn:dongui:problem:"


def decide(collector: Installation, granted: list[str], refused: list[str], **more: Any) -> httpx.Response:
    body = {"site": collector.site, "notice": "v1", "granted": granted, "refused": refused, "method": "banner"}
    return collector.http.post("/v1/consents", json={**body, "lang": "ko", **more}, headers={"origin": ORIGIN})


@pytest.fixture(scope="module")
def decisions(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """A site whose second notice asks for one purpose less."""
    folder = tmp_path_factory.mktemp("decisions")
    first = default_policy_text(version="v1", effective=date(2024, 1, 1), presets=("ga4", "meta"))
    (folder / "policy.toml").write_text(first)
    installation = Installation(folder / "installation", policy=folder / "policy.toml").start()
    yield installation
    installation.close()


@pytest.fixture
def superseded(tmp_path: Path) -> Iterator[Callable[[], Installation]]:
    """A running collector with visitors of ``v1``; called, it publishes ``v2``, which no longer asks for `survey`."""
    text = default_policy_text(version="v1", effective=date(2024, 1, 1), presets=("ga4", "meta"))
    start = text.index("[purposes.analysis]")
    analysis = text[start : text.index("\n[", start + 1) + 1]
    policy = tmp_path / "policy.toml"
    policy.write_text(text.replace(analysis, analysis + analysis.replace("purposes.analysis", "purposes.survey")))
    installation = Installation(tmp_path / "installation", policy=policy).start()

    def publish() -> Installation:
        second = tmp_path / "second.toml"
        second.write_text(text.replace('version = "v1"', 'version = "v2"').replace("2024-01-01", "2024-02-01"))
        installation.run("policy", "publish", str(second))
        assert installation.notice() == "v2"
        return installation

    publish.collector = installation  # type: ignore[attr-defined]
    yield publish
    installation.close()


def bound(collector: Installation) -> int:
    with sqlite3.connect(f"file:{collector.folder}/data/dongui.db?mode=ro", uri=True) as conn:
        [[found]] = conn.execute("SELECT count(*) FROM decisions WHERE key IS NOT NULL").fetchall()
    conn.close()
    return int(found)


# -- the answer


@pytest.mark.parametrize(
    "spelt", [str.lower, str.upper, lambda text: text.replace("-", "")], ids=["lower", "upper", "hex"]
)
def test_the_answer_echoes_the_decisions_own_id(decisions: Installation, spelt: Callable[[str], str]) -> None:
    own = spelt(str(uuid.uuid4()))
    for granted in (["statistics"], []):
        id_ = own if granted else spelt(str(uuid.uuid4()))
        before = now_ms()
        answer = decide(decisions, granted, ["marketing"], id=id_)
        assert answer.status_code == 201
        told = answer.json()
        assert told["id"] == id_
        assert before - 1000 <= told["at"] <= now_ms() + 1000
        assert set(told["state"]) == set(CONSENT_PURPOSES)


def test_without_an_id_the_answer_has_one_of_ours(decisions: Installation) -> None:
    first, second = (decide(decisions, ["statistics"], []).json()["id"] for _ in range(2))
    assert uuid.UUID(first) != uuid.UUID(second)


def test_a_repeat_is_answered_with_the_current_state(decisions: Installation) -> None:
    id_ = str(uuid.uuid4())
    first = decide(decisions, ["statistics"], [], id=id_).json()
    again = decide(decisions, ["statistics"], [], id=id_)
    assert (again.status_code, again.json()) == (201, first), "nothing has changed, nor has the answer"
    decide(decisions, ["marketing"], [], visitor=first["visitor"])
    assert decide(decisions, ["statistics"], [], id=id_).json()["state"]["marketing"] == "given"
    decide(decisions, [], ["statistics", "marketing"], visitor=first["visitor"])
    late = decide(decisions, ["statistics"], [], id=id_)
    assert late.status_code == 201
    assert late.json()["state"]["statistics"] == "withdrawn", "a repeat brings nothing back"
    assert late.json()["visitor"] is None
    assert late.json()["receipt"] == first["receipt"]


def test_the_visitor_that_a_first_answer_minted_is_not_part_of_the_decision(decisions: Installation) -> None:
    id_ = str(uuid.uuid4())
    first = decide(decisions, ["statistics"], [], id=id_).json()
    for visitor in (first["visitor"], "A" * 22, None):
        assert decide(decisions, ["statistics"], [], id=id_, visitor=visitor).json() == first


OTHERS: dict[str, dict[str, Any]] = {
    "granted": {"granted": ["statistics", "personalisation"], "refused": []},
    "refused": {"refused": ["marketing"]},
    "nothing granted": {"granted": [], "refused": ["statistics"]},
    "method": {"method": "preferences"},
    "lang": {"lang": "en"},
    "notice": {"notice": "v0"},
}


@pytest.mark.parametrize("other", OTHERS.values(), ids=OTHERS.keys())
@pytest.mark.parametrize("first", [["statistics"], []], ids=["a grant's", "a refusal's"])
def test_another_decision_under_a_known_id_is_a_conflict(
    decisions: Installation, first: list[str], other: dict[str, Any]
) -> None:
    """And nobody learns another visitor's id by it (issue: the idempotency id was bound to nothing)."""
    id_ = str(uuid.uuid4())
    said = {"granted": first, "refused": [] if first else ["marketing", "statistics"]}
    visitor = decide(decisions, **said, id=id_).json()["visitor"]
    answer = decide(decisions, **{**said, "id": id_, **other})
    assert answer.status_code == 409
    assert answer.json()["type"] == f"{PROBLEM}decision-conflict"
    assert "state" not in answer.json()
    assert visitor is None or visitor not in answer.text


def test_an_id_counts_once_per_site(decisions: Installation) -> None:
    origin = "https://second.example.com"
    other = json.loads(decisions.run("sites", "add", f"second-{uuid.uuid4()}", "--origin", origin, "--json").stdout)
    id_ = str(uuid.uuid4())
    first = decide(decisions, ["statistics"], [], id=id_).json()
    body = {"site": other["site"], "notice": "v1", "granted": ["statistics"], "refused": [], "method": "banner"}
    notice = decisions.http.get("/v1/notice", params={"site": other["site"]}).json()["version"]
    answer = decisions.http.post("/v1/consents", json={**body, "notice": notice, "id": id_}, headers={"origin": origin})
    assert answer.status_code == 201
    assert answer.json()["visitor"] != first["visitor"]


def test_an_id_outlives_a_restart_and_ends_with_its_record(fresh: Installation) -> None:
    fresh.start(clock="2027-03-01T00:00:00Z")
    id_ = str(uuid.uuid4())
    first = fresh.consent(["statistics"], id=id_)
    fresh.stop(signal.SIGKILL)
    fresh.start(clock="2027-06-01T00:00:00Z")  # the life of the record, not ten minutes
    assert fresh.consent(["statistics"], id=id_) == first
    assert bound(fresh) == 1
    with sqlite3.connect(f"file:{fresh.folder}/data/dongui.db?mode=ro", uri=True) as conn:
        [held] = conn.execute("SELECT key, digest, sealed FROM decisions WHERE key IS NOT NULL").fetchall()
    conn.close()
    assert uuid.UUID(id_).bytes not in fresh.bytes()
    assert first["visitor"].encode() not in fresh.bytes()
    erased = fresh.http.delete("/v1/me", headers={"authorization": f"Bearer {first['visitor']}"})
    assert erased.status_code == 200
    assert bound(fresh) == 0
    assert not any(part in fresh.bytes() for part in held), "nothing is left of it"


def test_simultaneous_repeats_are_recorded_once(decisions: Installation) -> None:
    from concurrent.futures import ThreadPoolExecutor

    id_, before = str(uuid.uuid4()), bound(decisions)
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: decide(decisions, ["statistics"], [], id=id_).text, range(8)))
    assert len(set(answers)) == 1
    assert bound(decisions) == before + 1


# -- what takes away


def test_a_body_that_only_refuses_is_recorded_under_any_notice(superseded: Any) -> None:
    collector: Installation = superseded.collector
    visitor = decide(collector, ["statistics", "survey"], []).json()["visitor"]
    superseded()
    gone = decide(collector, [], ["survey"], visitor=visitor)
    assert gone.status_code == 201, gone.text
    assert "survey" not in gone.json()["state"]
    unknown = decide(collector, [], ["statistics"], visitor=visitor, notice="never-published")
    assert unknown.status_code == 201
    assert unknown.json()["state"]["statistics"] == "withdrawn"
    consents = collector.run("verify", code=0)
    assert consents.returncode == 0
    told = collector.http.get("/v1/me", headers={"authorization": f"Bearer {visitor}"}).json()
    words = [
        p["purpose"] for receipt in told["consents"] for p in receipt["purposes"] if "Withdrawn" in p["event"]["type"]
    ]
    assert sorted(words) == ["statistics", "survey"]


def test_a_mixed_body_under_an_old_notice_takes_away_and_gives_nothing(superseded: Any) -> None:
    collector: Installation = superseded.collector
    visitor = decide(collector, ["statistics"], []).json()["visitor"]
    superseded()
    id_ = str(uuid.uuid4())
    for _ in range(2):  # its repeat too
        answer = decide(collector, ["personalisation"], ["statistics"], visitor=visitor, id=id_)
        assert answer.status_code == 409
        told = answer.json()
        assert told["type"] == f"{PROBLEM}superseded-notice"
        assert (told["notice"], told["id"]) == ("v2", id_)
        assert (told["state"]["statistics"], told["state"]["personalisation"]) == ("withdrawn", "unasked")
    anonymous = decide(collector, ["personalisation"], ["statistics"])
    assert anonymous.status_code == 409
    assert anonymous.json()["state"]["statistics"] == "refused"


def test_a_grant_recorded_before_a_new_notice_is_answered_after_it(superseded: Any) -> None:
    collector: Installation = superseded.collector
    id_ = str(uuid.uuid4())
    first = decide(collector, ["statistics", "survey"], [], id=id_).json()
    superseded()
    again = decide(collector, ["statistics", "survey"], [], id=id_)
    assert again.status_code == 201
    assert (again.json()["visitor"], again.json()["receipt"]) == (first["visitor"], first["receipt"])
    assert decide(collector, ["statistics", "survey"], [], id=str(uuid.uuid4())).status_code == 409


def test_only_grants_are_refused_by_rate(tmp_path: Path) -> None:
    policy = tmp_path / "policy.toml"
    policy.write_text(default_policy_text(version="v1", effective=date(2024, 1, 1), presets=("ga4", "meta")))
    slow = Installation(tmp_path / "i", testing=True, policy=policy, rate_limit=0.001, rate_burst=2).start()
    try:
        visitor = decide(slow, ["statistics", "marketing"], []).json()["visitor"]
        assert decide(slow, ["statistics"], []).status_code == 201
        refused = decide(slow, ["statistics"], [])
        assert (refused.status_code, refused.json()["type"]) == (429, f"{PROBLEM}rate-limited")
        me = {"authorization": f"Bearer {visitor}"}
        for _ in range(3):
            assert decide(slow, [], ["marketing"]).status_code == 201
        assert decide(slow, [], ["marketing"], visitor=visitor).json()["state"]["marketing"] == "withdrawn"
        for kind in ("suspend", "resume", "access"):
            assert slow.http.post("/v1/me/requests", json={"kind": kind}, headers=me).status_code == 201
        assert slow.http.delete("/v1/me", headers=me).status_code == 200
    finally:
        slow.close()


# -- what the record says


def test_a_browser_claims_neither_letter_nor_signup(decisions: Installation) -> None:
    for method in ("letter", "signup"):
        for granted, refused in ((["statistics"], []), ([], ["statistics"])):
            answer = decide(decisions, granted, refused, method=method)
            assert (answer.status_code, answer.json()["type"]) == (400, f"{PROBLEM}malformed")
        body = {"site": decisions.site, "notice": "v1", "granted": ["statistics"], "refused": [], "method": method}
        assert decisions.http.post("/v1/consents", json=body, headers=decisions.bearer).status_code == 201


def records(collector: Installation) -> list[dict[str, Any]]:
    with sqlite3.connect(f"file:{collector.folder}/data/dongui.db?mode=ro", uri=True) as conn:
        rows = conn.execute("SELECT body FROM chain WHERE kind = 'consent' ORDER BY seq").fetchall()
    conn.close()
    return [json.loads(body) for (body,) in rows]


def test_the_record_says_what_was_shown_by_closed_lists(decisions: Installation) -> None:
    shown = {"layout": "panel", "catalog": "0123456789abcdef", "lang": "KO-KR"}
    assert decide(decisions, ["statistics"], [], **shown).status_code == 201
    last = records(decisions)[-1]
    assert (last["layout"], last["catalog"], last["lang"]) == ("panel", "0123456789abcdef", "ko")
    assert decide(decisions, ["statistics"], [], layout="kim@example.com", lang="kim-minsu").status_code == 201
    last = records(decisions)[-1]
    assert (last["layout"], last["lang"]) == ("other", "ko"), "whatever is claimed, the ledger has words of ours"
    assert "catalog" not in last


@pytest.mark.parametrize("lang", ["EN", "en-US", "eN-gb"])
def test_languages_are_compared_without_case(decisions: Installation, lang: str) -> None:
    assert decide(decisions, ["statistics"], [], lang=lang).json()["receipt"]["notice"]["language"] == "en"
    notice = decisions.http.get("/v1/notice", params={"site": decisions.site, "lang": lang}).json()
    assert notice["lang"] == "en"


@pytest.mark.parametrize(
    ("status", "slug", "change"),
    [
        (404, "unknown-site", {"site": "nobody"}),
        (400, "malformed", {"granted": "statistics"}),
        (400, "malformed", {"refused": ["of-no-notice"]}),
        (400, "malformed", {"refused": ["of_no_notice"]}),
        (400, "malformed", {"id": "no-uuid"}),
        (409, "superseded-notice", {"notice": "v0"}),
    ],
)
def test_final_refusals_have_stable_types(
    decisions: Installation, status: int, slug: str, change: dict[str, Any]
) -> None:
    answer = decide(decisions, **{"granted": ["statistics"], "refused": [], **change})
    assert (answer.status_code, answer.json()["type"]) == (status, PROBLEM + slug)
    assert answer.headers["content-type"] == "application/problem+json"


def test_an_origin_that_is_not_listed_is_finally_refused(decisions: Installation) -> None:
    body = {"site": decisions.site, "notice": "v1", "granted": ["statistics"], "refused": [], "method": "banner"}
    for origin in ("https://evil.example.net", "null", "http://localhost:5177"):
        answer = decisions.http.post("/v1/consents", json=body, headers={"origin": origin})
        assert (answer.status_code, answer.json()["type"]) == (403, f"{PROBLEM}origin-not-listed")


# -- what else a request brings


@pytest.mark.parametrize("moment", [b"\xb2", b"1\xb9", b"9" * 5000, b""], ids=["\u00b2", "1\u00b9", "many", "none"])
def test_an_address_that_nobody_vouches_for_stops_no_decision(decisions: Installation, moment: bytes) -> None:
    visitor = decide(decisions, ["statistics"], []).json()["visitor"]
    headers = [(b"origin", ORIGIN.encode()), (b"dongui-address", b"198.51.100.7 " + moment + b" abc")]
    body = {"site": decisions.site, "notice": "v1", "method": "banner", "visitor": visitor}
    for granted, refused in ((["marketing"], []), ([], ["statistics", "marketing"])):
        sent = body | {"granted": granted, "refused": refused}
        assert decisions.http.post("/v1/consents", json=sent, headers=headers).status_code == 201
    own = [(b"authorization", f"Bearer {visitor}".encode())]
    assert decisions.http.get("/v1/me", headers=headers + own).status_code == 200


@pytest.mark.parametrize("scheme", ["Basic dTpw", "basic dTpw", "Digest username=u"])
def test_a_foreign_scheme_outweighs_no_origin(decisions: Installation, scheme: str) -> None:
    """A browser sends the password of a staging site with every request to it."""
    headers = {"origin": ORIGIN, "authorization": scheme}
    body = {"site": decisions.site, "notice": "v1", "method": "banner"}
    given = decisions.http.post(
        "/v1/consents", json={**body, "granted": ["statistics"], "refused": []}, headers=headers
    )
    assert given.status_code == 201
    visitor = given.json()["visitor"]
    own = headers | {"cookie": f"dongui_id={visitor}", "x-dongui": "1"}
    assert decisions.http.get("/v1/me", headers=own).status_code == 200
    taken = {**body, "granted": [], "refused": ["statistics"], "visitor": visitor}
    assert decisions.http.post("/v1/consents", json=taken, headers=headers).json()["state"]["statistics"] == "withdrawn"
    members = {"site": decisions.site, "visitor": visitor, "event": "closed"}
    assert decisions.http.post("/v1/members", json=members, headers=headers).status_code == 401, "no key was sent"
    for claim in ("Bearer wrong", "BEARER wrong", "bearer"):
        claimed = headers | {"authorization": claim}
        assert decisions.http.post("/v1/consents", json=taken, headers=claimed).status_code == 401


@pytest.mark.parametrize(
    ("asked", "answered"),
    [("en_US", "en"), ("EN", "en"), ("en-gb", "en"), ("zh_Hant_TW", "ko"), ("", "ko"), ("e" * 36, "ko"), ("_", "ko")],
)
def test_every_page_picks_its_language_alike(decisions: Installation, asked: str, answered: str) -> None:
    named = {"site": decisions.site, "lang": asked}
    assert decisions.http.get("/v1/notice", params=named).json()["lang"] == answered
    page = decisions.http.get("/policy", params=named)
    assert page.headers["content-language"] == answered
    assert f'<html lang="{answered}"' in page.text


BAD = {
    "lang": ["", None, 5, "en US", "e" * 36, "\u0000"],
    "layout": [5, "l" * 129, "\u0000", {}],
    "catalog": ["", "kim@example.com", 5],
    "signals": [[], "gpc", {"gpc": "yes"}, {"who": "kim"}],
}


@pytest.mark.parametrize(("name", "value"), [(name, value) for name, values in BAD.items() for value in values])
def test_nothing_taken_away_is_lost_over_how_it_was_put(decisions: Installation, name: str, value: object) -> None:
    visitor = decide(decisions, ["statistics"], []).json()["visitor"]
    more = {"layout": "panel", "catalog": "0123456789abcdef", "lang": "en", "signals": {"gpc": True}, name: value}
    for granted in (["marketing"], ["statistics", "marketing"]):
        refused = decide(decisions, granted, [], visitor=visitor, **more)
        assert (refused.status_code, refused.json()["type"]) == (400, f"{PROBLEM}malformed")
    taken = decide(decisions, [], ["statistics"], visitor=visitor, **more)
    assert taken.status_code == 201
    assert taken.json()["state"]["statistics"] == "withdrawn"
    for wrong in ({"refused": "statistics"}, {"id": "x"}, {"method": 5}, {"granted": None}, {"notice": "\u0000"}):
        assert decide(decisions, **{"granted": [], "refused": [], **more, **wrong}).status_code == 400


def test_a_language_is_taken_in_either_spelling(decisions: Installation) -> None:
    given = decide(decisions, ["statistics"], [], lang="en_US")
    assert given.json()["receipt"]["notice"]["language"] == "en"
    assert decide(decisions, [], ["statistics"], lang="zh_Hant_TW").status_code == 201


# -- taking away what was given before an instant


def decide_as_server(collector: Installation, visitor: str | None, **more: Any) -> httpx.Response:
    body = {"site": collector.site, "notice": "v1", "granted": [], "refused": [], "method": "api", "visitor": visitor}
    return collector.http.post("/v1/consents", json={**body, "lang": "ko", **more}, headers=collector.bearer)


def test_what_was_given_since_an_instant_stays(decisions: Installation) -> None:
    given = decide(decisions, ["statistics", "marketing"], []).json()
    visitor, at, count = given["visitor"], given["at"], len(records(decisions))
    kept = decide_as_server(decisions, visitor, refused=["statistics", "analysis"], given_before=at).json()
    assert (kept["state"]["statistics"], kept["state"]["analysis"]) == ("given", "unasked")
    assert (kept["visitor"], kept["at"], len(records(decisions))) == (visitor, at, count), "nothing was recorded"
    ended = decide_as_server(decisions, visitor, refused=["statistics", "analysis"], given_before=at + 1).json()
    assert (ended["state"]["statistics"], ended["state"]["analysis"]) == ("withdrawn", "unasked")
    assert ended["state"]["marketing"] == "given"
    assert len(records(decisions)) == count + 1


@pytest.mark.parametrize("visitor", [None, "", "A" * 22, "x"], ids=repr)
def test_of_whom_nothing_was_given_nothing_is_recorded_or_counted(decisions: Installation, visitor: str | None) -> None:
    def counted() -> list[Any]:
        with sqlite3.connect(f"file:{decisions.folder}/data/dongui.db?mode=ro", uri=True) as conn:
            found = conn.execute("SELECT * FROM totals WHERE name LIKE 'consent.%' ORDER BY 1, 2, 3").fetchall()
        conn.close()
        return found

    before = counted()
    answer = decide_as_server(decisions, visitor, refused=["statistics"], given_before=now_ms() + 60_000)
    assert (answer.status_code, answer.json()["visitor"]) == (201, None)
    assert set(answer.json()["state"].values()) == {"unasked"}
    assert counted() == before


def test_only_servers_may_say_until_when(decisions: Installation) -> None:
    for refused in (
        decide(decisions, [], ["statistics"], given_before=5),
        decide_as_server(decisions, None, granted=["statistics"], given_before=5),
        decide_as_server(decisions, None, refused=["statistics"], given_before=-1),
    ):
        assert (refused.status_code, refused.json()["type"]) == (400, PROBLEM + "malformed")


@pytest.mark.parametrize(
    ("given", "ends"),
    [
        pytest.param(None, True, id="never given: recorded as ever"),
        pytest.param(-9_001, True, id="before the decision"),
        pytest.param(-9_000, True, id="in its very millisecond"),
        pytest.param(-8_999, False, id="since"),
        pytest.param(0, False, id="just now"),
        pytest.param(1, True, id="in the future: the clock was set back"),
    ],
)
def test_a_decision_of_a_while_ago_leaves_what_was_given_since(given: int | None, ends: bool) -> None:
    now = 1_790_000_000_000
    decision = Decision((), ("statistics",), "api", "ko", {}, decided_ago=9_000)
    assert decision.ends(None if given is None else now + given, now) is ends


def test_the_age_of_a_decision_counts_from_its_receipt(decisions: Installation) -> None:
    visitor = decide(decisions, ["statistics"], []).json()["visitor"]
    age = {"refused": ["statistics", "analysis"], "decided_ago": 86_400_000}
    kept = decide_as_server(decisions, visitor, **age).json()["state"]
    assert (kept["statistics"], kept["analysis"]) == ("given", "refused"), "what was never given is on record"
    ended = decide_as_server(decisions, visitor, **age | {"decided_ago": 0}).json()["state"]
    assert (ended["statistics"], ended["analysis"]) == ("withdrawn", "refused")
    for refused in (
        decide(decisions, [], ["statistics"], decided_ago=5),
        decide_as_server(decisions, None, granted=["statistics"], decided_ago=5),
        decide_as_server(decisions, None, refused=["statistics"], decided_ago=-1),
    ):
        assert (refused.status_code, refused.json()["type"]) == (400, PROBLEM + "malformed")
