"""The access package: everything held, why, since when, until when, to whom, and the consents given (K10, S9)."""

from __future__ import annotations

import json
import re
import zipfile
from datetime import date
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from dongui_collector.core.errors import CollectorError, NotAllowed
from dongui_collector.core.operations import perform
from dongui_collector.rights import access_package, access_package_page, delivery
from dongui_collector.rights.subjects import Subject

from tests.retention.house import House, at, policy
from tests.rights.members import ask, join, proved


def of_browser(house: House, visitor: str) -> Subject:
    return Subject(house.site.ref, None, (house.core.ledger.key_of(visitor),))


def made(house: House, subject: Subject, *, whole: bool = False) -> dict[str, Any]:
    pieces = access_package.as_json(house.core, subject, access_package.AccessScope(whole))
    found: dict[str, Any] = json.loads(b"".join(pieces))
    return found


def page(house: House, subject: Subject, lang: str, *, whole: bool = False) -> str:
    return b"".join(access_package_page.as_html(house.core, subject, access_package.AccessScope(whole), lang)).decode()


def test_k10_each_item_says_why_under_which_notice_since_when_and_until_when(house: House) -> None:
    visitor = house.arrive("statistics", "personalisation")
    house.visit(visitor)
    house.now = at("2025-03-12T09:00")
    house.visit(visitor)
    found = made(house, of_browser(house, visitor))
    rows = {(i["item"], i["purpose"]): i for i in found["items"]}
    address = rows["ip_address", "statistics"]
    assert (address["since"], address["latest"], address["until"]) == ("2025-03-10", "2025-03-12", "2026-03-12")
    assert (address["number"], address["notice"], address["basis"], address["keep"]) == (2, "v1", "consent", "P1Y")
    assert rows["service_usage", "personalisation"]["number"] == 2
    assert ("advertising_id", "statistics") not in rows
    assert [e["kept_until"] for e in found["events"]] == ["2026-03-10", "2026-03-12"]
    assert all(p["name"] and p["kind"] in ("processor", "recipient") for p in found["processors"])


def test_an_event_whose_time_is_not_held_is_not_dated_by_its_end(house: House) -> None:
    visitor = house.arrive("personalisation")
    house.visit(visitor)
    found = made(house, of_browser(house, visitor))
    assert [(e["day"], e["kept_until"]) for e in found["events"]] == [(None, None)]
    assert {(i["since"], i["until"], i["keep"]) for i in found["items"]} == {(None, None, "P1Y")}
    assert "2025-03-10" not in json.dumps(found["events"] + found["items"])


def test_k2_k10_the_consents_are_there_with_the_words_that_were_shown(house: House) -> None:
    visitor = house.arrive("statistics")
    text = policy("v2", date(2025, 3, 11)).replace("통계", "새로운 문구")
    perform(house.core, "policy.publish", {"text": text})
    house.now = at("2025-03-11T12:00")
    house.choose(["marketing"], ["statistics"], visitor=visitor)
    first, second = made(house, of_browser(house, visitor))["consents"]
    notices = {n.version: n.policy for n in house.core.registry.notices(house.site.ref)}
    (told,) = first["shown"]["purposes"]
    assert (told["id"], first["shown"]["language"]) == ("statistics", "ko")
    assert told["description"] == notices["v1"].purposes["statistics"].description["ko"]
    told = {p["id"]: p for p in second["shown"]["purposes"]}
    assert told["statistics"]["label"] == notices["v2"].purposes["statistics"].label["ko"] != first["shown"]
    assert {p["event"]["state"] for p in second["purposes"]} == {"given", "withdrawn"}


def test_s9_6_a_browser_does_not_open_the_membership_it_was_joined_to(members: House) -> None:
    """A visitor id proves one browser: of the member's records only the facts, whoever sits before it."""
    house = members
    visitor = house.arrive()
    join(house, visitor, "m-1")
    for subject, secret in (("m-1", "member-secret"), (visitor, "own-words")):
        house.core.retention.records.add(house.site, "abuse", subject, house.now, "support", {"text": secret})
    found = made(house, of_browser(house, visitor))
    assert sorted(str(r["data"]) for r in found["records"]) == ["None", "{'text': 'own-words'}"]
    assert "member-secret" not in json.dumps(found)
    for lang in ("ko", "en"):
        assert "member-secret" not in page(house, of_browser(house, visitor), lang)
    id = proved(house, visitor=visitor)
    assert "member-secret" not in b"".join(delivery.parts(house.core, id)[f"access-{id}.json"]()).decode()


