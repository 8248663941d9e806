"""Privacy requests in the console: who asks is checked first, and what is answered is done (S9, K10, K11)."""

from __future__ import annotations

import io
import json
import re
import zipfile
from datetime import timedelta
from html import unescape

import pytest
from desk_world import World, send
from dongui_collector.runtime.composition import open_core
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

LIST = "/console/requests"


def text(answer: TestResponse) -> str:
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", answer.text)).split())


@pytest.fixture
def filed(world: World, officer: FlaskClient, visitor: str) -> int:
    """A request for access that came by letter, about a visitor with five rows."""
    fields = {"kind": "access", "channel": "letter", "name": "Gildong", "text": "what do you hold?", "visitor": visitor}
    answer = send(officer, LIST, LIST, **fields)
    assert answer.status_code == 303
    return int(answer.headers["Location"].rsplit("/", 1)[-1])


@pytest.mark.parametrize("lang", ["ko", "en"])
def test_every_page_in_every_language(world: World, officer: FlaskClient, filed: int, visitor: str, lang: str) -> None:
    for page in (LIST, f"{LIST}?all=1", f"{LIST}/{filed}"):
        answer = officer.get(f"{page}{'&' if '?' in page else '?'}lang={lang}")
        assert answer.status_code == 200
        assert f'<html lang="{lang}">' in answer.text
        assert "style=" not in answer.text
        assert "<script>" not in answer.text
        assert visitor not in answer.text


@pytest.mark.hours
def test_k10_deadlines_come_first_and_warn(world: World, officer: FlaskClient, filed: int) -> None:
    today = world.core.clock.today(world.settings.zone)
    late = (today - timedelta(days=365)).isoformat()
    send(officer, LIST, LIST, kind="erasure", channel="telephone", received=late)
    shown = text(officer.get(f"{LIST}?lang=en"))
    assert shown.index("Erasure") < shown.index("Access by letter") if "Access by letter" in shown else True
    assert shown.index("#2 Erasure") < shown.index("#1 Access")
    assert re.search(r"overdue · \d+ days late", shown)
    assert "in time · 10 days left" in shown
    assert re.search(r'class="badge">2<', officer.get("/console/?lang=en").text)


def test_s9_6_before_the_check_nothing_is_shown_handed_over_or_done(
    world: World, officer: FlaskClient, filed: int
) -> None:
    page = officer.get(f"{LIST}/{filed}?lang=en")
    assert "not checked yet" in text(page)
    assert "What is held" not in text(page)
    assert 'name="outcome"' not in page.text
    assert "package" not in re.findall(r'action="([^"]+)"', page.text)[-1]
    assert send(officer, f"{LIST}/{filed}", f"{LIST}/{filed}/package").status_code == 400
    refused = send(officer, f"{LIST}/{filed}", f"{LIST}/{filed}/answer", outcome="granted")
    assert refused.status_code == 400
    assert "has not been checked" in text(refused)


@pytest.mark.hours
def test_k10_checked_shown_packed_and_answered(world: World, officer: FlaskClient, filed: int, visitor: str) -> None:
    page = f"{LIST}/{filed}"
    assert send(officer, page, f"{page}/identity", how="document", note="seen").status_code == 303
    shown = officer.get(f"{page}?lang=en")
    assert "Linked browsers 1" in text(shown)
    assert "what do you hold?" in shown.text
    assert "Article 35(4)" in shown.text
    packed = send(officer, page, f"{page}/package")
    assert packed.headers["Content-Disposition"] == f'attachment; filename="access-{filed}.zip"'
    assert packed.headers["Cache-Control"] == "no-store"
    with zipfile.ZipFile(io.BytesIO(packed.data)) as archive:
        assert len(json.loads(archive.read(f"access-{filed}.json"))["events"]) == 5
        assert len(archive.namelist()) == 3
    answered = send(officer, page, f"{page}/answer", outcome="granted")
    assert answered.status_code == 303
    assert "No request is waiting" in text(officer.get(f"{LIST}?lang=en"))
    assert "closed" in text(officer.get(f"{LIST}?all=1&lang=en"))
    looks = [r.body["action"] for r in world.core.storage.ledger.records() if r.kind == "audit" and r.body]
    assert {"request.show", "request.package"} <= set(looks)


def test_s9_5_a_refusal_names_its_provision(world: World, officer: FlaskClient, visitor: str) -> None:
    answer = send(officer, LIST, LIST, kind="erasure", channel="email", visitor=visitor)
    page = answer.headers["Location"]
    send(officer, page, f"{page}/identity", how="call_back")
    assert send(officer, page, f"{page}/answer", outcome="refused", reason="PIPA 35(4)").status_code == 400
    send(officer, page, f"{page}/answer", outcome="refused", reason="kept", ground="PIPA 36(1)")
    shown = text(officer.get(f"{page}?lang=en"))
    assert "refused · PIPA 36(1)" in shown


def test_k11_an_agent_shows_a_power_of_attorney(world: World, officer: FlaskClient, visitor: str) -> None:
    answer = send(officer, LIST, LIST, kind="access", channel="letter", visitor=visitor, agent="1")
    page = answer.headers["Location"]
    assert 'name="attorney"' in officer.get(page).text
    assert "power of attorney" in text(send(officer, page, f"{page}/identity", how="document"))
    assert send(officer, page, f"{page}/identity", how="document", attorney="form 11").status_code == 303


@pytest.mark.parametrize("role", ["auditor", "analyst"])
def test_s7_2_only_the_officer_opens_one(world: World, officer: FlaskClient, filed: int, role: str) -> None:
    world.ask("accounts.put", name="other", password="a long enough password", role=role)
    other = world.signed_in("other", "a long enough password")
    assert other.get(f"{LIST}/{filed}").status_code == 403
    listed = other.get(LIST)
    assert listed.status_code == (200 if role == "auditor" else 403)
    assert "Gildong" not in listed.text
    assert f"{LIST}/{filed}" not in listed.text


def test_s9_1_a_record_is_corrected_and_the_answer_is_a_letter(world: World, officer: FlaskClient) -> None:
    core = open_core(world.settings, writable=True)
    site, now = core.registry.sites()[0], core.clock.now()
    core.retention.records.add(site, "abuse", "m-1", now, "support", {"name": "<b>wrong</b>"})
    core.close()
    page = send(officer, LIST, LIST, kind="correction", channel="email", member="m-1").headers["Location"]
    assert 'name="record"' not in officer.get(page).text
    send(officer, page, f"{page}/identity", how="document")
    shown = officer.get(page)
    assert "<b>wrong" not in shown.text
    [record] = re.findall(r'name="record" value="([^"]+)"', shown.text)
    assert send(officer, page, f"{page}/correct", record=record, data="{").status_code == 400
    assert send(officer, page, f"{page}/correct", record=record, data='{"name": "right"}').status_code == 303
    assert "right" in officer.get(page).text
    send(officer, page, f"{page}/answer", outcome="granted")
    said = send(officer, page, f"{page}/letter", lang="en")
    assert said.mimetype == "text/plain"
    assert "are facts and are not corrected" in said.text
