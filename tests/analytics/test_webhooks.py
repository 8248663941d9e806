"""Webhooks: signed, in order, at least once, naming nobody, and given up for a while where nobody answers."""

from __future__ import annotations

import hashlib
import hmac
import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from datetime import date
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
from dongui_collector.core.errors import CollectorError
from dongui_collector.core.operations import perform
from dongui_collector.exports.export import Entitlement, consumer_events
from dongui_collector.webhooks.delivery import Deliverer
from dongui_collector.webhooks.model import MOST, MOST_TRIES, pause_ms

from tests.collector import Installation, event
from tests.retention.house import ALL, House, at

DAY = date(2025, 3, 10)


class Receiver:
    """The other side, on loopback."""

    def __init__(self) -> None:
        self.got: list[tuple[dict[str, str], bytes]] = []
        self.status = 200
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                receiver.got.append((dict(self.headers), body))
                self.send_response(receiver.status)
                self.end_headers()

            def log_message(self, *_: Any) -> None: ...

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server.server_port}/hook"

    def events(self) -> list[dict[str, Any]]:
        return [event for _, body in self.got for event in json.loads(body)["events"]]


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    made = Receiver()
    yield made
    made.server.shutdown()
    made.server.server_close()


@pytest.fixture
def shop(new_house: Callable[..., House]) -> House:
    made = new_house(testing=True)
    made.add_site()
    made.approve_routine()
    return made


def token(house: House, *purposes: str) -> str:
    made: str = perform(house.core, "tokens.create", {"purposes": list(purposes)})["id"]
    return made


def exported(house: House, consumer: str, *purposes: str) -> set[str]:
    """The names that a consumer knows the visitors by."""
    arguments = {"consumer": consumer, "site": house.site.id, "purposes": list(purposes), "by": "x", "format": "csv"}
    perform(house.core, "export.note", {**arguments, "first": str(DAY), "last": str(DAY)})
    reader = Entitlement(consumer, house.site, purposes)
    return {row["visitor"] for _, row in consumer_events(house.core, reader, DAY, DAY)}


def add(house: House, receiver: Receiver, **more: Any) -> dict[str, Any]:
    made: dict[str, Any] = perform(house.core, "webhooks.add", {"url": receiver.url, **more})
    return made


def test_a_withdrawal_is_told_signed_under_the_consumers_own_name(shop: House, receiver: Receiver) -> None:
    one, other = token(shop, "statistics"), token(shop, "statistics")
    visitor = shop.arrive("statistics")
    shop.visit(visitor)
    (known,), (otherwise,) = exported(shop, one, "statistics"), exported(shop, other, "statistics")
    hook = add(shop, receiver, token=one)
    shop.choose((), ("statistics",), visitor=visitor)
    assert Deliverer(shop.core).round() == 1
    ((headers, body),) = receiver.got
    (event,) = json.loads(body)["events"]
    assert (event["type"], event["visitor"], event["purposes"]) == ("withdrawal", known, ["statistics"])
    held = [visitor, otherwise, "203.0.113", "sentinel", shop.core.ledger.key_of(visitor).hex(), hook["secret"]]
    assert not any(text in body.decode() for text in held)
    seconds, signed = (part.partition("=")[2] for part in headers["Dongui-Signature"].split(","))
    assert int(seconds) == shop.now // 1000
    assert hmac.new(hook["secret"].encode(), f"{seconds}.".encode() + body, hashlib.sha256).hexdigest() == signed
    assert Deliverer(shop.core).round() == 0, "told once"


def test_a_suspension_and_its_end_are_told_with_withdrawals(shop: House, receiver: Receiver) -> None:
    own, other = token(shop, "statistics"), token(shop, "statistics")
    visitor = shop.arrive("statistics")
    shop.visit(visitor)
    (known,), _ = exported(shop, own, "statistics"), exported(shop, other, "statistics")
    add(shop, receiver, token=own, kinds=["withdrawal"])
    add(shop, receiver, token=other, kinds=["aged_out"])  # asked for something else
    for suspended in (True, False):
        shop.core.ledger.suspend(shop.core.ledger.key_of(visitor), suspended)
    Deliverer(shop.core).round()
    told = [(event["type"], event["visitor"], event["purposes"]) for event in receiver.events()]
    assert told == [("suspension", known, ["statistics"]), ("resumption", known, ["statistics"])]


