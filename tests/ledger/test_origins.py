"""An origin is kept in the form in which browsers send it; what they never send is refused."""

from __future__ import annotations

import pytest
from dongui_collector.core.errors import CollectorError
from dongui_collector.ledger.origins import checked_origin


@pytest.mark.parametrize(
    ("given", "sent"),
    [
        ("https://shop.example.com", "https://shop.example.com"),
        (" https://Shop.Example.com:443/ ", "https://shop.example.com"),
        ("http://localhost:8000", "http://localhost:8000"),
        ("http://127.0.0.1", "http://127.0.0.1"),
        ("http://[::1]:8000", "http://[::1]:8000"),
        ("https://[2001:DB8:0::1]", "https://[2001:db8::1]"),
        ("https://faß.de", "https://xn--fa-hia.de"),
        ("https://xn--fa-hia.de", "https://xn--fa-hia.de"),
        ("https://한국.kr", "https://xn--3e0b707e.kr"),
        ("https://MÜNCHEN.de:8443", "https://xn--mnchen-3ya.de:8443"),
        ("https://my_shop.example.com", "https://my_shop.example.com"),
    ],
)
def test_an_origin_is_as_browsers_send_it(given: str, sent: str) -> None:
    assert checked_origin(given) == sent


@pytest.mark.parametrize(
    "given",
    [
        "https://[",
        "https://[::g]",
        "https://[fe80::1%eth0]",
        "https://℀.com",
        f"https://{'가' * 70}.com",
        "https://a..가",
        "https://a..b",
        "https://a b.com",
        "https://a\nb.com",
        "https://*.x.com",
        "https://x%00.com",
        "https://-x.com",
        f"https://{'a' * 64}.com",
        "https://user@x.com",
        "https://@x.com",
        "https://x.com:0",
        "https://x.com:99999",
        "https://x.com:x",
        "https://x.com/page",
        "https://x.com?q",
        "https://x.com\\y",
        "https://",
        "shop.example.com",
        "ftp://x.com",
        "",
    ],
)
def test_what_no_browser_sends_is_refused(given: str) -> None:
    with pytest.raises(CollectorError, match="origin"):
        checked_origin(given)


def test_a_name_that_cannot_be_written_out_says_the_remedy() -> None:
    with pytest.raises(CollectorError, match="write its xn-- form"):
        checked_origin("https://a..가")
