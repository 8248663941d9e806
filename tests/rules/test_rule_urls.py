"""URL and text scrubbing: any text, no raise, linear, idempotent; nothing personal left (S2.1b)."""

from __future__ import annotations

import subprocess
import sys
from datetime import date
from decimal import Decimal
from urllib.parse import parse_qsl, quote
from uuid import UUID

import pytest
from dongui.rules import AD_KEYS, QUERY_KEYS, percent_encoded, scrub_props, scrub_text, scrub_url
from hypothesis import example, given
from hypothesis import strategies as st

anything = st.text(st.characters(codec=None), max_size=200)
dense = st.text(alphabet="0123456789@%.-+ /:?#&=;gclidutm_sorce[]()aAé가40E2B\\", max_size=120)
urls = st.one_of(anything, dense, st.builds("https://{}@h.example/{}?{}#{}".format, dense, dense, dense, dense))

EMAILS = st.from_regex(r"[a-zA-Z0-9][a-zA-Z0-9._+-]{0,20}@([a-z0-9-]{1,10}\.){1,3}[a-z]{2,6}", fullmatch=True)
MOBILES = st.from_regex(r"01[016789][-. ]?[0-9]{4}[-. ]?[0-9]{4}", fullmatch=True)
FRAMES = st.sampled_from(["{}", "to {} now", "/u/{}/x", "a={}&b=1", "<{}>", "메일 {} 끝", "%20{}%20"])
RESIDENTS = st.from_regex(r"[0-9]{2}(0[1-9]|1[0-2])(0[1-9]|[12][0-9]|3[01])-[1-8][0-9]{6}", fullmatch=True)


def with_check_digit(born: date, kind: int, serial: int) -> str:
    """A resident number as they were issued until October 2020."""
    digits = f"{born:%y%m%d}{kind + 2 * (born.year >= 2000)}{serial:05}"
    total = sum(int(d) * w for d, w in zip(digits, (2, 3, 4, 5, 6, 7, 8, 9, 2, 3, 4, 5), strict=True))
    return f"{digits}{((13 if kind > 4 else 11) - total % 11) % 10}"


BARE_RESIDENTS = st.builds(
    with_check_digit,
    st.dates(date(1900, 1, 1), date(2020, 9, 30)),
    st.sampled_from([1, 2, 5, 6]),
    st.integers(0, 99999),
)


@given(urls)
@example("\ud800")
@example("https://[")
@example("//")
def test_scrubbing_takes_any_text_and_is_idempotent(url: str) -> None:
    once = scrub_url(url)
    assert scrub_url(once.url).url == once.url
    assert not scrub_url(once.url).ad_ids


@given(st.one_of(anything, dense))
def test_scrubbing_text_is_idempotent(text: str) -> None:
    assert scrub_text(scrub_text(text)) == scrub_text(text)


@given(urls, st.sets(st.sampled_from([*QUERY_KEYS, "page", "gclid"])))
def test_only_allowlisted_keys_stay(url: str, keys: set[str]) -> None:
    kept, ad_ids = scrub_url(url, keys)
    assert "#" not in kept
    query = kept.partition("?")[2]
    assert {pair.partition("=")[0] for pair in query.split("&") if query} <= keys - AD_KEYS
    assert ad_ids.keys() <= AD_KEYS
    assert all(ad_ids.values())


@given(st.from_regex(r"[a-z0-9:%@!$]{1,20}", fullmatch=True))
def test_user_info_never_stays(secret: str) -> None:
    assert scrub_url(f"https://{secret}@shop.example/cart").url == "https://shop.example/cart"
    assert scrub_url(f"//{secret}@shop.example/cart").url == "//shop.example/cart"


@given(st.sampled_from(sorted(AD_KEYS)), st.text(min_size=1, max_size=20).filter(lambda t: t.isprintable()))
def test_advertising_ids_are_decoded_and_apart(key: str, value: str) -> None:
    url, ad_ids = scrub_url(f"https://shop.example/?utm_source=x&{key}={quote(value, safe='')}")
    assert url == "https://shop.example/?utm_source=x"
    assert ad_ids == {key: value}


@given(EMAILS, FRAMES)
def test_no_e_mail_address_survives(secret: str, frame: str) -> None:
    """S2.1a, S2.1b."""
    for written in (secret, quote(secret), quote(quote(secret))):
        assert written not in scrub_text(frame.format(written))


@given(st.one_of(MOBILES, RESIDENTS, BARE_RESIDENTS), FRAMES)
def test_no_personal_number_survives(secret: str, frame: str) -> None:
    for written in (secret, quote(secret), secret.replace("-", "%2D"), secret.replace(" ", "+")):
        assert written not in scrub_text(frame.format(written))


