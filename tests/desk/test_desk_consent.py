"""The consent pages: figures that follow from the choices alone, the texts as shown, receipts for the officer only."""

from __future__ import annotations

import re
from collections import Counter
from datetime import date, timedelta
from itertools import pairwise

import pytest
from desk_world import World, csrf, send
from dongui_collector.analytics.consent_stats import AnswerShares, Span, figures, together
from dongui_collector.desk.consent_charts import stacks, strip
from flask.testing import FlaskClient
from hypothesis import given
from hypothesis import strategies as st
from test_desk_pages import text_of

DAY = date(2026, 3, 1)
ANSWERS = st.builds(AnswerShares, *(st.integers(0, 40) for _ in range(4)))


def spans(some: list[AnswerShares]) -> list[Span]:
    return [Span(DAY + timedelta(days=n), DAY + timedelta(days=n), one) for n, one in enumerate(some)]


@given(
    st.lists(
        st.tuples(
            st.integers(0, 9),
            st.sampled_from(["v1", "v2"]),
            st.sampled_from(["phone", "pc"]),
            st.sampled_from(["accepted", "chosen", "refused", "withdrawn"]),
        ),
        max_size=30,
    )
)
def test_the_figures_are_those_of_a_plain_count(choices: list[tuple[int, str, str, str]]) -> None:
    totals: Counter[tuple[date, int, str]] = Counter()
    for n, notice, device, outcome in choices:
        day = DAY + timedelta(days=n)
        totals[day, 1, f"choice.notice.{notice}.{outcome}"] += 1
        totals[day, 1, f"choice.device.{device}.{outcome}"] += 1
    first, last = DAY + timedelta(days=2), DAY + timedelta(days=6)
    inside = [choice for choice in choices if 2 <= choice[0] <= 6]
    found = figures(totals, first, last, ())
    outcomes = Counter(choice[3] for choice in inside)
    assert found.total == AnswerShares(*(outcomes[name] for name in ("accepted", "chosen", "refused", "withdrawn")))
    assert {line.value: line.answers.choices for line in found.devices} == {
        device: sum(1 for c in inside if c[2] == device and c[3] != "withdrawn") for device in {c[2] for c in inside}
    }
    assert [d.answers.choices for d in found.days] == [
        sum(1 for c in inside if c[0] == n and c[3] != "withdrawn") for n in range(2, 7)
    ]


@given(st.lists(ANSWERS, min_size=1, max_size=100), st.integers(1, 40))
def test_days_put_together_lose_nothing(some: list[AnswerShares], most: int) -> None:
    days = spans(some)
    found = together(days, most)
    assert len(found) <= most
    assert sum(one.answers.choices for one in found) == sum(one.choices for one in some)
    assert (found[0].first, found[-1].last) == (days[0].first, days[-1].last)
    for before, after in pairwise(found):
        assert after.first == before.last + timedelta(days=1)


@given(st.lists(ANSWERS, max_size=80))
def test_bars_and_strips_fit_their_charts(some: list[AnswerShares]) -> None:
    for stack in stacks(spans(some), width=720, height=120):
        assert all(0 <= part.x <= part.x + part.width <= 720.1 for part in stack.parts)
        assert all(-0.1 <= part.y <= part.y + part.height <= 120.1 for part in stack.parts)
    for one in some:
        assert sum(part.width for part in strip(one)) == pytest.approx(100 if one.choices else 0, abs=0.1)


@pytest.mark.hours
def test_the_page_counts_choices_and_withdrawals(world: World, officer: FlaskClient) -> None:
    everything = tuple(world.core.registry.notices(1)[0].policy.consent_purposes)
    world.choose(None, everything)
    visitor = world.choose(None, ("statistics",), ("marketing",))
    world.choose(None, (), everything)
    world.choose(visitor, (), ("statistics",))
    shown = text_of(officer, "/console/consent?lang=en")
    assert "Choices 3" in shown
    assert "Accepted all 33% 1" in shown
    assert "Chose some 33% 1" in shown
    assert "Refused all 33% 1" in shown
    assert "Withdrawals 1" in shown
    assert re.search(r"Statistics 2 1 67% 1", shown)
    assert officer.get("/console/consent?days=-1&lang=<b>").status_code == 200


