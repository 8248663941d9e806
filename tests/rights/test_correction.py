"""Correction (PIPA 36, S9.1): a new version, the old one destroyed; recorded events are facts and stay."""

from __future__ import annotations

from typing import Any

import pytest
from dongui_collector.core.errors import CollectorError, NotAllowed, Unknown
from dongui_collector.evidence.verify.verify import verify
from dongui_collector.rights import correction
from dongui_collector.rights.own_requests import own_requests

from tests.retention.house import House
from tests.rights.members import add, ask, proved

WRONG, RIGHT = {"name": "wrong-sentinel"}, {"name": "right"}


def a_record(house: House, class_id: str = "abuse", subject: str = "m-1") -> str:
    kept = house.core.retention.records.add(house.site, class_id, subject, house.now, "support", WRONG)
    return str(kept["id"])


def held(house: House, subject: str = "m-1") -> list[Any]:
    key = house.core.ledger.member_key(house.site.ref, subject)
    stores = (house.core.storage.records, house.core.storage.archive)
    found = [r for store in stores for r in store.of_subject(house.site.ref, key)]
    return [house.core.retention.records.opened(r)["data"] for r in found]


@pytest.mark.parametrize("class_id", ["abuse", "payment", "complaint"])
def test_s9_1_a_records_data_is_replaced_and_the_old_version_destroyed(house: House, class_id: str) -> None:
    record = a_record(house, class_id)
    id = proved(house, "correction", member="m-1")
    [shown] = ask(house, "show", id=id)["records"]
    assert (shown["id"], shown["class"]) == (record, class_id)
    done = ask(house, "correct", id=id, record=record, data=RIGHT)
    assert done["version"] != record
    assert held(house) == [RIGHT]
    [now] = ask(house, "show", id=id)["records"]
    assert (now["id"], now["kept_until"]) == (done["version"], shown["kept_until"])
    ask(house, "answer", id=id, outcome="granted")
    assert ask(house, "show", id=id)["corrected"] == [done["version"]]
    assert [str(f) for f in verify(house.core).findings] == []


def test_a_correction_may_itself_be_corrected(house: House) -> None:
    id = proved(house, "correction", member="m-1")
    first = ask(house, "correct", id=id, record=a_record(house), data={"name": "half right"})
    ask(house, "correct", id=id, record=first["version"], data=RIGHT)
    assert held(house) == [RIGHT]


def test_s9_6_nothing_is_corrected_before_the_check_or_for_another_kind_or_person(house: House) -> None:
    record, other = a_record(house), a_record(house, subject="m-2")
    unchecked = add(house, "correction", member="m-1")
    access = proved(house, "access", member="m-1")
    id = proved(house, "correction", member="m-1")
    for number, which, error in (
        (unchecked, record, NotAllowed),
        (access, record, NotAllowed),
        (id, other, Unknown),
        (id, "not an id", CollectorError),
    ):
        with pytest.raises(error):
            ask(house, "correct", id=number, record=which, data=RIGHT)
    assert held(house) == held(house, "m-2") == [WRONG]


class Crash(Exception):
    pass


@pytest.mark.parametrize("added", [False, True], ids=["before the new version", "before the old one went"])
def test_a_crash_leaves_one_version_after_the_next_start(
    house: House, monkeypatch: pytest.MonkeyPatch, added: bool
) -> None:
    id, record = proved(house, "correction", member="m-1"), a_record(house)

    def crash(*_: object) -> None:
        raise Crash

    with monkeypatch.context() as patch:
        store = type(house.core.storage.records)
        patch.setattr(store, "destroy_ids" if added else "add", crash)
        with pytest.raises(Crash):
            ask(house, "correct", id=id, record=record, data=RIGHT)
    house.reopen()
    correction.resume(house.core)
    assert held(house) == [RIGHT if added else WRONG]
    request = house.core.storage.admin.request(id)
    assert request
    assert request.correcting is None


def test_the_wrong_version_is_in_no_open_byte_and_the_request_says_what_was_done(house: House) -> None:
    visitor = house.arrive()
    house.visit(visitor)
    id = proved(house, "correction", visitor=visitor)
    ask(house, "answer", id=id, outcome="granted", reason="events are facts; they can be erased")
    assert len(house.rows()) == 1
    [own] = own_requests(house.core, house.core.ledger.key_of(visitor))
    assert own["answers"][0]["reason"] == "events are facts; they can be erased"
