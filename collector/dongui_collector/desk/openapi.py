"""The OpenAPI description of what exists on the desk."""

from __future__ import annotations

from typing import Any


def description() -> dict[str, Any]:
    return {"openapi": "3.1.0", "info": {"title": "dongui desk", "version": "1"}, "paths": {}}
