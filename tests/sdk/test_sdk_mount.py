"""The collector on the site's own origin: what goes through, what is filled in, what is taken away."""

from __future__ import annotations

import json
import re
import threading
from typing import Any

import pytest
from dongui import ConsentMiddleware, Delivery
from dongui.http.breaker import Breaker
from dongui.rules import decode_choice, visitor_ids
from dongui.rules.compiled_policy import UNKNOWN
from dongui.web.consent import cookie_pairs
from dongui.web.own_cookies import CookieNaming
from dongui.web.proxy_rules import Forward, Local, ProxiedRequest, forward
from hypothesis import given
from hypothesis import strategies as st

from tests.clock import now_s
from tests.sdk.calls import Result, call, choice, environ
from tests.sdk.conftest import ClientOf
from tests.sdk.sdk_stub import ORIGIN, SECRET, SITE, Collector


def application(environ: dict[str, Any], start_response: Any) -> list[bytes]:
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"the site's own"]


@pytest.fixture
def shop(collector: Collector, client_of: ClientOf) -> ConsentMiddleware:
    return ConsentMiddleware(application, client=client_of(collector))


def post(app: Any, path: str, body: Any, **headers: str) -> Result:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    given: dict[str, Any] = {"ORIGIN": ORIGIN, "CONTENT_TYPE": "text/plain", **headers}
    return call(app, path, method="POST", body=data, **given)


def decision(*granted: str, refused: tuple[str, ...] = (), **more: Any) -> dict[str, Any]:
    return {
        "site": SITE,
        "visitor": None,
        "notice": "v1",
        "granted": list(granted),
        "refused": list(refused),
        "method": "banner",
        "lang": "ko",
        **more,
    }


def cookie_of(got: Result, name: str) -> str:
    """The ``Set-Cookie`` of this host's own copy; those of domains above it are ends of other copies."""
    sets = got.all("Set-Cookie")
    assert all("Max-Age=0" in value for value in sets if "Domain=" in value)
    [found] = [value for value in sets if value.startswith(f"{name}=") and "Domain=" not in value]
    return found


def test_a_grant_puts_the_id_where_no_script_reads_it(shop: Any, collector: Collector) -> None:
    got = post(shop, "/_dongui/v1/consents", decision("statistics", refused=("marketing",)))
    assert got.status == "201 Created"
    answer = json.loads(got.body)
    assert (answer["visitor"], answer["visitor_cookie"]) == (None, True)
    assert answer["state"]["statistics"] == "given"
    [visitor] = collector.granted
    assert cookie_of(got, "dongui_id") == f"dongui_id={visitor}; Max-Age=15552000; Path=/; SameSite=Lax; HttpOnly"
    value = cookie_of(got, "dongui").partition(";")[0].partition("=")[2]
    chosen = decode_choice(value)
    assert chosen is not None
    assert (chosen.version, chosen.granted) == ("v1", ("statistics",))
    assert "HttpOnly" not in cookie_of(got, "dongui")
    assert visitor not in got.body.decode()


def test_the_id_is_filled_in_and_leaves_with_the_last_grant(shop: Any, collector: Collector) -> None:
    visitor = collector.visitor("statistics")
    got = post(shop, "/_dongui/v1/consents", decision(refused=("statistics",)), cookie=f"dongui_id={visitor}")
    assert collector.posts[-1][1]["visitor"] == visitor
    assert cookie_of(got, "dongui_id") == "dongui_id=; Max-Age=0; Path=/; SameSite=Lax; HttpOnly"
    assert json.loads(got.body)["visitor_cookie"] is False
    assert re.match(r"dongui=1~v1~~\w+; Max-Age=15552000; Path=/; SameSite=Lax\Z", cookie_of(got, "dongui"))


def test_cookies_are_secure_where_the_page_is(collector: Collector, client_of: ClientOf) -> None:
    shop = ConsentMiddleware(application, client=client_of(collector, trusted_proxies=1))
    got = post(shop, "/_dongui/v1/consents", decision("statistics"), X_FORWARDED_PROTO="http, https")
    assert cookie_of(got, "dongui_id").endswith("; Secure")
    got = post(shop, "/_dongui/v1/consents", decision("statistics"), X_FORWARDED_PROTO="https, http")
    assert "Secure" not in cookie_of(got, "dongui_id")


