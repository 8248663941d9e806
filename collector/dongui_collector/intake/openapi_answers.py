"""What the public calls answer, as OpenAPI describes it. ``tests/desk`` holds real answers against it."""

from __future__ import annotations

from typing import Any

Json = dict[str, Any]

_TEXT: Json = {"type": "string"}
_NUMBER: Json = {"type": "integer"}
_FLAG: Json = {"type": "boolean"}
_OBJECT: Json = {"type": "object"}
_DAY: Json = {"type": "string", "format": "date"}
_TEXTS: Json = {"type": "array", "items": _TEXT}
_ROWS: Json = {"type": "array", "items": _OBJECT}


def _said(schema: Json, description: str) -> Json:
    return {**schema, "description": description}


def _answer(description: str, required: Json, optional: Json | None = None) -> Json:
    """An object whose ``required`` properties are always there."""
    properties = required | (optional or {})
    return {"type": "object", "description": description, "required": list(required), "properties": properties}


_STATE = _said(
    {"type": "object", "additionalProperties": _TEXT},
    "Each consent purpose: unasked, given, refused, withdrawn, expired or invalidated.",
)
_AT = _said(_NUMBER, "Epoch milliseconds, by the server's clock.")
_VERSION = _said(_TEXT, "The version of the notice in force.")

ANSWERS: dict[str, Json] = {
    "Decision": _answer(
        "A decision on record.",
        {
            "id": _said(_TEXT, "The decision's own id, as it was given or made here."),
            "visitor": _said({"type": ["string", "null"]}, "The visitor's id, a credential; null while there is none."),
            "state": _STATE,
            "at": _AT,
            "receipt": _said({"type": ["object", "null"]}, "ISO/IEC TS 27560; null where nothing is given."),
        },
    ),
    "Recorded": _answer(
        "How many events were stored, and why others were not.",
        {
            "recorded": _NUMBER,
            "refused": _said({"type": "object", "additionalProperties": _NUMBER}, "Reason → number of events."),
        },
    ),
    "KeptRecord": _answer("A record on disk.", {"id": _TEXT, "class": _TEXT, "kept_until": _DAY}),
    "MemberChange": _answer("What followed from a member's change.", {}, {"erased": _NUMBER}),
    "ChannelStates": _answer("The member's channels.", {"state": _OBJECT}),
    "MyData": _answer(
        "Everything that is held about a visitor.",
        {
            "site": _TEXT,
            "notice": _VERSION,
            "state": _STATE,
            "suspended": _FLAG,
            "consents": _ROWS,
            "records": _ROWS,
            "events": {"type": "array", "items": {"$ref": "#/components/schemas/StoredEvent"}},
        },
    ),
    "Request": _answer(
        "A privacy request: done at once, or due on a day.",
        {"kind": _TEXT, "done": _FLAG},
        {"request": _said(_NUMBER, "Its number."), "due": _DAY},
    ),
    "Erased": _answer(
        "Everything is erased, but for what the law keeps.",
        {
            "erased": _said({}, "True once nothing is read any more."),
            "destroyed": _said(_FLAG, "Whether no byte of it is left; false while that is under way."),
            "kept": _said(_ROWS, "What the law keeps, apart and until when."),
        },
        {"certificate": _said({"type": ["integer", "null"]}, "The certificate's number on the ledger.")},
    ),
    "Notice": _answer(
        "What the banner shows, and what the snippet decides by.",
        {
            "site": _TEXT,
            "version": _VERSION,
            "lang": _TEXT,
            "controller": _OBJECT,
            "officer": _OBJECT,
            "policy_url": _TEXT,
            "accepts": _said(_TEXTS, "Versions whose consents still stand."),
            "choice_seconds": _said(_NUMBER, "How long a choice lives."),
            "purposes": _ROWS,
            "cookies": _ROWS,
            "items": {"type": "object", "additionalProperties": _TEXT},
        },
    ),
    "SitePolicy": _answer(
        "What snippet and middleware decide by.",
        {
            "site": _TEXT,
            "version": _VERSION,
            "accepts": _TEXTS,
            "purposes": _OBJECT,
            "items": _OBJECT,
            "cookies": _ROWS,
        },
    ),
    "Readiness": _answer(
        "Whether a commit succeeds now.", {"ready": _FLAG}, {"retention_age_seconds": {"type": "number"}}
    ),
}

# Method, path → the answer's schema, the operation's id and its tag. A call without a schema answers no JSON.
OPERATIONS: dict[tuple[str, str], tuple[str, str, str]] = {
    ("post", "/v1/consents"): ("Decision", "decide", "consent"),
    ("post", "/v1/events"): ("Recorded", "recordEvents", "recording"),
    ("post", "/v1/records"): ("KeptRecord", "keepRecord", "recording"),
    ("post", "/v1/members"): ("MemberChange", "changeMember", "recording"),
    ("post", "/v1/channels"): ("ChannelStates", "decideChannels", "consent"),
    ("post", "/v1/inventory"): ("", "reportCookies", "recording"),
    ("post", "/v1/counts"): ("", "reportCounts", "recording"),
    ("get", "/v1/me"): ("MyData", "readMyData", "rights"),
    ("delete", "/v1/me"): ("Erased", "eraseMyData", "rights"),
    ("get", "/v1/me/export"): ("", "exportMyData", "rights"),
    ("post", "/v1/me/requests"): ("Request", "makeRequest", "rights"),
    ("get", "/v1/notice"): ("Notice", "readNotice", "notice"),
    ("get", "/v1/policy"): ("SitePolicy", "readPolicy", "notice"),
    ("get", "/v1/policy.css"): ("", "readPolicyStyle", "notice"),
    ("get", "/v1/{name}.js"): ("", "readSnippet", "notice"),
    ("get", "/policy"): ("", "readPolicyPage", "notice"),
    ("get", "/readyz"): ("Readiness", "readReadiness", "operation"),
}
TAGS: list[Json] = [
    {"name": "consent", "description": "Decisions of visitors and members."},
    {"name": "recording", "description": "What is recorded under a consent or another basis."},
    {"name": "rights", "description": "What a visitor may see, take along, correct, suspend and erase."},
    {"name": "notice", "description": "The published notice, and the snippet that shows it."},
    {"name": "reading", "description": "Reports and exports for consumers, within their purposes."},
    {"name": "operation", "description": "For whoever runs it."},
]
