"""Delivery: once, in batches, whatever the collector does; nothing waits for it, nothing is lost uncounted."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from dongui import Delivery
from dongui.http.batches import EVENTS, Job, pack
from dongui.http.delivery import DeliveryQueue
from dongui.rules.body import MOST_BODY, MOST_EVENTS, encode
from dongui.web.page_view import time_ordered_id
from hypothesis import given
from hypothesis import strategies as st

from tests.clock import now_ms
from tests.sdk.conftest import QUICK, ClientOf
from tests.sdk.sdk_stub import SECRET, SITE, Collector, running


def event(name: str = "-", **more: object) -> bytes:
    now = now_ms()
    return encode({"id": time_ordered_id(now), "name": name, "at": now, **more})


@pytest.fixture
def transport(collector: Collector) -> Iterator[DeliveryQueue]:
    transport = DeliveryQueue(SITE, collector.url, SECRET, delivery=QUICK)
    yield transport
    transport.close()


def test_events_of_a_visitor_travel_together_within_the_limits(collector: Collector, transport: DeliveryQueue) -> None:
    visitor, collector.held = collector.visitor("statistics"), threading.Event()  # however slowly they come
    for number in range(250):
        assert transport.send(Job(visitor, EVENTS, event(f"e{number}", props={"text": "x" * 500})))
    collector.held.set()
    assert transport.flush(60)
    assert [e["name"] for e in collector.of(visitor)] == [f"e{number}" for number in range(250)]
    assert all(len(batch["events"]) <= MOST_EVENTS for batch in collector.batches)
    assert len(collector.batches) <= 5
    assert transport.stats()["recorded"] == 250


@given(st.lists(st.integers(min_value=1, max_value=40_000), min_size=1, max_size=300))
def test_packing_takes_all_in_order_within_the_limits(sizes: list[int]) -> None:
    jobs = deque(Job("v", EVENTS, b"%d" % n + b"x" * size) for n, size in enumerate(sizes))
    packed = []
    while jobs:
        parcel = pack("v", jobs)
        assert 0 < len(parcel.jobs) <= MOST_EVENTS
        assert len(parcel.body(SITE)) <= MOST_BODY
        packed += parcel.jobs
    assert [job.encoded().rstrip(b"x") for job in packed] == [b"%d" % n for n in range(len(sizes))]


@given(
    st.recursive(
        st.none() | st.text() | st.integers() | st.floats(allow_nan=False, allow_infinity=False),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
        max_leaves=8,
    )
)
def test_what_is_encoded_is_utf8_json_without_nul(value: object) -> None:
    data = encode(value)
    json.loads(data.decode("utf-8"))
    assert "\0" not in json.dumps(json.loads(data), ensure_ascii=False).replace("\\u0000", "\0")


@pytest.mark.parametrize("mode", ["down", "garbage", "page", "full", "error"])
def test_what_was_promised_arrives_once_when_the_collector_returns(
    collector: Collector, transport: DeliveryQueue, mode: str
) -> None:
    visitor = collector.visitor("statistics")
    collector.mode = mode
    for number in range(20):
        transport.send(Job(visitor, EVENTS, event(f"e{number}")))
    collector.wait_for(lambda: transport.stats()["failures"] >= 2)
    collector.mode = "ok"
    assert transport.flush(60)
    assert sorted(e["name"] for e in collector.of(visitor)) == sorted(f"e{number}" for number in range(20))
    assert collector.twice == 0
    assert transport.stats()["lost"] == {}


def test_a_collector_that_starts_later_gets_everything() -> None:
    with running() as first:
        port = first.port
    transport = DeliveryQueue(SITE, f"http://127.0.0.1:{port}", SECRET, delivery=QUICK)
    transport.send(Job("v" * 22, EVENTS, event()))
    try:
        with running(port=port, granted={"v" * 22: {"statistics"}}) as second:
            assert transport.flush(60)
            assert len(second.events) == 1
    finally:
        transport.close()


def test_one_bad_event_does_not_take_its_batch_along(collector: Collector, transport: DeliveryQueue) -> None:
    visitor = collector.visitor("statistics")
    for name in ("a", "poison", "b", "c"):
        transport.send(Job(visitor, EVENTS, event(name)))
    assert transport.flush(60)
    assert [e["name"] for e in collector.of(visitor)] == ["a", "b", "c"]
    assert transport.stats()["lost"] == {"rejected_400": 1}


def test_a_full_queue_says_so_and_leaves_room_for_withdrawals() -> None:
    waiting = Delivery(queue=5, linger=600, first_pause=60, exit_deadline=0.1)
    transport = DeliveryQueue(SITE, "http://127.0.0.1:9", SECRET, delivery=waiting)
    try:
        told = [transport.send(Job("v", EVENTS, event())) for _ in range(20)]
        assert told == [True] * 5 + [False] * 15
        assert transport.send(Job("v", "/v1/consents", b"{}"))
        assert transport.stats()["lost"] == {"queue_full": told.count(False)}
    finally:
        transport.close()


def test_a_withdrawal_empties_the_queue_of_that_visitor_alone(collector: Collector) -> None:
    leaving, staying = collector.visitor("statistics"), collector.visitor("statistics")
    patient = Delivery(linger=0.01, timeout=60, first_pause=600, longest_pause=600)
    collector.mode = "down"
    with closing(DeliveryQueue(SITE, collector.url, SECRET, delivery=patient)) as transport:
        for _ in range(10):
            transport.send(Job(leaving, EVENTS, event()))
            transport.send(Job(staying, EVENTS, event()))
        transport.send(Job(leaving, "/v1/members", encode({"site": SITE, "visitor": leaving, "event": "closed"})))
        collector.wait_for(lambda: transport.stats()["failures"] == 1)
        transport.purge(leaving)
        collector.mode = "ok"
        transport._not_before = 0.0  # the pause is over; during it, nothing was under way
        assert transport.flush(60)
    assert collector.of(leaving) == []
    assert len(collector.of(staying)) == 10
    assert [path for path, _ in collector.posts] == ["/v1/members"]
    assert transport.stats()["purged"] == 10


def test_retry_after_is_heeded(collector: Collector, transport: DeliveryQueue) -> None:
    collector.mode = "full"
    transport.send(Job("v" * 22, EVENTS, event()))
    collector.wait_for(lambda: transport.stats()["failures"] >= 3)  # the stub asks for no pause: our own grows instead
    asked = len(collector.requests)
    assert asked >= 3


def test_sending_never_waits_for_a_slow_collector(collector: Collector, transport: DeliveryQueue) -> None:
    visitor, collector.held = collector.visitor("statistics"), threading.Event()
    done = threading.Event()

    def send() -> None:
        for _ in range(1000):
            transport.send(Job(visitor, EVENTS, event()))
        done.set()

    threading.Thread(target=send).start()
    assert done.wait(60)
    assert len(collector.events) < 1000
    collector.held.set()
    assert transport.flush(60)
    assert len(collector.events) == 1000


def zipped(collector: Collector) -> list[str]:
    """The paths to which something compressed was sent."""
    return [path for _, path, headers in collector.requests if "Content-Encoding" in headers]


def send_much(transport: DeliveryQueue, visitor: str) -> None:
    for _ in range(50):
        transport.send(Job(visitor, EVENTS, event(props={"text": "x" * 200})))
    transport.send(Job("m", "/v1/records", {"site": SITE, "data": {"text": "x" * 5000}}))
    transport.send(Job("m", "/v1/inventory", {"site": SITE, "cookies": ["x" * 200] * 30}))
    assert transport.flush(60)
    assert len(transport.stats()["lost"]) == 0


def test_gzip_only_where_the_collector_offers_it(collector: Collector, transport: DeliveryQueue) -> None:
    visitor = collector.visitor("statistics")
    send_much(transport, visitor)
    assert zipped(collector) == []
    collector.policy["accept_gzip"] = transport.gzip = True
    send_much(transport, visitor)
    assert set(zipped(collector)) == {"/v1/events", "/v1/records"}
    collector.requests.clear()
    transport.send(Job(visitor, EVENTS, event()))
    assert transport.flush(60)
    assert zipped(collector) == [], "not worth it"
    assert len(collector.of(visitor)) == 101
    assert [body["data"]["text"] for path, body in collector.posts if path == "/v1/records"] == ["x" * 5000] * 2


def test_what_is_no_longer_taken_compressed_goes_as_it_is(collector: Collector, transport: DeliveryQueue) -> None:
    visitor = collector.visitor("statistics")
    transport.gzip = True
    send_much(transport, visitor)
    assert len(zipped(collector)) == 1, "one try"
    assert len(collector.of(visitor)) == 50
    assert transport.stats()["sent"] == 52
    assert collector.twice == 0


def test_the_policy_says_whether_gzip_is_taken(collector: Collector, client_of: ClientOf) -> None:
    collector.policy["accept_gzip"] = True
    client, visitor = client_of(collector), collector.visitor("statistics")
    for number in range(50):
        assert client.track(visitor, f"event-{number}", props={"text": "x" * 200})
    assert client.flush(60)
    assert zipped(collector)
    assert len(collector.of(visitor)) == 50


SCRIPT = """
import multiprocessing, os, sys, time
sys.path.insert(0, {root!r})
from dongui.http.batches import EVENTS, Job
from dongui.http.delivery import Delivery, DeliveryQueue
from tests.sdk.test_sdk_transport import event
transport = DeliveryQueue({site!r}, {url!r}, {secret!r}, delivery=Delivery(linger=5.0, timeout=60, exit_deadline=60))
{body}
"""

FORKS = {
    "exit": "transport.send(Job({v!r}, EVENTS, event('last words')))",
    "fork": """
