"""Under age (S8, K4): nothing is recorded from then on, and what was recorded is destroyed, however it is linked."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from dongui.policy import default_policy_text
from dongui_collector.evidence.verify.verify import verify
from dongui_collector.rights import members as rights
from dongui_collector.rights.access_package import AccessScope, as_json
from dongui_collector.rights.subjects import Subject

from tests.clock import today
from tests.collector import Installation, event, marker
from tests.retention.house import House
from tests.rights.members import join


def of(house: House, member: str) -> bytes:
    return house.core.ledger.member_key(house.site.ref, member)


def minor(house: House, visitor: str | None = None, member: str | None = None) -> rights.MemberEnd:
    key = house.core.ledger.key_of(visitor) if visitor else None
    ending = rights.end(house.core, house.site, key, of(house, member) if member else None, "minor")
    for intent in ending.intents:
        house.core.retention.endings.finish(intent)
    return ending


@pytest.mark.parametrize("by", ["member", "visitor"])
def test_s8_everything_linked_is_destroyed_whoever_the_word_was_about(members: House, by: str) -> None:
    house = members
    phone, laptop, stranger = house.arrive(), house.arrive(), house.arrive()
    for visitor in (phone, laptop):
        join(house, visitor, "child")
        house.visit(visitor, marker="child-sentinel")
    house.visit(stranger, marker="stranger")
    house.core.retention.records.add(house.site, "abuse", "child", house.now, "support", {"x": 1})
    ending = minor(house, **({"member": "child"} if by == "member" else {"visitor": phone}))
    assert ending.visitors == 2
    assert house.markers() == {"stranger"}
    assert house.core.storage.records.of_site(house.site.ref) == []
    assert b"child-sentinel" not in house.bytes()
    for visitor in (phone, laptop):
        assert house.visit(visitor) == {"no_consent": 1}
    assert [str(f) for f in verify(house.core).findings] == []


def test_s8_a_later_sign_in_of_the_same_member_joins_nothing_and_ends_what_was_recorded(members: House) -> None:
    house = members
    minor(house, member="child")
    visitor = house.arrive()
    house.visit(visitor, marker="later-sentinel")
    notice = house.core.registry.in_force(house.site.ref, house.now)
    said, ending = rights.identify(house.core, notice, house.core.ledger.key_of(visitor), of(house, "child"))
    assert said == "minor"
    assert ending
    for intent in ending.intents:
        house.core.retention.endings.finish(intent)
    assert house.rows() == []
    assert b"later-sentinel" not in house.bytes()
    assert house.visit(visitor) == {"no_consent": 1}


def test_s8_no_record_of_a_minor_is_taken(members: House) -> None:
    house = members
    minor(house, member="child")
    assert rights.may_record(house.core, house.site, "payment", "child") == "minor"
    assert rights.may_record(house.core, house.site, "payment", "somebody else") is None


def test_s8_the_mark_is_a_keyed_hash_and_ends_when_nobody_can_be_under_age_any_more(members: House) -> None:
    house = members
    minor(house, member="child-reference")
    minor(house, member="child-reference")
    marks = [r for r in house.core.storage.ledger.records() if r.kind == "minor"]
    assert [(m.body, m.visitor) for m in marks] == [({}, of(house, "child-reference"))]
    assert b"child-reference" not in house.bytes("data", "keys")
    house.run("2039-03-10T23:59:59")
    assert rights.is_minor(house.core, of(house, "child-reference"))
    house.run("2039-03-11T00:00:00")
    assert not rights.is_minor(house.core, of(house, "child-reference"))
    assert verify(house.core).ok


def test_s8_what_other_law_keeps_is_named(members: House) -> None:
    house = members
    house.core.retention.records.add(house.site, "payment", "child", house.now, "settlement", {"amount": 1})
    [kept] = rights.left_by_law(house.core, minor(house, member="child"))
    assert (kept["class"], kept["until"]) == ("payment", "2030-03-10")


def test_k10_a_visitor_joined_to_a_suspended_member_is_suspended(members: House) -> None:
    from tests.rights.members import ask, proved

    house = members
    id = proved(house, "suspension", member="m-1")
    ask(house, "answer", id=id, outcome="granted")
    visitor = house.arrive()
    assert house.visit(visitor) == {}
    notice = house.core.registry.in_force(house.site.ref, house.now)
    assert rights.identify(house.core, notice, house.core.ledger.key_of(visitor), of(house, "m-1"))[0] == "joined"
    assert house.visit(visitor) == {"suspended": 1}
    assert rights.may_record(house.core, house.site, "abuse", "m-1") == "suspended"
    assert rights.may_record(house.core, house.site, "payment", "m-1") is None, "a statute demands it"
    found = json.loads(b"".join(as_json(house.core, Subject(1, of(house, "m-1")), AccessScope())))
    assert found["suspended"]


# --- through the public door -----------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def collector(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    folder = tmp_path_factory.mktemp("minors")
    one = Installation(folder / "installation")
    text = default_policy_text(version="members", effective=today(), presets=("ga4", "meta"))
    text = text.replace('"ip_address"]', '"ip_address", "member_reference"]')
    (folder / "policy.toml").write_text(text)
    one.run("policy", "publish", str(folder / "policy.toml"))
    yield one.start()
    one.close()


def tell(collector: Installation, **said: Any) -> tuple[int, dict[str, Any]]:
    answer = collector.http.post("/v1/members", json={"site": collector.site, **said}, headers=collector.bearer)
    return answer.status_code, answer.json()


@pytest.mark.hours
def test_s8_k4_end_to_end_no_byte_is_left_of_a_minor(collector: Installation) -> None:
    word = marker()
    first, second = (collector.consent(["statistics"])["visitor"] for _ in range(2))
    for visitor in (first, second):
        assert tell(collector, visitor=visitor, member="m-child", event="identified") == (200, {"identified": True})
        assert collector.send(visitor, event(url=f"https://shop.example.com/{word}")).json()["recorded"] == 1
    assert tell(collector, member="m-child", event="minor") == (200, {"erased": 2})
    later = collector.consent(["statistics"])["visitor"]
    collector.send(later, event(url=f"https://shop.example.com/{word}"))
    said = tell(collector, visitor=later, member="m-child", event="identified")
    assert said == (200, {"identified": False, "minor": True, "erased": 1})
    record = {"class": "abuse", "subject": "m-child", "at": 1, "source": "support", "data": {"text": word}}
    refused = collector.http.post("/v1/records", json={"site": collector.site, **record}, headers=collector.bearer)
    assert refused.status_code == 409
    assert word.encode() not in collector.bytes()
    assert collector.run("verify").returncode == 0


def test_s9_6_erasing_a_browser_leaves_the_membership_and_says_so(collector: Installation, tmp_path: Path) -> None:
    visitor = collector.consent(["statistics"])["visitor"]
    tell(collector, visitor=visitor, member="m-adult", event="identified")
    erased = collector.http.delete("/v1/me", headers={"authorization": f"Bearer {visitor}"}).json()
    assert erased["erased"] is True
    assert erased["member"]["erased"] is False
    assert erased["member"]["ask"]


def test_k10_the_export_is_a_page_too(collector: Installation) -> None:
    visitor = collector.consent(["statistics"])["visitor"]
    collector.send(visitor, event())
    headers = {"authorization": f"Bearer {visitor}"}
    for lang in ("ko", "en"):
        page = collector.http.get(f"/v1/me/export?format=html&lang={lang}", headers=headers)
        assert page.headers["content-type"] == "text/html; charset=utf-8"
        assert page.headers["content-disposition"].startswith("attachment")
        assert f'<html lang="{lang}">' in page.text
    whole = collector.http.get("/v1/me/export", headers=headers).json()
    assert {i["purpose"] for i in whole["items"]} == {"statistics"}
    assert visitor not in page.text
