"""Compressed bodies: taken from servers alone, bounded, and never inflated beyond what any body may hold."""

from __future__ import annotations

import gzip
import json
import tracemalloc
import uuid
import zlib
from typing import Any

import httpx
import pytest
from dongui_collector.intake.encoding import unpacked
from dongui_collector.intake.problems import Problem
from dongui_collector.intake.schema import MAX_BODY
from hypothesis import given
from hypothesis import strategies as st

from tests.clock import now_ms
from tests.collector import ORIGIN, Installation, event

BOMB = gzip.compress(b" " * 60_000_000, 9)
assert len(BOMB) < MAX_BODY


@given(st.binary(max_size=2000), st.sampled_from(["gzip", "GZIP", " gzip ", "x-gzip"]))
def test_what_was_compressed_is_found_again(inside: bytes, encoding: str) -> None:
    assert unpacked(gzip.compress(inside), encoding, zipped=True) == inside


@given(st.binary(max_size=300), st.data())
def test_anything_but_one_whole_stream_is_malformed(inside: bytes, data: st.DataObject) -> None:
    whole = gzip.compress(inside)
    cut = whole[: data.draw(st.integers(0, len(whole) - 1))]
    more = whole + data.draw(st.binary(min_size=1, max_size=50) | st.just(whole))
    at = data.draw(st.integers(0, 7))
    wrong_sum = whole[: len(whole) - 8 + at] + bytes([whole[len(whole) - 8 + at] ^ 1]) + whole[len(whole) - 7 + at :]
    for body in (cut, more, wrong_sum, inside + b"no gzip", zlib.compress(inside)):
        with pytest.raises(Problem) as refused:
            unpacked(body, "gzip", zipped=True)
        assert (refused.value.slug, refused.value.status) == ("malformed", 400)


def test_a_bomb_is_refused_without_inflating_it() -> None:
    tracemalloc.start()
    try:
        with pytest.raises(Problem) as refused:
            unpacked(BOMB, "gzip", zipped=True)
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert refused.value.status == 413
    assert most < 8 * MAX_BODY


@pytest.mark.parametrize("size", [MAX_BODY - 1, MAX_BODY, MAX_BODY + 1])
def test_the_bound_is_that_of_any_body(size: int) -> None:
    body = gzip.compress(b"x" * size)
    if size <= MAX_BODY:
        assert len(unpacked(body, "gzip", zipped=True)) == size
    else:
        with pytest.raises(Problem):
            unpacked(body, "gzip", zipped=True)


@pytest.mark.parametrize("encoding", ["br", "deflate", "gzip, gzip", "zstd", "gzip, identity", "", "\xff"])
@pytest.mark.parametrize("zipped", [True, False])
def test_other_encodings_are_not_taken(encoding: str, zipped: bool) -> None:
    with pytest.raises(Problem) as refused:
        unpacked(b"{}", encoding, zipped=zipped)
    assert refused.value.status == 415
    assert (b"accept-encoding", b"gzip" if zipped else b"identity") in refused.value.headers


# At the door.


def post(collector: Installation, path: str, body: bytes, *, secret: bool = True, encoding: str = "gzip") -> Any:
    who = collector.bearer if secret else {"origin": ORIGIN}
    return collector.http.post(path, content=body, headers={**who, "content-encoding": encoding})


def batch(collector: Installation, visitor: str, count: int = 3) -> bytes:
    events = [event(props={"text": "x" * 200}) for _ in range(count)]
    return json.dumps({"site": collector.site, "visitor": visitor, "events": events}).encode()


