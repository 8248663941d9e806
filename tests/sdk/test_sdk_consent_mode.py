"""The inline stub of Consent Mode (W2): first in the head, with the page's nonce, and only where it can run."""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Iterator
from typing import Any

import pytest
from dongui import Client, ConfigurationError, ConsentMiddleware
from dongui.asgi import ConsentMiddleware as AsgiMiddleware
from dongui.policy import inline_stub
from dongui.rules.compiled_policy import UNKNOWN, CompiledPolicy
from dongui.web.csp import inline_nonce
from dongui.web.inject import PageTag
from hypothesis import given
from hypothesis import strategies as st

from tests.sdk.calls import call, choice
from tests.sdk.conftest import QUICK
from tests.sdk.sdk_stub import POLICY, SECRET, SITE
from tests.sdk.test_sdk_asgi import ask
from tests.sdk.test_sdk_inject import TAG, serving

GOOGLE: dict[str, Any] = json.loads(json.dumps(POLICY))
GOOGLE["purposes"]["statistics"]["google_consent"] = ["analytics_storage"]
GOOGLE["purposes"]["statistics"]["urls"] = ["https://www.googletagmanager.com/*"]
STUB = inline_stub(GOOGLE).encode()
PAGE = (
    b"<!doctype html><html><head><script>window.first = 1</script>"
    b'<script async src="https://www.googletagmanager.com/gtag/js"></script></head><body></body></html>'
)
WOVEN = PAGE.replace(b"<head>", b"<head>" + STUB + TAG)


def client_with(consent_mode: Any = True, **options: Any) -> Client:
    given: dict[str, Any] = {"policy": GOOGLE, "inject": True, "consent_mode": consent_mode, **options}
    return Client(site=SITE, collector="http://127.0.0.1:9", secret_key=SECRET, delivery=QUICK, **given)


@pytest.fixture
def client() -> Iterator[Client]:
    client = client_with()
    yield client
    client.close()


def test_the_stub_comes_first_of_all_scripts(client: Client) -> None:
    assert b'"default"' in STUB
    got = call(ConsentMiddleware(serving(PAGE, ("Content-Length", str(len(PAGE)))), client=client))
    assert got.body == WOVEN
    assert got.all("Content-Length") == [str(len(WOVEN))]


