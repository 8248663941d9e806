"""The OpenAPI description of both doors' calls. ``tests/desk`` holds it against the routes, and the answers to it."""

from __future__ import annotations

from importlib import metadata
from typing import Any

import msgspec

from dongui_collector.analytics.executor import MOST_ROWS
from dongui_collector.analytics.intervals import INTERVALS
from dongui_collector.analytics.reports import REPORTS
from dongui_collector.exports.columns import COLUMNS, ENDED, ENVIRONMENT, NAMES
from dongui_collector.intake.openapi import SECURITY, portable, problems, public_paths, wire_schemas
from dongui_collector.intake.openapi_answers import TAGS
from dongui_collector.intake.openapi_fields import described
from dongui_collector.retention.overview import RetentionStatus
from dongui_collector.rights.profiles import Profiles

Json = dict[str, Any]

_SITE = {"name": "site", "in": "query", "description": "Site id or name; needed where there are several."}
_PURPOSE = {
    "name": "purpose",
    "in": "query",
    "description": "A purpose to read for; may be repeated. Without it all that the token names.",
    "explode": True,
}
_TEXT: Json = {"type": "string"}
_OBJECT: Json = {"type": "object"}
_ONE_SITE: Json = {**_SITE, "schema": _TEXT}
_REPLIES = (RetentionStatus, Profiles)
MOST_EXPORTED = 10_000  # rows in a page of an export, which is held in memory
_DAY: Json = {"type": "string", "format": "date"}
_WITHOUT = "May be left out with `since`."
_ALWAYS = ("id", "purposes", "notice")  # of an event; everything else may be null
# The desk's calls: the operation's id and its tag.
_OPERATIONS = {
    "/v1/export/events": ("exportEvents", "reading"),
    "/v1/reports/{name}": ("readReport", "reading"),
    "/v1/segments": ("readSegments", "reading"),
    "/v1/feed/erasures": ("readErasures", "reading"),
    "/v1/profiles": ("readProfiles", "reading"),
    "/v1/admin/retention": ("readRetention", "operation"),
    "/v1/openapi.json": ("readDescription", "operation"),
    "/healthz": ("readHealth", "operation"),
    "/metrics": ("readMetrics", "operation"),
}
# The public door is another port, behind the site's own proxy as a rule: whoever reads this knows where.
_PUBLIC: Json = {
    "url": "{collector}",
    "description": "The public door.",
    "variables": {"collector": {"default": "http://127.0.0.1:8787"}},
}


def description() -> Json:
    """OpenAPI 3.1 of the calls of both doors."""
    desk: Json = {
        "/v1/export/events": {"get": _export()},
        "/v1/reports/{name}": {"get": _report()},
        "/v1/segments": {"get": _segments()},
        "/v1/feed/erasures": {"get": _feed()},
        "/v1/profiles": {"get": _reply("Profiles of members who allow it now (S4.2b).", Profiles)},
        "/v1/admin/retention": {"get": _reply("What is due, what waits, when days end.", RetentionStatus)},
        "/v1/openapi.json": {"get": _open("This description.", _json(_OBJECT))},
        "/healthz": {"get": _open("Whether this door is alive; the public one has it too.", _json(_OBJECT))},
        "/metrics": {"get": _open("Numbers for Prometheus, of this door.", {"text/plain": {"schema": _TEXT}})},
    }
    for path, (operation, tag) in _OPERATIONS.items():
        desk[path]["get"] |= {"operationId": operation, "tags": [tag]}
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "dongui",
            "version": metadata.version("dongui"),
            "description": (
                "The desk's calls, for consumers and operators: only what the visitors agreed to for the reader's"
                " purposes. And the public door's, for browsers and web servers."
            ),
        },
        "servers": [{"url": "/", "description": "The desk, where this description is from."}],
        "tags": TAGS,
        "security": [{"token": []}],
        "paths": desk | public_paths(_PUBLIC),
        "components": {
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer", "description": "A token."}, **SECURITY},
            "schemas": described({"Problem": _problem(), "StoredEvent": _event(), **wire_schemas(), **_replies()}),
        },
    }


