"""The desk answers under its own names alone, and tells by its cookie and its open pages how a request came."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from dongui_collector.core.settings import Settings
from dongui_collector.desk.app import create_desk
from dongui_collector.desk.hosts import is_local, known_hosts
from flask import Flask

from tests.desk.desk_world import World, sign_in

STRANGERS = [
    "evil.example",
    "127.0.0.1.evil.example",
    "localhost.evil.example",
    "desk",
    "127.0.0.2:8788",
    "",
    "[::2]",
    "a b",
]
OURS = ["localhost", "LOCALHOST:8788", "127.0.0.1", "127.0.0.1:8788", "[::1]:8788"]
PATHS = ["/console/", "/console/login", "/v1/openapi.json", "/metrics", "/static/base.css", "/nowhere"]


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with World(World.template(tmp_path_factory.mktemp("desk") / "d")) as world:
        yield world


def desk(world: World, **settings: object) -> Flask:
    kept = world.core.settings
    world.core.settings = replace(kept, **settings)  # type: ignore[arg-type]
    try:
        return create_desk(world.core)
    finally:
        world.core.settings = kept


@pytest.mark.parametrize("host", STRANGERS)
@pytest.mark.parametrize("path", PATHS)
def test_no_page_answers_under_a_strangers_name(world: World, host: str, path: str) -> None:
    answer = world.browser().get(path, headers={"Host": host})
    assert answer.status_code == 421
    assert "desk_hosts" in answer.text
    assert "Set-Cookie" not in answer.headers


@pytest.mark.parametrize("host", OURS)
def test_the_desk_answers_under_loopbacks_names(world: World, host: str) -> None:
    assert world.browser().get("/console/login", headers={"Host": host}).status_code == 200


def test_a_setting_adds_names(world: World) -> None:
    browser = desk(world, desk_hosts="console.example.com, .corp.example").test_client()
    for host in ("console.example.com", "console.example.com:443", "a.corp.example", "localhost"):
        assert browser.get("/console/login", headers={"Host": host}).status_code == 200
    assert browser.get("/console/login", headers={"Host": "www.example.com"}).status_code == 421


@pytest.mark.parametrize(
    ("listening", "known"), [("10.0.0.5", "10.0.0.5"), ("::1", "[::1]"), ("0.0.0.0", None), ("::", None)]
)
def test_the_address_that_it_listens_on_is_known(listening: str, known: str | None) -> None:
    extra = known_hosts(Settings(folder=Path(), desk_host=listening))[3:]
    assert extra == ((known,) if known else ())


def test_a_probe_may_ask_under_any_name(world: World) -> None:
    assert world.browser().get("/healthz", headers={"Host": "10.1.2.3:8788"}).status_code == 200


# --- the cookie ------------------------------------------------------------------------------------------------------


def cookie_of(app: Flask, world: World, scheme: str, host: str, **headers: str) -> str:
    browser = app.test_client()
    sent = {"Host": host, **{name.replace("_", "-"): value for name, value in headers.items()}}
    return browser.get("/console/login", base_url=f"{scheme}://{host}", headers=sent).headers["Set-Cookie"]


def test_behind_tls_the_session_cookie_is_secure(world: World) -> None:
    proxied = desk(world, desk_hosts="console.example.com", desk_proxies=1)
    assert "Secure" in cookie_of(proxied, world, "http", "console.example.com", X_Forwarded_Proto="https")
    direct = desk(world, desk_hosts="console.example.com")
    assert "Secure" in cookie_of(direct, world, "http", "console.example.com", Sec_Fetch_Site="none")


def test_without_tls_the_cookie_is_one_that_the_browser_keeps(world: World) -> None:
    app = desk(world, desk_hosts="console.example.com")
    assert "Secure" not in cookie_of(app, world, "http", "127.0.0.1", Sec_Fetch_Site="none")
    assert "Secure" not in cookie_of(app, world, "http", "console.example.com")
    assert "Secure" not in cookie_of(app, world, "http", "console.example.com", X_Forwarded_Proto="https")


# --- what is open on loopback ----------------------------------------------------------------------------------------

ELSEWHERE = [
    {"REMOTE_ADDR": "192.0.2.1", "HTTP_HOST": "127.0.0.1"},
    {"REMOTE_ADDR": "127.0.0.1", "HTTP_HOST": "console.example.com"},
    {"REMOTE_ADDR": "127.0.0.1", "HTTP_HOST": "127.0.0.1", "HTTP_X_FORWARDED_FOR": "192.0.2.1"},
    {"REMOTE_ADDR": "127.0.0.1", "HTTP_HOST": "127.0.0.1", "HTTP_FORWARDED": "for=192.0.2.1"},
    {"REMOTE_ADDR": "", "HTTP_HOST": "127.0.0.1"},
]


@pytest.mark.parametrize("environ", ELSEWHERE)
@pytest.mark.parametrize("path", ["/metrics", "/v1/openapi.json"])
def test_from_elsewhere_metrics_and_the_description_need_a_token(
    world: World, environ: dict[str, str], path: str
) -> None:
    assert not is_local(environ)
    browser = desk(world, desk_hosts="console.example.com").test_client()
    assert browser.get(path, environ_overrides=environ).status_code == 401
    token = world.token("statistics", role="auditor")["token"]
    answer = browser.get(path, environ_overrides=environ, headers={"Authorization": f"Bearer {token}"})
    assert answer.status_code == 200


def test_a_consumers_token_reads_the_description_and_no_metrics(world: World) -> None:
    headers = {"Authorization": f"Bearer {world.token('statistics')['token']}"}
    browser = world.browser()
    elsewhere = {"REMOTE_ADDR": "192.0.2.1"}
    assert browser.get("/v1/openapi.json", environ_overrides=elsewhere, headers=headers).status_code == 200
    assert browser.get("/metrics", environ_overrides=elsewhere, headers=headers).status_code == 403


def test_on_loopback_they_are_open(world: World) -> None:
    assert world.get("/metrics").status_code == 200
    assert world.get("/v1/openapi.json").status_code == 200


def test_signing_in_still_works_behind_a_proxy(world: World) -> None:
    browser = desk(world, desk_hosts="console.example.com", desk_proxies=1).test_client()
    assert sign_in(browser, "admin", world.installed.console_password).status_code == 303
