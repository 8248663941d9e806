"""Numbers of other products: read as documented, nothing of the few, all or nothing, clear about what is wrong."""

from __future__ import annotations

import csv
import gzip
import io
import uuid
import zipfile
from datetime import date
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from dongui_collector.analytics.executor import Query, report
from dongui_collector.analytics.imports.days import days_of
from dongui_collector.analytics.imports.files import ForeignError
from dongui_collector.core.errors import CollectorError
from dongui_collector.core.operations import perform

from tests.retention.house import House, at

SEOUL = ZoneInfo("Asia/Seoul")
DAY = date(2024, 3, 10)

PLAUSIBLE = {
    "imported_visitors_20240310_20240311.csv": """date,visitors,pageviews,bounces,visits,visit_duration
2024-03-10,40,100,10,50,3000
2024-03-11,5,7,1,6,60
""",
    "imported_sources_20240310_20240311.csv": (
        "date,source,referrer,utm_source,utm_medium,utm_campaign,utm_content,utm_term,pageviews,visitors,visits,"
        "visit_duration,bounces\n2024-03-10,Google,google.com,,,,,,60,25,30,1800,5\n"
        "2024-03-10,sentinelsource,few.example.org,,,,,,3,2,2,10,1\n"
    ),
    "imported_pages_20240310_20240311.csv": """date,hostname,page,visits,visitors,pageviews,total_scroll_depth
2024-03-10,shop.example.com,/,40,35,70,0
2024-03-10,shop.example.com,/sentinelpage,3,2,5,0
""",
    "imported_exit_pages_20240310_20240311.csv": """date,exit_page,visitors,visit_duration,exits,bounces,pageviews
2024-03-10,/,30,1,35,3,90
""",
    "imported_devices_20240310_20240311.csv": """date,device,visitors,visits,visit_duration,bounces,pageviews
2024-03-10,Desktop,39,49,1,1,1
2024-03-10,Mobile,1,1,1,1,1
""",
    "imported_locations_20240310_20240311.csv": """date,country,region,city,visitors,visits,visit_duration,bounces
2024-03-10,KR,KR-11,1835848,40,50,1,1
""",
}


def zipped(path: Path, files: dict[str, str]) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for name, text in files.items():
            archive.writestr(name, text)
    return path


def table(columns: list[str], *lines: dict[str, Any]) -> str:
    out = io.StringIO()
    writer = csv.DictWriter(out, columns)
    writer.writeheader()
    writer.writerows(lines)
    return out.getvalue()


def take(house: House, source: str, path: Path) -> dict[str, Any]:
    said = {"source": source, "purpose": "statistics", "days": days_of(source, path, SEOUL)}
    done: dict[str, Any] = perform(house.core, "aggregates.import", said)
    return done


def ask(house: House, name: str, *purposes: str, first: date = DAY, last: date = DAY, **more: Any) -> dict[str, Any]:
    return report(house.core, house.site, purposes or ("statistics",), Query(name, first, last, **more))


def test_plausibles_sums_are_the_days_own(house: House, tmp_path: Path) -> None:
    done = take(house, "plausible", zipped(tmp_path / "e.zip", PLAUSIBLE))
    assert (done["days"], done["already"], done["from"], done["to"]) == (2, 0, "2024-03-10", "2024-03-11")
    answer = ask(house, "overview")
    assert answer["rows"] == [
        {
            "visitors": 40,
            "visits": 50,
            "page_views": 100,
            "views_per_visit": 2.0,
            "bounce_rate": 0.2,
            "visit_duration": 60.0,
            "engaged_time": None,
        }
    ]
    assert (answer["days"]["imported"], answer["visitors_are"]) == (1, "distinct")
    assert [(r["page"], r["page_views"]) for r in ask(house, "pages")["rows"]] == [("/", 70)]
    assert [(r["page"], r["visits"], r["exit_rate"]) for r in ask(house, "exit_pages")["rows"]] == [("/", 35, 0.5)]
    assert {r["device"]: r["visitors"] for r in ask(house, "devices")["rows"]} == {"PC": 39}
    assert ask(house, "devices")["shortened"] == 1
    assert [r["country"] for r in ask(house, "countries")["rows"]] == ["KR"]
    assert [r["source"] for r in ask(house, "sources")["rows"]] == ["Google"]
    both = ask(house, "timeseries", last=date(2024, 3, 11))["rows"]
    assert [(r["visits"], r["state"]) for r in both] == [(50, "imported"), (6, "imported")]
    held = house.bytes("data")
    assert b"sentinelpage" not in held
    assert b"sentinelsource" not in held