@pytest.mark.parametrize("language", ["ko", "en"])
def test_k1_the_texts_are_those_that_were_shown(world: World, officer: FlaskClient, language: str) -> None:
    [notice] = world.core.registry.notices(1)
    shown = text_of(officer, f"/console/consent/texts/{notice.version}/{language}")
    for purpose in notice.policy.purposes.values():
        assert " ".join(purpose.description[language].split()) in shown
    assert officer.get(f"/console/consent/texts/{notice.version}/fr").status_code == 404
    assert officer.get(f"/console/consent/texts/nothing/{language}").status_code == 404


# --- receipts --------------------------------------------------------------------------------------------------------


def look_up(browser: FlaskClient, **fields: str) -> str:
    answer = send(browser, "/console/consent/receipts?lang=en", "/console/consent/receipts", **fields)
    return answer.text


def test_w3_receipts_are_found_by_visitor_and_by_receipt(world: World, officer: FlaskClient, visitor: str) -> None:
    world.choose(visitor, ("marketing",), ("statistics",))
    by_visitor = look_up(officer, visitor=visitor, reason="asked on the telephone")
    ids = re.findall(r"<dd><code>([0-9a-f-]{36})</code>", by_visitor)
    assert len(ids) == 2
    assert visitor not in by_visitor
    assert world.core.ledger.key_of(visitor).hex() not in by_visitor
    assert "withdrawn" in by_visitor
    by_receipt = look_up(officer, receipt=ids[1].upper(), reason="showed it")
    assert re.findall(r"<dd><code>([0-9a-f-]{36})</code>", by_receipt) == [ids[1]]
    entry = world.core.storage.ledger.records_between("audit", 0, 1 << 60)[-2]
    assert entry.body
    assert (entry.body["action"], entry.body["reason"]) == ("receipt.show", "showed it")
    assert visitor not in str(entry.body)


@pytest.mark.parametrize("fields", [{"visitor": "x" * 22}, {"receipt": "0" * 36}, {"receipt": "%"}])
def test_what_is_not_there_is_said_and_the_look_is_noted_all_the_same(
    world: World, officer: FlaskClient, visitor: str, fields: dict[str, str]
) -> None:
    assert "There is no such consent record" in look_up(officer, reason="why not", **fields)
    last = world.core.storage.ledger.last_of("audit")
    assert last
    assert last.body
    assert last.body["action"] == "receipt.show"


@pytest.mark.parametrize(
    "fields", [{"reason": "both", "visitor": "a", "receipt": "b"}, {"reason": "none"}, {"visitor": "a"}]
)
def test_a_look_up_names_one_thing_and_a_reason(officer: FlaskClient, fields: dict[str, str]) -> None:
    answer = send(officer, "/console/consent/receipts", "/console/consent/receipts", **fields)
    assert answer.status_code == 400


def test_an_erased_visitor_has_no_receipt_any_more(world: World, officer: FlaskClient, visitor: str) -> None:
    shown = look_up(officer, visitor=visitor, reason="before")
    [id] = re.findall(r"<dd><code>([0-9a-f-]{36})</code>", shown)
    request = world.ask("requests.add", kind="erasure", channel="letter", visitor=visitor)["id"]
    world.ask("requests.identity", id=request, how="document")
    world.ask("requests.answer", id=request, outcome="granted")
    assert id not in look_up(officer, visitor=visitor, reason="after")
    assert "There is no such consent record" in look_up(officer, receipt=id, reason="after")


@pytest.mark.parametrize("role", ["analyst", "auditor"])
def test_s7_2_receipts_are_the_officers_alone(world: World, visitor: str, role: str) -> None:
    world.ask("accounts.put", name="kim", password="a long enough password", role="officer")
    world.ask("accounts.put", name="lee", password="a long enough password", role=role)
    browser = world.signed_in("lee", "a long enough password")
    assert browser.get("/console/consent").status_code == 200
    assert browser.get("/console/consent/receipts").status_code == 403
    fields = {"csrf_token": csrf(browser, "/console/"), "visitor": visitor, "reason": "curious"}
    assert browser.post("/console/consent/receipts", data=fields).status_code == 403
