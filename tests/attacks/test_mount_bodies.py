"""Bodies that JSON parsers read differently: what the mount judged is what the collector gets, and no page fails."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from dongui import ConsentMiddleware

from tests.attacks.mount import ORIGIN, decision, post, shop
from tests.sdk.calls import call
from tests.sdk.sdk_stub import SITE, Collector

WHOLE = decision("statistics")
TEXT = json.dumps(WHOLE)
MINE, OTHERS = "M" * 22, "O" * 22


def more(*members: str) -> bytes:
    return f"{TEXT[:-1]},{','.join(members)}}}".encode()


ODD = {
    "deep": b"[" * 60_000,
    "deep inside": more(f'"x":{"[" * 60_000}'),
    "a number of 60,000 digits": more(f'"n":{"9" * 60_000}'),
    "a fraction of 50,000 digits": more(f'"n":{"1" * 50_000}.5'),
    "no number": more('"n":NaN', '"i":-Infinity'),
    "beyond any number": more('"n":1e999999'),
    "half a character": more('"x":"\\ud800"', '"\\udfff":1'),
    "UTF-16": TEXT.encode("utf-16"),
    "UTF-32": TEXT.encode("utf-32-be"),
    "a byte order mark": b"\xef\xbb\xbf" + TEXT.encode(),
    "no UTF-8": TEXT.encode() + b"\xff",
    "two sites": b'{"site":"other",' + TEXT.encode()[1:],
    "two sites, the other last": more('"site":"other"'),
    "two visitors": more(f'"visitor":"{OTHERS}"', f'"\\u0076isitor":"{OTHERS}"'),
    "a list": b"[1]",
    "nothing": b"",
    "null": b"null",
    "a number of purposes": json.dumps({**WHOLE, "granted": 5}).encode(),
    "purposes by name": json.dumps({**WHOLE, "granted": {"statistics": 1}}).encode(),
    "purposes in lists": json.dumps({**WHOLE, "granted": [["statistics"]]}).encode(),
    "an id of 31 digits": json.dumps({**WHOLE, "id": 10**30}).encode(),
    "NUL in the id": json.dumps({**WHOLE, "id": "\0"}).encode(),
    "events that are none": json.dumps({"site": SITE, "events": [None, 3, "x"]}).encode(),
    "a number of events": json.dumps({"site": SITE, "events": 7}).encode(),
}


Shop = tuple[ConsentMiddleware, Collector]


@pytest.fixture(scope="module")
def site() -> Iterator[Shop]:
    with shop() as made:
        yield made
        made[1].complaints.clear()


@pytest.mark.parametrize("body", ODD.values(), ids=ODD)
@pytest.mark.parametrize("path", ["consents", "events", "me/requests"])
def test_a_body_that_is_read_in_two_ways_fails_no_page_and_names_no_visitor(site: Shop, path: str, body: bytes) -> None:
    app, collector = site
    collector.posts.clear()
    for cookie in ("", f"dongui_id={MINE}"):
        sent = {"ORIGIN": ORIGIN, "CONTENT_TYPE": "text/plain", "X_DONGUI": "1"}
        got = call(app, f"/_dongui/v1/{path}", method="POST", body=body, cookie=cookie, **sent)
        assert got.status.split()[0] in ("201", "202", "400", "404", "503"), got.status
        assert OTHERS.encode() not in got.body
    for _, said in collector.posts:
        assert said.get("site", SITE) == SITE
        assert path == "me/requests" or said.get("visitor") in (None, MINE), "there the credential alone says whose"
    assert post(app, "consents", decision("statistics")).status == "201 Created", "and the next one is served"
