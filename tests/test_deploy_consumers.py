"""``deploy/consumers.conf``: consumers elsewhere reach reports, exports and the feed, and nothing else of the desk."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.collector import Installation, event
from tests.deployment import consumers_files, proxy, request, tool
from tests.ports import free_port

READ = "from=2000-01-01&to=2999-12-31"


class Door:
    """The desk of an installation, as consumers elsewhere reach it."""

    def __init__(self, port: int, token: str) -> None:
        self.port, self._token = port, token

    def status(self, path: str, method: str = "GET", *headers: str, token: bool = True) -> int:
        own = [f"Authorization: Bearer {self._token}"] if token else []
        return int(request(self.port, method, path, headers=[*own, *headers]).split()[1])

    def body(self, path: str) -> bytes:
        headers = [f"Authorization: Bearer {self._token}"]
        return request(self.port, "GET", path, headers=headers).partition(b"\r\n\r\n")[2]


@pytest.fixture(scope="module")
def door(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Door]:
    folder, port = tmp_path_factory.mktemp("consumers"), free_port()
    made = Installation(tmp_path_factory.mktemp("desk") / "site")
    config = Path(made.config)
    config.write_text(config.read_text(encoding="utf-8") + 'desk_hosts = "collect.example"\n', encoding="utf-8")
    with closing(made.start()):
        made.send(made.consent(["statistics"])["visitor"], event(url="https://shop.example/paid"))
        token = json.loads(made.run("tokens", "create", "--purpose", "statistics", "--json").stdout)["token"]
        files = consumers_files(folder, port=port, upstream=made.desk_port)
        command = [tool("nginx"), "-e", "stderr", "-p", str(folder), "-c", str(files)]
        with proxy(command, port, folder / "proxy.log", ready=b" 404 "):
            yield Door(port, token)


def test_a_consumer_reads_what_its_token_may(door: Door) -> None:
    assert b"/paid" in door.body(f"/v1/export/events?{READ}")
    for path in (
        "/v1/feed/erasures",
        "/v1/reports/pages?from=2026-01-01&to=2026-01-02",
        "/v1/openapi.json",
        "/v1/export/events?since=0",
    ):
        assert door.status(path) == 200, path
        assert door.status(path, token=False) == 401, path


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/console/",
        "/console/login",
        "/share/x",
        "/static/console.css",
        "/metrics",
        "/healthz",
        "/v1/admin/retention",
        "/v1/profiles",
        "/v1/reports/../admin/retention",
        "/v1/reports/%2e%2e/admin/retention",
        "/v1/reports/..%2fadmin%2fretention",
        "//v1/feed/erasures",
        "/v1//feed/erasures",
        "/v1/./feed/erasures",
        "/V1/feed/erasures",
        "/v1/feed/erasures/",
        "/v1/feed/%65rasures",
        "/v1/feed/erasures;x",
        "/console/..;/v1/feed/erasures",
        "/v1/export/events%0a",
    ],
)
def test_nothing_else_is_there_however_it_is_spelled(door: Door, path: str) -> None:
    assert door.status(path) in (400, 404)


def test_it_is_for_reading_and_in_turns(door: Door) -> None:
    assert {door.status("/v1/feed/erasures", method) for method in ("POST", "PUT", "DELETE", "OPTIONS")} == {403}
    # A session of the console counts for nothing here.
    assert door.status("/v1/feed/erasures", "GET", "Cookie: session=x", token=False) == 401
    guesser = ("/v1/feed/erasures", "GET", "Authorization: Bearer guessed")
    assert [door.status(*guesser, token=False) for _ in range(32)] == [401] * 31 + [429]
    assert door.status("/v1/feed/erasures") == 200