def test_only_what_comes_after_and_what_was_asked_for_is_told(shop: House, receiver: Receiver) -> None:
    own = token(shop, "statistics")
    early, late = shop.arrive("statistics"), shop.arrive("statistics")
    for visitor in (early, late):
        shop.visit(visitor)
    exported(shop, own, "statistics")
    shop.choose((), ("statistics",), visitor=early)
    add(shop, receiver, token=own, kinds=["erasure"])
    shop.erase(late)
    Deliverer(shop.core).round()
    shop.run("2026-03-12T00:00")  # the day ages out, which was not asked for
    Deliverer(shop.core).round()
    assert [event["type"] for event in receiver.events()] == ["erasure"]


def test_a_request_is_told_to_the_controller_without_whose_it_is(shop: House, receiver: Receiver) -> None:
    add(shop, receiver)
    made = perform(
        shop.core,
        "requests.add",
        {"kind": "access", "name": "김가상", "contact": "kim@example.com", "text": "sentinel", "member": "member-1"},
    )
    Deliverer(shop.core).round()
    (event,) = receiver.events()
    assert event == {
        "type": "request",
        "request": made["id"],
        "kind": made["kind"],
        "due": made["due"],
        "at": shop.now,
    }
    with pytest.raises(CollectorError, match="only the controller"):
        add(shop, receiver, token=token(shop, "statistics"), kinds=["request"])


def test_what_is_not_taken_is_tried_again_later_with_the_same_name_and_nothing_is_lost(
    shop: House, receiver: Receiver
) -> None:
    own = token(shop, "statistics")
    visitors = [shop.arrive("statistics") for _ in range(3)]
    for visitor in visitors:
        shop.visit(visitor)
    exported(shop, own, "statistics")
    add(shop, receiver, token=own)
    counted: list[str] = []
    deliverer = Deliverer(shop.core, counted.append)
    receiver.status = 503
    shop.choose((), ("statistics",), visitor=visitors[0])
    deliverer.round()
    deliverer.round()
    assert len(receiver.got) == 1, "not before its time"
    shop.now += pause_ms(1)
    deliverer.round()
    assert len(receiver.got) == 2
    assert receiver.got[0][0]["Dongui-Delivery"] == receiver.got[1][0]["Dongui-Delivery"]
    shop.choose((), ("statistics",), visitor=visitors[1])
    receiver.status, receiver.got = 200, []
    shop.reopen()  # how far it has come outlives a restart
    shop.now += pause_ms(2)
    assert Deliverer(shop.core, counted.append).round() == 1
    assert len(receiver.events()) == 2
    assert counted == ["failed", "failed", "delivered"]
    assert perform(shop.core, "webhooks.list", {})[0]["state"] == "working"


def test_one_that_never_answers_is_paused_and_goes_on_where_it_stood(shop: House, receiver: Receiver) -> None:
    own = token(shop, "statistics")
    visitor = shop.arrive("statistics")
    shop.visit(visitor)
    exported(shop, own, "statistics")
    hook = add(shop, receiver, token=own)
    shop.choose((), ("statistics",), visitor=visitor)
    receiver.status = 500
    for _ in range(MOST_TRIES + 3):
        shop.now += pause_ms(99)
        Deliverer(shop.core).round()
    assert len(receiver.got) == MOST_TRIES
    (shown,) = perform(shop.core, "webhooks.list", {})
    assert (shown["state"], shown["error"]) == ("paused", "127.0.0.1 answered 500")
    receiver.status, receiver.got = 200, []
    perform(shop.core, "webhooks.resume", {"id": hook["id"]})
    assert Deliverer(shop.core).round() == 1
    assert sum(pause_ms(n) for n in range(1, MOST_TRIES + 1)) > 2 * 86_400_000


@pytest.mark.parametrize("ended", ["revoked", "expired"])
def test_the_webhook_of_a_token_that_ended_is_told_nothing_more(shop: House, receiver: Receiver, ended: str) -> None:
    own = perform(shop.core, "tokens.create", {"purposes": ["statistics"], "expires": "P1D"})["id"]
    other = token(shop, "statistics")
    visitor = shop.arrive("statistics")
    shop.visit(visitor)
    for consumer in (own, other):
        exported(shop, consumer, "statistics")
        add(shop, receiver, token=consumer)
    shop.choose((), ("statistics",), visitor=visitor)
    if ended == "revoked":
        perform(shop.core, "tokens.revoke", {"id": own})
    else:
        shop.now += 3 * 86_400_000
    assert Deliverer(shop.core).round() == 1, "the other token's goes on"
    states = {hook["consumer"]: hook["state"] for hook in perform(shop.core, "webhooks.list", {})}
    assert states == {own: "ended", other: "working"}
    with pytest.raises(CollectorError, match="no live token"):
        add(shop, receiver, token=own)


