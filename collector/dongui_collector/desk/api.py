"""The desk's HTTP calls for consumers and operators, each under a token or a console session."""

from __future__ import annotations

from typing import Any

from flask import Blueprint

from dongui_collector.desk.openapi import description

calls = Blueprint("api", __name__, url_prefix="/v1")


@calls.get("/openapi.json")
def openapi() -> dict[str, Any]:
    """What there is, for machines."""
    return description()
