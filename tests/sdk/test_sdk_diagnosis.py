"""What is wrong with a set-up is said in the log, once, with the remedy; most of it before the first request."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from django.test import override_settings
from dongui import Client, ConsentMiddleware
from dongui.http.checkup import collector_findings
from dongui.integrations.django.checks import check
from dongui.integrations.flask import Dongui
from dongui.integrations.starlette import ConsentMiddleware as StarletteMiddleware
from dongui.testing import FakeClient
from dongui.web.diagnosis import COUNTED_TWICE, HTTPS_AS_HTTP, ONE_ADDRESS
from dongui.web.options import unknown_variables
from flask import Flask
from starlette.applications import Starlette
from starlette.middleware.sessions import SessionMiddleware
from werkzeug.middleware.proxy_fix import ProxyFix

from tests.collector import Installation
from tests.sdk import django_site
from tests.sdk.calls import environ
from tests.sdk.conftest import QUICK, ClientOf
from tests.sdk.sdk_stub import Collector

assert django_site.fake

NOBODY = "http://127.0.0.1:9"
OPTIONS: dict[str, Any] = {"site": "some-site", "collector": NOBODY, "secret_key": "k", "learn_timeout": 0}


@pytest.fixture
def log(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    caplog.set_level(logging.WARNING, logger="dongui")
    return caplog


def page(environ: dict[str, Any], start_response: Any) -> list[bytes]:
    start_response("200 OK", [("Content-Type", "text/html")])
    return [b"<!doctype html><head></head>"]


def ask(app: Any, **headers: Any) -> None:
    remote = headers.pop("remote", "10.0.0.2")
    made = {**environ("/", **headers), "REMOTE_ADDR": remote}
    b"".join(app(made, lambda status, headers, exc_info=None: lambda data: None))


# -- the collector: away, of another site, without a notice, another key


def test_a_collector_that_is_not_running_is_named_once_with_the_command(log: pytest.LogCaptureFixture) -> None:
    with closing(Client(**{**OPTIONS, "learn_timeout": 60}, delivery=QUICK)) as client:
        app = ConsentMiddleware(page, client=client)
        for _ in range(3):
            ask(app)
    (said,) = [message for message in log.messages if "no policy yet" in message]
    assert f"no collector answers at {NOBODY}; start it with `dongui serve`" in said


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    with closing(Installation(tmp_path_factory.mktemp("installation") / "site")) as made:
        yield made.start()


def test_a_set_up_in_order_has_no_finding(real: Installation) -> None:
    assert collector_findings(real.site, real.base, real.secret) == []


def test_a_wrong_key_is_found_before_the_first_request(real: Installation, log: pytest.LogCaptureFixture) -> None:
    (finding,) = collector_findings(real.site, real.base, "dgs_" + "x" * 43)
    assert "refuses secret_key" in finding.what
    assert "dongui init" in finding.remedy
    options: Any = {"site": real.site, "collector": real.base, "secret_key": "dgs_" + "x" * 43, "learn_timeout": 60}
    flask = Flask(__name__)
    Dongui(flask, **options)
    starlette = StarletteMiddleware(Starlette(), **options)
    with override_settings(DONGUI=options):
        assert [finding.id for finding in check()] == ["dongui.W003"]
    assert len([message for message in log.messages if "refuses secret_key" in message]) == 2
    assert "dgs_" not in log.text
    flask.extensions["dongui"].close()
    starlette.client.close()


def test_an_unknown_site_is_found(real: Installation) -> None:
    (finding,) = collector_findings("another-site", real.base, real.secret)
    assert "knows no such site" in finding.what
    assert "dongui sites list" in finding.remedy


def test_another_program_in_the_collectors_place_is_found(collector: Collector) -> None:
    collector.mode = "page"
    (finding,) = collector_findings("some-site", collector.url, "k")
    assert "is no collector" in finding.what
    assert "8787" in finding.remedy


def test_django_checks_a_collector_that_is_away() -> None:
    with override_settings(DONGUI=OPTIONS):
        (finding,) = check()
    assert (finding.id, finding.hint) == ("dongui.W003", "start it with `dongui serve`, or correct `collector`")


def test_a_key_that_is_refused_later_is_said_once(
    collector: Collector, client_of: ClientOf, log: pytest.LogCaptureFixture
) -> None:
    client = client_of(collector, secret_key="dgs_another", learn_timeout=60)
    for name in ("one", "two"):
        client.track(collector.visitor("statistics"), name)
        assert client.flush(60)
    assert len([message for message in log.messages if "refuses secret_key" in message]) == 1


# -- proxies


@pytest.mark.parametrize(
    ("headers", "options", "said"),
    [
        pytest.param({"X_FORWARDED_FOR": "203.0.113.5"}, {}, [ONE_ADDRESS], id="one address for all"),
        pytest.param({"ORIGIN": "https://shop.example.com"}, {}, [HTTPS_AS_HTTP], id="https arrives as http"),
        pytest.param({"SEC_FETCH_SITE": "none"}, {}, [HTTPS_AS_HTTP], id="by what browsers send to https alone"),
        pytest.param(
            {"SEC_FETCH_SITE": "none"}, {"trusted_proxies": 1}, [HTTPS_AS_HTTP], id="the proxy tells no scheme"
        ),
        pytest.param({"SEC_FETCH_SITE": "none"}, {"https": "always"}, [], id="https is set"),
        pytest.param(
            {"X_FORWARDED_FOR": "203.0.113.5", "X_FORWARDED_PROTO": "https", "SEC_FETCH_SITE": "none"},
            {"trusted_proxies": 1},
            [],
            id="in order",
        ),
        pytest.param({"X_FORWARDED_FOR": "1.1.1.1", "remote": "8.8.8.8"}, {}, [], id="a stranger's header"),
        pytest.param({"SEC_FETCH_SITE": "none", "HOST": "localhost:5000"}, {}, [], id="at home"),
    ],
)
def test_a_missing_trusted_proxies_is_said_once(
    headers: dict[str, str], options: Any, said: list[str], log: pytest.LogCaptureFixture
) -> None:
    app = ConsentMiddleware(page, client=FakeClient(**options))
    for _ in range(3):
        ask(app, **headers)
    assert log.messages == [f"dongui: {text}" for text in said]
    assert "203.0.113" not in log.text


def test_a_proxy_that_is_counted_twice_is_said(log: pytest.LogCaptureFixture) -> None:
    app: Any = ProxyFix(ConsentMiddleware(page, client=FakeClient(trusted_proxies=1)))
    ask(app, X_FORWARDED_FOR="203.0.113.5")
    assert log.messages == [f"dongui: {COUNTED_TWICE}"]


def test_proxy_fix_inside_dongui_is_said_at_the_start(log: pytest.LogCaptureFixture) -> None:
    app = Flask(__name__)
    app.wsgi_app = ProxyFix(app.wsgi_app)  # type: ignore[method-assign]
    Dongui(app, client=FakeClient())
    assert "ProxyFix stands inside dongui" in log.text
    assert "trusted_proxies" in log.text


def test_djangos_settings_for_a_proxy_are_compared() -> None:
    options = {**OPTIONS, "policy": FakeClient().knowledge.terms.policy}
    with override_settings(DONGUI=options, SECURE_PROXY_SSL_HEADER=("HTTP_X_FORWARDED_PROTO", "https")):
        assert [finding.id for finding in check()] == ["dongui.W004"]
    with override_settings(DONGUI={**options, "trusted_proxies": 1}, USE_X_FORWARDED_HOST=True):
        assert check() == []


# -- the order of middlewares


@pytest.mark.parametrize("ours_last", [False, True], ids=["sessions outside", "ours outside"])
def test_starlettes_order_is_said_before_the_first_request(ours_last: bool, log: pytest.LogCaptureFixture) -> None:
    app = Starlette()
    added: list[tuple[Any, dict[str, Any]]] = [
        (StarletteMiddleware, {"client": FakeClient()}),
        (SessionMiddleware, {"secret_key": "k"}),
    ]
    for middleware, options in reversed(added) if ours_last else added:
        app.add_middleware(middleware, **options)

    async def receive() -> dict[str, Any]:
        return {"type": "lifespan.startup" if not sent else "lifespan.shutdown"}

    async def send(message: Any) -> None:
        sent.append(message["type"])

    sent: list[str] = []
    asyncio.run(app({"type": "lifespan", "state": {}}, receive, send))
    assert sent == ["lifespan.startup.complete", "lifespan.shutdown.complete"]
    assert ("SessionMiddleware stands outside" in log.text) is not ours_last


# -- names


def test_unknown_variables_are_named_with_a_near_one_and_without_their_value(
    monkeypatch: pytest.MonkeyPatch, log: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("DONGUI_SECRETKEY", "dgs_private")
    monkeypatch.setenv("DONGUI_SECRET_KEY", "k")
    assert unknown_variables() == [("DONGUI_SECRETKEY", "did you mean DONGUI_SECRET_KEY?")]
    ConsentMiddleware(page, client=FakeClient())
    assert "DONGUI_SECRETKEY is no option; did you mean DONGUI_SECRET_KEY?" in log.text
    assert "dgs_private" not in log.text
    with override_settings(DONGUI={"client": FakeClient()}):
        assert [finding.id for finding in check()] == ["dongui.W002"]


def test_unknown_names_in_flasks_configuration_are_named(log: pytest.LogCaptureFixture) -> None:
    app = Flask(__name__)
    app.config["DONGUI_STRICKT"] = True
    Dongui(app, client=FakeClient())
    assert 'app.config["DONGUI_STRICKT"] is no option' in log.text


# -- pages without the tag


@pytest.mark.parametrize(
    ("headers", "body", "said"),
    [
        pytest.param([("Content-Encoding", "gzip")], b"x", "let dongui stand inside what compresses", id="compressed"),
        pytest.param([("Cache-Control", "no-transform")], b"<html>", "write the tag yourself there", id="no-transform"),
        pytest.param(
            [("Content-Security-Policy", "script-src 'self'")],
            b"<!doctype html><head></head>",
            "add a nonce to its script-src",
            id="no inline script",
        ),
    ],
)
def test_a_tag_that_could_not_be_put_in_is_said_once(
    headers: list[tuple[str, str]], body: bytes, said: str, log: pytest.LogCaptureFixture
) -> None:
    def application(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        length = ("Content-Length", str(len(body)))
        start_response("200 OK", [("Content-Type", "text/html; charset=utf-8"), length, *headers])
        return [body]

    app = ConsentMiddleware(application, client=FakeClient(inject=True, consent_mode=True))
    for _ in range(3):
        ask(app, SEC_FETCH_DEST="document", remote="203.0.113.7")
    (message,) = log.messages
    assert said in message


def test_each_of_these_is_in_the_table_of_mistakes() -> None:
    table = (Path(__file__).parents[2] / "docs" / "troubleshooting.md").read_text(encoding="utf-8")
    for name in [name for name in globals() if name.startswith("test_") and "table" not in name]:
        assert name in table, f"add a row for {name}"
