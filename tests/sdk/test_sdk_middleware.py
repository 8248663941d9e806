"""The WSGI middleware around applications, under ``wsgiref.validate``, beside a collector that really answers."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any
from wsgiref.util import FileWrapper

import pytest
from dongui import Client, ConfigurationError, Consent, ConsentMiddleware
from dongui.http.batches import Job

from tests.sdk.calls import call, choice, environ, run
from tests.sdk.conftest import ClientOf
from tests.sdk.sdk_stub import POLICY, Collector, running

Application = Callable[[dict[str, Any], Any], Iterable[bytes]]


def page(*headers: tuple[str, str], status: str = "200 OK", kind: str = "text/html; charset=utf-8") -> Application:
    def application(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        start_response(status, [("Content-Type", kind), *headers])
        return [b"<p>hello</p>"]

    return application


@pytest.fixture
def guard(collector: Collector, client_of: ClientOf) -> Callable[..., ConsentMiddleware]:
    def make(application: Application, **options: Any) -> ConsentMiddleware:
        return ConsentMiddleware(application, client=client_of(collector, **options))

    return make


def settled(middleware: ConsentMiddleware) -> dict[str, Any]:
    assert middleware.client.flush(60)
    return middleware.client.stats()


def test_a_page_view_is_recorded_as_far_as_it_was_granted(collector: Collector, guard: Any) -> None:
    visitor = collector.visitor("statistics")
    app = guard(page())
    got = call(
        app,
        "/상품/1".encode().decode("latin-1"),
        query="q=%EB%B9%A8%EA%B0%84+%EA%B5%AC%EB%91%90+kim@example.com&gclid=SENTINEL&secret=1",
        cookie=f"{choice('statistics')}; dongui_id={visitor}",
        REFERER="https://search.example.com/?q=kim%40example.com&utm_source=x",
        ACCEPT_LANGUAGE="ko-KR,ko;q=0.9",
    )
    assert got.body == b"<p>hello</p>"
    settled(app)
    [event] = collector.of(visitor)
    assert event["name"] == "pageview"
    assert event["url"] == "http://shop.example.com/%EC%83%81%ED%92%88/1?q=[email]"
    assert event["referrer"] == "https://search.example.com/?q=[email]&utm_source=x"
    assert event["environment"] == {"language": "ko-KR"}
    assert event["search"] == "빨간 구두 [email]"
    assert event["user_agent"] == "Mozilla/5.0 Firefox/130.0"
    assert event["ip"] == "203.0.113.7"
    assert "SENTINEL" not in str(event)
    assert event["id"][14] == "7"


def test_marketing_alone_records_the_advertising_id_and_nothing_of_the_page(collector: Collector, guard: Any) -> None:
    visitor = collector.visitor("marketing")
    app = guard(page())
    call(app, query="gclid=G1", cookie=f"{choice('marketing')}; dongui_id={visitor}; _fbp=fb.1; _ga=2")
    settled(app)
    [event] = collector.of(visitor)
    assert set(event) == {"id", "name", "at", "ad_ids", "cookies", "visitor", "address"}
    assert event["ad_ids"] == {"gclid": "G1"}
    assert event["cookies"] == {"_fbp": "fb.1"}
    assert event["name"] == "-"


def test_without_the_time_of_visit_the_id_tells_no_time(collector: Collector, guard: Any) -> None:
    visitor = collector.visitor("personalisation")
    app = guard(page())
    call(app, cookie=f"{choice('personalisation')}; dongui_id={visitor}")
    settled(app)
    [event] = collector.of(visitor)
    assert event["id"][14] == "4"


VISITOR = "AbCdEfGhIjKlMnOpQrStU_"


@pytest.mark.parametrize(
    ("application", "request_", "options"),
    [
        pytest.param(page(), {"cookie": ""}, {}, id="nobody has chosen"),
        pytest.param(page(), {"cookie": choice("statistics")}, {}, id="no visitor id"),
        pytest.param(page(), {"cookie": f"{choice()}; dongui_id={VISITOR}"}, {}, id="refused"),
        pytest.param(page(), {"method": "POST"}, {}, id="not asked for with GET"),
        pytest.param(page(), {"method": "HEAD"}, {}, id="HEAD"),
        pytest.param(page(kind="application/json"), {}, {}, id="no page"),
        pytest.param(page(status="404 Not Found"), {}, {}, id="not found"),
        pytest.param(page(status="302 Found"), {}, {}, id="redirect"),
        pytest.param(page(), {"SEC_PURPOSE": "prefetch;prerender"}, {}, id="prefetched"),
        pytest.param(page(), {"SEC_FETCH_DEST": "empty"}, {}, id="fetched by a script"),
        pytest.param(page(), {"USER_AGENT": "Mozilla/5.0 (compatible; Googlebot/2.1)"}, {}, id="a bot"),
        pytest.param(page(), {"path": "/healthz"}, {}, id="a health check"),
        pytest.param(page(), {"path": "/static/about.html"}, {}, id="a static file"),
        pytest.param(page(), {"path": "/admin/x"}, {"exclude": ["/admin/"]}, id="an excluded path"),
        pytest.param(page(), {}, {"page_view_if": lambda environ: False}, id="the site's own rule"),
        pytest.param(page(), {}, {"page_views": False}, id="switched off"),
    ],
)
def test_what_is_no_page_view_is_not_recorded(
    collector: Collector, guard: Any, application: Application, request_: dict[str, Any], options: dict[str, Any]
) -> None:
    collector.granted[VISITOR] = {"statistics"}
    app = guard(application, **options)
    call(app, **{"cookie": f"{choice('statistics')}; dongui_id={VISITOR}", **request_})
    settled(app)
    assert collector.batches == []


def test_a_bot_is_not_every_name_with_bot_in_it(collector: Collector, guard: Any) -> None:
    collector.granted[VISITOR] = {"statistics"}
    app = guard(page())
    call(app, cookie=f"{choice('statistics')}; dongui_id={VISITOR}", USER_AGENT="Mozilla/5.0 (Linux; CUBOT NOTE)")
    settled(app)
    assert len(collector.of(VISITOR)) == 1


def test_cookies_that_are_not_covered_are_dropped_and_names_are_reported_once(collector: Collector, guard: Any) -> None:
    app = guard(page(("Set-Cookie", "_ga=1"), ("Set-Cookie", "session=2"), ("Set-Cookie", "theme=3")))
    for _ in range(3):
        assert call(app).cookies() == ["session", "theme"]
    assert call(app, cookie=choice("statistics")).cookies() == ["_ga", "session", "theme"]
    settled(app)
    assert collector.posts == [("/v1/inventory", {"site": "site-one", "cookies": ["_ga", "session", "theme"]})]


def test_reporting_only_drops_nothing(guard: Any) -> None:
    app = guard(page(("Set-Cookie", "_ga=1")), report_only=True)
    assert call(app).cookies() == ["_ga"]


def test_strict_mode_drops_what_is_not_declared(guard: Any) -> None:
    app = guard(page(("Set-Cookie", "theme=1"), ("Set-Cookie", "session=1")), strict=True)
    assert call(app).cookies() == ["session"]


def test_debug_mode_says_which_line_of_the_policy_is_missing(guard: Any, caplog: pytest.LogCaptureFixture) -> None:
    app = guard(page(("Set-Cookie", "theme=1"), ("Set-Cookie", "_ga=1")), strict=True, debug=True)
    with caplog.at_level(logging.WARNING, "dongui"):
        call(app)
    assert '[[cookies]] name = "theme"' in caplog.text
    assert "[purposes.statistics]" in caplog.text


def test_the_inventory_is_bounded(collector: Collector, guard: Any) -> None:
    def application(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        name = environ["PATH_INFO"][1:]
        start_response("200 OK", [("Content-Type", "text/plain"), ("Set-Cookie", f"{name}=1")])
        return [b""]

    app = guard(application)
    for number in range(300):
        call(app, f"/cart_{number}")
    settled(app)
    call(app, "/kim%40example.com")
    call(app, "/kim@example.com")
    settled(app)
    assert sum(len(body["cookies"]) for _, body in collector.posts) == 200
    assert "kim" not in str(collector.posts)


def test_cookies_left_behind_by_a_withdrawal_are_ended(guard: Any) -> None:
    app = guard(page())
    got = call(app, cookie=f"{choice('statistics')}; _ga=1; _fbp=2; session=3")
    assert [value for value in got.all("Set-Cookie") if "Domain" not in value] == ["_fbp=; Max-Age=0; Path=/"]
    assert (got.all("Vary"), got.all("Cache-Control")) == (["Cookie"], ["private"]), "nobody else may be told this"
    for cached in ("public, max-age=60", "max-age=60", "s-maxage=5"):
        shared = guard(page(("Cache-Control", cached)))
        assert call(shared, cookie=f"{choice()}; _fbp=2").headers == [
            ("Content-Type", "text/html; charset=utf-8"),
            ("Cache-Control", cached),
        ]
    own = guard(page(("Cache-Control", "private, max-age=60")))
    assert call(own, cookie=f"{choice()}; _fbp=2").cookies() != []
    assert call(app, cookie="_fbp=2").cookies() == [], "nobody was asked yet"
    assert call(guard(page(kind="text/css")), cookie=f"{choice()}; _fbp=2").cookies() == [], "a file that is cached"
    assert call(guard(page(), expire_cookies=False), cookie=f"{choice()}; _fbp=2").cookies() == []


def test_the_application_reads_the_consent_and_its_answer_is_private(guard: Any) -> None:
    seen: list[Consent] = []

    def application(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        consent = environ["dongui.consent"]
        seen.append(consent)
        reads = environ["PATH_INFO"] == "/reads"
        text = str(consent.granted("statistics")) if reads else "-"
        start_response("200 OK", [("Content-Type", "text/plain"), ("Vary", "Accept-Encoding")])
        return [text.encode()]

    app = guard(application)
    got = call(app, "/reads", cookie=choice("statistics"))
    assert got.body == b"True"
    assert got.all("Vary") == ["Accept-Encoding", "Cookie"]
    assert got.all("Cache-Control") == ["private"]
    assert call(app, "/other", cookie=choice("statistics")).headers == [
        ("Content-Type", "text/plain"),
        ("Vary", "Accept-Encoding"),
    ]
    assert isinstance(seen[0], Consent)


def test_cookies_can_be_hidden_from_the_application(guard: Any) -> None:
    def application(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        start_response("200 OK", [("Content-Type", "text/plain")])
        return [environ["HTTP_COOKIE"].encode()]

    cookie = f"{choice('statistics')}; _ga=1; _fbp=2; session=3"
    assert call(guard(application, hide_cookies=True), cookie=cookie).body.decode() == cookie.replace("_fbp=2; ", "")
    assert call(guard(application), cookie=cookie).body.decode() == cookie


# WSGI's own rules.


class Closing:
    def __init__(self, parts: list[bytes]) -> None:
        self.parts = parts
        self.closed = 0

    def __iter__(self) -> Iterator[bytes]:
        yield from self.parts

    def close(self) -> None:
        self.closed += 1


def test_the_answer_is_the_applications_own_object(guard: Any) -> None:
    answer = Closing([b"a", b"b"])

    def application(environ: dict[str, Any], start_response: Any) -> Closing:
        start_response("200 OK", [("Content-Type", "text/html")])
        return answer

    app = guard(application)
    assert app(environ(), lambda *_: lambda data: None) is answer, "so servers find their file wrapper and close()"
    assert run(app, environ()).body == b"ab"
    assert answer.closed == 1


def test_a_file_wrapper_reaches_the_server(guard: Any, tmp_path: Any) -> None:
    file = tmp_path / "page.html"
    file.write_bytes(b"<p>file</p>")

    def application(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        start_response("200 OK", [("Content-Type", "text/html")])
        wrapped: Iterable[bytes] = environ["wsgi.file_wrapper"](file.open("rb"))
        return wrapped

    made = {**environ(), "wsgi.file_wrapper": FileWrapper}
    answer = guard(application)(made, lambda *_: lambda data: None)
    assert isinstance(answer, FileWrapper)
    answer.close()


def test_headers_that_need_no_change_are_the_very_same(guard: Any) -> None:
    headers = [("Content-Type", "text/plain"), ("Set-Cookie", "session=1"), ("X", "y")]
    sent: list[Any] = []

    def application(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        start_response("200 OK", headers)
        return [b""]

    guard(application)(environ(), lambda status, given: sent.append(given))
    assert sent[0] is headers


def test_exceptions_pass_untouched_and_are_no_page_view(collector: Collector, guard: Any) -> None:
    def application(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        start_response("200 OK", [("Content-Type", "text/html")])
        raise LookupError("the application's own")

    visitor = collector.visitor("statistics")
    app = guard(application)
    with pytest.raises(LookupError, match="the application's own"):
        call(app, cookie=f"{choice('statistics')}; dongui_id={visitor}")
    assert settled(app)["mishaps"] == {}
    assert collector.of(visitor) == []


def test_an_error_page_replaces_the_answer_and_is_no_page_view(collector: Collector, guard: Any) -> None:
    def application(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        start_response("200 OK", [("Content-Type", "text/html"), ("Set-Cookie", "_ga=1")])
        try:
            raise LookupError
        except LookupError as error:
            info = (type(error), error, error.__traceback__)
            start_response("500 Oh", [("Content-Type", "text/html"), ("Set-Cookie", "_ga=2")], info)
        return [b"sorry"]

    visitor = collector.visitor("marketing")
    app = guard(application)
    got = call(app, cookie=f"{choice('marketing')}; dongui_id={visitor}")
    assert (got.status, got.body, got.cookies()) == ("500 Oh", b"sorry", [])
    settled(app)
    assert collector.of(visitor) == []


def test_exc_info_after_the_headers_raises_as_the_server_wants(guard: Any) -> None:
    def application(environ: dict[str, Any], start_response: Any) -> Iterator[bytes]:
        start_response("200 OK", [("Content-Type", "text/html")])
        yield b"begun"
        try:
            raise LookupError("late")
        except LookupError as error:
            start_response("500 Oh", [("Content-Type", "text/html")], (type(error), error, error.__traceback__))

    with pytest.raises(LookupError, match="late"):
        call(guard(application))


def test_a_generator_that_starts_late_is_a_page_view_too(collector: Collector, guard: Any) -> None:
    def application(environ: dict[str, Any], start_response: Any) -> Iterator[bytes]:
        start_response("200 OK", [("Content-Type", "text/html")])
        yield b"one"
        yield b"two"

    visitor = collector.visitor("statistics")
    app = guard(application)
    assert call(app, cookie=f"{choice('statistics')}; dongui_id={visitor}").body == b"onetwo"
    settled(app)
    assert len(collector.of(visitor)) == 1


def test_write_is_the_servers_own(guard: Any) -> None:
    def application(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        write = start_response("200 OK", [("Content-Type", "text/html")])
        write(b"old ")
        return [b"style"]

    assert call(guard(application)).body == b"old style"


def test_an_error_of_our_own_changes_nothing_and_is_seen(
    guard: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    app = guard(page(("Set-Cookie", "session=1")))
    monkeypatch.setattr(app.site, "guarded", None)
    got = call(app)
    assert (got.status, got.body, got.cookies()) == ("200 OK", b"<p>hello</p>", ["session"])
    assert settled(app)["mishaps"] == {"answer": 1}
    assert "an error of its own" in caplog.text


def test_where_we_fail_the_application_finds_a_consent_that_grants_nothing(
    guard: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def application(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        start_response("200 OK", [("Content-Type", "text/plain")])
        return [str(environ["dongui.consent"].granted("service")).encode()]

    app = guard(application)
    monkeypatch.setattr(app.site, "consent", None)
    assert call(app, cookie=choice("statistics")).body == b"False"
    assert settled(app)["mishaps"] == {"request": 1}


def test_strange_headers_of_the_application_are_the_servers_to_judge(guard: Any) -> None:
    sent: list[Any] = []

    def application(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        start_response("200 OK", [("Content-Type",), None, 7])
        return [b""]

    guard(application)(environ(), lambda status, given: sent.append(given))
    assert sent == [[("Content-Type",), None, 7]]


# Learning the policy.


def test_a_collector_that_is_away_leaves_the_site_as_it_is_but_for_trackers(client_of: ClientOf) -> None:
    client = client_of("http://127.0.0.1:9", learn_timeout=0.2)
    app = ConsentMiddleware(page(("Set-Cookie", "_ga=1"), ("Set-Cookie", "session=1")), client=client)
    got = call(app, cookie=f"{choice('statistics')}; dongui_id={VISITOR}")
    assert (got.status, got.body, got.cookies()) == ("200 OK", b"<p>hello</p>", ["session"])
    assert client.stats()["policy"] == "unknown"
    assert client.stats()["queued"] <= 1, "the name of the undeclared cookie, for the inventory; no event"


def test_the_policy_is_learned_when_the_collector_comes_up(client_of: ClientOf) -> None:
    with running() as first:
        port = first.port
    client = client_of(f"http://127.0.0.1:{port}", learn_timeout=0.1)
    app = ConsentMiddleware(page(("Set-Cookie", "_ga=1")), client=client)
    assert call(app, cookie=choice("statistics")).cookies() == []
    with running(port=port) as second:
        second.wait_for(lambda: client.stats()["policy"] == "v1")
        assert call(app, cookie=choice("statistics")).cookies() == ["_ga"]
    second.wait_for(lambda: client.stats()["policy"] == "v1")
    assert call(app, cookie=choice("statistics")).cookies() == ["_ga"], "the last policy known stays in force"


def test_a_newer_policy_is_learned_in_the_background(collector: Collector, client_of: ClientOf) -> None:
    client = client_of(collector, refresh=0.05)
    app = ConsentMiddleware(page(("Set-Cookie", "_ga=1")), client=client)
    assert call(app, cookie=choice("statistics")).cookies() == ["_ga"]
    collector.policy = {**POLICY, "version": "v2", "accepts": ["v2"]}
    collector.wait_for(lambda: client.stats()["policy"] == "v2")
    assert call(app, cookie=choice("statistics")).cookies() == []
    assert call(app, cookie=choice("statistics", version="v2")).cookies() == ["_ga"]


@pytest.mark.parametrize("mode", ["garbage", "page", "error", "down"])
def test_nonsense_leaves_the_last_policy_in_force(collector: Collector, client_of: ClientOf, mode: str) -> None:
    client = client_of(collector, refresh=0.02)
    collector.mode = mode
    asked = len(collector.requests)
    collector.wait_for(lambda: len(collector.requests) > asked + 3)
    assert client.stats()["policy"] == "v1"
    collector.mode = "ok"


def test_a_choice_under_a_newer_notice_makes_us_look_for_it(collector: Collector, client_of: ClientOf) -> None:
    client = client_of(collector, refresh=600)
    app = ConsentMiddleware(page(("Set-Cookie", "_ga=1")), client=client)
    collector.policy = {**POLICY, "version": "v2", "accepts": ["v2"]}
    newer = f"{choice('statistics', version='v2')}; dongui_id={VISITOR}"
    client.knowledge._asked -= 3600
    assert call(app, cookie=newer).cookies() == []
    collector.wait_for(lambda: client.stats()["policy"] == "v2")
    assert call(app, cookie=newer).cookies() == ["_ga"]


def test_a_client_has_options_of_its_own(collector: Collector, client_of: ClientOf) -> None:
    with pytest.raises(ConfigurationError, match="strict"):
        ConsentMiddleware(page(), client=client_of(collector), strict=True)


def test_what_is_printed_or_reported_holds_no_secret_and_no_id(collector: Collector, client_of: ClientOf) -> None:
    client = client_of(collector)
    consent = Consent(client.knowledge.terms, f"{choice('statistics')}; dongui_id={VISITOR}")
    printed = repr([client.options, client, consent, Job(VISITOR, "/v1/events", VISITOR.encode(), bearer=VISITOR)])
    assert client.options.secret_key not in printed
    assert VISITOR not in printed


def test_options_are_checked_at_the_start(collector: Collector) -> None:
    with pytest.raises(TypeError, match="strickt"):
        ConsentMiddleware(page(), site="s", collector=collector.url, secret_key="k", strickt=True)  # type: ignore[call-arg]


def test_the_start_waits_for_the_policy_but_not_for_ever(collector: Collector, client_of: ClientOf) -> None:
    collector.delay = 30.0
    began = time.monotonic()
    client = client_of(collector, learn_timeout=0.1)
    assert time.monotonic() - began < 20
    assert client.stats()["policy"] == "unknown"
    collector.delay = 0.0


def test_a_client_outside_a_request(collector: Collector, client_of: ClientOf) -> None:
    client: Client = client_of(collector)
    visitor = collector.visitor("statistics")
    assert client.track(visitor, "purchase", props={"total": 12000})
    assert client.flush(60)
    assert [event["props"] for event in collector.of(visitor)] == [{"total": 12000}]


@pytest.mark.parametrize("mode", ["down", "garbage", "page", "full", "error"])
def test_whatever_the_collector_does_pages_stay_the_same_and_views_arrive_once(
    collector: Collector, client_of: ClientOf, mode: str
) -> None:
    client = client_of(collector)
    visitors = [collector.visitor("statistics") for _ in range(20)]
    app = ConsentMiddleware(page(("Set-Cookie", "_ga=1"), ("Set-Cookie", "session=2")), client=client)
    cookies = [f"{choice('statistics')}; dongui_id={visitor}" for visitor in visitors]
    wanted = [call(app, "/", cookie=cookie) for cookie in cookies]
    assert client.flush(60)
    collector.mode = mode
    for _ in range(5):
        assert [call(app, "/again", cookie=cookie) for cookie in cookies] == wanted
    collector.wait_for(lambda: client.stats()["failures"])
    collector.mode = "ok"
    assert client.flush(60)
    for visitor in visitors:
        assert [event["url"].rpartition("/")[2] for event in collector.of(visitor)] == ["", *["again"] * 5]
    assert collector.twice == 0
    assert client.stats()["lost"] == {}
