"""The consumer's side, beside the real desk."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from datetime import date, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer, ThreadingHTTPServer
from typing import ClassVar
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from dongui import AnswerError, ConfigurationError
from dongui.reader import Reader

from tests.collector import Installation, event

TODAY = date.today()
FIRST, LAST = TODAY - timedelta(days=1), TODAY + timedelta(days=1)


@pytest.fixture(scope="module")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    made = Installation(tmp_path_factory.mktemp("reader") / "site")
    try:
        made.start()
        wait_for_the_desk(made)
        yield made
    finally:
        made.close()


def wait_for_the_desk(made: Installation) -> None:
    end = time.monotonic() + 30
    while True:
        try:
            if httpx.get(f"http://127.0.0.1:{made.desk_port}/healthz").status_code == 200:
                return
        except httpx.TransportError:
            assert time.monotonic() < end, made.log.read_text()
            time.sleep(0.05)


@pytest.fixture
def reader(installation: Installation) -> Iterator[Reader]:
    made = json.loads(installation.run("tokens", "create", "--purpose", "statistics", "--json").stdout)
    reader = Reader(f"http://127.0.0.1:{installation.desk_port}", made["token"])
    yield reader
    reader.close()


def test_events_come_one_by_one_and_what_ended_is_told(installation: Installation, reader: Reader) -> None:
    visitor = installation.consent(["statistics", "marketing"])["visitor"]
    sent = [event(url=f"https://shop.example.com/{number}?gclid=SENTINEL") for number in range(300)]
    for start in range(0, 300, 100):
        assert installation.send(visitor, *sent[start : start + 100]).json()["recorded"] == 100
    rows = list(reader.events(FIRST, LAST))
    assert len(rows) == 300
    assert {row["advertising_ids"] for row in rows} == {None}
    assert {tuple(row["purposes"]) for row in rows} == {("statistics",)}
    [name] = {row["visitor"] for row in rows}
    assert visitor not in str(rows)

    before = [entry["cursor"] for entry in reader.erasures()]
    installation.consent([], ["statistics"], visitor)
    [ended] = list(reader.erasures(before[-1] if before else 0))
    assert (ended["kind"], ended["visitor"], ended["purposes"]) == ("withdrawal", name, ["statistics"])
    assert list(reader.events(FIRST, LAST)) == []

    stop = threading.Event()
    followed = reader.follow(every=0.01, stop=stop)
    assert next(followed)["kind"] == "withdrawal"
    stop.set()
    list(followed)


def test_a_refusal_is_raised_with_its_type(installation: Installation, reader: Reader) -> None:
    with pytest.raises(AnswerError) as error:
        list(reader.events(FIRST, LAST, purposes=["marketing"]))
    assert error.value.status in (400, 403)
    assert error.value.type.startswith("urn:dongui:problem:")
    stranger = Reader(f"http://127.0.0.1:{installation.desk_port}", "dgt_no_such_token")
    with pytest.raises(AnswerError) as error:
        list(stranger.erasures())
    assert error.value.status == 401
    stranger.close()


class Desk(BaseHTTPRequestHandler):
    """Answers reports, and remembers how it was asked."""

    asked: ClassVar[list[tuple[str, dict[str, list[str]], str]]] = []

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        self.asked.append((parts.path, parse_qs(parts.query), self.headers["Authorization"]))
        known = parts.path == "/v1/reports/pages"
        body = (
            {"report": "pages", "rows": [{"path": "/상점", "views": 7}]} if known else {"type": "urn:x", "title": "no"}
        )
        data = json.dumps(body).encode()
        self.send_response(200 if known else 404)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_: object) -> None:
        pass


def test_a_report_is_asked_for_as_the_contract_has_it() -> None:
    Desk.asked.clear()
    with ThreadingHTTPServer(("127.0.0.1", 0), Desk) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        reader = Reader(f"http://127.0.0.1:{server.server_port}", "dgt_token", site="s1")
        found = reader.report("pages", date(2026, 11, 1), date(2026, 11, 30), interval="day", path="/상점&to=x")
        assert found["rows"] == [{"path": "/상점", "views": 7}]
        with pytest.raises(AnswerError, match="the desk answered 404: no"):
            reader.report("../v1/feed/erasures?x=", FIRST, LAST)
        reader.close()
        server.shutdown()
        thread.join()
    first, second = Desk.asked
    query = {"site": ["s1"], "from": ["2026-11-01"], "to": ["2026-11-30"], "interval": ["day"], "path": ["/상점&to=x"]}
    assert first == ("/v1/reports/pages", query, "Bearer dgt_token")
    assert second[0] == "/v1/reports/..%2Fv1%2Ffeed%2Ferasures%3Fx%3D"
    assert set(second[1]) == {"site", "from", "to"}


def test_days_and_site_are_no_filters() -> None:
    reader = Reader("http://127.0.0.1:9", "dgt_token")
    for name in ("site", "from", "to"):
        with pytest.raises(ConfigurationError, match="no filter"):
            reader.report("pages", FIRST, LAST, **{name: "x"})


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{}\n", "did not answer"),
        (b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n{}\n{", "broke off"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n[]\n", "not what its API promises"),
        (b"garbage", "did not answer"),
    ],
    ids=["short", "half a line", "no object", "garbage"],
)
def test_an_answer_that_is_not_whole_is_never_taken_for_one(answer: bytes, message: str) -> None:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.wfile.write(answer)
            self.close_connection = True

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.handle_request).start()
        reader = Reader(f"http://127.0.0.1:{server.server_port}", "token", timeout=5)
        with pytest.raises(AnswerError, match=message):
            list(reader.events(FIRST, LAST))
        reader.close()


def test_a_token_is_needed() -> None:
    with pytest.raises(ConfigurationError, match="dongui tokens create"):
        Reader("http://127.0.0.1:8788", "")
