"""Which cookies pass."""

from __future__ import annotations

import pytest
from dongui.rules.compiled_policy import UNKNOWN, CompiledPolicy
from dongui.web.consent import cookie_pairs
from dongui.web.domains import domains_above
from dongui.web.expiry import expire
from dongui.web.set_cookie import cookie_name, hide, lingering, removes, sift
from hypothesis import given
from hypothesis import strategies as st

from tests.sdk.sdk_stub import POLICY

TERMS = CompiledPolicy(POLICY)
STATISTICS = frozenset({"statistics"})


def names(headers: list[tuple[str, str]]) -> list[str]:
    return [cookie_name(value) for name, value in headers if name.lower() == "set-cookie"]


def setting(*values: str) -> list[tuple[str, str]]:
    return [("Content-Type", "text/html"), *(("Set-Cookie", value) for value in values), ("X-Last", "1")]


@pytest.mark.parametrize(
    ("cookie", "granted", "strict", "passes"),
    [
        pytest.param("_ga=1", STATISTICS, False, True, id="granted"),
        pytest.param("_ga_ABC=1", STATISTICS, False, True, id="granted by a glob"),
        pytest.param("_ga=1", frozenset(), False, False, id="not granted"),
        pytest.param("_fbp=1", STATISTICS, False, False, id="another purpose is granted"),
        pytest.param(" _ga =1", frozenset(), False, False, id="blanks around the name"),
        pytest.param("_GA=1", frozenset(), False, True, id="names heed case"),
        pytest.param("session=1", frozenset(), True, True, id="not resting on consent"),
        pytest.param("theme=1", frozenset(), False, True, id="undeclared"),
        pytest.param("theme=1", frozenset(), True, False, id="undeclared, strict"),
        pytest.param("dongui=1~v1~~0", frozenset(), True, True, id="our own"),
        pytest.param("_ga=; Max-Age=0", frozenset(), False, True, id="removal by age"),
        pytest.param(
            "_ga=; max-age=-1; expires=Wed, 01 Jan 2125 00:00:00 GMT", frozenset(), False, True, id="age wins"
        ),
        pytest.param("_ga=; Expires=Thu, 01 Jan 1970 00:00:00 GMT", frozenset(), False, True, id="removal by date"),
        pytest.param("_ga=1; Expires=Wed, 01 Jan 2125 00:00:00 GMT", frozenset(), False, False, id="a date ahead"),
        pytest.param(
            "_ga=1; Max-Age=60; Expires=Thu, 01 Jan 1970 00:00:00 GMT", frozenset(), False, False, id="age wins too"
        ),
        pytest.param("_ga=1; Expires=soon", frozenset(), False, False, id="no date"),
        pytest.param("_ga=Max-Age=0", frozenset(), False, False, id="an age in the value"),
        pytest.param("", frozenset(), False, True, id="empty"),
    ],
)
def test_a_cookie_passes_or_not(cookie: str, granted: frozenset[str], strict: bool, passes: bool) -> None:
    headers = setting("first=1", cookie) if not strict else setting(cookie)
    sifted = sift(headers, granted, TERMS, strict=strict)
    assert (("Set-Cookie", cookie) in sifted.headers) is passes
    assert [header for header in headers if header[1] != cookie] == [h for h in sifted.headers if h[1] != cookie]
    assert bool(sifted.dropped) is not passes


def test_before_any_policy_known_trackers_do_not_pass() -> None:
    sifted = sift(setting("_ga=1", "_fbp=2", "session=3"), frozenset(), UNKNOWN, strict=False)
    assert names(sifted.headers) == ["session"]


@given(
    st.lists(st.tuples(st.sampled_from(["_ga", "_fbp", "session", "x"]), st.text(max_size=8)), max_size=6),
    st.booleans(),
)
def test_what_is_sifted_is_kept_or_dropped_and_nothing_else(cookies: list[tuple[str, str]], strict: bool) -> None:
    headers = setting(*(f"{name}={value}" for name, value in cookies))
    sifted = sift(headers, STATISTICS, TERMS, strict=strict, now=0.0)
    assert len(sifted.headers) + len(sifted.dropped) == len(headers)
    assert [header for header in headers if header in sifted.headers] == sifted.headers
    for name, purpose in sifted.dropped:
        assert purpose == TERMS.purpose_of(name)


@given(st.text(max_size=60))
def test_no_text_breaks_the_parsing(text: str) -> None:
    cookie_name(text)
    removes(text)
    hide(text, STATISTICS, TERMS)
    expire([text], text)


def test_what_lingers_after_a_withdrawal() -> None:
    header = "session=1; _ga=2; _ga_X=3; _fbp=4; theme=5; dongui_id=6; _ga=7"
    assert lingering(cookie_pairs(header), frozenset(), TERMS) == ["_ga", "_ga_X", "_fbp"]
    assert lingering(cookie_pairs(header), STATISTICS, TERMS) == ["_fbp"]
    assert hide(header, STATISTICS, TERMS) == "session=1; _ga=2; _ga_X=3; theme=5; dongui_id=6; _ga=7"
    assert hide("theme=5", frozenset(), TERMS) == "theme=5"


def test_expiring_reaches_every_domain_and_ends() -> None:
    assert [value for _, value in expire(["_ga"], "www.shop.example.com:8080")] == [
        "_ga=; Max-Age=0; Path=/",
        "_ga=; Max-Age=0; Path=/; Domain=www.shop.example.com",
        "_ga=; Max-Age=0; Path=/; Domain=shop.example.com",
        "_ga=; Max-Age=0; Path=/; Domain=example.com",
    ]
    assert [value for _, value in expire(["__Host-ads", "__Secure-ads"], "example.com")] == [
        "__Host-ads=; Max-Age=0; Path=/; Secure",
        "__Secure-ads=; Max-Age=0; Path=/; Secure",
        "__Secure-ads=; Max-Age=0; Path=/; Domain=example.com; Secure",
    ]
    assert len(expire([f"_ga_{n}" for n in range(1000)], "www.shop.example.com")) == 30
    assert expire(["_ga\r\nX-Evil: 1", "_ga;x", ""], "example.com") == []


@pytest.mark.parametrize(
    "host", ["localhost", "localhost:8000", "127.0.0.1:80", "[::1]:8000", "", "a..b", "é.example", ".x"]
)
def test_some_hosts_have_no_domain(host: str) -> None:
    assert domains_above(host) == []