def test_a_withdrawal_empties_the_queue(shop: Any, collector: Collector) -> None:
    visitor = collector.visitor("statistics")
    collector.mode = "down"
    assert shop.client.track(visitor, "waiting")
    collector.wait_for(lambda: shop.client.stats()["failures"])
    collector.mode = "no events"  # or the one that waits could go while the consent still stands
    # The breaker has opened meanwhile; a visitor's decision waits for it to let one through.
    collector.wait_for(
        lambda: (
            post(shop, "/_dongui/v1/consents", decision(refused=("statistics",)), cookie=f"dongui_id={visitor}").status
            == "201 Created"
        )
    )
    collector.mode = "ok"
    assert shop.client.flush(60)
    assert collector.of(visitor) == []


def test_what_was_shown_goes_on_to_the_ledger(shop: Any, collector: Collector) -> None:
    shown: dict[str, Any] = {"layout": "compact", "catalog": "0123456789abcdef", "lang": "en"}
    assert post(shop, "/_dongui/v1/consents", decision("statistics", **shown)).status == "201 Created"
    said = collector.posts[-1][1]
    assert {key: said[key] for key in shown} == shown


def test_a_superseded_notice_is_told(shop: Any, collector: Collector) -> None:
    got = post(shop, "/_dongui/v1/consents", {**decision("statistics"), "notice": "v0"})
    assert got.status.startswith("409")
    assert json.loads(got.body)["notice"] == "v1"
    assert got.cookies() == []


def test_events_come_with_the_id_and_an_address_that_is_vouched_for(shop: Any, collector: Collector) -> None:
    visitor = collector.visitor("statistics")
    event = {
        "id": "6f2f6ba9-1e45-4f57-9f5f-7ac45b6e8e62",
        "name": "x",
        "at": 1,
        "ip": "9.9.9.9",
        "user_agent": "forged",
    }
    got = post(
        shop,
        "/_dongui/v1/events",
        {"site": SITE, "visitor": None, "events": [event]},
        cookie=f"dongui_id={visitor}",
        X_FORWARDED_FOR="8.8.8.8",
        AUTHORIZATION=f"Bearer {SECRET}",
        DONGUI_ADDRESS="9.9.9.9 1 00",
    )
    assert (got.status, json.loads(got.body)["recorded"]) == ("202 Accepted", 1)
    [kept] = collector.of(visitor)
    assert kept["address"] == "203.0.113.7"
    headers = collector.requests[-1][2]
    assert "Authorization" not in headers
    assert "X-Forwarded-For" not in headers
    assert "Cookie" not in headers
    assert headers["Origin"] == ORIGIN


def test_addresses_are_counted_from_the_right(collector: Collector, client_of: ClientOf) -> None:
    visitor = collector.visitor("statistics")
    shop = ConsentMiddleware(application, client=client_of(collector, trusted_proxies=2))
    event = {"id": "6f2f6ba9-1e45-4f57-9f5f-7ac45b6e8e62", "name": "x", "at": 1}
    post(
        shop,
        "/_dongui/v1/events",
        {"site": SITE, "events": [event]},
        cookie=f"dongui_id={visitor}",
        X_FORWARDED_FOR="8.8.8.8, 198.51.100.4, 10.0.0.1",
    )
    assert collector.of(visitor)[0]["address"] == "198.51.100.4"


def test_what_is_held_takes_the_cookie_and_a_header_that_no_form_sends(shop: Any, collector: Collector) -> None:
    visitor = collector.visitor("statistics")
    cookie = f"dongui_id={visitor}"
    assert call(shop, "/_dongui/v1/me", cookie=cookie).status.startswith("403")
    assert call(shop, "/_dongui/v1/me", X_DONGUI="1").status.startswith("404")
    assert json.loads(call(shop, "/_dongui/v1/me", cookie=cookie, X_DONGUI="1").body)["state"] == {
        "statistics": "given"
    }
    assert call(shop, "/_dongui/v1/me", AUTHORIZATION=f"Bearer {visitor}").status == "200 OK"
    assert call(shop, "/_dongui/v1/me", AUTHORIZATION=f"Bearer {SECRET}", X_DONGUI="1").status.startswith("404")
    assert post(shop, "/_dongui/v1/me/requests", {"kind": "suspend"}, cookie=cookie, X_DONGUI="1").status.startswith(
        "201"
    )
    gone = call(shop, "/_dongui/v1/me", method="DELETE", cookie=cookie, X_DONGUI="1")
    assert gone.status == "200 OK"
    assert cookie_of(gone, "dongui_id").startswith("dongui_id=; Max-Age=0")
    assert cookie_of(gone, "dongui").startswith("dongui=1~v1~~")
    assert collector.granted == {}


