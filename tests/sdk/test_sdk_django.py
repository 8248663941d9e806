"""Django, under WSGI and ASGI."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Iterator
from io import StringIO
from typing import Any
from urllib.parse import quote

import pytest
from django.contrib.auth.signals import user_logged_in, user_login_failed
from django.core.management import CommandError, call_command
from django.template import engines
from django.test import AsyncClient, Client, RequestFactory, override_settings
from dongui import Client as DonguiClient
from dongui import Delivery
from dongui.integrations.django.checks import MIDDLEWARE, check
from dongui.testing import FakeClient

from tests.sdk import django_site
from tests.sdk.conftest import ClientOf
from tests.sdk.sdk_stub import ORIGIN, SITE, Collector
from tests.sdk.test_sdk_consent_mode import GOOGLE, STUB
from tests.sdk.test_sdk_inject import TAG
from tests.sdk.test_sdk_tally import added, of_fake


@pytest.fixture
def fake() -> Iterator[FakeClient]:
    fake = FakeClient()
    with override_settings(DONGUI={"client": fake}):
        yield fake


def streaming(response: Any) -> Iterator[bytes]:
    """The parts of an answer that is streamed."""
    parts: Iterator[bytes] = response.streaming_content
    return parts


def test_views_see_the_consent_and_cookies_are_guarded(fake: FakeClient) -> None:
    got = Client().get("/")
    assert got.content.endswith(b"False")
    assert sorted(got.cookies) == ["sessionid"]
    got = Client().get("/", headers={"Cookie": fake.cookie("statistics")})
    assert got.content.endswith(b"True")
    assert sorted(got.cookies) == ["_ga", "sessionid"]
    assert "Cookie" in got.headers["Vary"]
    assert [event.name for event in fake.events] == ["pageview"]
    assert fake.events[0].fields["url"] == "http://testserver/"


def test_pages_are_counted_without_identifiers(fake: FakeClient) -> None:
    for cookie in ("", fake.cookie(), fake.cookie("statistics")):
        Client().get("/page", headers={"Cookie": cookie})
    Client().get("/page", headers={"Sec-GPC": "1"})
    assert added(of_fake(fake)) == {"unasked": 1, "refused": 1, "statistics": 1, "gpc": 1}


def test_templates(fake: FakeClient) -> None:
    text = Client().get("/page", headers={"Cookie": fake.cookie("marketing")}).content.decode()
    assert '<script async src="/_dongui/v1/dongui.js" data-site="test-site" nonce="n1"></script>' in text
    assert text.endswith("ad")
    assert not Client().get("/page").content.endswith(b"ad")


@pytest.mark.parametrize("mounted", ["", "/shop", "/상점"])
def test_the_template_tag_is_the_one_that_is_put_in(mounted: str) -> None:
    options: Any = {"domain": "shop.example", "inject": True}
    root = mounted.encode().decode("latin-1")
    with override_settings(DONGUI={"client": FakeClient(**options)}):
        [own] = re.findall("<script.*?</script>", Client().get("/page", SCRIPT_NAME=root).content.decode())
        [put] = re.findall("<script.*?</script>", Client().get("/", SCRIPT_NAME=root).content.decode())
        assert own.replace(' nonce="n1"', "") == put
        assert f'src="{quote(mounted)}/_dongui/v1/dongui.js"' in own
        assert ' data-domain="shop.example"' in own
        text = engines["django"].from_string("{% load dongui %}{% dongui_snippet nonce %}").render({"nonce": '"><b'})
    assert 'nonce="&quot;&gt;&lt;b"' in text, "no request, and nothing leaves its attribute"


def test_views_that_require_a_purpose(fake: FakeClient) -> None:
    granted = {"Cookie": fake.cookie("marketing")}
    assert Client().get("/offer").status_code == 403
    assert Client().get("/offer", headers=granted).content == b"offer"
    assert [Client().get("/either").content, Client().get("/either", headers=granted).content] == [b"without", b"with"]


def test_events_of_the_application_and_streams(fake: FakeClient) -> None:
    granted = {"Cookie": fake.cookie("statistics")}
    assert Client().get("/buy", headers=granted).content == b"True"
    assert b"".join(streaming(Client().get("/stream", headers=granted))) == b"ab"
    assert [event.name for event in fake.events] == ["purchase", "pageview", "pageview"]


def test_cookies_that_linger_are_ended_at_every_domain(fake: FakeClient) -> None:
    got = Client().get("/", headers={"Cookie": f"{fake.cookie()}; _ga=1", "Host": "www.example.com"})
    lines = [morsel.OutputString() for morsel in got.cookies.values() if morsel.key == "_ga"]
    ended = "_ga=; Max-Age=0; Path=/"
    assert lines == [ended + domain for domain in ("", "; Domain=www.example.com", "; Domain=example.com")]


def test_a_decision_at_sign_up_sets_its_cookies(fake: FakeClient) -> None:
    got = Client().get("/sign-up")
    assert got.cookies["dongui_id"]["httponly"] is True
    assert got.cookies["dongui"].value.startswith("1~test~statistics~")


def test_cookies_can_be_hidden() -> None:
    fake = FakeClient(hide_cookies=True)
    with override_settings(DONGUI={"client": fake}):
        assert Client().get("/cookies", headers={"Cookie": "_ga=1; theme=2"}).content == b"theme"


def test_pages_take_the_tag() -> None:
    with override_settings(DONGUI={"client": FakeClient(inject=True)}):
        got = Client().get("/")
    assert b'<head><script async src="/_dongui/v1/dongui.js" data-site="test-site"></script>' in got.content
    assert got.headers["Content-Length"] == str(len(got.content))


def test_headers_that_may_not_leave_are_gone() -> None:
    with override_settings(DONGUI={"client": FakeClient(inject=True)}):
        head = Client().head("/dated")
        assert not set(head.headers) & {"Content-Length", "ETag", "Last-Modified", "Accept-Ranges"}
        page = Client().get("/dated")
        assert page.headers["Content-Length"] == str(len(page.content))
        head = Client().head("/dated")
        assert (head.headers["Content-Length"], head.headers["ETag"]) == (str(len(page.content)), page.headers["ETag"])


def test_no_cache_keeps_what_sets_a_visitors_own_cookies(fake: FakeClient) -> None:
    got = Client().get("/sign-up")
    assert "dongui_id" in got.cookies
    assert not got.has_header("CDN-Cache-Control")
    assert got.headers["Cache-Control"] == "private, max-age=60"


def test_a_cookie_in_a_header_of_the_applications_own_is_guarded(fake: FakeClient) -> None:
    refused = Client().get("/dated")
    assert (list(refused.cookies), refused.has_header("Set-Cookie")) == ([], False)
    granted = Client().get("/dated", headers={"Cookie": fake.cookie("statistics")})
    assert [granted.headers.get("Set-Cookie"), *granted.cookies] in (["_ga=1; Path=/"], [None, "_ga"])


def post(path: str, body: Any) -> dict[str, Any]:
    headers = {"Origin": ORIGIN, "Sec-Fetch-Site": "same-origin"}
    return {"path": path, "data": json.dumps(body), "content_type": "text/plain", "headers": headers}


DECISION = {"site": SITE, "notice": "v1", "granted": ["statistics"], "refused": [], "method": "banner", "lang": "ko"}


@pytest.fixture
def real(collector: Collector, client_of: ClientOf) -> Iterator[DonguiClient]:
    client = client_of(collector)
    with override_settings(DONGUI={"client": client}):
        yield client


def test_the_collector_on_the_sites_own_origin(real: DonguiClient, collector: Collector) -> None:
    browser = Client()
    got = browser.post(**post("/_dongui/v1/consents", DECISION))
    assert (got.status_code, got.json()["visitor_cookie"]) == (201, True)
    held = browser.get("/_dongui/v1/me", headers={"X-Dongui": "1"})
    assert held.json()["state"] == {"statistics": "given"}
    assert browser.post(**post("/_dongui/v1/events", "x" * 70_000)).status_code == 413


def test_under_asgi(real: DonguiClient, collector: Collector) -> None:
    async def visit() -> None:
        browser = AsyncClient()
        got = await browser.post(**post("/_dongui/v1/consents", DECISION))
        assert got.status_code == 201
        held = await browser.get("/_dongui/v1/me", headers={"X-Dongui": "1"})
        assert held.json()["state"] == {"statistics": "given"}
        got = await browser.get("/")
        assert sorted(got.cookies) == ["_ga", "sessionid"]
        assert (await browser.get("/either")).content == b"without"

    asyncio.run(visit())
    assert real.flush(60)
    [visitor] = collector.granted
    assert [event["name"] for event in collector.of(visitor)] == ["pageview"] * 2


def test_an_error_of_our_own_changes_nothing(fake: FakeClient, monkeypatch: pytest.MonkeyPatch) -> None:
    from dongui.integrations.django import middleware

    monkeypatch.setattr(middleware, "DjangoRequest", None)
    got = Client().get("/")
    assert got.status_code == 200
    assert fake.stats()["mishaps"] == {"request": 1}


class Member:
    pk = 17

    def save(self, update_fields: list[str]) -> None:
        """Django notes the last login."""


def test_logins_are_recorded_where_the_settings_name_a_class(fake: FakeClient) -> None:
    request = RequestFactory().get("/", REMOTE_ADDR="203.0.113.9")
    user_logged_in.send(Member, request=request, user=Member())
    assert fake.calls == [], "nobody asked for it"
    with override_settings(DONGUI={"client": fake, "logins": "abuse"}):
        user_logged_in.send(Member, request=request, user=Member())
        user_login_failed.send(Member, credentials={"username": "kim@example.com"}, request=request)
    (_, came), (_, refused) = fake.calls
    assert (came["class"], came["subject"], came["data"]["succeeded"]) == ("abuse", "17", True)
    assert (refused["subject"], refused["data"]) == (
        "unknown",
        {"event": "login", "succeeded": False, "ip": "203.0.113.9"},
    )
    assert "kim" not in str(fake.calls)


def test_system_checks(fake: FakeClient) -> None:
    assert check() == []
    with override_settings(DONGUI={"site": "x"}):
        assert [finding.id for finding in check()] == ["dongui.E001"]
    with override_settings(MIDDLEWARE=[]):
        assert [finding.id for finding in check()] == ["dongui.E002"]
    below = ["django.contrib.sessions.middleware.SessionMiddleware", MIDDLEWARE]
    with override_settings(MIDDLEWARE=below):
        assert [finding.id for finding in check()] == ["dongui.W001"]


def test_the_command_shows_how_the_policy_sees_djangos_cookies(fake: FakeClient) -> None:
    out = StringIO()
    call_command("dongui", stdout=out)
    assert "policy test; asked for: analysis, marketing, personalisation, statistics" in out.getvalue()
    assert "cookie sessionid: not declared; passes and is counted by name" in out.getvalue()
    with (
        override_settings(
            DONGUI={"site": "s", "collector": "http://127.0.0.1:9", "secret_key": "k", "learn_timeout": 0}
        ),
        pytest.raises(CommandError, match="No policy from"),
    ):
        call_command("dongui", stdout=StringIO())


assert django_site.fake


WHOLE = b"".join(django_site.PARTS)


@pytest.fixture
def injecting() -> Iterator[bytes]:
    """What is put into pages: the stub, then the tag."""
    options: Any = {"site": SITE, "collector": "http://127.0.0.1:9", "secret_key": "k", "policy": GOOGLE}
    client = DonguiClient(delivery=Delivery(exit_deadline=0.1), inject=True, consent_mode=True, **options)
    with override_settings(DONGUI={"client": client}):
        yield STUB + TAG
    client.close()


def test_whole_pages_take_the_stub_and_the_tag(injecting: bytes) -> None:
    got = Client().get("/")
    assert got.content.startswith(b"<!doctype html><html><head>" + injecting + b"</head>")


@pytest.mark.parametrize("kind", ["plain", "breaks off"])
def test_streamed_pages_take_them_as_they_pass(injecting: bytes, kind: str) -> None:
    got = b"".join(streaming(Client().get(f"/streamed/{kind}")))
    page = WHOLE if kind == "plain" else b"".join(django_site.PARTS[:2])
    assert got == page.replace(b"<head>", b"<head>" + injecting)


def test_streams_under_asgi_take_them_too(injecting: bytes) -> None:
    async def ask(path: str) -> bytes:
        got: Any = await AsyncClient().get(path)
        if got.is_async:
            return b"".join([part async for part in got.streaming_content])
        return b"".join(got.streaming_content)

    for path in ("/streamed-async", "/streamed/plain"):
        assert asyncio.run(ask(path)) == WHOLE.replace(b"<head>", b"<head>" + injecting), path


@pytest.mark.parametrize("kind", ["promised", "file"])
def test_streams_that_have_promised_their_length_stay_as_they_are(injecting: bytes, kind: str) -> None:
    got = Client().get(f"/streamed/{kind}")
    assert b"".join(streaming(got)) == WHOLE
    assert got.headers["Content-Length"] == str(len(WHOLE))


def test_the_error_of_a_stream_is_the_applications_own(injecting: bytes) -> None:
    parts = streaming(Client().get("/streamed/fails"))
    with pytest.raises(LookupError, match="own"):
        list(parts)


def test_the_template_tag_brings_the_stub_first(injecting: bytes) -> None:
    text = Client().get("/page").content
    nonce = b' nonce="n1">'
    assert text.startswith(b"<html><head>" + STUB.replace(b">", nonce, 1) + TAG.replace(b"></s", nonce + b"</s", 1))
    assert text.count(b"<script") == 2, "there already: nothing is put in once more"
