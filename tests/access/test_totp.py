"""RFC 6238's own vectors, clock drift, and codes that are good for once (S7.2, K12)."""

from __future__ import annotations

import base64
from urllib.parse import parse_qs, unquote, urlsplit

import pytest
from dongui_collector.access import totp
from hypothesis import given
from hypothesis import strategies as st

SECRET = b"12345678901234567890"  # RFC 6238, appendix B (SHA-1)
VECTORS = [
    (59, "94287082"),
    (1111111109, "07081804"),
    (1111111111, "14050471"),
    (1234567890, "89005924"),
    (2000000000, "69279037"),
    (20000000000, "65353130"),
]


@pytest.mark.parametrize(("at", "expected"), VECTORS)
def test_rfc_6238_appendix_b(at: int, expected: str) -> None:
    assert totp.code(SECRET, at // 30, digits=8) == expected
    assert totp.code(SECRET, at // 30) == expected[-6:]


@given(now=st.integers(3_000, 1 << 34), drift=st.integers(-4, 4))
def test_a_code_is_good_one_step_either_way_and_no_further(now: int, drift: int) -> None:
    step = now // 30 + drift
    others = {totp.code(SECRET, now // 30 + d) for d in (-1, 0, 1)}
    expected = abs(drift) <= 1 or totp.code(SECRET, step) in others
    assert (totp.accepted_step(SECRET, totp.code(SECRET, step), now, 0) is not None) == expected


@given(now=st.integers(3_000, 1 << 34), drift=st.integers(-1, 1))
def test_a_code_is_good_once_and_none_before_it_afterwards(now: int, drift: int) -> None:
    given_code = totp.code(SECRET, now // 30 + drift)
    step = totp.accepted_step(SECRET, given_code, now, 0)
    assert step is not None
    again = totp.accepted_step(SECRET, given_code, now, step)
    assert again is None or again > step  # the next step may happen to have the same six digits


@pytest.mark.parametrize(
    "given_code", ["", "12345", "1234567", "abcdef", "１２３４５６", "\ud800", "\0" * 6], ids=ascii
)
def test_what_is_no_code_is_refused(given_code: str) -> None:
    assert totp.accepted_step(SECRET, given_code, 59, 0) is None


def test_spaces_as_telephones_show_them_do_not_matter() -> None:
    assert totp.accepted_step(SECRET, "287 082", 59, 0) == 1


def test_the_link_says_what_authenticators_need() -> None:
    secret = totp.new_secret()
    assert len(secret) == 20
    parts = urlsplit(totp.uri(secret, "kim: 민지", "dongui Shop"))
    query = {name: values[0] for name, values in parse_qs(parts.query).items()}
    assert (parts.scheme, parts.netloc, unquote(parts.path)) == ("otpauth", "totp", "/dongui Shop:kim: 민지")
    assert base64.b32decode(query["secret"]) == secret
    assert base64.b32decode(totp.readable(secret).replace(" ", "")) == secret
    assert query["issuer"] == "dongui Shop"


def test_recovery_codes_are_kept_one_way_and_found_however_they_are_typed() -> None:
    codes = totp.new_recovery_codes()
    assert len(set(codes)) == 10
    kept = [totp.recovery_hash(code) for code in codes]
    assert not any(code.replace("-", "") in "".join(kept) for code in codes)
    assert totp.matching_recovery(kept, codes[3].upper().replace("-", " ")) == kept[3]
    assert totp.matching_recovery(kept, "aaaa-aaaa-aaaa-aaaa") is None
    assert totp.matching_recovery([], codes[0]) is None
