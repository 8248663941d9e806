"""The description of the calls is true: it names every route, its schemas are the wire's, and the doors keep to it."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Iterator
from typing import Any, cast

import httpx
import pytest
import schemathesis
from dongui_collector.desk.openapi import description
from dongui_collector.intake.routes import pages
from dongui_collector.rights.public_calls import PUBLIC_CALLS
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis.checks import CHECKS, load_all_checks
from schemathesis.core.failures import FailureGroup

from tests.collector import ORIGIN, Installation, event

HOT = {("POST", "/v1/events"), ("POST", "/v1/consents")}  # answered before any routing
DESCRIBED = schemathesis.openapi.from_dict(description())
BOUNDED = settings(
    max_examples=12,
    derandomize=True,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)
load_all_checks()
# What is in question here: that valid questions are answered as described and hostile ones are refused as described.
CHECKED = [
    CHECKS.get_one(name)
    for name in (
        "not_a_server_error",
        "status_code_conformance",
        "content_type_conformance",
        "response_schema_conformance",
        "ignored_auth",
    )
]


def operations() -> dict[str, Any]:
    found = (operation.ok() for operation in DESCRIBED.get_all_operations())
    return {operation.label: operation for operation in found}


def public(label: str) -> bool:
    method, _, path = label.partition(" ")
    return "servers" in description()["paths"][path][method.lower()]


def desk_of(served: Installation) -> str:
    return f"http://127.0.0.1:{served.desk_port}"


def bearer(key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"}


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    made = Installation(tmp_path_factory.mktemp("openapi") / "i", rate_limit=1000.0).start()
    visitor = made.consent(["statistics", "marketing"])["visitor"]
    made.send(visitor, *(event() for _ in range(3)))
    deadline = time.monotonic() + 60
    while True:  # the desk's own process
        try:
            httpx.get(f"{desk_of(made)}/healthz")
            break
        except httpx.TransportError:
            assert time.monotonic() < deadline
            time.sleep(0.05)
    yield made
    made.close()


@pytest.fixture(scope="module")
def token(served: Installation) -> str:
    made = served.run("tokens", "create", "--purpose", "statistics", "--role", "officer", "--json").stdout
    return str(json.loads(made)["token"])


@pytest.mark.parametrize("label", operations())
def test_the_doors_answer_as_they_are_described(served: Installation, token: str, label: str) -> None:
    operation = operations()[label]
    base = served.base if public(label) else desk_of(served)
    keys = bearer(served.secret if public(label) else token)
    if "/me" in label:
        keys = bearer(served.consent(["statistics"])["visitor"])
    checks = [check for check in CHECKED if not (public(label) and check.__name__ == "ignored_auth")]

    @BOUNDED
    @given(case=operation.as_strategy())
    def ask(case: Any) -> None:
        case.call_and_validate(base_url=base, headers=keys, checks=checks, timeout=30)

    ask()


def test_an_answer_that_is_not_described_would_be_found(served: Installation, token: str) -> None:
    told = description()
    del told["paths"]["/v1/feed/erasures"]["get"]["responses"]["200"]
    (operation,) = [
        found.ok()
        for found in schemathesis.openapi.from_dict(told).get_all_operations()
        if found.ok().label == "GET /v1/feed/erasures"
    ]
    with pytest.raises(FailureGroup, match="1 distinct failure"):
        operation.Case().call_and_validate(base_url=desk_of(served), headers=bearer(token), checks=CHECKED)


def test_it_names_every_route_of_the_public_door() -> None:
    routes: list[Any] = pages(cast(Any, None), more=PUBLIC_CALLS).routes
    there = HOT | {(method, r.path.replace(":str", "")) for r in routes for method in r.methods - {"HEAD"}}
    paths = description()["paths"]
    told = {(method.upper(), path) for path, calls in paths.items() for method in calls}
    both = {("GET", "/healthz"), ("GET", "/metrics")}
    assert {call for call in told if public(" ".join(call))} | both == there


def test_bodies_are_described_by_the_types_that_parse_them(served: Installation) -> None:
    schemas = description()["components"]["schemas"]
    assert schemas["EventBatch"]["properties"]["events"]["maxItems"] == 100
    assert "\\Z" not in json.dumps(schemas)
    body = {"site": served.site, "class": "payment", "subject": "m", "at": 1, "source": "shop", "data": {}}
    assert schemas["RecordIn"]["required"] == list(body)
    answer = served.http.post("/v1/records", json=body | {"at": -1, "id": str(uuid.uuid4())}, headers=served.bearer)
    assert answer.status_code == 400
    assert answer.json().keys() >= set(schemas["Problem"]["required"])
    assert served.http.post("/v1/records", json=body, headers={"origin": ORIGIN}).status_code in (401, 403)
