"""The SDK beside the real collector: what is granted arrives, what is withdrawn is gone."""

from __future__ import annotations

import gzip
import json
import threading
from collections.abc import Iterator
from contextlib import closing
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar

import httpx
import pytest
from dongui import Client, ConsentMiddleware

from tests.collector import ORIGIN, Installation
from tests.sdk.calls import Result, call
from tests.sdk.conftest import QUICK

CHROME = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36"


@pytest.fixture(scope="module")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """Of one site alone."""
    with closing(Installation(tmp_path_factory.mktemp("installation") / "site")) as made:
        yield made.start()


@pytest.fixture
def client(installation: Installation) -> Iterator[Client]:
    client = Client(
        site=installation.site,
        collector=installation.base,
        secret_key=installation.secret,
        delivery=QUICK,
        learn_timeout=60,
    )
    yield client
    client.close()


class Browser:
    """Keeps the cookies of the shop's answers and brings them along."""

    def __init__(self, app: Any) -> None:
        self.app = app
        self.jar: dict[str, str] = {}

    def ask(self, path: str, **request: Any) -> Result:
        cookie = "; ".join(f"{name}={value}" for name, value in self.jar.items())
        got = call(self.app, path, cookie=cookie, **{"USER_AGENT": CHROME, "HOST": "shop.example.com", **request})
        for line in got.all("Set-Cookie"):
            name, _, value = line.partition(";")[0].partition("=")
            if "Max-Age=0" in line:
                self.jar.pop(name, None)
            else:
                self.jar[name] = value
        return got

    def post(self, path: str, body: dict[str, Any]) -> Result:
        return self.ask(path, method="POST", body=json.dumps(body).encode(), ORIGIN=ORIGIN, CONTENT_TYPE="text/plain")

    def decide(self, installation: Installation, granted: list[str], refused: list[str]) -> dict[str, Any]:
        body = {"site": installation.site, "visitor": None, "notice": installation.notice(), "granted": granted}
        got = self.post("/_dongui/v1/consents", {**body, "refused": refused, "method": "banner", "lang": "ko"})
        assert got.status == "201 Created", got.body
        return dict(json.loads(got.body))

    def held(self) -> dict[str, Any]:
        got = self.ask("/_dongui/v1/me", X_DONGUI="1")
        assert got.status == "200 OK", got.body
        return dict(json.loads(got.body))


def shop(environ: dict[str, Any], start_response: Any) -> list[bytes]:
    start_response("200 OK", [("Content-Type", "text/html"), ("Set-Cookie", "_ga=1"), ("Set-Cookie", "_fbp=2")])
    return [b"<p>shop</p>"]


@pytest.fixture
def browser(client: Client) -> Browser:
    return Browser(ConsentMiddleware(shop, client=client))


def test_the_whole_way_of_a_visitor(installation: Installation, client: Client, browser: Browser) -> None:
    assert browser.ask("/", query="gclid=SENTINELONE").cookies() == []
    assert browser.jar == {}

    answer = browser.decide(installation, ["statistics"], ["marketing", "personalisation"])
    assert answer["visitor"] is None
    assert set(browser.jar) == {"__Host-dongui", "__Host-dongui_id"}

    assert browser.ask("/products/1", query="gclid=SENTINELTWO&utm_source=mail").cookies() == ["_ga"]
    assert client.flush(60)
    assert client.stats()["recorded"] == 1, client.stats()
    [row] = browser.held()["events"]
    assert row["url"] == "http://shop.example.com/products/1?utm_source=mail"
    assert row["ip_address"] == "203.0.113.7"
    assert row["environment"]["browser"].startswith("Chrome")
    assert row["advertising_ids"] is None
    assert row["source"]

    browser.decide(installation, [], ["statistics"])
    assert "__Host-dongui_id" not in browser.jar
    assert browser.ask("/").cookies()[:1] == ["_ga"], "ended, not set"
    assert client.flush(60)
    assert client.stats()["recorded"] == 1
    assert b"SENTINEL" not in installation.bytes()


