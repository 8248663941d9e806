"""The Visits screen: what is asked in its address, what it shows, and what it must not."""

from __future__ import annotations

import json
import re
import uuid
from datetime import date, timedelta
from html import unescape

import pytest
from desk_world import ORIGIN, World, send
from dongui_collector.analytics.filters import parse_filter
from dongui_collector.analytics.intervals import Interval, days_of_interval, of_day
from dongui_collector.analytics.public_numbers import FEWEST, finished
from dongui_collector.analytics.saved_views import Funnel, Goal, SavedViews, Segment, views_of
from dongui_collector.analytics.shared_links import live
from dongui_collector.analytics.snapshot_rules import OWN
from dongui_collector.core.clock import start_of
from dongui_collector.core.errors import CollectorError
from dongui_collector.desk.visits import shared_pages
from dongui_collector.desk.visits.answers import first_held
from dongui_collector.desk.visits.extras import EXTRAS
from dongui_collector.desk.visits.figures import change, duration, shown
from dongui_collector.desk.visits.glance import sparkline
from dongui_collector.desk.visits.graph import ceiling, draw
from dongui_collector.desk.visits.periods import PERIODS, compared, days_of, offered, usual
from dongui_collector.desk.visits.screen_state import read
from dongui_collector.desk.visits.suggesting import filter_of
from dongui_collector.intake.credentials import RateLimit
from dongui_collector.runtime.composition import open_core
from flask.testing import FlaskClient
from hypothesis import given
from hypothesis import strategies as st
from werkzeug.datastructures import MultiDict

TODAY = date(2026, 11, 26)


def text_of(browser: FlaskClient, page: str) -> str:
    answer = browser.get(page)
    assert answer.status_code == 200, answer.text
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", answer.text)).split())


# --- periods ---------------------------------------------------------------------------------------------------------


@given(
    today=st.dates(date(2001, 1, 1), date(2100, 1, 1)),
    held=st.none() | st.dates(date(2000, 1, 1)),
    period=st.sampled_from([*PERIODS]),
    how=st.sampled_from(["previous", "year"]),
)
def test_every_period_has_days_intervals_and_days_to_compare_with(
    today: date, held: date | None, period: str, how: str
) -> None:
    first, last = days_of(period, today, held)
    assert first <= last <= today
    assert usual(first, last) in offered(first, last)
    before = compared(first, last, how)
    assert before
    assert before[0] <= before[1]
    if how == "previous":
        assert before[1] == first - timedelta(days=1)
        assert before[1] - before[0] == last - first


def test_periods_are_what_they_are_called() -> None:
    assert days_of("7d", TODAY, None) == (date(2026, 11, 20), TODAY)
    assert days_of("last_month", TODAY, None) == (date(2026, 10, 1), date(2026, 10, 31))
    assert days_of("12mo", TODAY, None) == (date(2025, 11, 27), TODAY)
    assert days_of("all", TODAY, date(2024, 2, 29)) == (date(2024, 2, 29), TODAY)
    assert compared(date(2024, 2, 29), date(2024, 2, 29), "year") == (date(2023, 2, 28), date(2023, 2, 28))


@given(
    period=st.sampled_from([*PERIODS, "custom", "nonsense"]),
    compare=st.sampled_from(["previous", "year", "none", "x"]),
    filters=st.lists(st.sampled_from(["page:/a&b=c", "!country:KR", "source:", "event:<b>"]), unique=True),
    interval=st.sampled_from(["hour", "day", "week", "month", "x"]),
    tab=st.sampled_from(["", "sources"]),
)
def test_an_address_says_again_what_was_read_from_it(
    period: str, compare: str, filters: list[str], interval: str, tab: str
) -> None:
    args = MultiDict([("period", period), ("compare", compare), ("interval", interval), ("from", "2026-01-02")])
    args.update({"to": "2026-03-04", "tab_sources": tab})
    args.setlist("filter", filters)
    asked = read(args, TODAY, None)
    assert read(MultiDict(asked.pairs()), TODAY, None) == asked