def test_visitors_of_several_lines_may_be_the_same_and_make_no_crowd(house: House, tmp_path: Path) -> None:
    lines = "2024-03-10,%s,%s,3,%d,5,0\n"
    pages = "date,hostname,page,visits,visitors,pageviews,total_scroll_depth\n" + "".join(
        lines % line
        for line in [
            ("shop.example.com", "/sentinelpage", 19),
            ("www.shop.example.com", "/sentinelpage", 19),
            ("shop.example.com", "/", 20),
            ("www.shop.example.com", "/", 3),
        ]
    )
    files = PLAUSIBLE | {"imported_pages_20240310_20240311.csv": pages}
    take(house, "plausible", zipped(tmp_path / "e.zip", files))
    assert [(r["page"], r["visitors"]) for r in ask(house, "pages")["rows"]] == [("/", 23)]
    assert b"sentinelpage" not in house.bytes("data")


def test_only_readers_for_the_purpose_that_was_named_see_them(house: House, tmp_path: Path) -> None:
    take(house, "plausible", zipped(tmp_path / "e.zip", PLAUSIBLE))
    assert ask(house, "overview", "personalisation", "marketing")["visits"] == 0
    assert ask(house, "overview", "statistics", "marketing")["visits"] == 50


def test_a_day_that_dongui_counted_itself_is_its_own(house: House, tmp_path: Path) -> None:
    house.now = at("2025-03-10T12:00")
    house.visit(house.arrive("statistics"))
    files = {name: text.replace("2024-03-10", "2025-03-10") for name, text in PLAUSIBLE.items()}
    house.now = at("2025-03-11T12:00")
    take(house, "plausible", zipped(tmp_path / "e.zip", files))
    day = date(2025, 3, 10)
    assert ask(house, "overview", first=day, last=day)["visits"] == 1
    house.run("2026-03-11T00:00")
    answer = ask(house, "overview", first=day, last=day)
    assert (answer["visits"], answer["days"]["frozen"]) == (1, 1)


def test_the_same_again_changes_nothing(house: House, tmp_path: Path) -> None:
    path = zipped(tmp_path / "e.zip", PLAUSIBLE)
    take(house, "plausible", path)
    assert take(house, "plausible", path)["already"] == 2
    assert ask(house, "overview")["visits"] == 50


GOAT = ["Title", "Event", "UserAgent", "Browser", "System", "Session", "Bot", "Referrer", "Referrer scheme"]
GOAT = ["2Path", *GOAT, "Screen size", "Location", "FirstVisit", "Date"]


def goat_line(session: str, when: str, **more: str) -> dict[str, str]:
    return {
        "2Path": "/a",
        "Event": "false",
        "Browser": "Firefox 132",
        "System": "Linux",
        "Session": session,
        "Bot": "0",
        "Location": "KR-11",
        "Screen size": "1920,1080,1",
        "Date": when,
    } | more