def test_a_repeated_erasure_ends_the_cookies_that_the_first_answer_did_not_reach(
    shop: Any, collector: Collector
) -> None:
    visitor = collector.visitor("statistics")
    del collector.granted[visitor]  # the first attempt has erased it, too late for its own answer
    gone = call(shop, "/_dongui/v1/me", method="DELETE", cookie=f"dongui_id={visitor}", X_DONGUI="1")
    assert gone.status.startswith("404")
    assert cookie_of(gone, "dongui_id").startswith("dongui_id=; Max-Age=0")
    assert cookie_of(gone, "dongui").startswith("dongui=1~v1~~")


def test_cookies_stay_where_nothing_says_that_their_id_is_erased(shop: Any, collector: Collector) -> None:
    visitor, cookie = collector.visitor("statistics"), "dongui_id="
    other = call(shop, "/_dongui/v1/me", method="DELETE", cookie=cookie + visitor, AUTHORIZATION=f"Bearer {'x' * 22}")
    assert other.status.startswith("404")
    assert other.cookies() == []
    read = call(shop, "/_dongui/v1/me", cookie=cookie + "x" * 22, X_DONGUI="1")
    assert read.status.startswith("404")
    assert read.cookies() == []
    collector.mode = "full"
    failed = call(shop, "/_dongui/v1/me", method="DELETE", cookie=cookie + visitor, X_DONGUI="1")
    assert failed.status.startswith("503")
    assert failed.cookies() == []


@pytest.mark.parametrize(
    ("query", "sent"),
    [
        ("", f"site={SITE}"),
        ("lang=en", f"lang=en&site={SITE}"),
        ("lang=en&", f"lang=en&&site={SITE}"),
        (f"lang=en&site={SITE}", f"lang=en&site={SITE}"),
        (f"s%69te={SITE}", f"s%69te={SITE}"),
    ],
)
@pytest.mark.parametrize("path", ["/policy", "/v1/policy", "/v1/notice"])
def test_the_mount_asks_for_its_own_site(shop: Any, collector: Collector, path: str, query: str, sent: str) -> None:
    """Unnamed, the collector would answer with the notice of its first site."""
    collector.requests.clear()
    call(shop, "/_dongui" + path, query=query)
    assert [asked for _, asked, _ in collector.requests] == [f"{path}?{sent}"]


@pytest.mark.parametrize("query", ["site=another", "site=", f"site={SITE}&site=another", "s%69te=another"])
@pytest.mark.parametrize("path", ["/policy", "/v1/policy", "/v1/notice"])
def test_another_site_stays_refused(shop: Any, collector: Collector, path: str, query: str) -> None:
    collector.requests.clear()
    assert call(shop, "/_dongui" + path, query=query).status.startswith("404")
    assert collector.requests == []


@pytest.mark.parametrize(
    "path",
    [
        "/_dongui/",
        "/_dongui/healthz",
        "/_dongui/metrics",
        "/_dongui/v1/records",
        "/_dongui/v1/members",
        "/_dongui/v1/inventory",
        "/_dongui/v1/channels",
        "/_dongui/v1/counts",
        "/_dongui/v1/../metrics",
        "/_dongui/v1//policy",
        "/_dongui/v1/policy\r\nX: 1",
        "/_dongui/v1/é",
        "/_dongui/policy/x",
        "/_dongui/v1/records/",
    ],
)
def test_other_paths_lead_nowhere(shop: Any, collector: Collector, path: str) -> None:
    before = len(collector.requests)
    assert call(shop, path).status == "404 Not Found"
    assert call(shop, path, method="POST", body=b"{}").status == "404 Not Found"
    assert len(collector.requests) == before


def test_the_rest_of_the_site_is_its_own(shop: Any) -> None:
    for path in ("/", "/_dongui", "/v1/policy", "/x/_dongui/v1/policy"):
        assert call(shop, path).body == b"the site's own"


def test_other_methods_are_refused(shop: Any) -> None:
    got = call(shop, "/_dongui/v1/policy", method="PUT")
    assert got.status == "405 Method Not Allowed"
    assert got.all("Allow") == ["GET, HEAD, POST, DELETE, OPTIONS"]


