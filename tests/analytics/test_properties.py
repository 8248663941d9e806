"""Properties of events: their values, what is not told apart, and who may see them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from dongui_collector.analytics.columns import words
from dongui_collector.analytics.columns.engine import Engine
from dongui_collector.analytics.executor import Query, report
from dongui_collector.analytics.filters import ReportError, parse_filter
from dongui_collector.analytics.properties import flat
from dongui_collector.analytics.reports import COMPARED, NEIGHBOURS
from dongui_collector.core.errors import SettingsError
from dongui_collector.core.settings import load_settings

from tests.retention.house import House, at

FIRST, LAST = date(2025, 3, 1), date(2025, 3, 31)


def ask(house: House, name: str, *filters: str, purposes: tuple[str, ...] = ("statistics",), **more: Any) -> Any:
    question = Query(name, FIRST, LAST, tuple(map(parse_filter, filters)), **more)
    return report(house.core, house.site, purposes, question)


def values(house: House, property: str, *filters: str, **more: Any) -> dict[str | None, tuple[int, int, int]]:
    rows = ask(house, "property_values", *filters, property_name=property, **more)["rows"]
    return {row["value"]: (row["visitors"], row["visits"], row["events"]) for row in rows}


def test_values_are_text_numbers_and_entries_of_lists() -> None:
    props = {
        "a": "x",
        "b": [1, "y", None, {"z": 1}],
        "c": None,
        "d": {"e": 1},
        "f": 5.0,
        "g": True,
        "h": 2.5,
        "i": 1e300,
    }
    assert [(p.name, p.value) for p in flat(props)] == [
        ("a", "x"),
        ("b", "1"),
        ("b", "y"),
        ("f", "5"),
        ("g", "true"),
        ("h", "2.5"),
        ("i", "1e+300"),
    ]


@pytest.mark.parametrize(
    ("value", "number"), [(3, 3), (2.5, 2.5), ("12.50", 12.5), ("-1", -1), ("1e5", None), (" 1", None), (True, None)]
)
def test_a_number_is_one_that_a_page_wrote_as_one(value: object, number: float | None) -> None:
    (found,) = flat({"amount": value})
    assert (found.number if found.number == found.number else None) == number


def test_a_visit_is_chosen_by_what_its_events_say(house: House) -> None:
    one, other = house.arrive("statistics"), house.arrive("statistics")
    house.visit(one, name="purchase", props={"plan": "pro", "size": "L"})
    house.visit(one, name="purchase", props={"plan": "pro"})
    house.visit(other, name="signup", props={"plan": "basic"})
    assert values(house, "plan") == {"pro": (1, 1, 2), "basic": (1, 1, 1)}
    assert values(house, "plan", event_name="signup") == {"basic": (1, 1, 1)}
    assert values(house, "nothing") == {}
    rows = ask(house, "properties")["rows"]
    assert [(r["event"], r["property"], r["events"], r["rate"]) for r in rows] == [
        ("purchase", "plan", 2, 0.5),
        ("purchase", "size", 1, 0.5),
        ("signup", "plan", 1, 0.5),
    ]
    for chosen, visits in {
        ("prop:plan=pro",): 1,
        ("event:props:plan=pro",): 1,
        ("prop:plan=pro", "prop:plan=basic"): 2,
        ("prop:plan=pro", "prop:size=M"): 0,
        ("!prop:size=*",): 1,
        ("prop:plan=b*",): 1,
    }.items():
        assert ask(house, "overview", *chosen)["visits"] == visits, chosen
    steps = tuple(map(parse_filter, ("prop:size=L", "event:purchase")))
    assert [row["visits"] for row in ask(house, "funnel", steps=steps)["rows"]] == [1, 1]


def test_what_is_not_told_apart_is_one_row_and_no_filter(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(words, "MOST_VALUES", 2)
    monkeypatch.setattr(words, "MOST_NAMES", 2)
    visitor = house.arrive("statistics")
    for order in ("a", "b", "c", "d", "a"):
        house.visit(visitor, name="purchase", props={"order": order})
    house.visit(visitor, name="purchase", props={"note": "x" * 301})
    house.visit(visitor, name="purchase", props={"third": "y"})
    assert values(house, "order") == {"a": (1, 1, 2), "b": (1, 1, 1), None: (1, 1, 2)}
    assert values(house, "note") == {None: (1, 1, 1)}
    assert {r["property"]: r["events"] for r in ask(house, "properties")["rows"]} == {"order": 5, "note": 1, "third": 1}
    assert ask(house, "overview", "prop:order=a")["visits"] == ask(house, "overview", "prop:order=*")["visits"] == 1
    for unknown in ("prop:order=c", "prop:order=c*", "!prop:order=z", "prop:note=x*"):
        with pytest.raises(ReportError, match="not told apart"):
            ask(house, "overview", unknown)
    with pytest.raises(ReportError, match="not told apart"):
        ask(house, "funnel", steps=(parse_filter("prop:order=c"),))


def test_other_purposes_and_the_withdrawn_are_in_no_value(house: House) -> None:
    """S3.0, S4.0: nobody reads a word of what their purposes do not cover, and an ending takes it at once."""
    house.visit(house.arrive("marketing", "personalisation"), name="purchase", props={"plan": "secret"})
    seen = house.arrive("statistics")
    house.visit(seen, name="purchase", props={"plan": "pro"})
    assert values(house, "plan") == {"pro": (1, 1, 1)}
    assert values(house, "plan", purposes=("marketing", "personalisation")) == {"secret": (1, 1, 1)}
    house.erase(seen)
    assert values(house, "plan") == {}


def test_properties_are_read_by_the_first_question_about_them(house: House) -> None:
    house.visit(house.arrive("statistics"), name="purchase", props={"plan": "pro"})
    assert ask(house, "overview")["visits"] == 1
    (store,) = Engine.of(house.core).held()
    assert len(store.words.properties) == 0
    assert ask(house, "overview", "prop:plan=pro")["visits"] == 1
    house.visit(house.arrive("statistics"), name="purchase", props={"plan": "pro"})
    house.now += 2000
    assert len(store.words.properties) == 1


@pytest.mark.parametrize("text", ["prop:", "prop:plan", "prop:=pro", "prop:pl*=pro"])
def test_a_filter_on_a_property_names_it(text: str) -> None:
    with pytest.raises(ReportError, match="prop:NAME=VALUE"):
        parse_filter(text)


@pytest.mark.parametrize(
    "more",
    [{"name": "property_values"}, {"name": "pages", "property_name": "plan"}, {"name": "pages", "event_name": "x"}],
)
def test_a_property_is_asked_of_its_reports_alone(more: dict[str, str]) -> None:
    with pytest.raises(ReportError, match=r"property=plan|filter=event:NAME"):
        Query(first=FIRST, last=LAST, **more)


def test_a_goal_is_known_by_the_rows_of_any_report(new_house: Callable[..., House]) -> None:
    house = new_house(currency="KRW", exchange_rates=("USD 1380.5",))
    house.add_site()
    one, other = house.arrive("statistics"), house.arrive("statistics")
    for visitor, source in ((one, "letter"), (other, "news")):
        house.visit(visitor, url=f"https://shop.example.com/?utm_source={source}&utm_medium=email")
    for props in (
        {"amount": 10, "currency": "usd"},
        {"amount": "2500.5", "currency": "KRW"},
        {"amount": 7, "currency": "EUR"},
        {"amount": 7},
        {"amount": -7, "currency": "KRW"},
        {"amount": "7 won", "currency": "KRW"},
        {"currency": "KRW"},
    ):
        house.visit(one, name="purchase", props=props)
    house.visit(one, name="cart", props={"amount": 5, "currency": "KRW"})
    goal = parse_filter("event:purchase")
    answer = ask(house, "sources", goal=goal, value_name="amount", sort="revenue")
    assert (answer["goal"], answer["currency"]) == ("event:purchase", "KRW")
    found = {r["source"]: (r["conversions"], r["conversion_rate"], r["revenue"], r["unpriced"]) for r in answer["rows"]}
    assert found == {"letter": (1, 1, 16305.5, 4), "news": (0, 0, 0, 0)}
    assert [r["source"] for r in answer["rows"]] == ["letter", "news"]
    (page,) = ask(house, "pages", goal=parse_filter("prop:currency=KRW"))["rows"]
    assert (page["visits"], page["conversions"], page["conversion_rate"]) == (2, 1, 0.5)
    assert "revenue" not in page
    (amount,) = ask(house, "property_numbers", event_name="purchase")["rows"]
    assert (amount["samples"], amount["sum"], amount["p50"], amount["p95"]) == (5, 2517.5, 7, 2500.5)


def test_a_value_needs_a_goal_and_a_currency_to_add_up_in(house: House) -> None:
    goal = parse_filter("event:purchase")
    with pytest.raises(ReportError, match="the setting currency"):
        ask(house, "sources", goal=goal, value_name="amount")
    for wrong in ({"value_name": "amount"}, {"goal": parse_filter("country:KR")}):
        with pytest.raises(ReportError, match="goal"):
            ask(house, "sources", **wrong)
    for name in ("funnel", "now", "retention", "vitals", "property_numbers", "consent"):
        with pytest.raises(ReportError):
            Query(name, FIRST, LAST, goal=goal)
    with pytest.raises(ReportError, match="value is"):
        Query("pages", FIRST, LAST, goal=goal, value_name="amount")


@pytest.mark.parametrize(
    "line", ['currency = "won"', *(f'exchange_rates = ["USD{rate}"]' for rate in ("", " 0", " -1"))]
)
def test_a_rate_that_is_none_is_refused(tmp_path: Path, line: str) -> None:
    file = tmp_path / "dongui.toml"
    file.write_text(f"{line}\n", encoding="utf-8")
    with pytest.raises(SettingsError, match=line.split()[0]):
        load_settings(file)


def test_one_of_several_filters_is_enough_whatever_they_are_about(house: House) -> None:
    for name, path in (("pageview", "/a"), ("pageview", "/b"), ("purchase", "/b"), ("signup", "/c")):
        house.visit(house.arrive("statistics"), name=name, url=f"https://shop.example.com{path}", props={"at": path})
    for filters, visits in {
        ("page:/a|event:purchase",): 2,
        ("page:/a|!event:pageview",): 3,
        ("page:/a|page:/b|prop:at=/c",): 3,
        ("page:/a|event:purchase", "prop:at=/b|event:signup"): 1,
        ("page:/a|b",): 0,
    }.items():
        assert ask(house, "overview", *filters)["visits"] == visits, filters
    one = parse_filter("!page:/a|event:props:at=x|country:")
    assert (one.text, one.dimensions) == ("!page:/a|prop:at=x|country:", ("page", "prop", "country"))
    with pytest.raises(ReportError, match="DIMENSION:VALUE"):
        parse_filter("nothing:x|page:/a")
    with pytest.raises(ReportError, match="without"):
        Query("funnel", FIRST, LAST, steps=(parse_filter("page:/a|event:x"),))


def test_an_event_on_a_page_is_more_than_both_in_one_visit(house: House) -> None:
    for first, second in (("/cart", "/"), ("/", "/cart/")):
        visitor = house.arrive("statistics")
        house.visit(visitor, url=f"https://shop.example.com{first}")
        house.visit(visitor, name="purchase", url=f"https://shop.example.com{second}")
    for filters, visits in {
        ("event:purchase", "page:/cart"): 1,
        ("event_page:purchase=/cart",): 0,
        ("event_page:purchase=/cart*",): 1,
        ("!event_page:purchase=/",): 1,
        ("event_page:page_view=/cart", "event_page:purchase=/cart/"): 2,
        ("event_page:purchase=/|page:/nowhere",): 1,
    }.items():
        assert ask(house, "overview", *filters)["visits"] == visits, filters
    steps = tuple(map(parse_filter, ("page:/*", "event_page:purchase=/")))
    assert [row["visits"] for row in ask(house, "funnel", steps=steps)["rows"]] == [2, 1]
    for wrong in ("event_page:", "event_page:purchase", "event_page:pur*=/"):
        with pytest.raises(ReportError, match="event_page:NAME=PAGE"):
            parse_filter(wrong)


def test_every_row_has_its_own_figures_of_the_period_before(house: House) -> None:
    for when, paths in (("2025-03-11T12:00", ("/a", "/b")), ("2025-03-12T09:00", ("/a", "/a", "/c"))):
        for path in paths:
            house.now = at(when)
            visitor = house.arrive("statistics")
            house.visit(visitor, url=f"https://shop.example.com{path}", props={"plan": path})
            house.visit(visitor, name="purchase", url="https://shop.example.com/buy")
    needed: dict[str, dict[str, Any]] = {
        "funnel": {"steps": (parse_filter("page:/a"), parse_filter("event:purchase"))},
        "property_values": {"property_name": "plan"},
        **{name: {"beside": "/*"} for name in NEIGHBOURS},
    }
    for name in COMPARED:
        if name == "click_ids":  # of another purpose
            continue
        before, now = (
            report(house.core, house.site, ("statistics",), Query(name, day, day, **needed.get(name, {})))
            for day in (date(2025, 3, 11), date(2025, 3, 12))
        )
        asked = Query(name, LAST_DAY, LAST_DAY, compare=True, limit=2, **needed.get(name, {}))
        both = report(house.core, house.site, ("statistics",), asked)
        assert both["rows"], name
        assert [{k: v for k, v in row.items() if k != "previous"} for row in both["rows"]] == now["rows"][:2], name
        for row in both["rows"]:
            names = row.keys() - row["previous"].keys() - {"previous"}
            was = [then for then in before["rows"] if all(then[n] == row[n] for n in names)]
            if was:
                assert row["previous"] == {k: v for k, v in was[0].items() if k not in names}, name
            else:
                assert not any(row["previous"].values()), name
        assert both["previous"]["visits"] == before["visits"], name
    (gone,) = [row for row in ask_day(house, "pages", compare=True) if row["page"] == "/c"]
    assert (gone["previous"]["visits"], gone["previous"]["engaged_time"]) == (0, None)


LAST_DAY = date(2025, 3, 12)


def ask_day(house: House, name: str, **more: Any) -> Any:
    return report(house.core, house.site, ("statistics",), Query(name, LAST_DAY, LAST_DAY, **more))["rows"]