# --- figures ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "value", "lang", "text"),
    [
        ("visitors", 1234, "en", "1,234"),
        ("visitors", 1_234_567, "ko", "123.5만"),
        ("bounce_rate", 0.4312, "en", "43.1%"),
        ("visit_duration", 125, "ko", "2분 5초"),
        ("visit_duration", 3725, "en", "1h 2m"),
        ("engaged_time", 0, "en", "0s"),
        ("engaged_time", None, "en", "–"),
    ],
)
def test_figures_in_words(name: str, value: float | None, lang: str, text: str) -> None:
    assert shown(name, value, lang) == text


def test_a_change_is_good_where_more_is_better() -> None:
    more, less = change("visitors", 110, 100, "en"), change("bounce_rate", 0.3, 0.6, "en")
    assert more
    assert less
    assert (more.text, more.direction, more.good) == ("+10%", "up", True)
    assert (less.text, less.direction, less.good) == ("−50%", "down", True)
    assert change("visitors", 5, 0, "en") is None
    assert change("visitors", 5, None, "en") is None
    assert duration(59.6, "en") == "1m"


@given(st.floats(0.001, 1e9))
def test_the_axis_is_round_and_high_enough(most: float) -> None:
    top, step = ceiling(most)
    assert top >= most
    assert 1 <= round(top / step) <= 6


@given(st.lists(st.none() | st.integers(0, 10**6), max_size=60), st.lists(st.integers(0, 10**6), max_size=60))
def test_the_drawing_stays_in_its_box(now: list[int | None], before: list[int]) -> None:
    drawn = draw(now, before, [str(n) for n in range(len(now))], ["0", "1"])
    numbers = [float(n) for n in re.findall(r"-?[\d.]+", drawn.line + " " + drawn.area + " " + drawn.before)]
    assert all(-1 <= n <= 961 for n in numbers)


def test_no_line_is_drawn_over_what_is_not_known() -> None:
    drawn = draw([4, 4, None, 4, None, 4, 4], [1, None, 1], ["day"] * 7, ["0"])
    assert [drawn.line.count("M"), drawn.area.count("Z"), drawn.before.count("M")] == [3, 2, 2]


# --- the screen ------------------------------------------------------------------------------------------------------


def test_the_screen_shows_what_reports_say(world: World, officer: FlaskClient) -> None:
    world.visitor_with_events("statistics", events=5)
    world.visitor_with_events("statistics", "marketing", events=3, days_ago=2)
    whole = text_of(officer, "/console/visits?whole=1&lang=en")
    assert "Visitors 2 before 0 Visits 2 before 0 Page views 0" in whole
    assert "visit 2 8 100%" in whole
    assert "Share of page views recorded under consent: unknown" in whole
    assert "Rests on: Statistics" in whole
    today = text_of(officer, "/console/visits/head?period=today")
    assert "Visitors 1 ↓" not in today
    assert "Visitors 1" in today


def test_without_whole_the_parts_follow_and_say_the_same(world: World, officer: FlaskClient, visitor: str) -> None:
    shell = officer.get("/console/visits?period=7d&filter=event:visit&lang=en").text
    parts = re.findall(r'hx-get="(/console/visits/[^"]+)"', shell)
    assert len(parts) >= 8
    assert '<noscript><meta http-equiv="refresh"' in shell
    whole = text_of(officer, "/console/visits?period=7d&filter=event:visit&whole=1")
    for part in parts:
        said = text_of(officer, unescape(part))
        assert said in whole


def test_a_row_filters_and_a_filter_can_be_removed(world: World, officer: FlaskClient, visitor: str) -> None:
    page = officer.get("/console/visits?whole=1&lang=en").text
    assert 'href="/console/visits?filter=event%3Avisit&amp;whole=1"' in page
    filtered = officer.get("/console/visits?filter=event:visit&filter=!country:KR&whole=1").text
    assert '<a class="chip" href="/console/visits?filter=%21country%3AKR&amp;whole=1"' in filtered
    assert "South Korea" in filtered
    answer = officer.get("/console/visits/filter?dimension=page&how=not&value=/a&period=7d")
    assert answer.headers["Location"] == "/console/visits?period=7d&filter=%21page%3A%2Fa"
    assert officer.get("/console/visits/filter?dimension=nothing&value=a").status_code == 400
    assert officer.get("/console/visits?filter=nothing:a").status_code == 400
    assert officer.get("/console/visits?period=custom&from=x").status_code == 400


