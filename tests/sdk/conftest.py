from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from typing import Any

import pytest
from dongui import Client, Delivery

from tests.collector import Installation
from tests.sdk.sdk_stub import SECRET, SITE, Collector, running

# Quick to try again. What a busy machine is late with is waited for: tried again, it would arrive twice.
QUICK = Delivery(linger=0.01, timeout=60, first_pause=0.02, longest_pause=0.1, exit_deadline=0.05)
# Where the end is what delivers, and somebody looks at what it delivered.
PATIENT = replace(QUICK, exit_deadline=60)

ClientOf = Callable[..., Client]


@pytest.fixture
def collector() -> Iterator[Collector]:
    """A collector that complains of what it should not have been sent."""
    with running() as one:
        yield one
    assert one.complaints == []


@pytest.fixture(scope="session")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """A real collector for all who add a site of their own to it."""
    with closing(Installation(tmp_path_factory.mktemp("installation") / "site")) as made:
        yield made.start()


@pytest.fixture
def client_of() -> Iterator[ClientOf]:
    """Makes clients that try again soon, and closes them."""
    clients: list[Client] = []

    def make(collector: Collector | str, **options: Any) -> Client:
        url = collector if isinstance(collector, str) else collector.url
        options = {"site": SITE, "secret_key": SECRET, "delivery": QUICK, "learn_timeout": 60, **options}
        clients.append(Client(collector=url, **options))
        return clients[-1]

    yield make
    for client in clients:
        client.close()
