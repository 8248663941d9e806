"""The consumer's side, beside the real desk."""

from __future__ import annotations

import copy
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from dongui import AnswerError, ConfigurationError
from dongui.reader import Reader

from tests.clock import today
from tests.collector import ORIGIN, Installation, event

TODAY = today()
FIRST, LAST = TODAY - timedelta(days=1), TODAY + timedelta(days=1)


def wait_for_the_desk(made: Installation) -> None:
    end = time.monotonic() + 60
    while True:
        try:
            if httpx.get(f"http://127.0.0.1:{made.desk_port}/healthz").status_code == 200:
                return
        except httpx.TransportError:
            assert time.monotonic() < end, made.log.read_text()
            time.sleep(0.05)


@pytest.fixture(scope="module")
def own(installation: Installation) -> Installation:
    """A site of these tests' own."""
    wait_for_the_desk(installation)
    added = json.loads(installation.run("sites", "add", "read", "--origin", ORIGIN, "--json").stdout)
    own = copy.copy(installation)
    own.site, own.secret = added["site"], added["secret_key"]
    return own


@pytest.fixture(scope="module")
def reader(own: Installation) -> Iterator[Reader]:
    asked = ["tokens", "create", "--site", own.site, "--purpose", "statistics", "--json"]
    made = json.loads(own.run(*asked).stdout)
    reader = Reader(f"http://127.0.0.1:{own.desk_port}", made["token"])
    yield reader
    reader.close()


