"""Whose data the calls of ``/v1/me`` are about, where the id comes in cookies (DESIGN section 4)."""

from __future__ import annotations

import httpx
import pytest

from tests.collector import Installation

UNKNOWN = "A" * 22


def ask(collector: Installation, method: str, path: str, cookie: str, **more: object) -> httpx.Response:
    headers = {"cookie": cookie, "x-dongui": "1"}
    return collector.http.request(method, path, headers=headers, **more)  # type: ignore[arg-type]


def visitors(collector: Installation, number: int) -> list[str]:
    return [str(collector.consent(["statistics"])["visitor"]) for _ in range(number)]


def is_held(collector: Installation, visitor: str) -> bool:
    return collector.http.get("/v1/me", headers={"authorization": f"Bearer {visitor}"}).status_code == 200


@pytest.mark.parametrize("prefix", ["__Host-", "__Secure-", ""])
def test_every_name_of_ours_is_known(collector: Installation, prefix: str) -> None:
    [own] = visitors(collector, 1)
    cookie = f"a=b;\t{prefix}dongui_id={own} ; c=d"
    assert collector.http.get("/v1/me", headers={"cookie": cookie}).status_code == 401, "no anti-forgery header"
    for path in ("/v1/me", "/v1/me/export", "/v1/me/export?format=html"):
        assert ask(collector, "GET", path, cookie).status_code == 200
    for kind in ("suspend", "resume", "access"):
        assert ask(collector, "POST", "/v1/me/requests", cookie, json={"kind": kind}).status_code == 201
    assert ask(collector, "DELETE", "/v1/me", cookie).status_code == 200
    assert not is_held(collector, own)


@pytest.mark.parametrize("name", ["__host-dongui_id", "__HOST-dongui_id", "Dongui_id", "dongui_id2", "xdongui_id"])
def test_names_are_compared_exactly(collector: Installation, name: str) -> None:
    [own] = visitors(collector, 1)
    assert ask(collector, "GET", "/v1/me", f"{name}={own}").status_code == 401
    assert ask(collector, "DELETE", "/v1/me", f"{name}={own}").status_code == 401
    assert is_held(collector, own)


@pytest.mark.parametrize("prefix", ["__Host-", "__Secure-"])
def test_a_prefixed_id_hides_plain_ones(collector: Installation, prefix: str) -> None:
    own, planted = visitors(collector, 2)
    cookie = f"dongui_id={planted}; {prefix}dongui_id={own}"
    assert ask(collector, "GET", "/v1/me", cookie).status_code == 200
    assert ask(collector, "DELETE", "/v1/me", cookie).status_code == 200
    assert (is_held(collector, own), is_held(collector, planted)) == (False, True)


def test_of_several_plain_ids_nothing_is_read_and_each_is_taken_away(collector: Installation) -> None:
    own, other = visitors(collector, 2)
    cookie = f"dongui_id={own}; dongui_id={UNKNOWN}; dongui_id={other}"
    for path in ("/v1/me", "/v1/me/export"):
        assert ask(collector, "GET", path, cookie).status_code == 401
    for kind, status in (("suspend", 201), ("resume", 401), ("access", 401)):
        assert ask(collector, "POST", "/v1/me/requests", cookie, json={"kind": kind}).status_code == status
    for visitor in (own, other):
        assert collector.me(visitor)["suspended"] is True
    answer = ask(collector, "DELETE", "/v1/me", cookie)
    assert answer.status_code == 200
    assert answer.json()["erased"] is answer.json()["destroyed"] is True
    assert len(set(answer.json()["certificates"])) == 2
    assert not is_held(collector, own)
    assert not is_held(collector, other)
    assert ask(collector, "DELETE", "/v1/me", cookie).status_code == 404


def test_the_same_id_twice_is_one(collector: Installation) -> None:
    [own] = visitors(collector, 1)
    assert ask(collector, "GET", "/v1/me", f"dongui_id={own}; dongui_id={own}").status_code == 200


@pytest.mark.parametrize("format", ["xml", "JSON", "html,json", "pdf"])
def test_an_unknown_format_is_refused_with_the_known_ones(collector: Installation, format: str) -> None:
    [own] = visitors(collector, 1)
    answer = ask(collector, "GET", f"/v1/me/export?format={format}", f"dongui_id={own}")
    assert (answer.status_code, answer.json()["detail"]) == (400, "format must be one of json, html")
    assert ask(collector, "GET", "/v1/me/export?format=json", f"dongui_id={own}").status_code == 200


def test_a_page_in_another_sites_frame_has_an_id_of_its_own(collector: Installation) -> None:
    framed, own = visitors(collector, 2)
    cookie = f"__Host-dongui_id={own}; __Host-dongui_frame_id={framed}"
    for asked, whose in (("frame", framed), ("1", own)):
        headers = {"cookie": cookie, "x-dongui": asked}
        for path in ("/v1/me", "/v1/me/export"):
            assert collector.http.get(path, headers=headers).status_code == 200
        assert collector.http.delete("/v1/me", headers=headers).status_code == 200
        assert not is_held(collector, whose)
        assert is_held(collector, own) is (asked == "frame")
