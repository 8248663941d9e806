"""The public door's contract (DESIGN section 6): consents, events, reading back, withdrawing, erasing."""

from __future__ import annotations

import uuid
from pathlib import Path
from typing import Any

import pytest
from dongui_collector.core.settings import load_settings
from dongui_collector.runtime.composition import open_core

from tests.collector import CHROME, CONSENT_PURPOSES, ORIGIN, Installation, event, marker, uuid7


def test_unasked_at_first_and_minted_with_the_first_grant(collector: Installation) -> None:
    refused = collector.consent([], ["statistics"])
    assert refused["visitor"] is None
    assert refused["receipt"] is None
    assert refused["state"] == dict.fromkeys(CONSENT_PURPOSES, "unasked") | {"statistics": "refused"}
    given = collector.consent(["statistics"], ["marketing"])
    assert len(given["visitor"]) == 22
    assert given["state"]["statistics"] == "given"
    assert given["state"]["marketing"] == "refused"
    assert given["state"]["personalisation"] == "unasked"


def test_the_receipt_has_the_shape_of_w3(collector: Installation) -> None:
    receipt = collector.consent(["statistics"])["receipt"]
    assert receipt["schema_version"] == "ISO/IEC TS 27560:2023"
    assert receipt["purposes"][0]["items"] == [
        "cookie",
        "visit_time",
        "service_usage",
        "access_environment",
        "ip_address",
    ]
    for member in (
        "record_id",
        "principal",
        "controller",
        "notice",
        "jurisdiction",
        "storage_location",
        "withdrawal_method",
    ):
        assert receipt[member]


def test_statistics_alone_records_address_and_environment_but_no_advertising_id(collector: Installation) -> None:
    """S2.1b: each item gated on its own."""
    visitor = collector.consent(["statistics"], ["marketing"])["visitor"]
    one = event(
        url=f"{ORIGIN}/a?gclid=CLICK&utm_source=news&secret=1",
        referrer="https://search.example.org/?q=x",
        ad_ids={"adid": "AD"},
    )
    answer = collector.send(visitor, one)
    assert (answer.status_code, answer.json()) == (202, {"recorded": 1, "refused": {}})
    (row,) = collector.me(visitor)["events"]
    assert row["url"] == f"{ORIGIN}/a?utm_source=news"
    assert row["referrer"] == "https://search.example.org/"
    assert row["ip_address"] == "127.0.0.1"
    assert row["environment"]["browser"].startswith("Chrome")
    assert row["environment"]["os"] == "Linux"
    assert row["advertising_ids"] is None
    assert row["purposes"] == ["statistics"]
    assert row["secure"] is True
    assert row["at"] == one["at"]
    assert visitor not in collector.http.get("/v1/me", headers={"authorization": f"Bearer {visitor}"}).text


def test_marketing_alone_records_click_ids_and_no_page(collector: Installation) -> None:
    visitor = collector.consent(["marketing"])["visitor"]
    collector.send(visitor, event(url=f"{ORIGIN}/a?gclid=CLICK", ad_ids={"adid": "AD"}))
    (row,) = collector.me(visitor)["events"]
    assert row["advertising_ids"] == {"gclid": "CLICK", "adid": "AD"}
    assert row["at"] is not None
    for hidden in ("url", "name", "ip_address", "environment", "props", "secure"):
        assert row[hidden] is None


def test_without_visit_time_neither_time_nor_day_is_shown(collector: Installation) -> None:
    visitor = collector.consent(["personalisation"])["visitor"]
    collector.send(visitor, event(search="shoes", props={"n": 1, "who": "ann@example.com"}))
    (row,) = collector.me(visitor)["events"]
    assert (row["at"], row["day"]) == (None, None)
    assert row["search"] == "shoes"
    assert row["props"] == {"n": 1, "who": "[email]"}


@pytest.mark.parametrize("visitor", [None, "", "A" * 22, "x" * 128])
def test_no_consent_is_counted_and_not_kept(collector: Installation, visitor: str | None) -> None:
    word = marker()
    answer = collector.send(visitor, event(url=f"{ORIGIN}/{word}"), event(url=f"{ORIGIN}/{word}"))
    assert (answer.status_code, answer.json()) == (202, {"recorded": 0, "refused": {"no_consent": 2}})
    assert word.encode() not in collector.bytes()


def test_an_event_sent_again_is_kept_once_and_counted_as_recorded(collector: Installation) -> None:
    visitor = collector.consent(["statistics"])["visitor"]
    one = event()
    for _ in range(3):
        assert collector.send(visitor, one, one).json() == {"recorded": 2, "refused": {}}
    assert len(collector.me(visitor)["events"]) == 1


