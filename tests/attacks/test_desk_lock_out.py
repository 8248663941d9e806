"""Strangers who guess passwords keep nobody out but themselves, and close nobody's open session."""

from __future__ import annotations

import re

import pytest
from dongui_collector.access.guessing import failed, source_of, succeeded, waits
from dongui_collector.storage.contract.access import Account
from flask.testing import FlaskClient

from tests.desk.desk_world import World

ACCOUNT = Account(id="a_1", name="officer", role="officer", password="hash")
NOW = 1_700_000_000_000


def browser(world: World, address: str) -> FlaskClient:
    client = world.browser()
    client.environ_base["REMOTE_ADDR"] = address
    return client


def sign_in(client: FlaskClient, name: str, password: str) -> int:
    page = client.get("/console/login").text
    token = re.search(r'name="csrf_token" value="([^"]+)"', page)
    assert token
    fields = {"name": name, "password": password, "csrf_token": token[1]}
    return client.post("/console/login", data=fields).status_code


@pytest.mark.parametrize("stranger", ["203.0.113.9", "2001:db8::1"])
def test_strangers_lock_out_themselves_alone(world: World, stranger: str) -> None:
    officer = browser(world, "192.0.2.1")
    right = world.installed.console_password
    assert sign_in(officer, "admin", right) == 303
    assert [sign_in(browser(world, stranger), "admin", "guess") for _ in range(6)] == [401] * 5 + [429]
    assert sign_in(browser(world, stranger), "admin", right) == 429, "the stranger waits, even with the right password"
    assert officer.get("/console/").status_code == 200, "an open session goes on"
    assert sign_in(browser(world, "192.0.2.2"), "admin", right) == 303, "the officer signs in from elsewhere"


def test_a_name_that_is_nobodys_waits_as_one_that_is_somebodys(world: World) -> None:
    """Else the difference would tell which names there are."""
    for name in ("admin", "nobody"):
        assert [sign_in(browser(world, "203.0.113.9"), name, "guess") for _ in range(6)] == [401] * 5 + [429]
        assert sign_in(browser(world, "203.0.113.10"), name, "guess") == 401


def test_one_house_of_ipv6_is_one_source(world: World) -> None:
    one, same, other = (source_of(world.core, f"2001:db8:0:{net}") for net in ("1::1", "1:ffff::2", "2::1"))
    assert one == same != other
    assert re.fullmatch("[0-9a-f]{16}", one)
    assert "20010db8" not in one, "no address is stored"


def test_the_pause_grows_and_ends(world: World) -> None:
    account, pauses = ACCOUNT, []
    for _ in range(12):
        account = failed(account, "s", NOW)
        pauses.append(waits(account, "s", NOW))
    assert pauses[:4] == [0.0] * 4
    assert pauses[4:] == sorted(pauses[4:])
    assert pauses[-1] == 640.0
    assert waits(account, "other", NOW) == 0
    assert waits(succeeded(account, "s"), "s", NOW) == 0
    assert waits(account, "s", NOW - 10**12) <= 900, "a clock that was set back locks nobody out for ever"


def test_many_sources_do_not_make_an_account_grow() -> None:
    account = ACCOUNT
    for n in range(500):
        account = failed(account, f"source {n}", NOW + n)
    assert len(account.attempts) <= 64
    for _ in range(6):
        account = failed(account, "last", NOW)
    assert waits(account, "last", NOW) > 0, "who goes on is not forgotten for those who tried once"
