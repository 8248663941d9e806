"""Page views counted without any identifier: of which kind, which not at all, and how the numbers travel."""

from __future__ import annotations

import asyncio
import re
import subprocess
import sys
import threading
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from dongui import ConsentMiddleware, Delivery
from dongui.asgi import ConsentMiddleware as AsgiMiddleware
from dongui.testing import FakeClient
from dongui.web.counters import PageViewCounter

from tests.sdk.calls import call, choice
from tests.sdk.conftest import PATIENT, ClientOf
from tests.sdk.sdk_stub import SECRET, SITE, Collector
from tests.sdk.test_sdk_asgi import converse, scope_of

ID = "; dongui_id=" + "v" * 22
LONG_AGO = 1_500_000_000


def page(environ: dict[str, Any], start_response: Any) -> list[bytes]:
    missing = environ["PATH_INFO"] == "/missing"
    kind = "application/json" if environ["PATH_INFO"] == "/api" else "text/html"
    start_response("404 Not Found" if missing else "200 OK", [("Content-Type", kind)])
    return [b"" if environ["REQUEST_METHOD"] == "HEAD" else b"page"]


async def asgi_page(scope: Any, receive: Any, send: Any) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/html")]})
    await send({"type": "http.response.body", "body": b"page"})


def added(bodies: list[dict[str, Any]]) -> dict[str, int]:
    """What ``/v1/counts`` was told in all, flat."""
    total: Counter[str] = Counter()
    for body in bodies:
        counts = dict(body["counts"])
        total.update(counts.pop("recorded", {}))
        total.update(counts)
    return dict(total)


def of(collector: Collector) -> list[dict[str, Any]]:
    return [body for path, body in collector.posts if path == "/v1/counts"]


def of_fake(fake: FakeClient) -> list[dict[str, Any]]:
    fake.close()
    return [body for path, body in fake.calls if path == "/v1/counts"]


@pytest.mark.parametrize(
    ("request_headers", "kind"),
    [
        ({}, "unasked"),
        ({"cookie": "theme=dark"}, "unasked"),
        ({"cookie": choice()}, "refused"),
        ({"cookie": choice("statistics") + ID}, "statistics"),
        ({"cookie": choice("statistics", "marketing") + ID}, "marketing.statistics"),
        ({"cookie": choice("statistics")}, "no_id"),
        ({"cookie": choice("statistics") + "; dongui_id=short"}, "no_id"),
        ({"cookie": choice("service")}, "refused"),
        ({"cookie": choice("statistics", version="v0") + ID}, "unasked"),
        ({"cookie": choice("statistics", at=LONG_AGO) + ID}, "unasked"),
        ({"cookie": "dongui=nonsense" + ID}, "unasked"),
        ({"SEC_GPC": "1"}, "gpc"),
        ({"cookie": choice(), "SEC_GPC": "1"}, "gpc"),
        ({"cookie": choice("marketing") + ID, "SEC_GPC": "1"}, "gpc"),
        ({"cookie": choice("marketing", "statistics") + ID, "SEC_GPC": "1"}, "statistics"),
    ],
)
def test_every_page_view_is_of_one_kind(
    collector: Collector, client_of: ClientOf, request_headers: dict[str, Any], kind: str
) -> None:
    client = client_of(collector, delivery=PATIENT)
    app = ConsentMiddleware(page, client=client)
    for _ in range(3):
        call(app, "/goods", **request_headers)
    client.close()
    [body] = of(collector)
    assert added([body]) == {kind: 3}
    assert set(body) == {"site", "id", "at", "counts"}, "of nobody in particular"
    assert body["at"] % 900_000 == 0, "the time is that of a quarter of an hour"


@pytest.mark.parametrize(
    ("path", "request_headers"),
    [
        ("/api", {}),
        ("/missing", {}),
        ("/static/a.html", {}),
        ("/healthz", {}),
        ("/private/x", {}),
        ("/", {"method": "POST"}),
        ("/", {"method": "HEAD"}),
        ("/", {"SEC_PURPOSE": "prefetch"}),
        ("/", {"SEC_FETCH_DEST": "empty"}),
        ("/", {"USER_AGENT": "Examplebot/1.0"}),
        ("/", {"X_INTERNAL": "1"}),
        ("/_dongui/v1/policy", {}),
    ],
)
def test_what_is_no_page_view_is_not_counted(
    collector: Collector, client_of: ClientOf, path: str, request_headers: dict[str, Any]
) -> None:
    rules: Any = {"exclude": ["/static/", "/healthz", "/private/"], "delivery": PATIENT}
    client = client_of(collector, page_view_if=lambda environ: "HTTP_X_INTERNAL" not in environ, **rules)
    app = ConsentMiddleware(page, client=client)
    for cookie in ("", choice(), choice("statistics") + ID):
        call(app, path, cookie=cookie, **request_headers)
    client.close()
    assert of(collector) == []


