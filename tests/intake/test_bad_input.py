"""Bad input at the public door.

Answered as DESIGN section 6 says, never a 500, nothing stored, nothing echoed, the next one served.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import socket
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.clock import now_ms, now_s
from tests.collector import ORIGIN, Installation, event

SENTINEL = "SENTINEL-OF-BAD-INPUT"


@pytest.fixture(scope="module")
def visitor(collector: Installation) -> str:
    return str(collector.consent(["statistics"])["visitor"])


def body(collector: Installation, visitor: str, **fields: Any) -> dict[str, Any]:
    return {"site": collector.site, "visitor": visitor, "events": [event(**{"url": f"{ORIGIN}/{SENTINEL}"} | fields)]}


def post(collector: Installation, raw: bytes | str, **headers: str) -> httpx.Response:
    return collector.http.post(
        "/v1/events", content=raw, headers={"origin": ORIGIN, "content-type": "application/json", **headers}
    )


def assert_refused(collector: Installation, answer: httpx.Response, visitor: str, status: int = 400) -> None:
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["type"].startswith("urn:dongui:problem:")
    assert SENTINEL not in answer.text
    assert SENTINEL.encode() not in collector.bytes()
    assert collector.send(visitor, event()).json() == {"recorded": 1, "refused": {}}


HEAD = b'{"site":"%S","visitor":"%V","events":[{"id":"0190b4a2-7c1e-7cc3-98c4-dc0c0c07398f",'
RAW = {
    "empty": b"",
    "truncated": b'{"site":"s","events":[{"id":',
    "not an object": b"[]",
    "a word": b"hello",
    "NaN": HEAD + b'"name":"SENTINEL-OF-BAD-INPUT","at":NaN}]}',
    "deeply nested": HEAD
    + b'"name":"n","at":1,"props":'
    + b'{"SENTINEL-OF-BAD-INPUT":' * 2000
    + b"1"
    + b"}" * 2000
    + b"}]}",
    "nested a little too deeply": HEAD
    + b'"name":"n","at":1,"props":'
    + b'{"a":' * 9
    + b'"SENTINEL-OF-BAD-INPUT"'
    + b"}" * 9
    + b"}]}",
    "half a character and no JSON": HEAD + b'"name":"\\ud800 SENTINEL-OF-BAD-INPUT","at":1}',
    "half a character and NUL": HEAD + b'"name":"\\ud800\\u0000SENTINEL-OF-BAD-INPUT","at":1}]}',
    "bytes that are no UTF-8": HEAD + b'"name":"\xff SENTINEL-OF-BAD-INPUT","at":1}]}',
    "NUL": HEAD + b'"name":"\\u0000SENTINEL-OF-BAD-INPUT","at":1}]}',
    "NUL in props": HEAD + b'"name":"n","at":1,"props":{"\\u0000":"SENTINEL-OF-BAD-INPUT"}}]}',
    "NUL in the site": b'{"site":"a\\u0000b","events":[]}',
}


def test_half_a_character_costs_no_batch(collector: Installation, visitor: str) -> None:
    """A page that clips a text within an emoji leaves one half of it, which JSON may spell (RFC 8259, section 8.2)."""
    raw = json.dumps(body(collector, visitor, name="clipped \ud83d", url=ORIGIN, at=now_ms()))
    assert "\\ud83d" in raw
    assert post(collector, raw).json() == {"recorded": 1, "refused": {}}
    held = collector.http.get("/v1/me", headers={"authorization": f"Bearer {visitor}"}).json()["events"]
    assert "clipped \ufffd" in [one["name"] for one in held]


@pytest.mark.parametrize("raw", RAW.values(), ids=RAW.keys())
def test_what_is_no_json_of_ours(collector: Installation, visitor: str, raw: bytes) -> None:
    raw = raw.replace(b"%S", collector.site.encode()).replace(b"%V", visitor.encode())
    assert_refused(collector, post(collector, raw), visitor)


WRONG: dict[str, dict[str, Any]] = {
    "id is no UUID": {"id": "1"},
    "id is missing": {"id": None},
    "at is text": {"at": "now"},
    "at is a truth value": {"at": True},
    "at is negative": {"at": -1},
    "name is empty": {"name": ""},
    "name is a number": {"name": 5},
    "url is an object": {"url": {}},
    "url of a million characters": {"url": "https://shop.example.com/" + "a" * 60_000},
    "url of 4097 bytes": {"url": "https://shop.example.com/" + "가" * 1358},
    "props is a list": {"props": []},
    "props has too many values": {"props": {str(n): n for n in range(3000)}},
    "ad_ids holds a list": {"ad_ids": {"gclid": []}},
    "ad_ids with a strange name": {"ad_ids": {"<script>": "x"}},
    "cookies with a long value": {"cookies": {"_ga": "x" * 5000}},
    "environment of the wrong type": {"environment": {"screen": 5}},
}


@pytest.mark.parametrize("fields", WRONG.values(), ids=WRONG.keys())
def test_one_malformed_event_refuses_the_whole_batch(
    collector: Installation, visitor: str, fields: dict[str, Any]
) -> None:
    whole = body(collector, visitor)
    whole["events"].append(event(url=f"{ORIGIN}/{SENTINEL}") | fields)
    assert_refused(collector, post(collector, json.dumps(whole)), visitor)


def test_more_than_a_hundred_events(collector: Installation, visitor: str) -> None:
    whole = body(collector, visitor)
    whole["events"] = [event() for _ in range(101)]
    assert_refused(collector, post(collector, json.dumps(whole)), visitor)


@pytest.mark.parametrize("chunked", [False, True], ids=["declared", "chunked"])
def test_a_body_over_64_kib(collector: Installation, visitor: str, chunked: bool) -> None:
    raw = json.dumps(body(collector, visitor)).encode() + b" " * 70_000
    content: Any = iter([raw[:1000], raw[1000:]]) if chunked else raw
    assert_refused(collector, post(collector, content), visitor, 413)


def test_who_may_write(collector: Installation, visitor: str) -> None:
    whole = body(collector, visitor)
    foreign = collector.http.post("/v1/events", json=whole, headers={"origin": "https://evil.example.net"})
    assert_refused(collector, foreign, visitor, 403)
    assert "access-control-allow-origin" not in foreign.headers
    assert_refused(collector, collector.http.post("/v1/events", json=whole), visitor, 401)
    wrong = {"authorization": f"Bearer {collector.secret[:-1]}x", "origin": ORIGIN}
    assert_refused(collector, collector.http.post("/v1/events", json=whole, headers=wrong), visitor, 401)
    assert_refused(collector, post(collector, json.dumps(whole | {"site": "nobody"})), visitor, 404)
    strange = {"origin": ORIGIN, "authorization": "Bearer \xff\xfe".encode("latin-1").decode("latin-1")}
    raw = collector.http.build_request("POST", "/v1/events", json=whole)
    raw.headers = httpx.Headers(
        [(k.encode("latin-1"), v.encode("latin-1")) for k, v in {**dict(raw.headers), **strange}.items()]
    )
    assert_refused(collector, collector.http.send(raw), visitor, 401)


def test_cors_answers_exactly_the_listed_origin(collector: Installation) -> None:
    answer = collector.http.options("/v1/events", headers={"origin": ORIGIN, "access-control-request-method": "POST"})
    assert answer.headers["access-control-allow-origin"] == ORIGIN
    assert "access-control-allow-credentials" not in answer.headers
    other = collector.http.options("/v1/events", headers={"origin": "https://evil.example.net"})
    assert "access-control-allow-origin" not in other.headers
    assert collector.http.get("/v1/notice", headers={"origin": ORIGIN}).headers["access-control-allow-origin"] == ORIGIN


def test_a_beacon_is_text_plain(collector: Installation, visitor: str) -> None:
    raw = json.dumps({"site": collector.site, "visitor": visitor, "events": [event()]})
    assert post(collector, raw, **{"content-type": "text/plain;charset=UTF-8"}).json()["recorded"] == 1


@pytest.mark.parametrize(
    "path",
    [
        "/v1/notice?site=%ff%fe&lang=%00",
        "/v1/notice?site=한글&lang=日本語".encode().decode("latin-1"),
        "/v1/nothing",
        "/policy?version=../../etc/passwd",
        "/v1/..%2f..%2fetc.js",
        "/v1/" + "a" * 5000 + ".js",
        "/v1/policy?site=" + "s" * 5000,
        "/" + "a" * 100_000,
    ],
    ids=range(8),
)
def test_strange_paths_and_queries_are_never_a_500(collector: Installation, path: str) -> None:
    with socket.create_connection(("127.0.0.1", collector.port), timeout=10) as raw:
        raw.sendall(b"GET " + path.encode("latin-1", "replace") + b" HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")
        status = int(raw.recv(65536).split(b" ")[1])
    assert 400 <= status < 500
    assert collector.http.get("/healthz").status_code == 200


@pytest.mark.parametrize("method", ["PUT", "PATCH", "GET", "DELETE"])
def test_wrong_methods(collector: Installation, method: str) -> None:
    answer = collector.http.request(method, "/v1/consents")
    assert answer.status_code in (404, 405)
    assert answer.headers["content-type"] == "application/problem+json"


CONSENTS: dict[str, dict[str, Any]] = {
    "unknown purpose": {"granted": ["nothing"]},
    "a purpose that needs no consent": {"granted": ["service"]},
    "granted and refused": {"granted": ["statistics"], "refused": ["statistics"]},
    "unknown method": {"method": "telepathy"},
    "granted is text": {"granted": "statistics"},
    "signals are text": {"signals": {"gpc": "yes"}},
    "id is no UUID": {"id": "x"},
    "lang with markup": {"lang": "<b>"},
    "notice with markup": {"notice": "<b>"},
}


@pytest.mark.parametrize("fields", CONSENTS.values(), ids=CONSENTS.keys())
def test_malformed_choices(collector: Installation, fields: dict[str, Any]) -> None:
    whole = {
        "site": collector.site,
        "notice": collector.notice(),
        "granted": [],
        "refused": [],
        "method": "banner",
        "lang": "ko",
    }
    answer = collector.http.post("/v1/consents", json=whole | fields, headers={"origin": ORIGIN})
    assert answer.status_code == 400
    assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize(
    ("header", "value"),
    [("x-forwarded-for", "198.51.100.1"), ("x_forwarded_for", "198.51.100.1"), ("dongui-address", "198.51.100.1 1 00")],
)
def test_forged_addresses_are_not_believed(collector: Installation, header: str, value: str) -> None:
    visitor = collector.consent(["statistics"])["visitor"]
    assert collector.send(visitor, event(), headers={"origin": ORIGIN, header: value}).json()["recorded"] == 1
    (row,) = collector.me(visitor)["events"]
    assert row["ip_address"] != "198.51.100.1"


def test_forwarded_addresses_are_counted_from_the_right(fresh: Installation) -> None:

    config = Path(fresh.config)
    config.write_text("trusted_proxies = 2\n" + config.read_text())
    fresh.start()
    visitor = fresh.consent(["statistics"])["visitor"]
    headers = {"origin": ORIGIN, "x-forwarded-for": "6.6.6.6, 198.51.100.7, 10.0.0.2", "x_forwarded_for": "7.7.7.7"}
    fresh.send(visitor, event(), headers=headers)
    (row,) = fresh.me(visitor)["events"]
    assert row["ip_address"] == "198.51.100.7"


def test_the_rate_limit_is_by_address_and_spares_the_secret(fresh: Installation) -> None:

    config = Path(fresh.config)
    config.write_text("rate_burst = 5\nrate_limit = 0.01\n" + config.read_text())
    fresh.start()
    codes = [fresh.send("x" * 22, event()).status_code for _ in range(8)]
    assert codes == [202] * 5 + [429] * 3
    limited = fresh.send("x" * 22, event())
    assert limited.headers["retry-after"]
    assert fresh.send("x" * 22, event(), headers=fresh.bearer).status_code == 202


def test_no_personal_data_in_the_log(collector: Installation) -> None:
    log = collector.log.read_text()
    for secret in (collector.secret, SENTINEL, "127.0.0.1 -", "shop.example.com/"):
        assert secret not in log
    told = ("door     ", "console  ", "next     ")  # what serve prints for a person; the rest is the log
    assert all(json.loads(line) for line in log.splitlines() if line.strip() and not line.startswith(told))


def test_what_anybody_can_make_up_does_not_get_around_the_rate_limit(fresh: Installation) -> None:
    config = Path(fresh.config)
    config.write_text("rate_burst = 5\nrate_limit = 0.01\n" + config.read_text())
    fresh.start()
    made_up = [
        {"origin": f"https://made-up-{n}.example.net"} if n % 2 else {"authorization": f"Bearer made-up-{n}"}
        for n in range(12)
    ]
    codes = [fresh.send("x" * 22, event(), headers=headers).status_code for headers in made_up]
    assert codes.count(429) == 7


def test_visitors_behind_a_sites_own_origin_are_limited_one_by_one(fresh: Installation) -> None:
    """The middleware vouches for each visitor's address; the socket there is the site's server."""
    config = Path(fresh.config)
    config.write_text("rate_burst = 5\nrate_limit = 0.01\n" + config.read_text())
    fresh.start()
    now = now_s()
    key = hashlib.sha256(b"dongui-address\x00" + fresh.secret.encode()).digest()

    def vouched(address: str) -> dict[str, str]:
        mac = hmac.new(key, f"{address} {now}".encode(), "sha256").hexdigest()
        return {"origin": ORIGIN, "dongui-address": f"{address} {now} {mac}"}

    codes = [fresh.send("x" * 22, event(), headers=vouched(f"203.0.113.{n}")).status_code for n in range(20)]
    assert codes == [202] * 20
    codes = [fresh.send("x" * 22, event(), headers=vouched("198.51.100.1")).status_code for n in range(7)]
    assert codes == [202] * 5 + [429] * 2
