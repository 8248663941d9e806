"""The officer's pages of keeping: signatures, the clock of approvals, holds in numbers, the archive."""

from __future__ import annotations

import re
from datetime import timedelta
from html import unescape

import pytest
from babel.dates import format_date
from desk_world import World, send
from flask.testing import FlaskClient

pytestmark = pytest.mark.hours


def text_of(browser: FlaskClient, page: str) -> str:
    """What a page says, its mark-up taken away."""
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", browser.get(page).text)).split())


SELECT = {"reason": "delivered and settled"}


def selected(world: World, officer: FlaskClient) -> int:
    world.record()
    fields = {"site": world.core.registry.sites()[0].id, "record_class": "payment", **SELECT}
    assert send(officer, "/console/destructions", "/console/destructions/select", **fields).status_code == 303
    [waiting] = world.core.storage.admin.destructions(("selected",))
    return waiting.id


def test_s5_1_a_selection_waits_with_its_deadline_and_is_approved(world: World, officer: FlaskClient) -> None:
    id = selected(world, officer)
    shown = text_of(officer, "/console/destructions?lang=en")
    deadline = world.core.retention.today() + timedelta(days=4)
    assert "its purpose is achieved: delivered and settled" in shown
    assert f"{format_date(deadline, locale='en')} waiting" in shown
    send(officer, "/console/destructions", "/console/destructions/approve", id=str(id))
    assert world.core.storage.records.groups() == []
    assert [group[1] for group in world.core.storage.archive.groups()] == ["payment"]


def test_s5_3_a_version_that_nobody_signed_is_said_and_signed_here(world: World, officer: FlaskClient) -> None:
    site = world.core.registry.sites()[0]
    text = world.core.registry.in_force(site.ref, world.core.clock.now()).policy.text
    version = world.core.registry.in_force(site.ref, world.core.clock.now()).version
    head, rest = text.replace(f'version = "{version}"', 'version = "v-next"').split("[records.access_log]", 1)
    world.ask("policy.publish", text=head + "[records.access_log]" + rest.replace('keep = "P1Y"', 'keep = "P3M"', 1))
    world.core.registry.reload()
    assert "Visit records (logins and access) P3M" in text_of(officer, "/console/destructions?lang=en")
    send(officer, "/console/destructions", "/console/destructions/standing", grant="1", version="v-next")
    assert "Visit records (logins and access) P3M" not in text_of(officer, "/console/destructions?lang=en")


def test_s3_2_a_hold_is_shown_in_numbers(world: World, officer: FlaskClient) -> None:
    world.record("abuse")
    first = (world.core.retention.today() - timedelta(days=3)).isoformat()
    fields = {"ground": "claim", "reason": "invoice 7", "first_day": first}
    send(officer, "/console/holds", "/console/holds", **fields)
    [hold] = world.core.storage.admin.holds()
    page = text_of(officer, f"/console/holds/{hold.id}?lang=en")
    now = world.core.retention.holds.holds_now(hold, world.core.retention.today())
    assert "outstanding claim" in page
    assert f"Other records {now.records}" in page
    assert officer.get("/console/holds/99").status_code == 404


def test_s3_2_a_hold_without_a_ground_is_refused_with_a_page(world: World, officer: FlaskClient) -> None:
    answer = send(officer, "/console/holds", "/console/holds", reason="invoice 7")
    assert answer.status_code == 400
    assert world.core.storage.admin.holds() == []


@pytest.mark.parametrize(("reading_for", "status"), [("dispute", 200), ("proof", 400), ("", 400)])
def test_s3_1_the_archive_is_read_for_its_obligation(
    world: World, officer: FlaskClient, reading_for: str, status: int
) -> None:
    world.record(ended=True)
    site = world.core.registry.sites()[0]
    listed = text_of(officer, "/console/archive?lang=en")
    assert "Payments and supply" in listed
    assert "transaction-one" not in listed
    fields = {"site": site.id, "record_class": "payment", "reading_for": reading_for, "reason": "invoice 7 is disputed"}
    answer = send(officer, "/console/archive", "/console/archive", **fields)
    assert answer.status_code == status
    assert ("transaction-one" in answer.text) is (status == 200)
    assert "secret" not in answer.text


def test_an_auditor_sees_what_there_is_and_reads_nothing(world: World, officer: FlaskClient) -> None:
    world.ask("accounts.put", name="kim", password="a long enough password", role="auditor")
    browser = world.signed_in("kim", "a long enough password")
    assert browser.get("/console/archive").status_code == 200
    for action in ("/console/archive", "/console/destructions/select"):
        assert send(browser, "/console/ledger", action, **SELECT).status_code == 403