def test_one_that_hangs_keeps_no_other_from_being_told(shop: House, receiver: Receiver) -> None:
    own = token(shop, "statistics")
    visitor = shop.arrive("statistics")
    shop.visit(visitor)
    exported(shop, own, "statistics")
    perform(shop.core, "webhooks.add", {"url": "http://127.0.0.1:9/", "token": own})
    add(shop, receiver, token=own)
    shop.choose((), ("statistics",), visitor=visitor)
    assert Deliverer(shop.core).round() == 1
    assert len(receiver.got) == 1


def test_neither_secret_nor_whole_address_is_on_disk_or_shown(shop: House, receiver: Receiver) -> None:
    receiver.url += "/sentinelpath"
    hook = add(shop, receiver)
    on_disk = shop.bytes("data", "keys")
    assert hook["secret"].encode() not in on_disk
    assert b"sentinelpath" not in on_disk
    assert "secret" not in perform(shop.core, "webhooks.list", {})[0]
    assert "sentinelpath" not in json.dumps(perform(shop.core, "webhooks.list", {}))
    audit = [r.body for r in shop.core.storage.ledger.records() if r.kind == "audit"]
    assert "sentinelpath" not in json.dumps(audit)


def test_a_removed_one_is_told_no_more(shop: House, receiver: Receiver) -> None:
    hook = add(shop, receiver)
    perform(shop.core, "requests.add", {"kind": "access", "name": "x", "contact": "x"})
    perform(shop.core, "webhooks.remove", {"id": hook["id"]})
    assert Deliverer(shop.core).round() == 0
    assert receiver.got == []
    with pytest.raises(CollectorError):
        perform(shop.core, "webhooks.remove", {"id": hook["id"]})


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({"url": "https://127.0.0.1/"}, "network of one's own"),
        ({"url": "http://hooks.example.com/"}, "https"),
        ({"url": "https://hooks.example.com/", "kinds": ["everything"]}, "no kind"),
        ({"url": "https://hooks.example.com/", "token": "t_nobody"}, "no live token"),
        ({"url": "https://hooks.example.com/", "recipient": "Nobody"}, "names no such"),
    ],
)
def test_bad_ones_are_refused_with_their_remedy(house: House, arguments: dict[str, Any], says: str) -> None:
    with pytest.raises(CollectorError, match=says):
        perform(house.core, "webhooks.add", arguments)
    assert perform(house.core, "webhooks.list", {}) == []


def test_their_number_is_bounded(shop: House, receiver: Receiver) -> None:
    for _ in range(MOST):
        add(shop, receiver)
    with pytest.raises(CollectorError, match=str(MOST)):
        add(shop, receiver)


def test_a_large_backlog_goes_in_batches_in_order(shop: House, receiver: Receiver) -> None:
    add(shop, receiver, kinds=["aged_out"])
    with shop.core.storage.ledger.writing():
        for n in range(250):
            shop.core.storage.admin.add_to_feed("*", at("2025-03-10T12:00") + n, {"kind": "aged_out", "day": str(n)})
    assert Deliverer(shop.core).round() == 3
    assert [event["day"] for event in receiver.events()] == [str(n) for n in range(250)]
    assert ALL


def test_serve_tells_of_a_withdrawal_while_another_webhook_hangs(tmp_path: Path, receiver: Receiver) -> None:
    hanging = socket.create_server(("127.0.0.1", 0))  # takes the connection and never answers
    served = Installation(tmp_path / "i", testing=True).start()
    try:
        visitor = served.consent(["statistics"])["visitor"]
        served.send(visitor, event())
        days = ("--from", "2020-01-01", "--to", "2099-12-31")
        (row,) = map(json.loads, served.run("export", "events", "--purpose", "statistics", *days).stdout.splitlines())
        served.run("webhooks", "add", f"http://127.0.0.1:{hanging.getsockname()[1]}/")
        served.run("webhooks", "add", receiver.url)
        served.consent([], ["statistics"], visitor)
        deadline = time.monotonic() + 60
        while not receiver.events():
            assert time.monotonic() < deadline
            time.sleep(0.05)
        assert receiver.events()[0]["visitor"] == row["visitor"]
        assert served.stop() == 0
    finally:
        served.close()
        hanging.close()