def test_nothing_is_counted_where_pages_are_counted_elsewhere_or_no_policy_is_known(
    collector: Collector, client_of: ClientOf
) -> None:
    elsewhere = client_of(collector, delivery=PATIENT, page_views=False)
    call(ConsentMiddleware(page, client=elsewhere))
    elsewhere.close()
    collector.mode = "error"
    unknowing = client_of(collector, learn_timeout=0.05, delivery=PATIENT)
    call(ConsentMiddleware(page, client=unknowing))
    collector.mode = "ok"
    unknowing.close()
    assert of(collector) == []


def test_asgi_counts_alike() -> None:
    fake = FakeClient()
    app = AsgiMiddleware(asgi_page, client=fake)
    for cookie in ("", fake.cookie(), fake.cookie("statistics")):
        asyncio.run(converse(app, scope_of(cookie=cookie), [{"type": "http.request"}]))
    asyncio.run(converse(app, scope_of(sec_gpc="1"), [{"type": "http.request"}]))
    assert added(of_fake(fake)) == {"unasked": 1, "refused": 1, "statistics": 1, "gpc": 1}


def test_it_is_told_in_the_background_and_summed_up(collector: Collector, client_of: ClientOf) -> None:
    client = client_of(collector, delivery=Delivery(tell=0.2, linger=0.01))
    app = ConsentMiddleware(page, client=client)
    for _ in range(20):
        call(app)
    collector.wait_for(lambda: sum(added(of(collector)).values()) == 20)
    assert len(of(collector)) < 20
    assert len({body["id"] for body in of(collector)}) == len(of(collector))


def test_a_collector_that_was_away_is_told_later(collector: Collector, client_of: ClientOf) -> None:
    client = client_of(collector, delivery=Delivery(tell=0.02, linger=0.01, first_pause=0.02, longest_pause=0.05))
    app = ConsentMiddleware(page, client=client)
    collector.mode = "down"
    call(app)
    collector.wait_for(lambda: client.stats()["failures"] > 1)
    call(app)
    collector.mode = "ok"
    collector.wait_for(lambda: added(of(collector)) == {"unasked": 2})


FORKED = """
import os, sys
sys.path.insert(0, {root!r})
from dongui import Client, ConsentMiddleware, Delivery
from tests.sdk.calls import call
from tests.sdk.test_sdk_tally import page
patient = Delivery(exit_deadline=30)  # on a busy machine
client = Client(site={site!r}, collector={url!r}, secret_key={secret!r}, learn_timeout=30, delivery=patient)
app = ConsentMiddleware(page, client=client)
call(app)
call(app)
for _ in range(3):
    if os.fork() == 0:
        call(app)
        sys.exit()
for _ in range(3):
    os.wait()
"""


def test_each_process_tells_its_own_at_its_exit(collector: Collector) -> None:
    root = str(Path(__file__).parents[2])
    script = FORKED.format(root=root, site=SITE, url=collector.url, secret=SECRET)
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, timeout=60)
    assert done.returncode == 0, done.stderr.decode()
    assert sorted(body["counts"]["unasked"] for body in of(collector)) == [1, 1, 1, 2]


def test_threads_lose_none() -> None:
    told: list[dict[str, Any]] = []
    tally = PageViewCounter(lambda at, counts: told.append({"counts": counts}), lambda: None)

    def work() -> None:
        for number in range(2000):
            tally.add("refused" if number % 2 else frozenset({"b", "a"}))
            if number % 100 == 0:
                tally.tell()

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    tally.tell()
    assert added(told) == {"refused": 4000, "a.b": 4000}


def test_no_more_is_held_than_a_report_may_hold() -> None:
    told: list[dict[str, Any]] = []
    tally = PageViewCounter(lambda at, counts: told.append({"counts": counts}), lambda: None)
    for number in range(1000):
        tally.add(frozenset({f"p{number}"}))
    tally.tell()
    [body] = told
    assert len(body["counts"]["recorded"]) == 256
    assert all(re.fullmatch(r"p\d+", name) for name in body["counts"]["recorded"])
