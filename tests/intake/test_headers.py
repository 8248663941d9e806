"""Which headers mean something, and what several of one name mean."""

from __future__ import annotations

import pytest
from dongui_collector.intake.credentials import Headers, proxied_address
from dongui_collector.storage.contract.values import Site

Pairs = list[tuple[bytes, bytes]]
SITE = Site(1, "s", "shop", ("https://shop.example",), b"hash", b"key")
USUAL: Pairs = [
    (b"host", b"collect.example"),
    (b"user-agent", b"Mozilla/5.0"),
    (b"accept-language", b"ko-KR,ko;q=0.9"),
    (b"origin", b"https://shop.example"),
    (b"x-forwarded-for", b"198.51.100.7"),
    (b"content-length", b"12"),
]


def test_every_header_that_means_something() -> None:
    more = [
        (b"authorization", b"Bearer  sk_1 "),
        (b"content-encoding", b"gzip"),
        (b"dongui-address", b"198.51.100.7 1 abc"),
        (b"sec-gpc", b"1"),
        (b"cookie", b"dongui=1"),
        (b"x-dongui", b"1"),
    ]
    assert Headers.of(USUAL + more) == Headers(
        origin="https://shop.example",
        bearer="sk_1",
        user_agent="Mozilla/5.0",
        forwarded="198.51.100.7",
        proxied="198.51.100.7 1 abc",
        cookie="dongui=1",
        anti_forgery=True,
        gpc=True,
        language="ko-KR,ko;q=0.9",
        length=12,
        encoding="gzip",
    )


def test_none_at_all() -> None:
    assert Headers.of([]) == Headers()


@pytest.mark.parametrize(
    ("more", "field", "value"),
    [
        ([(b"origin", b"https://shop.example")], "origin", "https://shop.example, https://shop.example"),
        ([(b"x-forwarded-for", b"203.0.113.9, 10.0.0.1")], "forwarded", "198.51.100.7,203.0.113.9, 10.0.0.1"),
        ([(b"cookie", b"a=1"), (b"cookie", b"b=2")], "cookie", "a=1; b=2"),
        ([(b"content-encoding", b"gzip"), (b"content-encoding", b"br")], "encoding", "gzip,br"),
        ([(b"sec-gpc", b"1"), (b"sec-gpc", b"0")], "gpc", True),
        ([(b"sec-gpc", b"0"), (b"sec-gpc", b"1")], "gpc", True),
        ([(b"sec-gpc", b"0"), (b"sec-gpc", b"0")], "gpc", False),
        ([(b"authorization", b"Bearer a"), (b"authorization", b"Basic b")], "bearer", None),
        ([(b"content-length", b"13")], "length", 13),
    ],
)
def test_several_of_one_name(more: Pairs, field: str, value: object) -> None:
    assert getattr(Headers.of(USUAL + more), field) == value


@pytest.mark.parametrize("value", [b"true", b"0", b"", b"1,1", b"0,1"])
def test_no_other_word_is_the_gpc_signal(value: bytes) -> None:
    assert not Headers.of([(b"sec-gpc", value)]).gpc


@pytest.mark.parametrize("value", [b"-1", b"1e3", b"9" * 16, b""])
def test_a_length_that_is_none_is_too_large(value: bytes) -> None:
    length = Headers.of([(b"content-length", value)]).length
    assert length is not None
    assert length > 1 << 30


@pytest.mark.parametrize("value", [b"Basic dTpw", b"basic dTpw", b"Digest x", b"Bearerer x", b"dgs_x", b""])
def test_no_other_scheme_than_bearer_claims_a_secret(value: bytes) -> None:
    assert Headers.of([(b"authorization", value)]).bearer is None


@pytest.mark.parametrize("value", [b"Bearer k", b"bearer k", b"BEARER  k "])
def test_the_scheme_is_compared_without_case(value: bytes) -> None:
    assert Headers.of([(b"authorization", value)]).bearer == "k"


@pytest.mark.parametrize("moment", ["\u00b2", "1\u00b9", "\u0663", "9" * 5000, "-1", "+1", "1_0", "1e9", ""])
def test_a_moment_that_is_no_number_vouches_for_nothing(moment: str) -> None:
    """``str.isdigit`` takes more for a digit than ``int`` does, and ``int`` takes no more than 4300 of them."""
    assert proxied_address(SITE, f"198.51.100.7 {moment} abc") is None