def test_answers_pass_without_the_collectors_cookies(shop: Any, collector: Collector) -> None:
    got = call(shop, "/_dongui/v1/policy", query=f"site={SITE}")
    assert json.loads(got.body) == {**collector.policy, "page_views": "server"}
    assert got.cookies() == []
    assert call(shop, "/_dongui/v1/policy", query=f"site={SITE}", method="HEAD").body == b""


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b'"x"',
        b'{"events": 7}',
        b'{"events": [7]}',
        b'{"x": NaN}',
        b"\xff",
        b"[" * 60_000,
        b'{"a": ' * 10_000,
    ],
    ids=lambda body: repr(body[:12]),
)
def test_what_cannot_be_read_is_refused_here(shop: Any, collector: Collector, body: bytes) -> None:
    before = len(collector.requests)
    got = post(shop, "/_dongui/v1/events", body)
    assert got.status == "400 Bad Request"
    assert json.loads(got.body)["type"] == "urn:dongui:problem:malformed"
    assert len(collector.requests) == before


def test_a_large_body_is_refused_unread(shop: Any) -> None:
    assert post(shop, "/_dongui/v1/events", b" " * 65537).status.startswith("413")


# A collector that fails.


@pytest.mark.parametrize("mode", ["down", "garbage"])
def test_a_collector_that_fails_is_soon_left_alone(shop: Any, collector: Collector, mode: str) -> None:
    collector.mode = mode
    got = [call(shop, "/_dongui/v1/policy", query=f"site={SITE}") for _ in range(10)]
    assert {one.status for one in got} == {"503 Service Unavailable"}
    assert all(int(one.all("Retry-After")[0]) >= 1 for one in got)
    tries = [path for _, path, _ in collector.requests]
    assert len(tries) <= 6, "the policy once, then two tries, each over a new connection if the kept one broke"
    assert call(shop).body == b"the site's own"
    collector.mode = "ok"


def test_only_a_few_requests_wait_for_a_slow_collector(shop: Any, collector: Collector) -> None:
    collector.held = threading.Event()
    done: list[str] = []

    def ask() -> None:
        done.append(call(shop, "/_dongui/v1/policy", query=f"site={SITE}").status)

    threads = [threading.Thread(target=ask) for _ in range(40)]
    for thread in threads:
        thread.start()
    collector.wait_for(lambda: len(done) == 36)
    assert set(done) == {"503 Service Unavailable"}
    collector.held.set()
    for thread in threads:
        thread.join()
    assert done.count("200 OK") == 4
    assert call(shop, "/_dongui/v1/policy", query=f"site={SITE}").status == "200 OK"


def test_a_burst_waits_a_moment_rather_than_being_sent_away(
    shop: Any, collector: Collector, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dongui.http.forwarder._A_MOMENT", 30.0)
    collector.held = threading.Event()
    done: list[str] = []
    threads = [
        threading.Thread(target=lambda: done.append(call(shop, "/_dongui/v1/policy", query=f"site={SITE}").status))
        for _ in range(12)
    ]
    before = len(collector.requests)
    for thread in threads:
        thread.start()
    collector.wait_for(lambda: len(collector.requests) - before == 4)
    collector.held.set()
    for thread in threads:
        thread.join()
    assert done == ["200 OK"] * 12


def test_a_long_answer_is_streamed_and_one_that_nobody_reads_is_let_go(shop: Any, collector: Collector) -> None:
    visitor = collector.visitor("statistics")
    collector.events = {str(n): {"visitor": visitor, "text": "x" * 1000} for n in range(1000)}
    cookie = f"dongui_id={visitor}"
    assert len(json.loads(call(shop, "/_dongui/v1/me", cookie=cookie, X_DONGUI="1").body)["events"]) == 1000
    for _ in range(20):
        answer = shop(environ("/_dongui/v1/me", cookie=cookie, X_DONGUI="1"), lambda *_: lambda data: None)
        answer.close()
    assert call(shop, "/_dongui/v1/policy", query=f"site={SITE}").status == "200 OK"


def test_agreeing_to_more_loses_nothing_that_waits(collector: Collector, client_of: ClientOf) -> None:
    shop = ConsentMiddleware(
        application, client=client_of(collector, delivery=Delivery(first_pause=600, longest_pause=600))
    )
    visitor = collector.visitor("statistics")
    cookie = f"{choice('statistics')}; dongui_id={visitor}"
    collector.mode = "down"
    assert shop.client.track(visitor, "waiting")
    collector.wait_for(lambda: shop.client.stats()["failures"])
    collector.mode = "ok"
    post(shop, "/_dongui/v1/consents", decision("marketing"), cookie=cookie)
    assert shop.client.stats()["purged"] == 0
    post(shop, "/_dongui/v1/consents", decision(refused=("statistics",)), cookie=cookie)
    assert shop.client.stats()["purged"] == 1


def test_the_breaker_lets_one_through_when_its_pause_is_over() -> None:
    now = [0.0]
    breaker = Breaker(patience=2, pause=2.0, longest=5.0, clock=lambda: now[0])
    breaker.failed()
    assert breaker.allow()
    breaker.failed()
    assert not breaker.allow()
    now[0] = 2.1
    assert breaker.allow()
    assert not breaker.allow()
    breaker.failed()
    now[0] += 3.9
    assert not breaker.allow()
    now[0] += 0.2
    assert breaker.allow()
    breaker.succeeded()
    assert breaker.allow()
    assert breaker.wait() == 0


def test_what_the_transport_fails_at_keeps_nobody_waiting(shop: Any, collector: Collector) -> None:
    visitor = collector.visitor("statistics")
    collector.mode = "no events"  # it hangs up on those, again and again
    assert shop.client.track(visitor, "waiting")
    collector.wait_for(lambda: shop.client.stats()["failures"] > 5)
    taken = post(shop, "/_dongui/v1/consents", decision("statistics"))
    assert taken.status == "201 Created"


def test_a_full_disk_does_not_keep_withdrawals_away(shop: Any, collector: Collector) -> None:
    visitor = collector.visitor("statistics")
    collector.mode = "events full"  # and yet, as the collector does, it takes every decision
    assert shop.client.track(visitor, "waiting")
    collector.wait_for(lambda: shop.client.stats()["failures"] > 5)
    for _ in range(5):
        taken = post(shop, "/_dongui/v1/consents", decision(refused=("statistics",)), cookie=f"dongui_id={visitor}")
        assert taken.status == "201 Created"
    assert collector.granted[visitor] == set()


# Pure.

OTHER_HEADERS = ["Origin", "X-Dongui", "User-Agent", "Cookie", "X-Forwarded-For", "Dongui-Address"]
BODIES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["events", "visitor", "ip", "notice"]), inner)
    ),
    max_leaves=8,
)