def test_the_stub_comes_first_under_asgi(client: Client) -> None:
    async def application(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/html")]})
        await send({"type": "http.response.body", "body": PAGE})

    assert ask(AsgiMiddleware(application, client=client))[2] == WOVEN


def test_it_is_the_same_for_every_visitor(client: Client) -> None:
    app = ConsentMiddleware(serving(PAGE), client=client)
    got = call(app, cookie=f"{choice('statistics')}; dongui_id={'v' * 22}")
    assert got.body == WOVEN
    assert got.all("Vary") == [], "any cache may hold it"


def test_without_the_option_there_is_only_the_tag() -> None:
    client = client_with(False)
    assert call(ConsentMiddleware(serving(PAGE), client=client)).body == PAGE.replace(b"<head>", b"<head>" + TAG)
    client.close()


def test_before_a_policy_is_known_google_is_told_that_nothing_is_granted() -> None:
    text = PageTag(SITE, "", True).stub(UNKNOWN).decode()
    for kind in ("ad_storage", "ad_user_data", "ad_personalization", "analytics_storage"):
        assert kind in text
    assert '"basis":"consent"' in text


def test_the_stub_reads_the_choice_that_is_shared_over_subdomains() -> None:
    terms = CompiledPolicy(GOOGLE)
    assert b'"shared":true' in PageTag(SITE, "example.com", True).stub(terms)
    assert b'"shared"' not in PageTag(SITE, "", True).stub(terms)


def test_a_newer_policy_is_compiled_anew() -> None:
    stub, newer = PageTag(SITE, "", True), {**GOOGLE, "accepts": ["v1", "v2"]}
    assert stub.stub(CompiledPolicy(GOOGLE)) == STUB
    assert stub.stub(CompiledPolicy(newer)) == inline_stub(newer).encode() != STUB


def test_whatever_the_policy_says_the_stub_is_ascii() -> None:
    urls = ["https://한글.example.com/*", "https://\U0001f600.example.com/*", "</script>"]
    purposes = {**GOOGLE["purposes"], "statistics": {**GOOGLE["purposes"]["statistics"], "urls": urls}}
    element = PageTag(SITE, "", True).stub(CompiledPolicy({**GOOGLE, "purposes": purposes}), 'n"><')
    text = element.decode("ascii")
    assert element.count(b"</script>") == 1
    assert text.startswith('<script nonce="n&quot;&gt;&lt;">')
    [listed] = re.findall(r'"urls":(\[[^\]]+\])', text)
    assert json.loads(listed) == urls


# The page's Content-Security-Policy.

CASES = {
    "none": ([], ""),
    "nothing about scripts": (["img-src 'self'"], ""),
    "a nonce": (["script-src 'self' 'nonce-AbC+/=='"], "AbC+/=="),
    "a nonce for elements": (["script-src 'none'; script-src-elem 'nonce-x1'"], "x1"),
    "a nonce by default": (["default-src 'nonce-x2'; style-src 'nonce-other'"], "x2"),
    "a nonce of styles": (["default-src 'self'; style-src 'nonce-other'"], None),
    "a nonce that scripts do not inherit": (["default-src 'nonce-x'; script-src 'self'"], None),
    "strict": (["default-src 'self'"], None),
    "none at all": (["script-src 'none'"], None),
    "an empty list": (["script-src"], None),
    "any inline": (["script-src 'self' 'unsafe-inline'"], ""),
    "any inline, overruled by a nonce": (["script-src 'unsafe-inline' 'nonce-x3'"], "x3"),
    "any inline, overruled by a hash": (["script-src 'unsafe-inline' 'sha256-AAAA'"], None),
    "any inline, overruled by strict-dynamic": (["script-src 'unsafe-inline' 'strict-dynamic'"], None),
    "strict-dynamic with a nonce": (["script-src 'strict-dynamic' 'nonce-x4' 'unsafe-inline' https:"], "x4"),
    "the first of two directives counts": (["script-src 'self'; script-src 'nonce-x'"], None),
    "capitals": (["SCRIPT-SRC 'Nonce-x5'"], "x5"),
    "two policies that agree": (["script-src 'nonce-a' 'nonce-b'", "default-src 'nonce-b'"], "b"),
    "two policies that do not": (["script-src 'nonce-a'", "script-src 'nonce-b'"], None),
    "two policies in one header": (["script-src 'nonce-a', script-src 'self'"], None),
    "one policy is strict": (["script-src 'nonce-a'", "default-src 'none'"], None),
}


@pytest.mark.parametrize(("policies", "nonce"), CASES.values(), ids=CASES)
def test_the_nonce_of_the_page_or_no_stub(policies: list[str], nonce: str | None, client: Client) -> None:
    headers = [("Content-Security-Policy", policy) for policy in policies]
    assert inline_nonce(headers) == nonce
    body = call(ConsentMiddleware(serving(PAGE, *headers), client=client)).body
    stubs = re.findall(rb"<script(?: nonce=\"([^\"]*)\")?>\(", body)
    assert stubs == ([] if nonce is None else [nonce.encode()])
    assert body.count(b'src="/_dongui/v1/dongui.js"') == 1, "the snippet itself is not inline"


def test_any_space_separates() -> None:
    assert inline_nonce([("Content-Security-Policy", "\timg-src\t'none';\tscript-src\t'self';")]) is None


def test_a_policy_that_only_reports_forbids_nothing() -> None:
    assert inline_nonce([("Content-Security-Policy-Report-Only", "script-src 'none'")]) == ""


@pytest.mark.parametrize("debug", [True, False])
def test_a_stub_that_is_left_out_is_said_once(debug: bool, caplog: pytest.LogCaptureFixture) -> None:
    client = client_with(debug=debug)
    app = ConsentMiddleware(serving(PAGE, ("Content-Security-Policy", "script-src 'self'")), client=client)
    with caplog.at_level(logging.DEBUG, "dongui"):
        assert [STUB in call(app).body for _ in range(3)] == [False] * 3
    said = [record.message for record in caplog.records if "Consent Mode" in record.message]
    assert len(said) == 1
    assert all("nonce" in text for text in said)
    client.close()


NAMES = ["script-src", "default-src", "script-src-elem", "img-src"]
SOURCES = ["'self'", "'nonce-a'", "'nonce-b'", "'unsafe-inline'", "'strict-dynamic'", "'sha256-x'", "'none'", "https:"]
WORDS = st.sampled_from([*NAMES, *SOURCES, ";", ",", "\t", "é"])


@given(st.lists(st.lists(WORDS, max_size=12).map(" ".join), max_size=3))
def test_no_policy_breaks_it_and_a_nonce_is_always_one_of_the_page(policies: list[str]) -> None:
    nonce = inline_nonce([("content-security-policy", policy) for policy in policies])
    assert nonce in ("", None, "a", "b")
    assert not nonce or any(f"'nonce-{nonce}'" in policy for policy in policies)
    assert inline_nonce([("Content-Security-Policy", policy) for policy in [*policies, "script-src 'self'"]]) is None


LONELY = client_with()
LONELY.close()


@given(before=st.binary(max_size=60), after=st.binary(max_size=200), long=st.booleans())
def test_the_bytes_around_stay_as_they_are(before: bytes, after: bytes, long: bool) -> None:
    page = b"<!doctype html>" + before + b"<head>" + after
    headers = [("Content-Length", str(len(page)))] if long else []
    got = call(ConsentMiddleware(serving(page, *headers), client=LONELY))
    assert got.body.replace(STUB + TAG, b"", 1) == page
    assert got.all("Content-Length") == ([str(len(got.body))] if long else [])


# The option.


def test_googles_own_options_pass_and_doubtful_ones_are_said(caplog: pytest.LogCaptureFixture) -> None:
    asked: dict[str, Any] = {"ads_data_redaction": True, "wait_for_update": 500, "url_passthrough": True}
    client = client_with(asked)
    app = ConsentMiddleware(serving(PAGE), client=client)
    assert inline_stub(GOOGLE, **asked).encode() in call(app).body
    said = [record.message for record in caplog.records if "consent_mode" in record.message]
    assert len(said) == 2
    assert "url_passthrough" in said[0]
    assert "ads_data_redaction" in said[1]
    client.close()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"consent_mode": True, "inject": False}, "set inject as well"),
        ({"consent_mode": {"nonce": "x"}}, "no option of it"),
        ({"consent_mode": "advanced"}, "a mapping of options"),
    ],
)
def test_what_cannot_be_is_said_at_the_start(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        client_with(**options)