def problem(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["type"].rpartition(":")[2]


def test_servers_may_compress_events_and_records(collector: Installation) -> None:
    visitor = collector.consent(["statistics"])["visitor"]
    answer = post(collector, "/v1/events", gzip.compress(batch(collector, visitor, 100)))
    assert (answer.status_code, answer.json()["recorded"]) == (202, 100)
    assert len(collector.me(visitor)["events"]) == 100
    record = {"site": collector.site, "class": "abuse", "subject": visitor, "at": now_ms()}
    body = json.dumps({**record, "id": str(uuid.uuid4()), "source": "service", "data": {"text": "x" * 5000}}).encode()
    assert post(collector, "/v1/records", gzip.compress(body)).status_code == 201
    assert post(collector, "/v1/events", batch(collector, visitor), encoding="identity").status_code == 202


def test_nobody_else_may(collector: Installation) -> None:
    visitor = collector.consent(["statistics"])["visitor"]
    body = gzip.compress(batch(collector, visitor))
    answer = post(collector, "/v1/events", body, secret=False)
    assert problem(answer) == (415, "unsupported-encoding")
    assert answer.headers["accept-encoding"] == "identity"
    wrong = {"authorization": "Bearer dgs_" + "x" * 43, "content-encoding": "gzip"}
    assert collector.http.post("/v1/events", content=body, headers=wrong).status_code == 415
    assert post(collector, "/v1/records", body, secret=False).status_code == 415
    for path in ("/v1/consents", "/v1/members", "/v1/inventory"):
        assert problem(post(collector, path, gzip.compress(b"{}"))) == (415, "unsupported-encoding"), path
    own = {"authorization": f"Bearer {visitor}", "content-encoding": "gzip"}
    assert collector.http.post("/v1/me/requests", content=body, headers=own).status_code == 415
    assert collector.me(visitor)["events"] == []


def test_bombs_and_broken_streams_store_nothing(collector: Installation) -> None:
    visitor = collector.consent(["statistics"])["visitor"]
    whole = gzip.compress(batch(collector, visitor))
    for path in ("/v1/events", "/v1/records"):
        assert problem(post(collector, path, BOMB)) == (413, "too-large-inside")
        assert problem(post(collector, path, whole[:-3])) == (400, "malformed")
        assert problem(post(collector, path, whole + b"garbage")) == (400, "malformed")
        assert problem(post(collector, path, whole, encoding="br")) == (415, "unsupported-encoding")
        assert problem(post(collector, path, BOMB + bytes(MAX_BODY))) == (413, "too-large")
    assert collector.me(visitor)["events"] == []


def test_it_is_said_where_servers_look(collector: Installation) -> None:
    said = collector.http.get("/v1/policy", params={"site": collector.site}).json()
    assert said["accept_gzip"] is True
    assert "accept_gzip" not in collector.http.get("/v1/notice", params={"site": collector.site}).json()


# What else the headers of a request and an answer say.


def test_answers_vary_by_encoding_and_origin(collector: Installation) -> None:
    for headers in ({}, {"origin": ORIGIN}, {"origin": "https://stranger.example.com"}):
        answer = collector.http.get("/v1/policy", params={"site": collector.site}, headers=headers)
        fields = {field.strip().lower() for field in answer.headers["vary"].split(",")}
        assert fields == {"accept-encoding", "origin"}
        again = collector.http.get(
            "/v1/policy",
            params={"site": collector.site},
            headers={**headers, "if-none-match": answer.headers["etag"]},
        )
        assert (again.status_code, again.headers["vary"]) == (304, answer.headers["vary"])


@pytest.mark.parametrize(
    "origins",
    [
        ["https://stranger.example.com", ORIGIN],
        [ORIGIN, "https://stranger.example.com"],
        [ORIGIN, ORIGIN],
        ["", ORIGIN],
        [f"https://stranger.example.com, {ORIGIN}"],
    ],
    ids=["foreign first", "foreign last", "twice", "empty first", "joined"],
)
def test_several_origins_are_none(collector: Installation, origins: list[str]) -> None:
    visitor = collector.consent(["statistics"])["visitor"]
    answer = collector.http.post(
        "/v1/events", content=batch(collector, visitor), headers=[("origin", origin) for origin in origins]
    )
    assert problem(answer) == (403, "origin-not-listed")
    assert "access-control-allow-origin" not in answer.headers
    assert collector.me(visitor)["events"] == []


def test_an_answer_is_confirmed_by_its_own_tag_alone(collector: Installation) -> None:
    """The middleware adds to the tag where it adds to the body."""

    def ask(**headers: str) -> httpx.Response:
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        return collector.http.get("/v1/policy", params={"site": collector.site}, headers=sent)

    plain = ask(accept_encoding="identity").headers["etag"]
    zipped = ask(accept_encoding="gzip").headers["etag"]
    assert plain != zipped
    for held in (plain, zipped, f"W/{zipped}", f'"stranger", {plain}'):
        answer = ask(if_none_match=held)
        assert (answer.status_code, answer.content) == (304, b"")
        assert answer.headers["etag"] in held
    for held in (f'{plain[:-1]}-server"', f'{plain[:-1]}-server-gz"', plain[:-1], '"stranger"', ""):
        assert ask(if_none_match=held).status_code == 200, held
