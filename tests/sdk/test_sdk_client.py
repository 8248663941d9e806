"""The client: queued calls, calls that wait, and what becomes of both when the collector is away."""

from __future__ import annotations

import datetime
import threading
from typing import Any

import pytest
from dongui import Client, ConfigurationError, Consent

from tests.sdk.calls import choice
from tests.sdk.conftest import ClientOf
from tests.sdk.sdk_stub import POLICY, SITE, Collector, running


@pytest.fixture
def client(collector: Collector, client_of: ClientOf) -> Client:
    return client_of(collector)


def consent_of(client: Client, collector: Collector, *purposes: str) -> Consent:
    visitor = collector.visitor(*purposes)
    return Consent(client.knowledge.terms, f"{choice(*purposes)}; dongui_id={visitor}")


def test_an_event_is_reduced_to_what_was_granted(client: Client, collector: Collector) -> None:
    consent = consent_of(client, collector, "marketing")
    at = datetime.datetime(2026, 3, 10, tzinfo=datetime.UTC)
    assert client.track(
        consent, "purchase", props={"total": 1}, url="https://shop.example.com/?gclid=G", at=at, ip="1.2.3.4"
    )
    assert client.flush(60)
    [event] = collector.events.values()
    assert set(event) == {"id", "name", "at", "ad_ids", "visitor", "address"}
    assert (event["name"], event["at"]) == ("-", 1773100800000)


def test_a_bare_id_is_judged_by_the_ledger_but_only_what_may_be_asked_leaves(
    client: Client, collector: Collector
) -> None:
    visitor = collector.visitor("statistics", "marketing", "personalisation")
    assert client.track(visitor, "purchase", props={"mail": "kim@example.com"}, search="x" * 600, user_agent="u" * 9000)
    assert client.flush(60)
    [event] = collector.of(visitor)
    assert event["props"] == {"mail": "[email]"}
    assert len(event["search"]) == 512
    assert len(event["user_agent"]) == 2048


@pytest.mark.parametrize("visitor", [None, "", Consent], ids=["None", "empty", "nothing granted"])
def test_nobody_to_record_is_no_error(client: Client, collector: Collector, visitor: Any) -> None:
    given = Consent(client.knowledge.terms) if visitor is Consent else visitor
    assert client.track(given, "x") is False
    assert client.identify(given, "member-1") is False
    assert client.closed(given) is False
    assert not client.withdraw(given)
    assert not client.access(given)
    assert client.flush(60)
    assert collector.posts == []
    assert collector.batches == []


class Hostile:
    def __str__(self) -> str:
        raise RuntimeError("the application's own trouble")


@pytest.mark.parametrize(
    "arguments",
    [
        {"name": Hostile()},
        {"name": "x", "props": {"key": Hostile()}},
        {"name": "x", "at": datetime.datetime(2026, 1, 1)},  # noqa: DTZ001 (refusing it is the test)
        {"name": "x", "props": Hostile()},
        {"name": "x", "url": Hostile()},
        {"name": "x\0\ud800", "props": {"\0\ud800": ["\ud800", float("nan"), b"x", {1: 2}, object]}},
    ],
    ids=["name", "property", "naive time", "properties", "url", "text"],
)
def test_nothing_is_ever_raised_into_the_application(
    client: Client, collector: Collector, arguments: dict[str, Any]
) -> None:
    client.track(collector.visitor("statistics"), **arguments)
    client.record("payment", "subject", {"x": Hostile()})
    assert client.flush(60)
    assert client.stats()["lost"] == {}


def test_too_much_is_lost_and_counted(client: Client, collector: Collector) -> None:
    assert not client.track(collector.visitor("statistics"), "x", props={"text": "x" * 70_000})
    assert client.stats()["lost"] == {"too_large": 1}


def test_records_members_and_logins(client: Client, collector: Collector) -> None:
    visitor = collector.visitor("marketing")
    assert client.record("payment", "order-1", {"won": 12000}, source="settlement", at=1000)
    assert client.login("member-1", succeeded=False, ip="203.0.113.9")
    assert client.identify(visitor, "member-1")
    assert client.closed(visitor, "member-1")
    assert client.minor(visitor)
    assert client.flush(60)
    sent = {(path, body.get("event") or body["class"]): body for path, body in collector.posts}
    payment = sent["/v1/records", "payment"]
    assert {key: payment[key] for key in ("site", "class", "subject", "at", "source", "data")} == {
        "site": SITE,
        "class": "payment",
        "subject": "order-1",
        "at": 1000,
        "source": "settlement",
        "data": {"won": 12000},
    }
    assert sent["/v1/records", "abuse"]["data"] == {"event": "login", "succeeded": False, "ip": "203.0.113.9"}
    assert [sent["/v1/members", event]["visitor"] for event in ("identified", "closed", "minor")] == [visitor] * 3


def test_a_member_is_named_only_under_a_purpose_that_says_so(client: Client, collector: Collector) -> None:
    assert client.identify(consent_of(client, collector, "marketing"), "member-1")
    assert not client.identify(consent_of(client, collector, "statistics"), "member-1")