def test_what_the_purposes_do_not_cover_is_said(officer: FlaskClient, visitor: str) -> None:
    whole = text_of(officer, "/console/visits?purpose=marketing&whole=1&lang=en")
    assert whole.count("These purposes do not cover this.") == 13
    assert "Visitors 1" not in whole
    assert officer.get("/console/visits?purpose=nothing").status_code == 400


def test_hostile_names_are_text(world: World, officer: FlaskClient) -> None:
    visitor = world.choose(None, ("statistics", "marketing"))
    script = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>"
    event = {"visitor": visitor, "id": str(uuid.uuid4()), "name": script[:128], "at": world.core.clock.now()}
    event |= {
        "url": f"{ORIGIN}/{script}?utm_source={script}",
        "referrer": f"https://evil.example/{script}",
        "search": script,
    }
    event |= {"environment": {"screen": script[:20], "language": script[:20]}}
    event["user_agent"] = f"Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0 {script}"
    assert world.ask("events.import", lines=[json.dumps(event)])["recorded"] == 1
    for page in (
        "/console/visits?whole=1",
        f"/console/visits?whole=1&filter=event:{script}",
        "/console/visits/list/events",
    ):
        answer = officer.get(page)
        assert answer.status_code == 200
        assert "<img" not in answer.text.replace('<img src="/static/', "")
        assert "<script>" not in answer.text
        assert script[:24] in unescape(answer.text)


def test_a_whole_list_is_searched_sorted_and_paged(world: World, officer: FlaskClient) -> None:
    visitor = world.choose(None, ("statistics",))
    at = world.core.clock.now()
    lines = [
        {"visitor": visitor, "id": str(uuid.uuid4()), "name": "pageview", "at": at - n, "url": f"{ORIGIN}/p{n:02}"}
        for n in range(60)
    ]
    world.ask("events.import", lines=[json.dumps(line) for line in lines])
    names = lambda query: re.findall(r">(/p\d\d)<", officer.get(f"/console/visits/list/pages{query}").text)  # noqa: E731
    assert names("") == [f"/p{n:02}" for n in range(50)]
    assert names("?page=2") == [f"/p{n:02}" for n in range(50, 60)]
    assert names("?search=P5") == [f"/p{n:02}" for n in range(50, 60)]
    assert names("?sort=page_views&order=asc&search=p59") == ["/p59"]
    assert officer.get("/console/visits/list/nothing").status_code == 404


def test_roles(world: World) -> None:
    for role, status in (("analyst", 200), ("auditor", 403), ("officer", 200)):
        made = world.ask("accounts.put", name=role, password="a-long-password", role=role)
        assert made
        browser = world.signed_in(role, "a-long-password")
        for page in ("", "/head", "/panel/pages", "/list/pages", "/live", "/live/part"):
            assert browser.get(f"/console/visits{page}").status_code == status
        if role == "analyst":  # whose first page it is
            assert browser.get("/console/visits").text.count('href="/console/visits"') == 2
    assert world.browser().get("/console/visits/head").status_code == 303


# --- what is kept of it ----------------------------------------------------------------------------------------------

KEPT = "/console/visits/kept"