def test_reports_tell_the_share_that_consented(installation: Installation, client: Client) -> None:
    asked = ["reports", "overview", "--from", "2000-01-01", "--to", "2999-12-31", "--purpose", "statistics"]
    before = json.loads(installation.run(*asked, "--json").stdout)["counted"] or {"page_views": 0, "recorded": 0}
    app = ConsentMiddleware(shop, client=client)
    refusing, granting = Browser(app), Browser(app)
    refusing.decide(installation, [], ["personalisation", "statistics", "marketing"])
    granting.decide(installation, ["statistics"], [])
    for browser in (refusing, Browser(app), Browser(app), granting):
        browser.ask("/")
    client.close()
    answer = json.loads(installation.run(*asked, "--json").stdout)
    assert answer["counted"]["page_views"] - before["page_views"] == 4
    assert answer["counted"]["recorded"] - before["recorded"] == 1
    assert answer["consented"] == round(answer["counted"]["recorded"] / answer["counted"]["page_views"], 4)


def test_the_client_speaks_for_the_visitor(installation: Installation, client: Client, browser: Browser) -> None:
    browser.decide(installation, ["statistics"], [])
    visitor = browser.jar["__Host-dongui_id"]
    assert client.track(
        visitor, "purchase", props={"total": 12000, "mail": "kim@example.com"}, url="https://shop.example.com/cart"
    )
    assert client.flush(60)
    answer = client.access(visitor)
    assert answer
    [row] = answer.data["events"]
    assert (row["name"], row["props"]) == ("purchase", {"total": 12000, "mail": "[email]"})

    assert client.suspend(visitor)
    assert client.track(visitor, "while suspended")
    assert client.flush(60)
    assert client.stats()["refused"] == {"suspended": 1}
    assert client.resume(visitor)

    assert client.withdraw(visitor, "statistics")
    assert client.access(visitor).data.get("events", []) == []
    assert client.erase(visitor)
    assert client.access(visitor).problem == "urn:dongui:problem:unknown-visitor"


def test_records_and_members(installation: Installation, client: Client, browser: Browser) -> None:
    browser.decide(installation, ["statistics", "marketing"], [])
    visitor = browser.jar["__Host-dongui_id"]
    assert client.record("payment", "order-17", {"amount": 12000}, source="settlement")
    assert client.closed(visitor, "member-17")
    assert client.send_inventory(["_ga", "theme"])
    assert client.flush(60)
    assert client.stats()["lost"] == {}, client.stats()


def test_the_inventory_says_which_cookies_are_declared(installation: Installation, client: Client) -> None:
    app = ConsentMiddleware(serving_cookies, client=client)
    call(app, cookie="tracker=SENTINELFOUR")
    assert client.flush(60)
    rows = {row["name"]: row for row in json.loads(installation.run("sites", "cookies", "--json").stdout)}
    today = [rows["_ga"]["first_seen"], rows["_ga"]["last_seen"]]
    assert (rows["_ga"]["declared"], rows["_ga"]["purpose"]) == (True, "statistics")
    assert (rows["own_thing"]["declared"], rows["own_thing"]["purpose"]) == (False, None)
    assert "tracker" not in rows, "what a browser sends is no cookie of the site's"
    assert len(set(today)) == 1
    assert "own_thing" in installation.run("sites", "cookies").stdout
    assert b"SENTINELTHREE" not in installation.bytes()
    assert b"SENTINELFOUR" not in installation.bytes()


def serving_cookies(environ: dict[str, Any], start_response: Any) -> list[bytes]:
    headers = [("Set-Cookie", "_ga=SENTINELTHREE"), ("Set-Cookie", "own_thing=SENTINELTHREE")]
    start_response("200 OK", [("Content-Type", "text/html"), *headers])
    return [b""]


def test_sign_up_brings_its_own_consents(installation: Installation, client: Client) -> None:
    answer = client.consent(None, granted=["statistics"], refused=["marketing"], method="signup")
    assert answer
    assert answer.data["state"]["statistics"] == "given"
    assert client.track(answer.data["visitor"], "signed up")
    assert client.flush(60)
    assert [row["name"] for row in client.access(answer.data["visitor"]).data["events"]] == ["signed up"]


def test_the_policy_page_and_the_snippet_are_on_the_sites_own_origin(
    installation: Installation, browser: Browser
) -> None:
    page = browser.ask("/_dongui/policy", query=f"site={installation.site}&lang=ko")
    assert "개인정보 처리방침" in page.body.decode()
    script = browser.ask("/_dongui/v1/dongui.js")
    assert script.status == "200 OK"
    [etag] = script.all("ETag")
    assert browser.ask("/_dongui/v1/dongui.js", IF_NONE_MATCH=etag).status.startswith("304")


