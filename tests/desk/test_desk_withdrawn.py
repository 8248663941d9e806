"""What is withdrawn is gone from every door with the answer to the withdrawal; and no door gives out files by name."""

from __future__ import annotations

import http.client
import json
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.clock import today
from tests.collector import Installation, event

SPAN = f"from={today() - timedelta(days=1)}&to={today() + timedelta(days=1)}"


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    made = Installation(tmp_path_factory.mktemp("withdrawn") / "i").start()
    yield made
    made.close()


class Desk:
    def __init__(self, served: Installation) -> None:
        told = served.run("tokens", "create", "--purpose", "statistics", "--json").stdout
        self.http = httpx.Client(
            base_url=f"http://127.0.0.1:{served.desk_port}",
            headers={"authorization": f"Bearer {json.loads(told)['token']}"},
            timeout=60,
            transport=httpx.HTTPTransport(retries=8),
        )

    def json(self, path: str) -> Any:
        answer = self.http.get(path)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def rows(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.http.get(f"/v1/export/events?{SPAN}").text.splitlines()]


@pytest.mark.hours
def test_with_the_answer_to_a_withdrawal_it_is_gone_everywhere(served: Installation) -> None:
    desk = Desk(served)
    stays, goes = (served.consent(["statistics"])["visitor"] for _ in range(2))
    for visitor in (stays, goes, goes):
        assert served.send(visitor, event()).status_code == 202
    names = [row["visitor"] for row in desk.rows()]
    assert len(names) == 3
    assert desk.json(f"/v1/reports/overview?{SPAN}")["visitors"] == 2
    served.consent([], ["statistics"], goes)
    # At once: nothing here waits for the destruction itself.
    left = desk.rows()
    assert [row["visitor"] for row in left] == [names[0]]
    for name in ("overview", "pages", "timeseries"):
        assert desk.json(f"/v1/reports/{name}?{SPAN}")["visitors"] == 1
    me = served.http.get("/v1/me", headers={"authorization": f"Bearer {goes}"})
    assert me.status_code == 404 or me.json()["events"] == []
    deadline = time.monotonic() + 60
    while not (entries := desk.json("/v1/feed/erasures")["entries"]):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert {entry["visitor"] for entry in entries} == {names[1]}
    desk.http.close()


UP = ["..", "%2e%2e", "..%2f", "%2e%2e%2f", "..\\", "..%5c", "....//", "%252e%252e%252f", "..%c0%af", "..%00/"]
PLACES = [
    "/v1/{}.js",
    "/v1/{}",
    "/console/static/{}",
    "/static/{}",
    "/policy/{}",
    "/{}",
    "/v1/reports/{}",
    "/v1/policy/{}.css",
]


@pytest.mark.parametrize("door", ["public", "desk"])
def test_no_name_leads_out_of_the_house(served: Installation, door: str) -> None:
    """Raw request lines, since clients tidy paths up. Nothing is a 500, and nothing a file of ours or the system's."""
    port = served.port if door == "public" else served.desk_port
    desk = Desk(served)
    desk.rows()  # it is there
    desk.http.close()
    targets = ["etc/passwd", "dongui.toml", "keys/master.key", "data/dongui.db", "setup.cfg"]
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    for place in PLACES:
        for up in UP:
            for target in targets:
                path = place.format((up + "/") * 6 + target).encode().decode("latin-1")
                connection.putrequest("GET", path, skip_host=False)
                connection.endheaders()
                answer = connection.getresponse()
                body = answer.read()
                assert answer.status in (301, 302, 303, 307, 308, 400, 401, 404, 405, 429), (path, answer.status)
                assert not any(word in body for word in (b"root:", b"testing =", b"SQLite format", b"[metadata]")), path
                location = answer.headers.get("Location", "")
                assert not location.startswith(("//", "http")), (path, location)
    connection.close()
    assert served.http.get("/healthz").status_code == 200
    assert Path(served.config).exists()
