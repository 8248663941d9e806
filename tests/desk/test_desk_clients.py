"""Clients that a generator makes from the description build, and read what the desk has."""

from __future__ import annotations

import importlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from dongui_collector.desk.openapi import description

from tests.clock import now_ms
from tests.collector import Installation, event


@pytest.fixture(scope="module")
def generated(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The name of a package that ``openapi-python-client`` wrote."""
    folder = tmp_path_factory.mktemp("clients")
    (folder / "openapi.json").write_text(json.dumps(description()))
    command = [sys.executable, "-m", "openapi_python_client", "generate", "--path", "openapi.json", "--meta", "none"]
    done = subprocess.run(
        [*command, "--output-path", "dongui_client", "--fail-on-warning"],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=500,
        check=False,
        env=os.environ | {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"},
    )
    assert done.returncode == 0, done.stdout + done.stderr
    sys.path.insert(0, str(folder))
    yield "dongui_client"
    sys.path.remove(str(folder))


def test_a_generated_client_reads_reports_and_the_feed(generated: str, tmp_path: Path) -> None:
    def call(tag: str, name: str) -> ModuleType:
        return importlib.import_module(f"{generated}.api.{tag}.{name}")

    models: Any = importlib.import_module(f"{generated}.models")
    with closing(Installation(tmp_path / "i").start()) as made:
        visitor = made.consent(["statistics"])["visitor"]
        made.send(visitor, event())
        token = json.loads(made.run("tokens", "create", "--purpose", "statistics", "--json").stdout)["token"]
        clients: Any = importlib.import_module(generated)
        desk = clients.AuthenticatedClient(base_url=f"http://127.0.0.1:{made.desk_port}", token=token)
        now = datetime.fromtimestamp(now_ms() / 1000, UTC).date()
        first, last = now - timedelta(days=2), now + timedelta(days=2)
        report = call("reading", "read_report").sync(
            client=desk, name=models.ReadReportName.OVERVIEW, from_=first, to=last
        )
        assert report.rows[0].additional_properties["visitors"] == 1
        refused = call("reading", "read_report").sync(client=desk, name=models.ReadReportName.OVERVIEW)
        assert refused.type_ == "urn:dongui:problem:malformed"
        rows = call("reading", "export_events").sync_detailed(client=desk, from_=first, to=last)
        assert rows.status_code == 200
        assert json.loads(rows.content)["name"] == "page_view"
        door = clients.Client(base_url=made.base)
        notice = call("notice", "read_notice").sync(client=door, site=made.site)
        for one in (desk, door):
            one.get_httpx_client().close()
        assert (notice.site, notice.version) == (made.site, notice.accepts[-1])


def test_every_call_parameter_and_property_says_what_it_is() -> None:
    told = description()
    calls = [call for path in told["paths"].values() for call in path.values()]
    assert len({call["operationId"] for call in calls}) == len(calls)
    tags = {tag["name"] for tag in told["tags"]}
    assert all(tags.issuperset(call["tags"]) and call["summary"] for call in calls)
    unsaid = [p["name"] for call in calls for p in call.get("parameters", ()) if not p.get("description")]
    schemas = told["components"]["schemas"].items()
    unsaid += [
        f"{s}.{f}" for s, schema in schemas for f, p in schema.get("properties", {}).items() if not p.get("description")
    ]
    assert unsaid == []