def test_the_snippet_learns_who_counts_and_keeps_it(installation: Installation, browser: Browser) -> None:
    for what in ("policy", "notice"):
        where = {"query": f"site={installation.site}&lang=ko"}
        direct = installation.http.get(f"/v1/{what}?{where['query']}", headers={"accept-encoding": "identity"})
        got = browser.ask(f"/_dongui/v1/{what}", **where, ACCEPT_ENCODING="gzip, br")
        assert json.loads(gzip.decompress(got.body)) == {**direct.json(), "page_views": "server"}
        assert got.all("Cache-Control") == [direct.headers["cache-control"]] == ["public, max-age=60"]
        [etag] = got.all("ETag")
        assert etag not in (direct.headers["etag"], f'{direct.headers["etag"][:-1]}-gz"')
        assert browser.ask(f"/_dongui/v1/{what}", **where, IF_NONE_MATCH=etag).status == "200 OK", "not gzipped"
        again = browser.ask(f"/_dongui/v1/{what}", **where, IF_NONE_MATCH=etag, ACCEPT_ENCODING="gzip")
        assert (again.status, again.body, again.all("ETag")) == ("304 Not Modified", b"", [etag])
        stale = browser.ask(f"/_dongui/v1/{what}", **where, IF_NONE_MATCH=direct.headers["etag"])
        assert stale.status == "200 OK", "the collector's own answer is another one"
        assert json.loads(stale.body)["page_views"] == "server"


def test_a_restart_loses_nothing_that_was_promised(tmp_path: Path) -> None:
    made = Installation(tmp_path / "site").start()
    client = Client(site=made.site, collector=made.base, secret_key=made.secret, delivery=QUICK, learn_timeout=60)
    try:
        visitor = made.consent(["statistics"])["visitor"]
        for number in range(50):
            assert client.track(visitor, f"before-{number}")
        assert client.record("abuse", visitor, {"when": "before"})
        made.stop(9)
        for number in range(50):
            assert client.track(visitor, f"while-{number}")
        assert client.record("abuse", visitor, {"when": "while"})
        made.start()
        assert client.flush(60)
        names = [row["name"] for row in made.me(visitor)["events"]]
        assert sorted(names) == sorted([f"before-{n}" for n in range(50)] + [f"while-{n}" for n in range(50)])
        assert sorted(one["data"]["when"] for one in made.me(visitor)["records"]) == ["before", "while"]
    finally:
        client.close()
        made.close()


class Swallowing(BaseHTTPRequestHandler):
    """Between client and collector: passes every request on, and hangs up before its answer the first time."""

    protocol_version = "HTTP/1.1"
    collector: ClassVar[str]
    swallowed: ClassVar[set[bytes]]

    def do_GET(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        headers = {
            name: value for name, value in self.headers.items() if name.lower() not in ("host", "content-length")
        }
        reply = httpx.request(self.command, self.collector + self.path, content=body, headers=headers)
        if body and body not in self.swallowed:
            self.swallowed.add(body)
            self.close_connection = True
            return
        self.send_response(reply.status_code)
        self.send_header("Content-Type", reply.headers.get("content-type", ""))
        self.send_header("Content-Length", str(len(reply.content)))
        self.end_headers()
        self.wfile.write(reply.content)

    do_POST = do_GET

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def between(installation: Installation) -> Iterator[tuple[str, set[bytes]]]:
    """(an address that loses answers, the requests whose answer was lost)."""
    swallowed: set[bytes] = set()
    handler = type("Handler", (Swallowing,), {"collector": installation.base, "swallowed": swallowed})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.block_on_close = False
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}", swallowed
    server.shutdown()
    thread.join()
    server.server_close()


def test_what_was_stored_though_its_answer_was_lost_is_there_once(
    installation: Installation, between: tuple[str, set[bytes]]
) -> None:
    address, swallowed = between
    client = Client(
        site=installation.site,
        collector=address,
        secret_key=installation.secret,
        delivery=QUICK,
        learn_timeout=60,
    )
    visitor = installation.consent(["statistics"])["visitor"]
    for number in range(5):
        assert client.track(visitor, f"event-{number}", props={"text": "x" * 2000})
        assert client.record("abuse", visitor, {"number": number})
    assert client.flush(60)
    client.close()
    assert len(swallowed) >= 6, "every record, and events"
    held = installation.me(visitor)
    assert sorted(event["name"] for event in held["events"]) == [f"event-{n}" for n in range(5)]
    assert sorted(one["data"]["number"] for one in held["records"]) == list(range(5))