def ean(prefix: str, serial: int) -> str:
    digits = f"{prefix}{serial:0{12 - len(prefix)}}"
    return f"{digits}{-sum(int(d) * (3 if i % 2 else 1) for i, d in enumerate(digits)) % 10}"


def test_barcodes_and_order_numbers_stay() -> None:
    """Korean EANs (880…) and order numbers by date; only those go that are a resident number by chance."""
    codes = [ean("880", n * 7_919_993 % 1_000_000_000) for n in range(2000)]
    days = [date(2026, 1 + n % 12, 1 + n % 28) for n in range(2000)]
    short = [f"{day:%y%m%d}{n * 31_337 % 10_000_000:07}" for n, day in enumerate(days)]
    long = [f"{day:%Y%m%d}{n:05}" for n, day in enumerate(days)]
    for numbers, by_chance in ((codes, 0.02), (short, 0.05), (long, 0)):
        gone = [n for n in numbers if scrub_url(f"/goods/{n}").url != f"/goods/{n}" or scrub_text(n) != n]
        assert len(gone) <= len(numbers) * by_chance


@given(st.uuids(), st.from_regex(r"[0-9a-f]{12}|[0-9a-f]{24}|[0-9a-f]{32,64}", fullmatch=True))
@example(UUID("01012345-0505-4123-8678-010123456789"), "04233796191a")
@example(UUID("02123456-0505-4123-8678-021234567890"), "zq04233796191a".removeprefix("zq"))
def test_ids_stay(uuid: UUID, token: str) -> None:
    for text in (f"/order/{uuid}", f"/order/zq{token}a", f"id={uuid}", f"x{token}x"):
        assert scrub_text(text) == text
        assert scrub_url(text).url == text


@given(st.text(st.characters(min_codepoint=0xA1, codec="utf-8", exclude_categories=["C", "Z", "M"]), max_size=8))
def test_one_page_has_one_address(name: str) -> None:
    forms = {name, quote(name), quote(name).lower(), quote(name, safe="").replace("%E", "%e")}
    addresses = [scrub_url(f"https://shop.example/{form}?utm_source={form}").url for form in forms]
    assert len({percent_encoded(address) for address in addresses}) == 1


@pytest.mark.parametrize("key", ["email", "token", "q", "utm_source_"])
def test_unknown_keys_go_with_their_values(key: str) -> None:
    assert parse_qsl(scrub_url(f"/?{key}=SENTINEL&utm_source=a").url[2:]) == [("utm_source", "a")]


HOSTILE = {
    "a": "'a' * n",
    "a@": "'a@' * (n // 2)",
    "long local, no at": "'a.' * (n // 2) + '@'",
    "a%40": "'a%40' * (n // 4)",
    "%25": "'%25' * (n // 3)",
    "labels that end in a digit": "'x@' + '1.' * (n // 2)",
    "labels without a dot": "'x@' + 'a-' * (n // 2)",
    "digits": "'0' * n",
    "digits and gaps": "'01 0-' * (n // 5)",
    "plus digits": "'+1 ' * (n // 3)",
    "resident-like": "'900101-' * (n // 7)",
    "ampersands": "'?' + '&' * n",
    "ad keys": "'?' + 'gclid=%zz&' * (n // 10)",
    "slashes and ats": "'//' + '@' * n",
    "jsessionids": "';jsessionid=' * (n // 12)",
    "colons": "':' * n",
}


def test_time_is_linear_on_hostile_texts() -> None:
    """A million characters of each: what is quadratic takes hours. The deadline ends a hung process; no measure."""
    program = "from dongui.rules import scrub_props, scrub_text, scrub_url\nn = 1_000_000\n"
    for text in HOSTILE.values():
        program += f"text = {text}\nscrub_url(text); scrub_text(text); scrub_props([text])\n"
    subprocess.run([sys.executable, "-c", program], check=True, timeout=240)


def test_properties_of_any_depth_and_kind() -> None:
    """Neither depth nor cycles nor the host's own objects raise; numbers that JSON lacks become null."""

    class Broken:
        def __str__(self) -> str:
            raise RuntimeError("the host application's bug")

    deep: list[object] = []
    for _ in range(100_000):
        deep = [deep]
    cycle: dict[str, object] = {}
    cycle["self"] = cycle
    assert scrub_props(deep) is not None
    assert scrub_props(cycle)["self"] is not None
    assert scrub_props([Broken(), Decimal("1.5"), float("nan"), float("inf"), {1: "a@b.example"}]) == [
        "",
        "1.5",
        None,
        None,
        {"1": "[email]"},
    ]