def _reply(summary: str, reply: type) -> Json:
    """A call that is answered with a Struct, about one site."""
    return _get(summary, _json({"$ref": f"#/components/schemas/{reply.__name__}"}), [_ONE_SITE])


def _replies() -> Json:
    """The schemas of answers that are a Struct, from the types that they are made of."""
    found: Json = portable(msgspec.json.schema_components(_REPLIES, ref_template="#/components/schemas/{name}")[1])
    return found


def _get(summary: str, content: Json, parameters: list[Json] | None = None) -> Json:
    answers = {"200": {"description": "Done.", "content": content}} | problems()
    return {"summary": summary, "parameters": parameters or [], "responses": answers}


def _open(summary: str, content: Json) -> Json:
    answers = {"200": {"description": "Done.", "content": content}} | problems()
    return {"summary": summary, "security": [], "responses": answers}


def _json(schema: Json) -> Json:
    return {"application/json": {"schema": schema}}


def _export() -> Json:
    formats: Json = {"type": "string", "enum": ["ndjson", "csv", "parquet"], "default": "ndjson"}
    parameters: list[Json] = [
        {**_SITE, "schema": _TEXT},
        {**_PURPOSE, "schema": {"type": "array", "items": _TEXT}},
        {"name": "from", "in": "query", "schema": _DAY, "description": f"The first day, included. {_WITHOUT}"},
        {"name": "to", "in": "query", "schema": _DAY, "description": f"The last day, included. {_WITHOUT}"},
        {"name": "format", "in": "query", "schema": formats, "description": "How the rows are written."},
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
        {
            "name": "since",
            "in": "query",
            "schema": _TEXT,
            "description": (
                "What has changed since a `Dongui-Cursor`; `0` or nothing for a first copy, of all days where `from` "
                "and `to` are left out. Rows are a present state, `{id, ended: true}` is a tombstone."
            ),
        },
        {
            "name": "columns",
            "in": "query",
            "schema": _TEXT,
            "description": f"Only these, joined by commas: {', '.join((*NAMES, ENVIRONMENT))}.",
        },
        {
            "name": "filter",
            "in": "query",
            "schema": {"type": "array", "items": _TEXT},
            "explode": True,
            "description": "`DIMENSION:VALUE`, as of reports; of each event as if it were a visit of its own.",
        },
    ]
    content = {
        "application/x-ndjson": {"schema": {"$ref": "#/components/schemas/StoredEvent"}},
        "text/csv": {"schema": _TEXT},
        "application/vnd.apache.parquet": {"schema": {"type": "string", "format": "binary"}},
    }
    described = _get("Stream the rows that the purposes cover, or what has changed of them.", content, parameters)
    described["responses"]["200"]["headers"] = {
        "Dongui-Cursor": {"schema": _TEXT, "description": "With `since`: the cursor once this answer is applied."},
        "Link": {"schema": _TEXT, "description": 'With `limit`: where there may be more, `rel="next"`.'},
    }
    return described