def test_goals_funnels_notes_and_views_are_kept_shown_and_dropped(world: World, officer: FlaskClient) -> None:
    send(officer, KEPT, f"{KEPT}/goals", name="Bought <b>", dimension="event", value="purchase")
    send(officer, KEPT, f"{KEPT}/funnels", name="Sale", steps="page:/cart\n\n event:purchase ")
    today = world.core.clock.today(world.settings.zone)
    send(officer, KEPT, f"{KEPT}/notes", day=today.isoformat(), text="New <i>shop</i>")
    send(officer, f"{KEPT}?query=period%3D7d", f"{KEPT}/views", name="Week", query="period=7d&filter=country%3AKR")
    site = world.core.registry.sites()[0]
    lists = views_of(world.core, site)
    assert lists.goals == (Goal(1, "Bought <b>", "event:purchase"),)
    assert lists.funnels == (Funnel(2, "Sale", ("page:/cart", "event:purchase")),)
    page = officer.get(KEPT).text
    assert "Bought &lt;b&gt;" in page
    assert "<i>shop" not in page
    assert 'href="/console/visits?period=7d&amp;filter=country%3AKR"' in officer.get("/console/visits").text
    assert "New <i>shop</i>" in text_of(officer, "/console/visits/head")
    for one in (1, 2, 3, 4):
        assert send(officer, KEPT, f"{KEPT}/drop", id=one).status_code == 303
    assert views_of(world.core, site) == SavedViews()
    assert send(officer, KEPT, f"{KEPT}/drop", id=1).status_code == 400
    entries = [r for r in world.core.storage.ledger.records(limit=1000) if r.kind == "audit" and r.body]
    assert [e.body["action"] for e in entries if "visits." in str(e.body)][:2] == [
        "visits.goals.keep",
        "visits.funnels.keep",
    ]


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        ("goals", {"name": "x", "what": "country:KR"}),
        ("goals", {"name": "x", "what": "!event:a"}),
        ("goals", {"name": " ", "what": "event:a"}),
        ("funnels", {"name": "x", "steps": ["event:a"]}),
        ("notes", {"day": "yesterday", "text": "x"}),
        ("views", {"name": "x" * 81, "query": ""}),
        ("sentinel", {}),
    ],
)
def test_what_cannot_be_kept_is_refused(world: World, kind: str, said: dict[str, object]) -> None:
    with pytest.raises(CollectorError) as caught:
        world.ask("visits.keep", kind=kind, fields=said)
    assert "sentinel" not in str(caught.value)


# --- shared links ----------------------------------------------------------------------------------------------------


def link_of(page: str) -> str:
    found = re.search(r"http://localhost(/share/dgt_[A-Za-z0-9_-]{43})", page)
    assert found
    return found[1]


def test_a_link_shows_figures_to_whoever_has_it_until_it_is_revoked(world: World, officer: FlaskClient) -> None:
    today = world.core.clock.today(world.settings.zone)
    for n in range(2 * FEWEST):
        world.visitor_with_events("statistics", events=1 + (n == 0), days_ago=days_ago(world))
    world.ask("visits.keep", kind="notes", fields={"day": str(today), "text": "secret plan"})
    query = "purpose=statistics&filter=event%3Avisit"
    made = send(officer, f"{KEPT}?{query}", f"{KEPT}/share", name="Board <b>", expires="P7D", query=query)
    link = link_of(made.text)
    assert "dgt_" not in officer.get(KEPT).text
    stored = (world.settings.data_path / "dongui.db").read_bytes()
    assert link.rpartition("/")[2].encode() not in stored
    stranger = world.browser()
    answer = stranger.get(f"{link}?lang=en")
    assert answer.status_code == 200
    assert answer.headers["X-Robots-Tag"] == "noindex, nofollow"
    shown = re.search(r"Visitors (\d+)", text_of(stranger, link))
    assert shown
    assert shown[1] in ("20", "10")
    assert "Board &lt;b&gt;" in answer.text
    assert "csrf" not in answer.text
    assert "/console" not in answer.text
    # Nothing in the address widens it.
    widened = text_of(stranger, f"{link}?purpose=marketing&filter=event:nothing&site=other&period=7d")
    assert widened == text_of(stranger, link)
    assert "secret plan" in text_of(officer, "/console/visits/head")
    assert "secret plan" not in text_of(stranger, link)
    assert re.search(r"(PC|Desktop) [12]0", text_of(stranger, link))  # all of them saw it with the same device
    assert stranger.get("/console/visits").status_code == 303
    [share] = live(world.core)
    send(officer, KEPT, f"{KEPT}/share/revoke", id=share.id)
    assert stranger.get(link).status_code == 404
    assert stranger.get("/share/dgt_wrong").status_code == 404


def days_ago(world: World) -> int:
    """How long ago the last finished month began."""
    today = world.core.clock.today(world.settings.zone)
    return (today - finished("month", today)[0][0]).days


def test_rare_rows_are_not_shared(world: World) -> None:
    then = world.core.clock.now() - days_ago(world) * 86_400_000
    for n in range(2 * FEWEST):
        visitor = world.choose(None, ("statistics",))
        names = ["/common", *(["/rare"] if n < FEWEST - 1 else [])]
        lines = [
            {
                "visitor": visitor,
                "id": str(uuid.uuid4()),
                "name": "pageview",
                "at": then,
                "url": ORIGIN + path,
            }
            for path in names
        ]
        world.ask("events.import", lines=[json.dumps(line) for line in lines])
    made = world.ask("shares.create", name="All")
    shown = text_of(world.browser(), f"/share/{made['token']}")
    assert "/common" in shown
    assert "/rare" not in shown


