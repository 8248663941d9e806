"""The OpenAPI description of what the desk answers. ``tests/desk`` holds it against the routes."""

from __future__ import annotations

from importlib import metadata
from typing import Any

from dongui_collector.reading.reports.answers import MOST_ROWS
from dongui_collector.reading.reports.intervals import INTERVALS
from dongui_collector.reading.reports.tables import REPORTS

Json = dict[str, Any]

_SITE = {"name": "site", "in": "query", "description": "Site id or name; needed where there are several."}
_PURPOSE = {
    "name": "purpose",
    "in": "query",
    "description": "A purpose to read for; may be repeated. Without it all that the token names.",
    "explode": True,
}
_TEXT: Json = {"type": "string"}
MOST_EXPORTED = 10_000  # rows in a page of an export, which is held in memory
_DAY: Json = {"type": "string", "format": "date"}
_PROBLEM = {
    "description": "An RFC 9457 problem document with a stable type.",
    "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}},
}


def description() -> Json:
    """OpenAPI 3.1 of the desk's calls."""
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "dongui desk",
            "version": metadata.version("dongui"),
            "description": "For consumers and operators: only what the visitors agreed to for the reader's purposes.",
        },
        "security": [{"token": []}],
        "paths": {
            "/v1/export/events": {"get": _export()},
            "/v1/reports/{name}": {"get": _report()},
            "/v1/feed/erasures": {"get": _feed()},
            "/v1/profiles": {"get": _get("Profiles of members who allow it now (S4.2b).", _json({"type": "object"}))},
            "/v1/admin/retention": {"get": _get("What is due, what waits, when days end.", _json({"type": "object"}))},
            "/v1/openapi.json": {"get": _open("This description.", _json({"type": "object"}))},
            "/healthz": {"get": _open("Whether the desk is alive.", _json({"type": "object"}))},
            "/metrics": {"get": _open("Numbers for Prometheus.", {"text/plain": {"schema": _TEXT}})},
        },
        "components": {
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
            "schemas": {"Problem": _problem(), "Event": _event()},
        },
    }


def _get(summary: str, content: Json, parameters: list[Json] | None = None) -> Json:
    answers = {"200": {"description": "Done.", "content": content}}
    answers |= dict.fromkeys(("400", "401", "403"), _PROBLEM)
    return {"summary": summary, "parameters": parameters or [], "responses": answers}


def _open(summary: str, content: Json) -> Json:
    return {"summary": summary, "security": [], "responses": {"200": {"description": "Done.", "content": content}}}


def _json(schema: Json) -> Json:
    return {"application/json": {"schema": schema}}


def _export() -> Json:
    formats: Json = {"type": "string", "enum": ["ndjson", "csv", "parquet"], "default": "ndjson"}
    parameters: list[Json] = [
        {**_SITE, "schema": _TEXT},
        {**_PURPOSE, "schema": {"type": "array", "items": _TEXT}},
        {"name": "from", "in": "query", "required": True, "schema": _DAY, "description": "The first day, included."},
        {"name": "to", "in": "query", "required": True, "schema": _DAY, "description": "The last day, included."},
        {"name": "format", "in": "query", "schema": formats},
        {
            "name": "limit",
            "in": "query",
            "schema": {"type": "integer", "minimum": 1, "maximum": MOST_EXPORTED},
            "description": "A page of so many rows; `Link` leads on to the next.",
        },
        {
            "name": "after",
            "in": "query",
            "schema": _TEXT,
            "description": "The cursor in the last page's `Link`.",
        },
    ]
    content = {
        "application/x-ndjson": {"schema": {"$ref": "#/components/schemas/Event"}},
        "text/csv": {"schema": _TEXT},
        "application/vnd.apache.parquet": {"schema": {"type": "string", "format": "binary"}},
    }
    return _get("Stream the rows that the purposes cover, oldest day first.", content, parameters)


def _report() -> Json:
    number: Json = {"type": "integer", "minimum": 0}
    texts: Json = {"type": "array", "items": _TEXT}
    parameters: list[Json] = [
        {"name": "name", "in": "path", "required": True, "schema": {"type": "string", "enum": list(REPORTS)}},
        {**_SITE, "schema": _TEXT},
        {**_PURPOSE, "schema": texts},
        {"name": "from", "in": "query", "required": True, "schema": _DAY, "description": "The first day, included."},
        {"name": "to", "in": "query", "required": True, "schema": _DAY, "description": "The last day, included."},
        {"name": "interval", "in": "query", "schema": {"type": "string", "enum": list(INTERVALS), "default": "day"}},
        {"name": "filter", "in": "query", "schema": texts, "explode": True, "description": "`DIMENSION:VALUE`."},
        {"name": "compare", "in": "query", "schema": {"type": "string", "enum": ["previous"]}},
        {"name": "sort", "in": "query", "schema": _TEXT, "description": "A column of the report."},
        {"name": "order", "in": "query", "schema": {"type": "string", "enum": ["asc", "desc"]}},
        {"name": "limit", "in": "query", "schema": {"type": "integer", "minimum": 1, "maximum": MOST_ROWS}},
        {"name": "offset", "in": "query", "schema": number},
    ]
    rows = {"type": "array", "items": {"type": "object"}}
    answer = {"type": "object", "required": ["report", "purposes", "rows"], "properties": {"rows": rows}}
    return _get("Numbers about visits, from what the purposes cover.", _json(answer), parameters)


def _feed() -> Json:
    number: Json = {"type": "integer", "minimum": 0}
    parameters = [
        {"name": "after", "in": "query", "schema": number, "description": "`next` of the last answer; 0 to begin."},
        {"name": "limit", "in": "query", "schema": {**number, "maximum": 1000}},
    ]
    entry = {"type": "object", "required": ["cursor", "at", "kind"]}
    answer = {"type": "object", "properties": {"entries": {"type": "array", "items": entry}, "next": number}}
    return _get("What ended, so that copies are destroyed too. Ask at least every 90 days.", _json(answer), parameters)


def _problem() -> Json:
    properties = {"type": _TEXT, "title": _TEXT, "status": {"type": "integer"}, "detail": _TEXT}
    return {"type": "object", "required": ["type", "title", "status"], "properties": properties}


def _event() -> Json:
    """The "Read back" shape; what may not be held or shown is null."""

    def maybe(schema: Json) -> Json:
        return {**schema, "type": [schema["type"], "null"]}

    texts = ("name", "url", "referrer", "search", "source", "visitor", "ip_address", "country", "city")
    properties: Json = {"id": _TEXT, "day": maybe(_DAY), "at": maybe({"type": "integer"})}
    properties |= {name: maybe(_TEXT) for name in texts}
    properties |= {name: maybe({"type": "object"}) for name in ("props", "advertising_ids", "cookies", "environment")}
    properties |= {"secure": maybe({"type": "boolean"}), "purposes": {"type": "array", "items": _TEXT}, "notice": _TEXT}
    return {"type": "object", "properties": properties}
