"""The public calls as OpenAPI has them, generated from the wire's own schema. ``tests/desk`` holds it to the routes."""

from __future__ import annotations

from typing import Any

import msgspec

from dongui_collector.intake import schema as wire
from dongui_collector.intake.openapi_answers import ANSWERS, OPERATIONS
from dongui_collector.intake.problems import PROBLEMS

Json = dict[str, Any]

# A call's body, by method and path.
_BODIES: dict[tuple[str, str], type[msgspec.Struct]] = {
    ("post", "/v1/consents"): wire.ConsentIn,
    ("post", "/v1/events"): wire.EventBatch,
    ("post", "/v1/records"): wire.RecordIn,
    ("post", "/v1/members"): wire.MemberIn,
    ("post", "/v1/channels"): wire.ChannelsIn,
    ("post", "/v1/inventory"): wire.InventoryIn,
    ("post", "/v1/counts"): wire.CountsIn,
    ("post", "/v1/me/requests"): wire.RequestIn,
}
_SECRET: list[Json] = [{"secret": []}]
_WRITER: list[Json] = [{"secret": []}, {"origin": []}]  # a server, or a browser by its Origin
_VISITOR: list[Json] = [{"visitor": []}, {"cookie": []}]

_SITE: Json = {
    "name": "site",
    "in": "query",
    "required": True,
    "schema": {"type": "string"},
    "description": "The site's id.",
}
_LANG: Json = {
    "name": "lang",
    "in": "query",
    "schema": {"type": "string", "default": "ko"},
    "description": "A language tag; the site's first language where it has none for it.",
}
_FORMAT: Json = {
    "name": "format",
    "in": "query",
    "schema": {"type": "string", "enum": ["json", "html"]},
    "description": "For programs, or to read and print.",
}
_NAME: Json = {
    "name": "name",
    "in": "path",
    "required": True,
    "schema": {"type": "string", "enum": ["dongui", "ui"]},
    "description": "The snippet, or its interface.",
}

# Method, path: summary, who may, status and media type of the answer, parameters.
_CALLS: dict[tuple[str, str], tuple[str, list[Json], str, str, list[Json]]] = {
    ("post", "/v1/consents"): ("A visitor's choice.", _WRITER, "201", "application/json", []),
    ("post", "/v1/events"): ("Events, recorded under a live consent alone.", _WRITER, "202", "application/json", []),
    ("post", "/v1/records"): ("A record of another class.", _SECRET, "201", "application/json", []),
    ("post", "/v1/members"): ("A visitor became, or is no longer, a member.", _SECRET, "200", "application/json", []),
    ("post", "/v1/channels"): ("A member's channels for advertising.", _SECRET, "200", "application/json", []),
    ("post", "/v1/inventory"): ("Names of cookies that were seen.", _SECRET, "204", "", []),
    ("post", "/v1/counts"): ("Page views without identifiers.", _SECRET, "204", "", []),
    ("get", "/v1/me"): ("Everything held about a visitor.", _VISITOR, "200", "application/json", []),
    ("delete", "/v1/me"): ("Erase it.", _VISITOR, "200", "application/json", []),
    ("get", "/v1/me/export"): ("The same as a file.", _VISITOR, "200", "application/json text/html", [_FORMAT, _LANG]),
    ("post", "/v1/me/requests"): ("A privacy request.", _VISITOR, "201", "application/json", []),
    ("get", "/v1/notice"): ("What the banner shows.", [], "200", "application/json", [_SITE, _LANG]),
    ("get", "/v1/policy"): ("What snippet and middleware decide by.", [], "200", "application/json", [_SITE]),
    ("get", "/v1/policy.css"): ("The look of the policy page.", [], "200", "text/css", []),
    ("get", "/v1/{name}.js"): ("The snippet and its interface.", [], "200", "text/javascript", [_NAME]),
    ("get", "/policy"): ("The policy page.", [], "200", "text/html", [_SITE | {"required": False}, _LANG]),
    ("get", "/readyz"): ("Whether a commit succeeds now.", [], "200", "application/json", []),
}
_ANY: Json = {"type": "object"}
SECURITY: Json = {
    "secret": {"type": "http", "scheme": "bearer", "description": "A site's secret key."},
    "origin": {"type": "apiKey", "in": "header", "name": "Origin", "description": "A browser's, on the site's list."},
    "visitor": {"type": "http", "scheme": "bearer", "description": "A visitor's id."},
    "cookie": {"type": "apiKey", "in": "cookie", "name": "dongui_id", "description": "Or prefixed; with X-Dongui: 1."},
}


def public_paths(server: Json) -> Json:
    """The paths of the public door; ``server`` is where it is found. ``/healthz`` and ``/metrics`` both doors have."""
    paths: Json = {}
    for (method, path), (summary, security, status, media, parameters) in _CALLS.items():
        answer, operation, tag = OPERATIONS[method, path]
        schema: Json = {"$ref": f"#/components/schemas/{answer}"} if answer else {"type": "string"}
        kinds = {
            kind: {"schema": _ANY if kind == "application/json" and not answer else schema} for kind in media.split()
        }
        done: Json = {"description": "Done."} | ({"content": kinds} if kinds else {})
        call: Json = {"operationId": operation, "tags": [tag], "summary": summary}
        call |= {"security": security, "parameters": parameters}
        if body := _BODIES.get((method, path)):
            schema = {"$ref": f"#/components/schemas/{body.__name__}"}
            call["requestBody"] = {"required": True, "content": {"application/json": {"schema": schema}}}
        call |= {"responses": {status: done} | problems(), "servers": [server]}
        paths.setdefault(path, {})[method] = call
    return paths


def problems() -> Json:
    """Every answer that is a problem document, by its status."""
    said: dict[int, list[str]] = {}
    for slug, (status, _) in PROBLEMS.items():
        said.setdefault(status, []).append(slug)
    content = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
    return {
        str(status): {"description": f"Problem: {', '.join(slugs)}.", "content": content}
        for status, slugs in sorted(said.items())
    }


def wire_schemas() -> Json:
    """The schemas of all bodies, from the types that parse them, and of the answers."""
    _, schemas = msgspec.json.schema_components(_BODIES.values(), ref_template="#/components/schemas/{name}")
    found: Json = portable(schemas)
    return found | ANSWERS


def portable(value: Any) -> Any:
    """Patterns as ECMA has them, where Python's end of text is ``$``; no ``items: false``, which generators do not know
    and which says of tuples what their length says already.
    """
    if isinstance(value, dict):
        kept = {k: v for k, v in value.items() if (k, v) != ("items", False)}
        return {k: v.replace(r"\Z", "$") if k == "pattern" else portable(v) for k, v in kept.items()}
    return [portable(one) for one in value] if isinstance(value, list) else value