def test_a_link_expires_and_what_cannot_be_shared_is_refused(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    made = world.ask("shares.create", name="Week", expires="P7D")
    for wrong in (
        {"expires": "never"},
        {"expires": "P2Y"},
        {"purposes": ["sentinel"]},
        {"filters": ["sentinel"]},
        {"name": ""},
    ):
        with pytest.raises(CollectorError):
            world.ask("shares.create", **{"name": "x"} | wrong)
    monkeypatch.setenv("DONGUI_CLOCK", f"{world.core.clock.today(world.settings.zone) + timedelta(days=9)}T12:00:00Z")
    with World(world.installed) as later:
        assert later.browser().get(f"/share/{made['token']}").status_code == 404


def test_a_flood_on_a_link_is_slowed(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shared_pages, "_limit", RateLimit(0.01, 2))
    link = f"/share/{world.ask('shares.create', name='x')['token']}"
    assert [world.browser().get(link).status_code for _ in range(3)] == [200, 200, 429]


def test_only_who_may_export_shares(world: World) -> None:
    world.ask("accounts.put", name="chief", password="a-long-password", role="officer")
    admin = world.signed_in()  # no deputy any more
    assert send(admin, KEPT, f"{KEPT}/share", name="x", query="").status_code == 403
    assert 'id="shares"' not in admin.get(KEPT).text


def test_a_page_is_searched_by_its_readable_and_by_its_escaped_name(world: World, officer: FlaskClient) -> None:
    visitor = world.choose(None, ("statistics",))
    paths = ("/%EA%B0%80%EB%B0%A9", "/shoes")
    for path in paths:
        line = {"visitor": visitor, "id": str(uuid.uuid4()), "name": "pageview", "at": world.core.clock.now()}
        world.ask("events.import", lines=[json.dumps(line | {"url": ORIGIN + path})])
    for search in ("가방", "%EA%B0%80%EB%B0%A9", "%ea%b0%80"):
        page = officer.get("/console/visits/list/pages", query_string={"search": search, "period": "7d"}).text
        assert "/가방" in page, search
        assert "/shoes" not in page, search


# --- below the lists -------------------------------------------------------------------------------------------------


def visit(world: World, *events: tuple[str, str], days_ago: int = 0, visitor: str | None = None) -> str:
    """A visit of (name, path), at noon of a day ago, or just now; its visitor's id."""
    found = visitor or world.choose(None, ("statistics",))
    assert found
    now, zone = world.core.clock.now(), world.settings.zone
    noon = start_of(world.core.clock.today(zone) - timedelta(days=days_ago), zone) + 43_200_000
    start = noon if days_ago else now - len(events) * 1000
    lines = [
        {"visitor": found, "id": str(uuid.uuid4()), "name": name, "at": start + n * 1000, "url": ORIGIN + path}
        for n, (name, path) in enumerate(events)
    ]
    world.ask("events.import", lines=[json.dumps(line) for line in lines])
    return found


def test_goals_and_funnels_count_visits(world: World, officer: FlaskClient) -> None:
    view, buy = ("pageview", "/goods/1"), ("purchase", "/cart")
    visit(world, view, buy, days_ago=1)
    visit(world, view, days_ago=1)
    visit(world, buy, view, days_ago=1)  # the wrong way round
    visit(world, ("pageview", "/"), days_ago=1)
    world.ask("visits.keep", kind="goals", fields={"name": "Bought", "what": "event:purchase"})
    world.ask("visits.keep", kind="goals", fields={"name": "Looked", "what": "page:/goods/*"})
    world.ask("visits.keep", kind="funnels", fields={"name": "Sale", "steps": ["page:/goods/*", "event:purchase"]})
    goals = text_of(officer, "/console/visits/extra/goals?lang=en")
    assert "Bought 2 2 50%" in goals
    assert "Looked 3 3 75%" in goals
    funnels = text_of(officer, "/console/visits/extra/funnels")
    assert "page:/goods/* 3 75% event:purchase 1 33.3% of the step before" in funnels
    filtered = text_of(officer, "/console/visits/extra/goals?filter=page:/goods/1")
    assert "Bought 2 2 66.7%" in filtered


def test_who_came_back_and_who_is_there_now(world: World, officer: FlaskClient) -> None:
    weeks = [visit(world, ("pageview", "/"), days_ago=14) for _ in range(4)]
    for again in weeks[:1]:
        visit(world, ("pageview", "/"), days_ago=7, visitor=again)
    visit(world, ("pageview", "/"), visitor=weeks[0])
    shown = text_of(officer, "/console/visits/extra/retention?lang=en")
    assert re.search(r"\d 4 25% 25%", shown)
    assert "Visitors now 1" in text_of(officer, "/console/visits/now")
    assert officer.get("/console/visits/now?purpose=marketing").text.strip() == ""
    assert officer.get("/console/visits/extra/nothing").status_code == 404


def test_vitals_say_whether_they_are_good(world: World, officer: FlaskClient) -> None:
    assert "Nothing was measured" in text_of(officer, "/console/visits/extra/vitals?lang=en")
    found = world.choose(None, ("statistics",))
    lines = [
        {
            "visitor": found,
            "id": str(uuid.uuid4()),
            "name": "vital",
            "at": world.core.clock.now(),
            "url": f"{ORIGIN}/slow",
        }
        | {"props": {"name": name, "value": value}}
        for name, value in (("LCP", 5200), ("CLS", 0.02), ("INP", 300))
    ]
    world.ask("events.import", lines=[json.dumps(line) for line in lines])
    shown = text_of(officer, "/console/visits/extra/vitals")
    assert "/slow 3 5,200 ms poor 300 ms middling 0.02 good – –" in shown


def test_all_time_begins_with_the_first_day_of_which_numbers_are_left(world: World, visitor: str) -> None:
    core = open_core(world.settings, writable=True)
    site = core.registry.sites()[0]
    with core.storage.ledger.writing():
        core.storage.ledger.freeze(date(2021, 2, 3), site.ref, "imported", {"statistics": {"overview": {}}})
    core.close()
    today = world.core.clock.today(world.settings.zone)
    assert first_held(world.core, site) == today
    assert first_held(world.core, site, numbers=True) == date(2021, 2, 3)


def test_days_whose_numbers_are_not_known_show_no_zero(world: World, officer: FlaskClient) -> None:
    """Something was frozen of the day, but not for the purposes that are asked for."""
    gone = date(2021, 2, 3)
    core = open_core(world.settings, writable=True)
    with core.storage.ledger.writing():
        core.storage.ledger.freeze(gone, core.registry.sites()[0].ref, OWN, {"statistics": {"overview": {"rows": []}}})
    core.close()
    asked = f"?period=custom&from={gone}&to={gone}&purpose=statistics&purpose=marketing&lang=en"
    head = text_of(officer, f"/console/visits/head{asked}")
    assert "Visitors –" in head
    assert "Page views –" in head
    assert "days not known: no numbers are left for these purposes 1" in head
    assert "Not known for this period" in text_of(officer, f"/console/visits/panel/pages{asked}")
    assert "Not known for this period" in text_of(officer, f"/console/visits/list/pages{asked}")
    empty = asked.replace(str(gone), "2021-02-04")
    assert "Visitors 0" in text_of(officer, f"/console/visits/head{empty}")
    assert "Nothing in this period." in text_of(officer, f"/console/visits/panel/pages{empty}")


def test_no_change_is_told_against_days_of_which_some_are_not_known(world: World, officer: FlaskClient) -> None:
    today = world.core.clock.today(world.settings.zone)
    for days_ago, number in ((0, 4), (2, 2)):
        world.visitor_with_events("statistics", events=number, days_ago=days_ago)
    asked = f"?period=custom&from={today - timedelta(days=1)}&to={today}&purpose=statistics&purpose=marketing&lang=en"
    assert "Visits 1 → 0% before 1" in text_of(officer, f"/console/visits/head{asked}")
    core = open_core(world.settings, writable=True)
    unknown, numbers = today - timedelta(days=3), {"statistics": {"overview": {"rows": []}}}
    with core.storage.ledger.writing():
        core.storage.ledger.freeze(unknown, core.registry.sites()[0].ref, OWN, numbers)
    core.close()
    assert "Visits 1 before 1" in text_of(officer, f"/console/visits/head{asked}")


def test_everything_on_the_screen_says_that_days_are_missing(world: World, officer: FlaskClient) -> None:
    """Funnels, who came back and web vitals said nothing; their figures were of the living days alone."""
    today = world.core.clock.today(world.settings.zone)
    world.visitor_with_events("statistics", events=2)
    world.ask("visits.keep", kind="goals", fields={"name": "Any page", "what": "page:/*"})
    world.ask("visits.keep", kind="funnels", fields={"name": "Any", "steps": ["page:/*", "event:visit"]})
    core = open_core(world.settings, writable=True)
    with core.storage.ledger.writing():
        gone = {"statistics": {"overview": {"rows": []}}}
        core.storage.ledger.freeze(today - timedelta(days=3), core.registry.sites()[0].ref, OWN, gone)
    core.close()
    asked = "period=custom&from={}&to={}&lang=en"
    note = "Days that have aged out and are in none of these figures: 1."
    for part in ("panel/pages", "list/pages", *(f"extra/{name}" for name in EXTRAS)):
        days = f"{asked}{'&filter=page:/*' if part == 'extra/flow' else ''}".format
        whole, living = days(today - timedelta(days=4), today), days(today - timedelta(days=2), today)
        assert note in text_of(officer, f"/console/visits/{part}?{whole}"), part
        if part != "extra/retention":  # of weeks, whatever the period
            assert note not in text_of(officer, f"/console/visits/{part}?{living}"), part


def test_lists_and_files_tell_what_a_chosen_goal_brought(world: World, officer: FlaskClient) -> None:
    visit(world, ("pageview", "/goods/1"), ("purchase", "/cart"), days_ago=1)
    visit(world, ("pageview", "/goods/1"), days_ago=1)
    send(officer, KEPT, f"{KEPT}/goals", name="Bought", dimension="event", value="purchase", amount="amount")
    (goal,) = views_of(world.core, world.core.registry.sites()[0]).goals
    assert goal.value == "amount"
    assert "Bought" in text_of(officer, "/console/visits")
    panel = text_of(officer, f"/console/visits/panel/sources?goal={goal.id}&lang=en")
    assert "Visitors Conversions Conversion rate Direct 2 1 50%" in panel  # no currency is set: nothing to add up in
    rows = text_of(officer, f"/console/visits/list/pages?goal={goal.id}&lang=en")
    assert "Conversions Conversion rate" in rows
    file = officer.get(f"/console/visits/csv/channels?goal={goal.id}").text
    assert file.splitlines()[0].endswith("conversions,conversion_rate")
    searches = text_of(officer, f"/console/visits/panel/searches?goal={goal.id + 1}&lang=en")
    assert "Conversions" not in searches  # of a goal that has been dropped


def test_a_segment_is_kept_by_name_and_chooses_in_console_and_api(world: World, officer: FlaskClient) -> None:
    visit(world, ("pageview", "/goods/1"), ("purchase", "/cart"), days_ago=1)
    visit(world, ("pageview", "/"), ("purchase", "/"), days_ago=1)
    form = {"name": "Cart <b>", "filter": ["event_page:purchase=/cart", "page:/goods/*"]}
    send(officer, f"{KEPT}?query=filter%3Dpage%3A%2F", f"{KEPT}/segments", **form)
    send(officer, KEPT, f"{KEPT}/segments", name="Cart <b>", filter=["event_page:purchase=/cart"])
    site = world.core.registry.sites()[0]
    assert views_of(world.core, site).segments == (Segment(1, "Cart <b>", ("event_page:purchase=/cart",), 2),)
    assert "Cart <b> version 2" in text_of(officer, f"{KEPT}?lang=en")
    assert "filter=event_page%3Apurchase%3D%2Fcart" in officer.get("/console/visits").text
    days = "from=2000-01-01&to=2999-12-31&purpose=statistics"
    answer = officer.get(f"/v1/reports/overview?{days}&segment=Cart <b>").json
    assert answer
    assert (answer["visits"], answer["segments"]) == (1, [{"name": "Cart <b>", "version": 2}])
    assert officer.get("/v1/segments").json == {
        "segments": [{"id": 1, "name": "Cart <b>", "filters": ["event_page:purchase=/cart"], "version": 2}]
    }
    for query in ("segment=sentinel", "segment=Cart <b>&" + "&".join(f"filter=page:/{n}" for n in range(50))):
        refused = officer.get(f"/v1/reports/overview?{days}&{query}")
        assert (refused.status_code, "sentinel" in refused.text) == (400, False)
    entries = [r.body for r in world.core.storage.ledger.records(limit=1000) if r.kind == "audit" and r.body]
    assert [e["action"] for e in entries].count("visits.segments.keep") == 2


@pytest.mark.parametrize(
    ("dimension", "typed", "found"),
    [
        ("page", "GOODS", ["/goods/1"]),
        ("entry_page", "", ["/goods/1"]),
        ("event", "purch", ["purchase"]),
        ("channel", "", ["direct"]),
        ("event_page", "pur", ["purchase="]),
        ("event_page", "purchase=ca", ["purchase=/cart"]),
        ("prop", "pl", []),
        ("hostname", "", []),
        ("city", "", []),
        ("sentinel", "x", []),
    ],
)
def test_values_are_offered_while_one_is_typed(
    world: World, officer: FlaskClient, dimension: str, typed: str, found: list[str]
) -> None:
    visit(world, ("pageview", "/goods/1"), ("pageview", "/cart"), ("purchase", "/cart"), days_ago=1)
    page = officer.get("/console/visits/suggest", query_string={"dimension": dimension, "value": typed})
    assert re.findall(r'<option value="([^"]*)">', page.text) == found


@pytest.mark.parametrize(
    ("dimension", "how", "value", "one"),
    [
        ("page", "is", "/a", "page:/a"),
        ("page", "has", "a", "page:*a*"),
        ("country", "not", "KR", "!country:KR"),
        ("prop", "has_not", "plan=o", "!prop:plan=*o*"),
        ("event_page", "has", "buy=cart", "event_page:buy=*cart*"),
    ],
)
def test_a_form_makes_a_filter(dimension: str, how: str, value: str, one: str) -> None:
    assert filter_of(dimension, how, value) == one
    assert parse_filter(one).text == one


def test_all_sites_are_seen_at_a_glance(world: World, officer: FlaskClient) -> None:
    for days_ago in (1, 1, 8, 9, 10, 20):
        visit(world, ("pageview", "/"), days_ago=days_ago)
    world.ask("sites.add", name="Blog <b>", origins=["https://blog.example.com"])
    assert "All sites" in text_of(officer, "/console/visits?lang=en")
    page = officer.get("/console/visits/sites?period=7d&lang=en").text
    shop, blog = page.split("<tbody>")[1].split("</tr>")[:2]
    said = " ".join(unescape(re.sub(r"<[^>]+>", " ", shop)).split())
    assert said.endswith("2 2 2 ↓ −33%")
    assert re.search(r'd="M[0-9.,L]+"', shop)
    assert "Blog &lt;b&gt;" in blog


@pytest.mark.parametrize(
    ("values", "path"),
    [
        ([], ""),
        ([0, 0], "M1.0,27.0L119.0,27.0"),
        ([None, 2, None, 1], "M40.3,1.0M119.0,14.0"),
        ([3], "M1.0,1.0"),
    ],
)
def test_a_small_graph_leads_over_nothing_unknown(values: list[int | None], path: str) -> None:
    assert sparkline(values) == path


@pytest.mark.parametrize(
    ("name", "interval", "first", "last"),
    [
        ("2026-12-01", "day", "2026-12-01", "2026-12-01"),
        ("2026-12-28", "week", "2026-12-28", "2027-01-03"),
        ("2024-02", "month", "2024-02-01", "2024-02-29"),
        ("2026-12", "month", "2026-12-01", "2026-12-31"),
    ],
)
def test_an_interval_has_its_days(name: str, interval: Interval, first: str, last: str) -> None:
    assert days_of_interval(name, interval) == (date.fromisoformat(first), date.fromisoformat(last))
    assert of_day(interval, date.fromisoformat(last)) == name
