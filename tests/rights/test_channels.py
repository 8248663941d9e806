"""Consent to receive advertising, per channel (K16): a member's own, confirmed every two years, silence keeps it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from dongui.policy import default_policy_text
from dongui_collector.core.errors import NotAllowed
from dongui_collector.core.operations import perform
from dongui_collector.evidence.verify.verify import verify
from dongui_collector.rights import access_package_page, channels, delivery
from dongui_collector.rights import members as rights
from dongui_collector.rights.access_package import AccessScope
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.clock import today
from tests.collector import Installation
from tests.policy.test_policy_channels import CHANNELS
from tests.retention.house import House, at
from tests.retention.test_backup import back_up, restore
from tests.rights.members import ask, proved

MAIL, NIGHT = "news_email", "news_sms_night"


def with_channels(version: str = "v3", effective: date = date(2024, 7, 1)) -> str:
    return default_policy_text(version=version, effective=effective, presets=("ga4", "meta")) + CHANNELS


@pytest.fixture
def house(new_house: Callable[..., House]) -> House:
    made = new_house()
    made.add_site(with_channels())
    made.approve_routine()
    return made


def choose(house: House, *granted: str, refused: tuple[str, ...] = (), member: str = "m-1") -> dict[str, Any]:
    return channels.choose(house.core, house.site, member, granted, refused, "signup", "ko")


def stands(house: House, member: str = "m-1") -> dict[str, str]:
    key = house.core.ledger.member_key(house.site.ref, member)
    return {id: one["state"] for id, one in channels.states(house.core, house.site, key).items()}


def test_k16_each_channel_is_a_consent_of_its_own(house: House) -> None:
    assert stands(house) == {MAIL: "unasked", NIGHT: "unasked"}
    choose(house, MAIL, refused=(NIGHT,))
    assert stands(house) == {MAIL: "given", NIGHT: "refused"}
    choose(house, refused=(MAIL,))
    assert stands(house) == {MAIL: "withdrawn", NIGHT: "refused"}
    assert stands(house, "m-2") == {MAIL: "unasked", NIGHT: "unasked"}
    assert verify(house.core).ok


def test_k16_it_is_never_one_with_the_consent_to_tailored_advertising(house: House) -> None:
    visitor = house.arrive("marketing")
    assert stands(house) == {MAIL: "unasked", NIGHT: "unasked"}
    choose(house, MAIL)
    house.choose(refused=["marketing"], visitor=visitor)
    assert stands(house)[MAIL] == "given"
    with pytest.raises(NotAllowed, match="no other"):
        choose(house, "marketing")


def test_k16_k17_who_must_be_told_and_by_when(house: House) -> None:
    choose(house, MAIL, NIGHT)
    choose(house, MAIL, member="m-2")
    everyone = ["m-1", "m-2", "stranger"]
    assert channels.due(house.core, everyone) == []
    house.now = at("2026-03-01T09:00")
    assert [(d["member"], d["channel"], d["confirm_by"]) for d in channels.due(house.core, everyone)] == [
        ("m-1", NIGHT, "2026-03-10")
    ]
    house.now = at("2027-03-11T00:00")
    found = channels.due(house.core, everyone)
    assert [(d["member"], d["channel"], d["overdue"]) for d in found] == [
        ("m-1", NIGHT, True),
        ("m-1", MAIL, True),
        ("m-2", MAIL, True),
    ]
    assert stands(house) == {MAIL: "given", NIGHT: "given"}, "silence keeps it"
    assert perform(house.core, "channels.told", {"members": everyone, "by": "officer"}) == {"members": 2}
    assert channels.due(house.core, everyone) == []
    assert channels.due(house.core, everyone, until=date(2028, 3, 11))[0]["confirm_by"] == "2028-03-11"


def test_k1_a_channel_that_takes_more_than_was_agreed_to_is_asked_again(house: House) -> None:
    choose(house, MAIL, NIGHT)
    text = with_channels("v4", date(2025, 3, 11)).replace('items = ["email"]', 'items = ["email", "phone"]')
    perform(house.core, "policy.publish", {"text": text})
    house.now = at("2025-03-11T12:00")
    assert stands(house) == {MAIL: "invalidated", NIGHT: "given"}
    choose(house, MAIL)
    assert stands(house)[MAIL] == "given"


def test_k2_the_proof_stays_as_long_as_the_consent_stands_and_then_for_its_class(house: House) -> None:
    choose(house, MAIL)
    house.run("2035-03-11T00:00")
    assert stands(house)[MAIL] == "given"
    choose(house, refused=(MAIL,))
    house.run("2038-03-11T23:59")
    assert stands(house)[MAIL] == "withdrawn"
    house.run("2038-03-12T00:01")
    assert stands(house)[MAIL] == "unasked", "the record class consent_record: three years from its end"
    assert verify(house.core).ok


@pytest.mark.parametrize("how", ["erasure", "closed", "minor"])
def test_s9_s8_they_end_with_the_membership(house: House, how: str) -> None:
    choose(house, MAIL)
    if how == "erasure":
        ask(house, "answer", id=proved(house, "erasure", member="m-1"), outcome="granted")
    else:
        key = house.core.ledger.member_key(house.site.ref, "m-1")
        for intent in rights.end(house.core, house.site, None, key, how).intents:
            house.core.retention.endings.finish(intent)
    assert stands(house)[MAIL] == "unasked"
    assert [r for r in house.core.storage.ledger.records() if r.kind == "channel" and r.body] == []
    assert [str(f) for f in verify(house.core).findings] == []
    if how == "minor":
        with pytest.raises(NotAllowed, match="under age"):
            choose(house, MAIL)


def test_k10_the_access_package_tells_them(house: House) -> None:
    choose(house, MAIL)
    id = proved(house, member="m-1")
    found = json.loads(b"".join(delivery.parts(house.core, id)[f"access-{id}.json"]()))
    assert found["channels"]["state"][MAIL]["state"] == "given"
    assert [c["on"] for c in found["channels"]["choices"]] == [[MAIL]]
    page = b"".join(
        access_package_page.as_html(house.core, delivery.whose(house.core, id), AccessScope(True), "ko")
    ).decode()
    assert "광고성 정보 수신 동의" in page


@pytest.mark.parametrize("how", ["withdrawn", "erased"])
def test_s3_0_a_restored_backup_brings_no_withdrawn_consent_back(house: House, how: str) -> None:
    choose(house, MAIL, NIGHT)
    choose(house, MAIL, member="m-2")
    backup = back_up(house)
    if how == "withdrawn":
        choose(house, refused=(MAIL,))
    else:
        ask(house, "answer", id=proved(house, "erasure", member="m-1"), outcome="granted")
    restore(house, backup)
    expected = {MAIL: "withdrawn", NIGHT: "given"} if how == "withdrawn" else {MAIL: "unasked", NIGHT: "unasked"}
    assert stands(house) == expected
    assert stands(house, "m-2")[MAIL] == "given"
    assert [str(f) for f in verify(house.core).findings] == []


STEPS = st.lists(st.tuples(st.sampled_from([MAIL, NIGHT]), st.booleans()), max_size=12)


@settings(max_examples=50)
@given(STEPS)
def test_k16_the_last_word_on_each_channel_counts(steps: list[tuple[str, bool]]) -> None:
    from dongui_collector.storage.contract.values import LedgerRecord

    records, model = [], {}
    for n, (id, on) in enumerate(steps, 1):
        body = {"notice": "v", "on": [id] if on else [], "off": [] if on else [id]}
        records.append(LedgerRecord(n, "channel", n, 1, b"m", body, b"", b"", b""))
        had = model.get(id) in ("given", "withdrawn")
        model[id] = "given" if on else "withdrawn" if had else "refused"
    assert {id: word.state for id, word in channels.words(records).items()} == model


# --- through the public door and the command line --------------------------------------------------------------------


@pytest.fixture(scope="module")
def collector(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    folder = tmp_path_factory.mktemp("channels")
    one = Installation(folder / "installation")
    (folder / "policy.toml").write_text(with_channels("channels", today()))
    one.run("policy", "publish", str(folder / "policy.toml"))
    yield one.start()
    one.close()


@pytest.mark.hours
def test_k16_end_to_end(collector: Installation, tmp_path: Path) -> None:
    body = {"site": collector.site, "member": "m-77-sentinel", "granted": [MAIL], "refused": [NIGHT]}
    headers = {"origin": "https://shop.example.com"}
    assert collector.http.post("/v1/channels", json=body, headers=headers).status_code == 401
    said = collector.http.post("/v1/channels", json=body, headers=collector.bearer).json()["state"]
    assert (said[MAIL]["state"], said[NIGHT]["state"], said[NIGHT]["night"]) == ("given", "refused", True)
    again = {"site": collector.site, "member": "m-77-sentinel"}
    assert collector.http.post("/v1/channels", json=again, headers=collector.bearer).json()["state"] == said
    for bad in ({"granted": ["statistics"]}, {"granted": [MAIL], "refused": [MAIL]}, {"method": "magic"}):
        answer = collector.http.post("/v1/channels", json=again | bad, headers=collector.bearer)
        assert answer.status_code == 400
    notice = collector.http.get("/v1/notice", params={"site": collector.site}).json()
    assert {c["id"] for c in notice["channels"]} == {MAIL, NIGHT}
    choice = {"site": collector.site, "notice": notice["version"], "granted": [MAIL], "refused": [], "method": "banner"}
    assert collector.http.post("/v1/consents", json=choice | {"lang": "ko"}, headers=headers).status_code == 400
    (tmp_path / "members.txt").write_text("m-77-sentinel\nm-78\n\n")
    listed = collector.run("channels", "due", str(tmp_path / "members.txt"), "--until", "2090-01-01", "--json")
    assert [(d["member"], d["channel"]) for d in json.loads(listed.stdout)] == [("m-77-sentinel", MAIL)]
    noted = collector.run("channels", "told", str(tmp_path / "members.txt"), "--json")
    assert json.loads(noted.stdout) == {"members": 1}
    assert b"m-77-sentinel" not in collector.bytes()
    assert collector.run("verify").returncode == 0
