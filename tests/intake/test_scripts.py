"""The snippet's files as the door serves them: what is asked for by its content may be kept for a year."""

from __future__ import annotations

import re
from importlib import resources

import pytest

from tests.collector import Installation


def _version() -> str:
    text = resources.files("dongui._browser").joinpath("dongui.js").read_text()
    found = re.search(r"\?v=([0-9a-f]{8})", text)
    assert found, "the snippet names the version of what it loads on demand"
    return found[1]


@pytest.mark.parametrize("name", ["ui.js", "panel.js"])
def test_by_content_for_a_year(collector: Installation, name: str) -> None:
    asked = collector.http.get(f"/v1/{name}?v={_version()}")
    assert asked.headers["cache-control"] == "public, max-age=31536000, immutable"


@pytest.mark.parametrize("query", ["", "?v=", "?v=00000000", "?v=x"])
def test_otherwise_for_an_hour(collector: Installation, query: str) -> None:
    assert collector.http.get(f"/v1/ui.js{query}").headers["cache-control"] == "public, max-age=3600"
