"""The disclosure ledger (S4.0, S4.1): nothing goes to who is not registered, and everyone can be told where it went."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import date
from typing import Any

import pytest
from dongui_collector.core.control import Control
from dongui_collector.core.errors import CollectorError, NotAllowed, Unknown
from dongui_collector.core.operations import perform, plain
from dongui_collector.core.settings import Settings
from dongui_collector.exports.erasure_feed import erasures
from dongui_collector.exports.export import entitle, export_events
from dongui_collector.exports.formats import FORMATS
from dongui_collector.retention.installation import Installation
from dongui_collector.rights.disclosures import Handover, disclosures_of, listed

from tests.retention.house import ALL, House, at, policy

DAYS = (date(2025, 3, 1), date(2025, 12, 31))
ADS, ADS_ITEMS = "Example Ads", ["advertising_id", "cookie", "visit_time"]
PARTY = """
[[recipients]]
name = "Example Ads"
task.ko = "광고"
task.en = "Advertising"
country = "US"
transfer.ko = "수시로 전송"
transfer.en = "Sent now and then"
items = ["advertising_id", "visit_time", "cookie"]
purposes = ["marketing"]
"""


def party(
    name: str, items: Iterable[str], purposes: Iterable[str], kind: str = "recipients", country: str = "KR"
) -> str:
    return (
        f'\n[[{kind}]]\nname = "{name}"\ntask.ko = "일"\ntask.en = "Work"\ncountry = "{country}"\n'
        f"items = {json.dumps(list(items))}\npurposes = {json.dumps(list(purposes))}\n"
    )


@pytest.fixture
def shop(new_house: Callable[..., House]) -> House:
    house = new_house()
    house.add_site(policy() + PARTY)
    house.approve_routine()
    return house


def call(house: House) -> Control:
    """The way to change a house that this process holds."""

    @contextmanager
    def opened(_: Settings) -> Iterator[Installation]:
        yield house.core

    return Control(house.settings, opened)


def begun(house: House, recipient: str | None = ADS, purposes: Iterable[str] = ("marketing",)) -> dict[str, Any]:
    days = {"first": str(DAYS[0]), "last": str(DAYS[1])}
    said = {"purposes": list(purposes), "recipient": recipient, "format": "ndjson", "by": "kim", **days}
    made: dict[str, Any] = perform(house.core, "export.audit", said)
    return made


def hand_over(house: House, recipient: str = ADS, purposes: Iterable[str] = ("marketing",)) -> bytes:
    """What ``dongui export events --recipient`` does; the file."""
    id = begun(house, recipient, purposes)["disclosure"]
    reader = entitle(house.core, house.site, list(purposes), recipient=recipient)
    with Handover(call(house), id) as handing:
        rows = handing.counted(export_events(house.core, reader, *DAYS, before=handing.before))
        return b"".join(handing.hashed(FORMATS["ndjson"](rows)))


def told(house: House, visitor: str) -> list[dict[str, Any]]:
    return disclosures_of(house.core, house.site.ref, [house.core.ledger.key_of(visitor)])


def chain(house: House) -> list[dict[str, Any]]:
    return [r.body for r in house.core.storage.ledger.records(limit=10_000) if r.kind == "disclosure" and r.body]


# --- an export with a recipient --------------------------------------------------------------------------------------


def test_s4_1_a_hand_over_is_on_the_ledger_with_all_that_it_was(shop: House) -> None:
    shop.visit(shop.arrive("marketing"))
    file = hand_over(shop)
    (entry,) = plain(listed(shop.core))
    expected = {
        "way": "export",
        "state": "done",
        "recipient": ADS,
        "party": "recipient",
        "country": "US",
        "purposes": ["marketing"],
        "items": ADS_ITEMS,
        "from": "2025-03-01",
        "to": "2025-12-31",
        "format": "ndjson",
        "by": "kim",
        "rows": 1,
        "people": 1,
        "digest": hashlib.sha256(file).hexdigest(),
        "at": shop.now,
        "notice": "v1",
    }
    assert expected.items() <= entry.items()
    steps = chain(shop)
    assert [s["step"] for s in steps] == ["begun", "done"]
    assert steps[0]["recipient"] == ADS
    assert (steps[1]["rows"], steps[1]["digest"]) == (1, entry["digest"])


@pytest.mark.parametrize(
    ("recipient", "purposes", "remedy"),
    [
        ("Somebody", ["marketing"], "register it in the policy"),
        (ADS, ["statistics"], "but for marketing"),
        (ADS, ["marketing", "statistics"], "but for marketing"),
    ],
    ids=["not registered", "not for this purpose", "not for one of them"],
)
def test_s4_1_to_whom_the_notice_does_not_name_nothing_goes(
    shop: House, recipient: str, purposes: list[str], remedy: str
) -> None:
    with pytest.raises(NotAllowed, match=remedy):
        begun(shop, recipient, purposes)
    assert plain(listed(shop.core)) == []
    assert not [r for r in shop.core.storage.ledger.records() if r.kind in ("disclosure", "audit")]


def test_s4_1_who_was_taken_out_of_the_notice_gets_nothing_of_before(shop: House) -> None:
    visitor = shop.arrive("marketing")
    shop.visit(visitor)
    perform(shop.core, "policy.publish", {"text": policy("v2", date(2025, 3, 11))})
    assert hand_over(shop)
    shop.now = at("2025-03-11T12:00")
    with pytest.raises(NotAllowed):
        hand_over(shop)


def test_s4_0_an_item_taken_out_of_the_notice_goes_no_more(shop: House) -> None:
    shop.visit(shop.arrive("marketing"))
    fewer = PARTY.replace('items = ["advertising_id", "visit_time", "cookie"]', 'items = ["visit_time"]')
    perform(shop.core, "policy.publish", {"text": policy("v2", date(2025, 3, 11)) + fewer})
    assert json.loads(hand_over(shop))["advertising_ids"]
    shop.now = at("2025-03-11T12:00")
    row = json.loads(hand_over(shop))
    assert (row["advertising_ids"], row["visitor"], row["day"]) == (None, None, "2025-03-10")


def test_the_controllers_own_use_is_audited_and_no_disclosure(shop: House) -> None:
    shop.visit(shop.arrive())
    assert begun(shop, None, ALL)["disclosure"] is None
    assert plain(listed(shop.core)) == []
    assert [r.body["action"] for r in shop.core.storage.ledger.records() if r.kind == "audit" and r.body] == ["export"]


# --- whose data it was -----------------------------------------------------------------------------------------------


def test_a_person_is_told_to_whom_and_nobody_else_is(shop: House) -> None:
    in_it, refused_ads, late = shop.arrive("marketing"), shop.arrive("statistics"), shop.arrive("marketing")
    shop.visit(in_it)
    shop.visit(refused_ads)
    hand_over(shop)
    shop.visit(late)
    (one,) = told(shop, in_it)
    assert (one["recipient"], one["party"], one["country"], one["items"]) == (ADS, "recipient", "US", ADS_ITEMS)
    assert "by" not in one
    assert (told(shop, refused_ads), told(shop, late)) == ([], [])
    assert disclosures_of(shop.core, shop.site.ref, []) == []
    other = shop.add_site(policy(), name="other")
    assert disclosures_of(shop.core, other.ref, [shop.core.ledger.key_of(in_it)]) == []


def test_it_is_told_also_when_the_rows_are_gone(shop: House) -> None:
    visitor = shop.arrive("marketing")
    shop.visit(visitor)
    hand_over(shop)
    shop.choose(refused=["marketing"], granted=["statistics"], visitor=visitor)
    assert shop.rows() == []
    assert len(told(shop, visitor)) == 1


def test_it_is_written_down_before_the_first_row_goes(shop: House) -> None:
    visitor = shop.arrive("marketing")
    shop.visit(visitor)
    id = begun(shop)["disclosure"]
    reader = entitle(shop.core, shop.site, ["marketing"], recipient=ADS)
    handing = Handover(call(shop), id)
    next(export_events(shop.core, reader, *DAYS, before=handing.before))
    shop.reopen()  # killed: nobody closes the entry
    assert [(e["state"], e["rows"]) for e in plain(listed(shop.core))] == [("begun", None)]
    assert len(told(shop, visitor)) == 1


def test_a_hand_over_that_breaks_off_says_so(shop: House) -> None:
    shop.visit(shop.arrive("marketing"))
    id = begun(shop)["disclosure"]

    def break_off() -> None:
        with Handover(call(shop), id) as handing:
            list(handing.counted(iter([{}])))
            raise OSError("the disk is full")

    with pytest.raises(OSError, match="full"):
        break_off()
    assert [(e["state"], e["rows"]) for e in plain(listed(shop.core))] == [("interrupted", 1)]
    with pytest.raises(NotAllowed):
        perform(shop.core, "disclosures.people", {"id": id, "keys": ["00" * 16]})


def test_who_is_erased_is_in_no_set_any_more_and_the_recipient_is_told(shop: House) -> None:
    visitor, other = shop.arrive("marketing"), shop.arrive("marketing")
    for who in (visitor, other):
        shop.visit(who)
    hand_over(shop)
    name = json.loads(hand_over(shop).splitlines()[0])["visitor"]
    sets = shop.core.storage.disclosures
    assert (sets.people(1), sets.people(2)) == (2, 2)
    shop.erase(visitor)
    assert (sets.people(1), sets.people(2)) == (1, 1)
    assert told(shop, visitor) == []
    assert len(told(shop, other)) == 2
    (entry,) = erasures(shop.core, f"recipient:{ADS}")["entries"]
    assert (entry["kind"], entry["visitor"], entry["purposes"]) == ("erasure", name, ["marketing"])


def test_no_set_can_be_read_or_joined(shop: House) -> None:
    visitor = shop.arrive("marketing")
    shop.visit(visitor)
    hand_over(shop)
    hand_over(shop)
    raw = shop.core.storage.disclosures._read("SELECT disclosure, whose FROM disclosed")  # type: ignore[attr-defined]
    key = shop.core.ledger.key_of(visitor)
    assert [id for id, _ in raw] == [1, 2]
    assert len({key, raw[0][1], raw[1][1]}) == 3


# --- noted by hand ---------------------------------------------------------------------------------------------------


def noted(house: House, **said: Any) -> dict[str, Any]:
    given = {"recipient": ADS, "purposes": ["marketing"], "what": "a list by courier", "by": "kim", **said}
    made: dict[str, Any] = perform(house.core, "disclosures.note", given)
    return made


def test_what_left_another_way_is_noted_and_told(shop: House) -> None:
    visitor = shop.arrive("marketing")
    entry = noted(shop, visitors=[visitor], items=["cookie"], rows=3, digest="AB" * 32)
    assert (entry["state"], entry["items"], entry["people"], entry["rows"]) == ("done", ["cookie"], 1, 3)
    assert entry["digest"] == "ab" * 32
    assert [d["way"] for d in told(shop, visitor)] == ["noted"]
    member = noted(shop, members=["member-of-the-shop"] * 2)
    assert member["people"] == 1
    key = shop.core.ledger.member_key(shop.site.ref, "member-of-the-shop")
    assert len(disclosures_of(shop.core, shop.site.ref, [key])) == 1
    assert b"member-of-the-shop" not in shop.bytes()


def test_everyones_is_told_to_who_was_known_then(shop: House) -> None:
    before = shop.arrive("statistics")
    shop.now += 1000
    noted(shop, everyone=True)
    shop.now += 1000
    after = shop.arrive("statistics")
    assert (len(told(shop, before)), len(told(shop, after))) == (1, 0)


@pytest.mark.parametrize(
    ("said", "error", "words"),
    [
        ({"everyone": True, "recipient": "Somebody"}, NotAllowed, "names no processor"),
        ({"everyone": True, "items": ["ip_address"]}, NotAllowed, "does not give Example Ads the item ip_address"),
        ({"everyone": True, "purposes": []}, CollectorError, "--purpose"),
        ({}, CollectorError, "whose data"),
        ({"everyone": True, "members": ["m"]}, CollectorError, "whose data"),
        ({"everyone": True, "what": " "}, CollectorError, "must be said"),
        ({"everyone": True, "handed": "2025-03-11"}, CollectorError, "not before"),
        ({"everyone": True, "digest": "xy"}, CollectorError, "64 hexadecimal"),
        ({"everyone": True, "first": "yesterday"}, CollectorError, "must be a day"),
        ({"visitors": ["nobody"]}, Unknown, "number 1"),
    ],
    ids=lambda value: "" if not isinstance(value, dict) else "-".join(value) or "nothing",
)
def test_a_note_that_is_not_whole_is_refused(
    shop: House, said: dict[str, Any], error: type[Exception], words: str
) -> None:
    with pytest.raises(error, match=words):
        noted(shop, **said)
    assert plain(listed(shop.core)) == []