def _report() -> Json:
    number: Json = {"type": "integer", "minimum": 0, "maximum": 10**9 - 1}
    texts: Json = {"type": "array", "items": _TEXT}
    parameters: list[Json] = [
        {
            "name": "name",
            "in": "path",
            "required": True,
            "schema": {"type": "string", "enum": list(REPORTS)},
            "description": "Which report; docs/api.md says what each counts.",
        },
        {**_SITE, "schema": _TEXT},
        {**_PURPOSE, "schema": texts},
        {"name": "from", "in": "query", "schema": _DAY, "description": "The first day, included. Not of `now`."},
        {"name": "to", "in": "query", "schema": _DAY, "description": "The last day, included. Not of `now`."},
        {"name": "step", "in": "query", "schema": texts, "explode": True, "description": "Of `funnel`: its steps."},
        {
            "name": "interval",
            "in": "query",
            "schema": {"type": "string", "enum": list(INTERVALS), "default": "day"},
            "description": "Of `timeseries`: what a row is of.",
        },
        {"name": "filter", "in": "query", "schema": texts, "explode": True, "description": "`DIMENSION:VALUE`."},
        {"name": "segment", "in": "query", "schema": texts, "explode": True, "description": "Saved filters, by name."},
        {"name": "event", "in": "query", "schema": _TEXT, "description": "Of properties: only those of this event."},
        {"name": "property", "in": "query", "schema": _TEXT, "description": "Of `property_values`: whose values."},
        {"name": "beside", "in": "query", "schema": _TEXT, "description": "Of `previous_pages` and `next_pages`."},
        {"name": "goal", "in": "query", "schema": _TEXT, "description": "Like a step: conversions of every row."},
        {"name": "value", "in": "query", "schema": _TEXT, "description": "The property with what a goal was worth."},
        {"name": "currency", "in": "query", "schema": _TEXT, "description": "The property with its currency."},
        {
            "name": "compare",
            "in": "query",
            "schema": {"type": "string", "enum": ["previous"]},
            "description": "Beside each row that of the period before.",
        },
        {"name": "sort", "in": "query", "schema": _TEXT, "description": "A column of the report."},
        {
            "name": "order",
            "in": "query",
            "schema": {"type": "string", "enum": ["asc", "desc"]},
            "description": "Of `sort`.",
        },
        {
            "name": "limit",
            "in": "query",
            "schema": {"type": "integer", "minimum": 1, "maximum": MOST_ROWS},
            "description": "At most so many rows.",
        },
        {"name": "offset", "in": "query", "schema": number, "description": "Without the first so many rows."},
        {
            "name": "format",
            "in": "query",
            "schema": {"type": "string", "enum": ["json", "csv"]},
            "description": "Also by `Accept`. A CSV has every row where no `limit` is given.",
        },
    ]
    rows = {"type": "array", "items": {"type": "object"}}
    answer = {"type": "object", "required": ["report", "purposes", "rows"], "properties": {"rows": rows}}
    content = _json(answer) | {"text/csv": {"schema": _TEXT}}
    return _get("Numbers about visits, from what the purposes cover.", content, parameters)


def _feed() -> Json:
    number: Json = {"type": "integer", "minimum": 0, "maximum": 10**15 - 1}
    parameters = [
        {**_SITE, "schema": _TEXT},
        {"name": "after", "in": "query", "schema": number, "description": "`next` of the last answer; 0 to begin."},
        {
            "name": "limit",
            "in": "query",
            "schema": {**number, "maximum": 1000},
            "description": "At most so many entries.",
        },
    ]
    entry = {"type": "object", "required": ["cursor", "at", "kind"]}
    answer = {"type": "object", "properties": {"entries": {"type": "array", "items": entry}, "next": number}}
    return _get("What ended, so that copies are destroyed too. Ask at least every 90 days.", _json(answer), parameters)


def _segments() -> Json:
    texts: Json = {"type": "array", "items": _TEXT}
    number: Json = {"type": "integer", "minimum": 1}
    segment = {"type": "object", "properties": {"id": number, "name": _TEXT, "filters": texts, "version": number}}
    answer = {"type": "object", "properties": {"segments": {"type": "array", "items": segment}}}
    return _get("The site's saved filters, by name.", _json(answer), [{**_SITE, "schema": _TEXT}])


def _problem() -> Json:
    properties = {"type": _TEXT, "title": _TEXT, "status": {"type": "integer"}, "detail": _TEXT}
    return {"type": "object", "required": ["type", "title", "status"], "properties": properties}


def _event() -> Json:
    """The "Read back" shape; what may not be held or shown is null."""
    types: Json = {
        "text": _TEXT,
        "day": _DAY,
        "instant": {"type": "integer"},
        "boolean": {"type": "boolean"},
        "object": {"type": "object"},
        "texts": {"type": "array", "items": _TEXT},
    }
    properties: Json = {}
    for column in COLUMNS:
        schema = {**types[column.kind], "description": column.meaning}
        if column.name not in _ALWAYS:
            schema["type"] = [schema["type"], "null"]
        name, _, part = column.name.partition(".")
        if part:
            parts: Json = {"type": ["object", "null"], "description": "Browser, system and device.", "properties": {}}
            properties.setdefault(name, parts)["properties"][part] = schema
        else:
            properties[name] = schema
    properties[ENDED.name] = {**types[ENDED.kind], "description": ENDED.meaning}
    return {"type": "object", "properties": properties}