transport.send(Job({v!r}, EVENTS, event('parent')))
if os.fork() == 0:
    transport.send(Job({v!r}, EVENTS, event('child')))
    sys.exit()
os.wait()
""",
    "fork under way": """
for n in range(50):
    transport.send(Job({v!r}, EVENTS, event('parent')))
transport.flush(60)
transport.send(Job({v!r}, EVENTS, event('parent')))
for n in range(5):
    if os.fork() == 0:
        transport.send(Job({v!r}, EVENTS, event('child')))
        sys.exit()
for n in range(5):
    os.wait()
""",
    "multiprocessing": """
def work():
    transport.send(Job({v!r}, EVENTS, event('child')))
process = multiprocessing.get_context('fork').Process(target=work)
process.start()
process.join()
""",
    "thread": """
import threading
thread = threading.Thread(target=lambda: transport.send(Job({v!r}, EVENTS, event('thread'))))
thread.start()
""",
    "no thread": """
import threading
def refuse(thread):
    raise RuntimeError("can't create new thread at interpreter shutdown")  # Python 3.12, once the main thread is done
threading.Thread.start = refuse
for n in range(150):
    transport.send(Job({v!r}, EVENTS, event('at the end')))
""",
}


@pytest.mark.parametrize(
    ("kind", "names"),
    [
        ("exit", ["last words"]),
        ("fork", ["child", "parent"]),
        ("fork under way", ["child"] * 5 + ["parent"] * 51),
        ("multiprocessing", ["child"]),
        ("thread", ["thread"]),
        ("no thread", ["at the end"] * 150),
    ],
)
def test_what_is_queued_is_delivered_once_at_the_exit_of_its_own_process(
    collector: Collector, kind: str, names: list[str]
) -> None:
    visitor = collector.visitor("statistics")
    root = str(Path(__file__).parents[2])
    body = FORKS[kind].format(v=visitor)
    script = SCRIPT.format(root=root, site=SITE, url=collector.url, secret=SECRET, body=body)
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, timeout=120)
    assert done.returncode == 0, done.stderr.decode()
    assert sorted(e["name"] for e in collector.of(visitor)) == names
    assert collector.twice == 0


def test_the_exit_does_not_wait_for_a_dead_collector() -> None:
    root = str(Path(__file__).parents[2])
    body = "transport.send(Job('v', EVENTS, event()))\nwhile not transport.stats()['failures']: time.sleep(0.01)"
    script = SCRIPT.format(root=root, site=SITE, url="http://127.0.0.1:9", secret=SECRET, body=body)
    script = script.replace("linger=5.0", "linger=0.0").replace("exit_deadline=60", "exit_deadline=600")
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, timeout=120)
    assert done.returncode == 0, done.stderr.decode()
