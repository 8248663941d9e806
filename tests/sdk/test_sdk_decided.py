"""What a decision made in the application changes at once: this request's consent, its cookies, the pages after it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from dongui import Client, Consent, ConsentMiddleware

from tests.sdk.calls import Result, call, choice
from tests.sdk.conftest import ClientOf
from tests.sdk.sdk_stub import POLICY, Collector

Act = Callable[[Client, Consent], Any]


@pytest.fixture
def client(collector: Collector, client_of: ClientOf) -> Client:
    return client_of(collector)


def asked(client: Client, act: Act, cookie: str) -> tuple[Result, list[str], Any]:
    """The answer to a page that acts, what was granted after it had, and what acting returned."""
    after: list[str] = []
    returned: list[Any] = []

    def application(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        consent = environ["dongui.consent"]
        returned.append(act(client, consent))
        after.extend(sorted(consent.purposes))
        start_response("200 OK", [("Content-Type", "text/plain")])
        return [b""]

    return call(ConsentMiddleware(application, client=client), cookie=cookie), after, returned[0]


def own(got: Result) -> dict[str, str]:
    """Our cookies of this host as a browser has them after an answer; empty ones are gone."""
    sets = [value.partition(";")[0].partition("=") for value in got.all("Set-Cookie") if "Domain=" not in value]
    return {name: value for name, _, value in sets}


@pytest.mark.parametrize("iterable", [iter, tuple, set, dict.fromkeys])
def test_any_iterable_of_purposes_says_the_same_to_ledger_and_cookie(
    client: Client, collector: Collector, iterable: Callable[[list[str]], Any]
) -> None:
    def act(_: Client, consent: Consent) -> Any:
        return consent.decide(granted=iterable(["statistics"]), refused=iterable(["marketing"]))

    got, after, answer = asked(client, act, "")
    assert answer
    assert after == ["statistics"]
    assert "~statistics~" in own(got)["dongui"]
    assert collector.granted[own(got)["dongui_id"]] == {"statistics"}


@pytest.mark.parametrize("argument", ["granted", "refused"])
@pytest.mark.parametrize("value", ["marketing", b"marketing", [7], 7])
def test_what_is_no_list_of_purposes_is_told_and_sent_nowhere(
    client: Client, collector: Collector, argument: str, value: Any
) -> None:
    given: dict[str, Any] = {argument: value}
    with pytest.raises(TypeError):
        Consent(client.knowledge.terms).decide(**given)
    assert not client.consent(None, **given)  # which never raises: it says so in the log
    assert client.stats()["mishaps"] == {"consent": 1}
    assert collector.posts == []


WITHDRAWALS: dict[str, Act] = {
    "decide": lambda _, consent: consent.decide(refused=iter(["marketing"]), timeout=1),
    "consent": lambda client, consent: client.consent(consent, refused=["marketing"], timeout=1),
    "withdraw": lambda client, consent: client.withdraw(consent, "marketing", timeout=1),
}


@pytest.fixture(params=["ok", "down"])
def mode(request: pytest.FixtureRequest, collector: Collector, client: Client) -> Iterator[str]:
    """The collector answers, or is away from now on."""
    collector.mode = request.param
    yield request.param
    collector.mode = "ok"
    assert client.flush(60)


@pytest.mark.parametrize("act", WITHDRAWALS.values(), ids=WITHDRAWALS)
def test_a_withdrawal_is_in_force_at_once(client: Client, collector: Collector, mode: str, act: Act) -> None:
    visitor = collector.visitor("statistics", "marketing")
    before = choice("statistics", "marketing")
    got, after, answer = asked(client, act, f"{before}; dongui_id={visitor}")
    assert (bool(answer), answer.pending) == ((True, False) if mode == "ok" else (False, True))
    assert after == ["statistics"]
    at = before.rpartition("~")[2]  # what is left lives no longer than before
    assert own(got)["dongui"] == f"1~v1~statistics~{at}"
    assert own(got)["dongui_id"] == visitor


LAST: dict[str, Act] = {
    "decide": lambda _, consent: consent.decide(refused=["statistics"], timeout=1),
    "withdraw": lambda client, consent: client.withdraw(consent, "statistics", timeout=1),
    "withdraw all": lambda client, consent: client.withdraw(consent, timeout=1),
    "erase": lambda client, consent: client.erase(consent, timeout=1),
}


@pytest.mark.parametrize("act", LAST.values(), ids=LAST)
def test_the_id_goes_with_the_last_that_was_given(client: Client, collector: Collector, mode: str, act: Act) -> None:
    visitor = collector.visitor("statistics")
    got, after, answer = asked(client, act, f"{choice('statistics')}; dongui_id={visitor}")
    assert answer or answer.pending
    assert after == []
    assert own(got)["dongui"].startswith("1~v1~~")
    assert own(got)["dongui_id"] == ""


def test_an_erasure_that_was_done_before_ends_the_cookies(client: Client) -> None:
    cookie = f"{choice('statistics')}; dongui_id={'v' * 22}"
    got, after, answer = asked(client, lambda client, consent: client.erase(consent), cookie)
    assert answer.problem == "urn:dongui:problem:unknown-visitor"
    assert after == []
    assert own(got)["dongui_id"] == ""


def test_a_withdrawal_without_an_id_is_in_force_too(client: Client) -> None:
    got, after, _ = asked(client, lambda client, consent: client.withdraw(consent), choice("statistics"))
    assert after == []
    assert own(got)["dongui"].startswith("1~v1~~")


def test_refusals_beside_a_grant_under_an_old_notice_are_in_force(client: Client, collector: Collector) -> None:
    visitor = collector.visitor("statistics")
    collector.policy = {**POLICY, "version": "v2", "accepts": ["v2"]}

    def act(_: Client, consent: Consent) -> Any:
        return consent.decide(granted=["marketing"], refused=["statistics"])

    got, after, answer = asked(client, act, f"{choice('statistics')}; dongui_id={visitor}")
    assert answer.status == 409
    assert after == []
    assert own(got)["dongui"].startswith("1~v1~~")


def test_a_grant_that_fails_changes_nothing(client: Client, collector: Collector) -> None:
    collector.mode = "down"

    def act(_: Client, consent: Consent) -> Any:
        return consent.decide(granted=["marketing"], timeout=1)

    got, after, answer = asked(client, act, choice("statistics"))
    assert (bool(answer), answer.pending) == (False, False)
    assert after == ["statistics"]
    assert got.cookies() == []


def test_rights_by_a_bare_id_leave_no_cookies(client: Client, collector: Collector) -> None:
    visitor = collector.visitor("statistics")
    got, after, _ = asked(client, lambda client, _: client.withdraw(visitor), choice("statistics"))
    assert after == ["statistics"]
    assert got.cookies() == []