def test_rights_are_exercised_and_answered(client: Client, collector: Collector) -> None:
    visitor = collector.visitor("statistics")
    assert client.access(visitor).data["state"] == {"statistics": "given"}
    assert client.suspend(visitor)
    assert client.resume(visitor)
    assert [body["kind"] for path, body in collector.posts] == ["suspend", "resume"]
    assert client.withdraw(visitor).data["state"]["statistics"] == "refused"
    assert collector.posts[-1][1]["refused"] == ["marketing", "personalisation", "statistics"]
    assert client.erase(visitor).data["certificate"]
    assert client.erase(visitor).problem == "urn:dongui:problem:unknown-visitor"


def test_a_decision_at_sign_up(client: Client, collector: Collector) -> None:
    answer = client.consent(None, granted=["statistics"], refused=["marketing"], method="signup")
    assert answer.status == 201
    assert collector.granted[answer.data["visitor"]] == {"statistics"}
    assert collector.posts[-1][1]["method"] == "signup"


def test_taking_back_counts_under_whichever_notice_is_in_force(client: Client, collector: Collector) -> None:
    visitor = collector.visitor("statistics")
    collector.policy = {**POLICY, "version": "v2", "accepts": ["v2"]}
    assert client.withdraw(visitor, "statistics")
    assert collector.granted[visitor] == set()
    assert client.consent(visitor, granted=["statistics"]).problem == "urn:dongui:problem:superseded-notice"


def test_a_right_outlives_an_outage(client: Client, collector: Collector) -> None:
    leaving, erased = collector.visitor("statistics"), collector.visitor("statistics")
    collector.mode = "down"
    client.track(leaving, "waiting")
    answer = client.withdraw(leaving, "statistics", timeout=1)
    assert not answer
    assert answer.pending
    assert client.erase(erased, timeout=1).pending
    assert not client.access(leaving, timeout=1).pending
    assert not client.consent(leaving, granted=["marketing"], timeout=1).pending
    # Meanwhile the notice changes: the withdrawal still counts.
    collector.policy = {**POLICY, "version": "v2", "accepts": ["v2"]}
    collector.mode = "ok"
    assert client.flush(60)
    assert collector.granted == {leaving: set()}
    assert collector.batches == []


@pytest.mark.parametrize("mode", ["down", "garbage", "page", "firewall", "full", "error"])
def test_rights_are_exercised_in_the_order_in_which_they_were_asked_for(
    client: Client, collector: Collector, mode: str
) -> None:
    """A suspension that waits for the collector does not follow its own end; no other's answer ends the waiting."""
    visitor, other = collector.visitor("statistics"), collector.visitor("statistics")
    collector.mode = mode
    assert client.suspend(visitor, timeout=1).pending
    collector.mode = "ok"
    answers = [client.resume(visitor), client.suspend(visitor), client.resume(visitor)]
    assert all(answer or answer.pending for answer in answers)
    assert client.flush(60)
    kinds = [body["kind"] for path, body in collector.posts if path == "/v1/me/requests"]
    assert kinds == ["suspend", "resume", "suspend", "resume"]
    assert client.suspend(other)


@pytest.mark.parametrize("mode", ["page", "firewall"])
def test_what_another_answers_to_a_right_is_no_answer(client: Client, collector: Collector, mode: str) -> None:
    visitor = collector.visitor("statistics")
    collector.mode = mode
    assert client.erase(visitor, timeout=1).pending
    assert client.access(visitor, timeout=1).status in (0, 403)
    collector.mode = "ok"
    assert client.flush(60)
    assert visitor not in collector.granted


def test_waiting_is_bounded_and_a_dead_collector_is_soon_not_waited_for(client: Client, collector: Collector) -> None:
    collector.mode = "garbage"
    for _ in range(5):
        assert client.access("v" * 22, timeout=1).status == 0
    assert len([1 for method, path, _ in collector.requests if path == "/v1/me"]) <= 2
    collector.mode = "ok"


def test_what_is_closed_while_it_is_under_way_leaves_no_connection_open(client_of: ClientOf) -> None:
    with running() as collector:
        collector.held = threading.Event()
        client = client_of(collector, learn_timeout=0)
        assert client.send_inventory(["name"])
        collector.wait_for(lambda: {method for method, _, _ in collector.requests} == {"GET", "POST"})
        client.close()
        collector.held.set()
        works = (client.knowledge._background, client._transport._background)
        collector.wait_for(lambda: not any(work.running for work in works))
    assert client.knowledge._http._kept is None
    assert client._transport._http._kept is None


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"site": "s", "collector": "http://x"}, "secret_key: give the site's secret key"),
        ({"site": "", "collector": "http://x", "secret_key": "k"}, "site: give the site id"),
        ({"site": "s", "collector": "x:1", "secret_key": "k"}, "collector: 'x:1' is not an address"),
        ({"site": "s", "collector": "http://u:p@x", "secret_key": "k"}, "collector: "),
        ({"site": "s", "collector": "http://x", "secret_key": "k\n"}, "secret_key: "),
        (
            {"site": "s", "collector": "http://x", "secret_key": "k", "trusted_proxies": -1},
            "trusted_proxies: it cannot",
        ),
        ({"site": "s", "collector": "http://x", "secret_key": "k", "exclude": "/x"}, "exclude: give a list"),
        ({"site": "s", "collector": "http://x", "secret_key": "k", "policy": 7}, "policy: give the path"),
        ({"site": "s", "collector": "http://x", "secret_key": "k", "policy": {}}, "policy: the mapping is not"),
    ],
)
def test_options_that_cannot_be_used_say_what_to_do(given: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigurationError) as error:
        Client(**given)
    assert message in str(error.value)
    assert error.value.option == message.partition(":")[0]