def test_k10_the_officers_package_covers_the_member_with_all_browsers_and_the_archive(members: House) -> None:
    house = members
    phone, laptop = house.arrive(), house.arrive("statistics")
    for visitor in (phone, laptop):
        join(house, visitor, "m-1")
        house.visit(visitor)
    house.core.retention.records.add(house.site, "payment", "m-1", house.now, "settlement", {"amount": 12_000})
    perform(house.core, "requests.add", {"kind": "access", "member": "m-1", "name": "G", "by": "o"})
    id = proved(house, "access", member="m-1")
    perform(house.core, "requests.package", {"id": id, "by": "officer", "address": "192.0.2.7"})
    found = json.loads(b"".join(delivery.parts(house.core, id)[f"access-{id}.json"]()))
    assert (found["subject"], len(found["visitors"]), len(found["events"]), len(found["consents"])) == (
        "member",
        2,
        2,
        2,
    )
    [record] = found["records"]
    assert (record["data"], record["kept_until"]) == ({"amount": 12_000}, "2030-03-10")
    assert "시행령 제6조" in record["law"]["ko"]
    [paid] = [i for i in found["items"] if i["item"] == "payment"]
    assert (paid["basis"], paid["until"], paid["number"]) == ("legal_obligation", "2030-03-10", 1)
    assert len(found["requests"]) == 2, "what was asked is held, too"
    looks = [r.body for r in house.core.storage.ledger.records() if r.kind == "audit" and r.body]
    assert any(b["action"] == "request.package" and b["address"] == "192.0.2.7" for b in looks)


@pytest.mark.parametrize("step", ["before", "failed", "other kind", "refused"])
def test_s9_6_no_package_without_the_check(house: House, step: str) -> None:
    visitor = house.arrive()
    kind = "suspension" if step == "other kind" else "access"
    id = ask(house, "add", kind=kind, visitor=visitor)["id"]
    if step != "before":
        ask(house, "identity", id=id, how="document", failed=step == "failed")
    if step == "refused":
        ask(house, "answer", id=id, outcome="refused", reason="x", ground="PIPA 35(4)")
    for attempt in (
        lambda: ask(house, "package", id=id),
        lambda: list(delivery.zipped(house.core, id)),
        lambda: delivery.write(house.core, id, house.folder / "out"),
    ):
        with pytest.raises(NotAllowed):
            attempt()
    assert not list(house.folder.glob("out/*"))


def test_it_is_written_as_a_folder_or_a_zip_for_the_owner_alone(house: House) -> None:
    visitor = house.arrive()
    for _ in range(600):  # more than one page of events
        house.visit(visitor)
    id = proved(house, visitor=visitor)
    folder = delivery.write(house.core, id, house.folder / "out")
    [packed] = delivery.write(house.core, id, house.folder / "out.zip")
    assert [p.name for p in folder] == [f"access-{id}.json", f"access-{id}.ko.html", f"access-{id}.en.html"]
    assert {p.stat().st_mode & 0o777 for p in [*folder, packed]} == {0o600}
    with zipfile.ZipFile(packed) as archive:
        assert archive.testzip() is None
        inside = {name: archive.read(name) for name in archive.namelist()}
    assert len(json.loads(inside[f"access-{id}.json"])["events"]) == 600
    assert json.loads(inside[f"access-{id}.json"])["items"]
    for target in (house.folder / "out", house.folder / "out.zip"):
        with pytest.raises(CollectorError, match="there already"):
            delivery.write(house.core, id, target)


class Tags(HTMLParser):
    """The tags of a page, properly nested."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append((tag, dict(attrs)))
        if tag not in ("meta",):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


@pytest.mark.parametrize("lang", ["ko", "en"])
def test_k10_the_page_is_self_contained_without_script_and_escapes_what_came_from_outside(
    members: House, lang: str
) -> None:
    house = members
    visitor = house.arrive()
    house.visit(visitor, name='<script>alert("x")</script>', props={"a": "<img src=x onerror=alert(1)>"})
    join(house, visitor, "m-1")
    house.core.retention.records.add(house.site, "abuse", "m-1", house.now, "support", {"t": "</td><b>bold"})
    id = proved(house, member="m-1")
    ask(house, "answer", id=id, outcome="postponed", reason="<i>later</i>", ground="PIPA 35(3)", until="2025-04-01")
    subject = delivery.whose(house.core, id)
    html = page(house, subject, lang, whole=True)
    tags = Tags()
    tags.feed(html)
    assert tags.open == []
    names = {tag for tag, _ in tags.seen}
    assert not names & {"script", "img", "b", "i", "link", "iframe", "form", "a"}
    assert not [a for _, attrs in tags.seen for a in attrs if a.startswith("on") or a in ("src", "href", "style")]
    assert f'<html lang="{lang}">' in html
    assert ("제35조제3항" if lang == "ko" else "Article 35(3)") in html
    told = re.sub(r"<[^>]+>", " ", html)
    for word in ("2026-03-10", "203.0.113.7", "v2"):
        assert word in told


def test_a_suspended_person_still_sees_everything(house: House) -> None:
    visitor = house.arrive()
    house.visit(visitor)
    house.core.ledger.suspend(house.core.ledger.key_of(visitor), True)
    found = made(house, of_browser(house, visitor))
    assert (len(found["events"]), found["suspended"]) == (1, True)


def test_nothing_is_written_beside_the_package(house: House, tmp_path: Path) -> None:
    """K12: no temporary file holds any of it."""
    visitor = house.arrive()
    house.visit(visitor, marker="temporary-sentinel")
    id = proved(house, visitor=visitor)
    b"".join(delivery.zipped(house.core, id))
    others = [p for p in house.folder.rglob("*") if p.is_file() and "events" not in p.parts]
    assert not [p for p in others if b"temporary-sentinel" in p.read_bytes()]