def test_goatcounters_hits_are_counted_and_not_kept(house: House, tmp_path: Path) -> None:
    sessions = [str(uuid.uuid4()) for _ in range(20)]
    lines = [goat_line(s, "2024-03-10T01:00:00Z", Referrer="Google", **{"Referrer scheme": "g"}) for s in sessions]
    lines += [goat_line(sessions[0], "2024-03-10T01:05:00Z", **{"2Path": "sentinelevent", "Event": "true"})]
    lines += [goat_line(str(uuid.uuid4()), "2024-03-10T02:00:00Z", Bot="150")]
    lines += [goat_line(sessions[0], "2024-03-10T15:30:00Z")]  # the eleventh in Seoul
    path = tmp_path / "goatcounter-export.csv.gz"
    path.write_bytes(gzip.compress(table(GOAT, *lines).encode()))
    assert take(house, "goatcounter", path)["days"] == 2
    answer = ask(house, "overview")
    assert (answer["visitors"], answer["visits"], answer["rows"][0]["page_views"]) == (20, 20, 20)
    assert [(r["page"], r["visitors"]) for r in ask(house, "pages")["rows"]] == [("/a", 20)]
    assert [(r["source"], r["channel"]) for r in ask(house, "sources")["rows"]] == [("Google", "organic_search")]
    assert [r["screen"] for r in ask(house, "screens")["rows"]] == ["1920x1080"]
    held = house.bytes("data")
    assert sessions[0].encode() not in held
    assert b"sentinelevent" not in held


# As the export of umami-software/umami writes them.
UMAMI = [
    "website_id",
    "session_id",
    "visit_id",
    "event_id",
    "hostname",
    "browser",
    "os",
    "device",
    "screen",
    "language",
    "country",
    "region",
    "city",
    "url_path",
    "url_query",
    "utm_source",
    "utm_medium",
    "utm_campaign",
    "utm_content",
    "utm_term",
    "referrer_path",
    "referrer_query",
    "referrer_domain",
    "page_title",
    "gclid",
    "fbclid",
    "msclkid",
    "ttclid",
    "li_fat_id",
    "twclid",
    "lcp",
    "inp",
    "cls",
    "fcp",
    "ttfb",
    "event_type",
    "event_name",
    "tag",
    "distinct_id",
    "created_at",
    "job_id",
]


def umami_line(session: int, **more: str) -> dict[str, str]:
    return {
        "session_id": str(session),
        "created_at": "2024-03-10 01:00:00",
        "url_path": "/a",
        "url_query": "utm_source=letter&utm_medium=email",
        "event_type": "1",
        "browser": "chrome",
        "device": "desktop",
        "country": "KR",
        "city": r"\N",
        "distinct_id": "sentinelperson",
        "page_title": "sentineltitle",
    } | more


def test_umamis_events_are_counted_and_not_kept(house: House, tmp_path: Path) -> None:
    views = [umami_line(n) for n in range(20)]
    measured = [umami_line(n, event_type="5", created_at="2024-03-10T01:00:30.000Z", lcp="900") for n in range(25)]
    events = [umami_line(n, event_type="2", event_name="signup", created_at="2024-03-10 01:01:00") for n in range(20)]
    written = table(UMAMI, *views, *measured, *events)
    files = {"export/website_event.csv": written, "export/session_data.csv": "x\n", "export/event_data.csv": "x\n"}
    take(house, "umami", zipped(tmp_path / "u.zip", files))
    answer = ask(house, "overview")
    assert (answer["visitors"], answer["rows"][0]["page_views"]) == (20, 20), "a page's performance is nobody's visit"
    assert [(r["event"], r["visitors"], r["rate"]) for r in ask(house, "events")["rows"]] == [("signup", 20, 1.0)]
    assert [(r["channel"], r["visits"]) for r in ask(house, "channels")["rows"]] == [("email", 20)]
    assert [r["device"] for r in ask(house, "devices")["rows"]] == ["PC"]
    assert [(r["country"], r["city"]) for r in ask(house, "locations")["rows"]] == [("KR", None)]
    held = house.bytes("data")
    assert b"sentinelperson" not in held
    assert b"sentineltitle" not in held