def test_a_choice_sent_again_gets_the_same_answer(collector: Installation) -> None:
    id_ = str(uuid.uuid4())
    first = collector.consent(["statistics"], id=id_)
    assert collector.consent(["statistics"], id=id_) == first


def test_bots_are_refused_and_counted(collector: Installation) -> None:
    visitor = collector.consent(["statistics"])["visitor"]
    bot = "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"
    answer = collector.send(visitor, event(), headers={"origin": ORIGIN, "user-agent": bot})
    assert answer.json() == {"recorded": 0, "refused": {"bot": 1}}
    answer = collector.send(visitor, event(user_agent=bot), headers=collector.bearer)
    assert answer.json() == {"recorded": 0, "refused": {"bot": 1}}


def test_too_old_without_the_secret_and_welcome_with_it(collector: Installation) -> None:
    visitor = collector.consent(["statistics"])["visitor"]
    old = event()["at"] - 30 * 86_400_000
    assert collector.send(visitor, event(old)).json() == {"recorded": 0, "refused": {"too_old": 1}}
    assert collector.send(visitor, event(old), headers=collector.bearer).json() == {"recorded": 1, "refused": {}}
    ancient = event()["at"] - 400 * 86_400_000
    for at in (ancient, 0, 1):
        assert collector.send(visitor, event(at), headers=collector.bearer).json() == {
            "recorded": 0,
            "refused": {"expired": 1},
        }
    assert [r["at"] for r in collector.me(visitor)["events"]] == [old]


def test_a_future_time_is_clamped_to_the_receipt(collector: Installation) -> None:
    visitor = collector.consent(["statistics"])["visitor"]
    later = event()["at"] + 3_600_000
    for at in (later, 10**18):
        assert collector.send(visitor, event(at)).status_code == 202
    assert all(r["at"] < later for r in collector.me(visitor)["events"])


def test_what_only_the_secret_may_say(collector: Installation) -> None:
    visitor = collector.consent(["statistics"])["visitor"]
    collector.send(visitor, event(ip="203.0.113.9", user_agent="Other"))
    collector.send(visitor, event(ip="203.0.113.9"), headers=collector.bearer)
    collector.send(visitor, event(user_agent=CHROME), headers=collector.bearer | {"user-agent": "python-httpx/1"})
    rows = collector.me(visitor)["events"]
    assert [r["ip_address"] for r in rows] == ["127.0.0.1", "203.0.113.9", None]
    assert all(r["environment"]["browser"].startswith("Chrome") for r in rows)


def test_withdrawing_destroys_what_nothing_else_covers(collector: Installation) -> None:
    """S3.0, K3: reduced where another purpose still stands, destroyed where none does, and in no byte of the folder."""
    word = marker()
    visitor = collector.consent(["statistics", "marketing"])["visitor"]
    collector.send(visitor, event(url=f"{ORIGIN}/{word}?gclid=C{word}"))
    answer = collector.consent([], ["statistics"], visitor)
    assert answer["visitor"] == visitor
    assert answer["state"]["statistics"] == "withdrawn"
    (row,) = collector.me(visitor)["events"]
    assert (row["url"], row["ip_address"], row["purposes"]) == (None, None, ["marketing"])
    assert row["advertising_ids"] == {"gclid": f"C{word}"}
    assert word.encode() not in collector.bytes()
    answer = collector.consent([], ["marketing"], visitor)
    assert answer["visitor"] is None
    assert collector.me(visitor)["events"] == []
    assert collector.send(visitor, event()).json() == {"recorded": 0, "refused": {"no_consent": 1}}
    fresh = collector.consent(["statistics"], [], visitor)["visitor"]
    assert fresh != visitor


def test_a_consent_given_again_revives_nothing(collector: Installation) -> None:
    visitor = collector.consent(["statistics", "marketing"])["visitor"]
    collector.send(visitor, event(url=f"{ORIGIN}/before"))
    collector.consent([], ["statistics"], visitor)
    collector.consent(["statistics"], [], visitor)
    collector.send(visitor, event(url=f"{ORIGIN}/after"))
    assert [r["url"] for r in collector.me(visitor)["events"]] == [None, f"{ORIGIN}/after"]