def test_events_come_one_by_one_and_what_ended_is_told(
    own: Installation, reader: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dongui.reader._PAGE", 70)
    visitor = own.consent(["statistics", "marketing"])["visitor"]
    sent = [event(url=f"https://shop.example.com/{number}?gclid=CLICKED") for number in range(300)]
    for start in range(0, 300, 100):
        assert own.send(visitor, *sent[start : start + 100]).json()["recorded"] == 100
    rows = []
    for row in reader.events(FIRST, LAST):  # and whoever reads may ask for something else meanwhile
        rows.append(row)
        assert len(rows) % 50 or list(reader.erasures()) is not None
    assert len({row["id"] for row in rows}) == len(rows) == 300
    assert {row["advertising_ids"] for row in rows} == {None}
    assert {tuple(row["purposes"]) for row in rows} == {("statistics",)}
    [name] = {row["visitor"] for row in rows}
    assert visitor not in str(rows)

    before = [entry["cursor"] for entry in reader.erasures()]
    own.consent([], ["statistics"], visitor)
    [ended] = list(reader.erasures(before[-1] if before else 0))
    assert (ended["kind"], ended["visitor"], ended["purposes"]) == ("withdrawal", name, ["statistics"])
    assert list(reader.events(FIRST, LAST)) == []

    stop = threading.Event()
    followed = reader.follow(every=0.01, stop=stop)
    assert next(followed)["kind"] == "withdrawal"
    stop.set()
    list(followed)


def test_a_refusal_is_raised_with_its_type(own: Installation, reader: Reader) -> None:
    with pytest.raises(AnswerError) as error:
        list(reader.events(FIRST, LAST, purposes=["marketing"]))
    assert error.value.status in (400, 403)
    assert error.value.type.startswith("urn:dongui:problem:")
    stranger = Reader(f"http://127.0.0.1:{own.desk_port}", "dgt_no_such_token")
    with pytest.raises(AnswerError) as error:
        list(stranger.erasures())
    assert error.value.status == 401
    stranger.close()


def test_reports_are_read_with_their_filters_and_order(own: Installation, reader: Reader) -> None:
    visitor = own.consent(["statistics"])["visitor"]
    pages = [f"https://shop.example.com/{path}" for path in ("a", "b", "b", "상점")]
    assert own.send(visitor, *(event(url=url) for url in pages)).json()["recorded"] == 4
    try:
        found = reader.report("pages", FIRST, LAST, sort="page_views", order="desc", limit=1)
        assert [(row["page"], row["page_views"]) for row in found["rows"]] == [("/b", 2)]
        [row] = reader.report("overview", FIRST, LAST, filters=["page:/b", "!device:phone"], compare=True)["rows"]
        assert (row["page_views"], row["previous"]["page_views"]) == (4, 0), "filters choose whole visits"
        assert reader.report("pages", FIRST, LAST, filters=["page:/none"], purposes=["statistics"])["rows"] == []
        assert len(reader.report("timeseries", FIRST, LAST, interval="day")["rows"]) == 3
    finally:
        own.consent([], ["statistics"], visitor)


@pytest.mark.parametrize(
    ("name", "asked"),
    [
        ("pages", {"filters": ["colour:red"]}),
        ("pages", {"sort": "nothing"}),
        ("overview", {"interval": "century"}),
        ("overview", {"limit": 0}),
        ("nothing", {}),
        ("../feed/erasures?x=", {}),
    ],
)
def test_a_report_that_there_is_not_is_refused_by_the_desk(reader: Reader, name: str, asked: Any) -> None:
    with pytest.raises(AnswerError, match="the desk answered 4"):
        reader.report(name, FIRST, LAST, **asked)


def test_one_text_is_no_list(reader: Reader) -> None:
    with pytest.raises(ConfigurationError, match="give a list"):
        reader.events(FIRST, LAST, purposes="statistics")
    with pytest.raises(ConfigurationError, match="country:KR"):
        reader.report("pages", FIRST, LAST, filters="country:KR")


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
    with desk(answer) as (reader, asked), pytest.raises(AnswerError, match=message):
        list(reader.events(FIRST, LAST))
    assert len(asked) == (1 if "promises" in message else 2), "what broke off is asked for once more"


def test_what_breaks_off_is_asked_for_again_and_page_follows_page() -> None:
    link = b'Link: </v1/export/events?from=x&after=CURSOR>; rel="next"\r\n'
    cut = b"HTTP/1.1 200 OK\r\nContent-Length: 40\r\n\r\n" + b'{"n": 1}\n'
    first = b"HTTP/1.1 200 OK\r\n" + link + b"Content-Length: 18\r\n\r\n" + b'{"n": 1}\n{"n": 2}\n'
    last = b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n" + b'{"n": 3}\n'
    with desk(cut, first, cut, last) as (reader, asked):
        assert [row["n"] for row in reader.events(FIRST, LAST, purposes=["statistics"])] == [1, 2, 3]
    assert asked[0] == asked[1]
    assert parse_qs(urlsplit(asked[0]).query)["purpose"] == ["statistics"]
    assert asked[2:] == ["/v1/export/events?from=x&after=CURSOR"] * 2


def test_a_page_leads_nowhere_but_to_the_next() -> None:
    elsewhere = b'Link: <https://evil.example.com/v1/export/events?x>; rel="next"\r\n'
    answer = b"HTTP/1.1 200 OK\r\n" + elsewhere + b"Content-Length: 9\r\n\r\n" + b'{"n": 3}\n'
    with desk(answer) as (reader, asked):
        assert len(list(reader.events(FIRST, LAST))) == 1
    assert len(asked) == 1


@contextmanager
def desk(*answers: bytes) -> Iterator[tuple[Reader, list[str]]]:
    """A reader of a desk that says these, the last one from then on; and what it was asked for."""
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.wfile.write(answers[min(len(asked), len(answers)) - 1])
            self.close_connection = True

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        reader = Reader(f"http://127.0.0.1:{server.server_port}", "token", timeout=60)
        try:
            yield reader, asked
        finally:
            reader.close()
            server.shutdown()
            thread.join()


def test_a_token_is_needed() -> None:
    with pytest.raises(ConfigurationError, match="dongui tokens create"):
        Reader("http://127.0.0.1:8788", "")