@given(
    method=st.sampled_from(["GET", "POST", "DELETE", "OPTIONS", "HEAD", "PUT", "é"]),
    path=st.sampled_from(["v1/consents", "v1/events", "v1/me", "v1/me/requests", "v1/policy", "policy"])
    | st.text(max_size=20),
    query=st.text(max_size=10),
    headers=st.fixed_dictionaries(
        {"Authorization": st.sampled_from(["", f"Bearer {SECRET}", "Bearer " + "a" * 22, "Basic x"])},
        optional=dict.fromkeys(OTHER_HEADERS, st.sampled_from(["1", "x", "x\r\ny: 1", "x\n 1", "\0", "é\x84"])),
    ),
    cookies=st.sampled_from(["", "dongui_id=" + "c" * 22, "dongui_id=short"]),
    body=BODIES.map(lambda value: json.dumps(value).encode()) | st.binary(max_size=20),
)
def test_no_request_gains_what_only_the_secret_key_may_say(
    method: str, path: str, query: str, headers: dict[str, str], cookies: str, body: bytes
) -> None:
    sent = {name.lower(): value for name, value in headers.items()}
    naming = CookieNaming()
    visit = ProxiedRequest(
        method=method,
        path="/_dongui/" + path,
        query=query,
        header=lambda name: sent.get(name, ""),
        host="shop.example.com",
        address="203.0.113.7",
        ids=visitor_ids(cookie_pairs(cookies), naming.https, naming.shared),
        naming=naming,
    )
    told = forward(visit, body, site=SITE, secret_key=SECRET, terms=UNKNOWN, now=now_s())
    if isinstance(told, Local):
        assert told.status in (400, 403, 404, 405)
        return
    assert isinstance(told, Forward)
    assert told.path.isascii()
    assert told.path.isprintable()
    assert SECRET not in str(told.headers)
    assert not re.search(r"[\x00-\x08\x0a-\x1f\x7f]", "".join(told.headers.values())), "a wire would refuse it as ours"
    assert told.headers["Dongui-Address"].startswith("203.0.113.7 ")
    assert "Cookie" not in told.headers
    assert told.first == ()
    own = path.startswith("v1/me")
    visitors = {"Bearer " + "a" * 22, "Bearer " + "c" * 22} | ({None} if not own or method == "OPTIONS" else set())
    assert told.headers.get("Authorization") in visitors
    assert own or "Authorization" not in told.headers
    if path == "v1/events" and method == "POST":
        said = json.loads(told.body or b"")
        assert all("ip" not in event for event in said.get("events", ()))
        assert said["visitor"] == ("c" * 22 if "c" * 22 in cookies else None)