def test_erasing_leaves_nothing_but_a_verifiable_chain(collector: Installation) -> None:
    """S9.1, K10: erased; the chain still verifies."""
    word = marker()
    visitor = collector.consent(["statistics"])["visitor"]
    collector.send(visitor, event(url=f"{ORIGIN}/{word}"))
    headers = {"authorization": f"Bearer {visitor}"}
    assert collector.http.delete("/v1/me", headers=headers | {"origin": "https://evil.example.net"}).status_code == 403
    assert collector.http.delete("/v1/me", headers=headers).status_code == 200
    assert collector.http.get("/v1/me", headers=headers).status_code == 404
    assert collector.send(visitor, event()).json()["refused"] == {"no_consent": 1}
    assert word.encode() not in collector.bytes()
    assert collector.run("verify").returncode == 0


def test_suspension_stops_recording_until_resumed(collector: Installation) -> None:
    """S9.1, K10: 처리정지."""
    visitor = collector.consent(["statistics"])["visitor"]
    headers = {"authorization": f"Bearer {visitor}"}
    assert collector.http.post("/v1/me/requests", json={"kind": "suspend"}, headers=headers).status_code == 201
    assert collector.send(visitor, event()).json() == {"recorded": 0, "refused": {"suspended": 1}}
    assert collector.http.post("/v1/me/requests", json={"kind": "resume"}, headers=headers).status_code == 201
    assert collector.send(visitor, event()).json() == {"recorded": 1, "refused": {}}


def test_what_was_asked_is_among_what_is_held(collector: Installation) -> None:
    visitor, other = (collector.consent(["statistics"])["visitor"] for _ in range(2))
    asked = {"kind": "correct", "text": marker()}
    headers = {"authorization": f"Bearer {visitor}"}
    assert collector.http.post("/v1/me/requests", json=asked, headers=headers).status_code == 201
    [held] = collector.me(visitor)["requests"]
    assert held.items() >= asked.items()
    assert "visitor" not in held
    assert collector.me(other)["requests"] == []


def test_the_cookie_needs_the_anti_forgery_header(collector: Installation) -> None:
    visitor = collector.consent(["statistics"])["visitor"]
    cookie = {"cookie": f"a=b; dongui_id={visitor}"}
    assert collector.http.get("/v1/me", headers=cookie).status_code == 401
    assert collector.http.get("/v1/me", headers=cookie | {"x-dongui": "1"}).status_code == 200


def test_export_is_the_same_as_a_file(collector: Installation) -> None:
    visitor = collector.consent(["statistics"])["visitor"]
    collector.send(visitor, *(event() for _ in range(100)))
    answer = collector.http.get("/v1/me/export", headers={"authorization": f"Bearer {visitor}"})
    assert answer.headers["content-disposition"].startswith("attachment")
    assert len(answer.json()["events"]) == 100


def test_gpc_holds_back_what_heeds_it_unless_the_consent_was_given_knowingly(collector: Installation) -> None:
    """W1: exactly ``Sec-GPC: 1``, any 1 among duplicates."""
    before = collector.consent(["marketing"])["visitor"]
    gpc: Any = [("origin", ORIGIN), ("sec-gpc", "0"), ("sec-gpc", "1")]
    assert collector.send(before, event(), headers=gpc).json()["refused"] == {"no_consent": 1}
    assert collector.send(before, event(), headers={"origin": ORIGIN, "sec-gpc": "true"}).json()["recorded"] == 1
    knowing = collector.consent(["marketing"], signals={"gpc": True})["visitor"]
    assert collector.send(knowing, event(), headers=gpc).json()["recorded"] == 1


def test_a_choice_is_counted_by_the_kind_of_device_that_made_it(collector: Installation) -> None:
    """Also a refusal, of which nothing else is known."""
    phone = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 Version/18.1 Mobile/15E148"
    body = {"site": collector.site, "notice": collector.notice(), "granted": [], "refused": ["statistics"]}
    sent = body | {"method": "banner", "lang": "en"}
    headers = {"origin": ORIGIN, "user-agent": phone, "sec-gpc": "1"}
    assert collector.http.post("/v1/consents", json=sent, headers=headers).status_code == 201
    core = open_core(load_settings(Path(collector.config)), writable=False)
    found = {name for _, _, name in core.storage.ledger.totals()}
    core.close()
    assert {"choice.device.phone.refused", "choice.language.en.refused", "choice.gpc.on.refused"} <= found


def test_a_superseded_notice_answers_the_current_version(collector: Installation) -> None:
    body = {"site": collector.site, "notice": "gone-1", "granted": [], "refused": [], "method": "banner", "lang": "ko"}
    answer = collector.http.post("/v1/consents", json=body, headers={"origin": ORIGIN})
    assert answer.status_code == 409
    assert answer.json()["notice"] == collector.notice()