def test_umamis_sums_without_days_and_unknown_types_are_refused(tmp_path: Path) -> None:
    sums = zipped(tmp_path / "sums.zip", dict.fromkeys(("pages.csv", "browsers.csv"), "x,y\n/,3\n"))
    with pytest.raises(ForeignError, match="no days"):
        days_of("umami", sums, SEOUL)
    odd = tmp_path / "website_event.csv"
    odd.write_text(table(UMAMI, umami_line(1, event_type="sentinel")), encoding="utf-8")
    with pytest.raises(ForeignError, match="line 2: event_type is no whole number") as refused:
        days_of("umami", odd, SEOUL)
    assert "sentinel" not in str(refused.value)


VISITORS = "imported_visitors_a_b.csv"
HEAD = "date,visitors,pageviews,bounces,visits,visit_duration\n"


@pytest.mark.parametrize(
    ("files", "says"),
    [
        ({"other.csv": "a,b\n1,2\n"}, "no export of Plausible"),
        ({VISITORS: "date,visitors\n2024-03-10,1\n"}, "no column pageviews"),
        ({VISITORS: HEAD + "2024-03-10,1,1,1,1\n"}, "line 2: 5 columns instead of 6"),
        ({VISITORS: HEAD + "2024-03-10,1,1,1,1,1\n2024-13-10,1,1,1,1,1\n"}, "line 3: date is no day"),
        ({VISITORS: HEAD + "2024-03-10,sentinel,1,1,1,1\n"}, "line 2: visitors is no whole number"),
        ({VISITORS: HEAD + "2024-03-10,-1,1,1,1,1\n"}, "no whole number"),
        ({VISITORS: HEAD + "2024-03-10,99999999999999,1,1,1,1\n"}, "no whole number"),
        ({VISITORS: HEAD + '2024-03-10,"1,1,1,1,1\n'}, "no CSV"),
        (
            {VISITORS: HEAD, "imported_pages_a.csv": "date,page,visits,visitors,pageviews\n2024-03-10,/,1,1,1\n"},
            "not whole",
        ),
        ({"readme.txt": "x"}, "no CSV file"),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)
def test_bad_files_are_told_where_and_why_and_nothing_is_taken(
    house: House, tmp_path: Path, files: dict[str, str], says: str
) -> None:
    with pytest.raises(ForeignError, match=says) as refused:
        take(house, "plausible", zipped(tmp_path / "e.zip", files))
    assert "sentinel" not in str(refused.value)
    assert house.core.storage.ledger.frozen(1, "overview", (), date.min, date.max) == []


@pytest.mark.parametrize("product", ["plausible", "umami", "goatcounter"])
@pytest.mark.parametrize(
    "content", [b"", b"\x00" * 100, b"PK\x03\x04 no zip", b"\x1f\x8b no gzip", b"\xff\xfe\xfd", b"a,b\n1", b'"' * 5000]
)
def test_anything_else_is_no_export(tmp_path: Path, product: str, content: bytes) -> None:
    path = tmp_path / "e.csv"
    path.write_bytes(content)
    with pytest.raises(ForeignError):
        days_of(product, path, SEOUL)


def test_names_in_a_zip_lead_nowhere(house: House, tmp_path: Path) -> None:
    files = {f"../../../{name}": text for name, text in PLAUSIBLE.items()}
    before = sorted(tmp_path.parent.rglob("imported_*"))
    assert take(house, "plausible", zipped(tmp_path / "e.zip", files))["days"] == 2
    assert sorted(tmp_path.parent.rglob("imported_*")) == before


@pytest.mark.parametrize(
    ("changed", "says"),
    [({"source": "elsewhere"}, "plausible"), ({"purpose": "nothing"}, "no consent purpose"), ({}, "has not ended")],
)
def test_the_operation_refuses_what_it_cannot_keep(house: House, changed: dict[str, Any], says: str) -> None:
    said: dict[str, Any] = {
        "source": "plausible",
        "purpose": "statistics",
        "days": {"2024-03-10": {}, "2025-03-10": {}},
    }
    with pytest.raises(CollectorError, match=says):
        perform(house.core, "aggregates.import", said | changed)
    assert house.core.storage.ledger.frozen(1, "overview", (), date.min, date.max) == []
