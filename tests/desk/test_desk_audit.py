"""The access log in the console: for officer and auditor; a review is signed once its month is over (K12)."""

from __future__ import annotations

import pytest
from desk_world import World, send
from flask.testing import FlaskClient

PASSWORD = "a long enough password"


@pytest.mark.parametrize(("role", "status"), [("officer", 200), ("auditor", 200), ("analyst", 403), ("admin", 403)])
def test_s7_2_who_reads_the_log(world: World, role: str, status: int) -> None:
    world.ask("accounts.put", name="park", password=PASSWORD, role="officer")
    world.ask("accounts.put", name="kim", password=PASSWORD, role=role)
    assert world.signed_in("kim", PASSWORD).get("/console/audit").status_code == status


def test_k12_the_page_shows_who_looked_at_whom_and_why(world: World, officer: FlaskClient, visitor: str) -> None:
    key = world.core.ledger.key_of(visitor).hex()
    site = world.core.registry.sites()[0].id
    reason = "<script>alert(1)</script>"
    world.ask("audit.look", action="requests.show", by="park", reason=reason, site=site, visitor=key)
    page = officer.get("/console/audit").text
    assert "requests.show" in page
    assert "&lt;script&gt;" in page
    assert "<script>" not in page
    assert key not in page
    assert "login" in page


@pytest.mark.parametrize("month", ["2026-13", "x", "../..", "%00"])
def test_a_month_that_is_none_is_no_page(officer: FlaskClient, month: str) -> None:
    assert officer.get(f"/console/audit?month={month}").status_code == 404


def test_k12_a_review_is_signed_here_and_forged_forms_sign_nothing(world: World, officer: FlaskClient) -> None:
    month = world.core.clock.today(world.settings.zone).isoformat()[:7]
    assert send(officer, "/console/audit", "/console/audit/review", month=month).status_code == 400, "not over"
    before = world.core.storage.ledger.head()[0]
    assert officer.post("/console/audit/review", data={"month": "2026-01"}).status_code == 400
    assert world.core.storage.ledger.head()[0] == before
    answer = send(officer, "/console/access", "/console/audit/review", month="2026-01", note="quiet")
    assert answer.status_code == 303
    page = officer.get("/console/audit?month=2026-01").text
    assert "admin" in page
    assert "quiet" in page