def test_members_are_joined_only_under_a_purpose_that_lists_them(collector: Installation) -> None:
    """K18 and S8."""
    visitor = collector.consent(["statistics"])["visitor"]
    body = {"site": collector.site, "visitor": visitor, "member": "m-1", "event": "identified"}
    assert collector.http.post("/v1/members", json=body, headers={"origin": ORIGIN}).status_code == 401
    assert collector.http.post("/v1/members", json=body, headers=collector.bearer).status_code == 409
    body = {"site": collector.site, "visitor": visitor, "event": "minor"}
    assert collector.http.post("/v1/members", json=body, headers=collector.bearer).json() == {"erased": 1}
    assert collector.http.get("/v1/me", headers={"authorization": f"Bearer {visitor}"}).status_code == 404


@pytest.mark.parametrize("kind", ["contract", "payment", "complaint", "abuse", "access_log"])
def test_the_five_record_classes_are_accepted(collector: Installation, kind: str) -> None:
    """S3.1a–e, S2.2; archived ones lie in the archive from the start (S5.2)."""
    body = {
        "site": collector.site,
        "class": kind,
        "subject": "member-1",
        "at": event()["at"],
        "source": "settlement",
        "data": {"n": kind},
    }
    assert collector.http.post("/v1/records", json=body, headers={"origin": ORIGIN}).status_code == 401
    answer = collector.http.post("/v1/records", json=body, headers=collector.bearer)
    assert answer.status_code == 201, answer.text
    assert answer.json()["class"] == kind


def test_two_sites_do_not_share_visitors(collector: Installation) -> None:
    import json

    other = json.loads(collector.run("sites", "add", "other", "--origin", "https://other.example.com", "--json").stdout)
    visitor = collector.consent(["statistics"])["visitor"]
    body = {"site": other["site"], "visitor": visitor, "events": [event()]}
    answer = collector.http.post("/v1/events", json=body, headers={"origin": "https://other.example.com"})
    assert answer.json()["refused"] == {"no_consent": 1}
    assert collector.http.post("/v1/events", json=body, headers={"origin": ORIGIN}).status_code == 403
    assert collector.http.post("/v1/events", json=body, headers=collector.bearer).status_code == 401


def test_pages(collector: Installation) -> None:
    for path, kind in (
        ("/v1/dongui.js", "text/javascript"),
        ("/v1/ui.js", "text/javascript"),
        (f"/v1/notice?site={collector.site}&lang=en", "application/json"),
        (f"/v1/policy?site={collector.site}", "application/json"),
        ("/policy", "text/html"),
        ("/v1/policy.css", "text/css"),
        ("/healthz", "application/json"),
        ("/readyz", "application/json"),
        ("/metrics", "text/plain"),
    ):
        answer = collector.http.get(path)
        assert answer.status_code == 200, path
        assert answer.headers["content-type"].startswith(kind)
        if "etag" in answer.headers:
            assert collector.http.get(path, headers={"if-none-match": answer.headers["etag"]}).status_code == 304
    assert "개인정보 처리방침" in collector.http.get("/policy?lang=ko").text
    purposes = {
        p["id"]: p
        for p in collector.http.get("/v1/notice", params={"site": collector.site, "lang": "ko"}).json()["purposes"]
    }
    assert purposes["marketing"]["items"] == ["cookie", "visit_time", "advertising_id"]
    assert purposes["statistics"]["keep"] == "P1Y"


def test_ids_are_different_for_every_reader(collector: Installation) -> None:
    visitor = collector.consent(["statistics"])["visitor"]
    one = event(uuid_marker := event()["at"], id=uuid7(uuid_marker))
    collector.send(visitor, one)
    (row,) = collector.me(visitor)["events"]
    assert row["id"] != one["id"]
    assert row["visitor"] != visitor


def test_one_id_is_one_row_also_where_its_time_changes_the_day(collector: Installation) -> None:
    visitor = collector.consent(["statistics"])["visitor"]
    today = event()["at"]
    for first, second in ((today, today - 86_400_000), (today - 86_400_000, today)):
        one = event(first)
        for at in (first, second):
            answer = collector.send(visitor, one | {"at": at}, headers=collector.bearer)
            assert answer.json() == {"recorded": 1, "refused": {}}
    twice = event(today)
    collector.send(visitor, twice, twice | {"at": today - 86_400_000}, headers=collector.bearer)
    assert len(collector.me(visitor)["events"]) == 3


def test_a_body_of_megabytes_gets_its_answer(collector: Installation) -> None:
    for size in (1 << 20, 5 << 20):
        answer = collector.http.post("/v1/events", content=b"x" * size, headers={"origin": ORIGIN})
        assert answer.status_code == 413
