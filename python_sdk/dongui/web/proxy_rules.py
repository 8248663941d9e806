"""The collector on the site's own origin: what of a request goes on to it, what of its answer comes back. Pure.

The proxy adds what only the site can know (the visitor id, which is ``HttpOnly``, and the visitor's address) and takes
away what only the secret key may say. It never sends the secret key: whoever comes through here is a visitor.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import parse_qsl, quote, unquote

from dongui.result import Response
from dongui.rules.body import encode
from dongui.rules.compiled_policy import CompiledPolicy
from dongui.rules.consent import Choice
from dongui.rules.decisions import classify_answer, decision_requests
from dongui.rules.own_cookies import VisitorIds
from dongui.web.decided_cookies import SentDecision, recorded_cookies
from dongui.web.origin import is_own_origin
from dongui.web.own_cookies import CookieNaming
from dongui.web.set_cookie import Headers, unshared

PREFIX = "/_dongui/"
METHODS = ("GET", "HEAD", "POST", "DELETE", "OPTIONS")

# The kinds of call, each with its own share of the host and its own judgement of the collector's health.
DECISIONS, EVENTS, READING, LEARNING = "decisions", "events", "reading", "learning"

# What a visitor may call. All else is for servers, which call the collector itself.
_PUBLIC = re.compile(
    r"policy|v1/(?:notice|policy|policy\.css|consents|events|me|me/export|me/requests|[a-z]+(?:\.[0-9a-f]{12})?\.js)"
)
_QUERY = re.compile(r"[!-~]*")
_VALUE = re.compile(r"[^\x00-\x08\x0a-\x1f\x7f]+")  # of a header; what no request may hold is not passed on
_BEARER = re.compile(r"Bearer ([A-Za-z0-9_-]{22})")
_OF_A_SITE = ("policy", "v1/policy", "v1/notice")  # else the collector answers for whichever site comes first
_UNKNOWN_VISITOR = "urn:dongui:problem:unknown-visitor"
_SECRET_ONLY = ("ip", "user_agent")
FRAMED = "frame"
"""``X-Dongui`` of a page that is made to stand in frames of other sites."""

_MOST_IDS = 16  # of one request: each costs the collector a call

_PASSED_ON = (
    "Accept",
    "Accept-Encoding",
    "Accept-Language",
    "Content-Type",
    "If-Modified-Since",
    "If-None-Match",
    "Origin",
    "Sec-GPC",
    "User-Agent",
    "X-Dongui",
)
_PASSED_BACK = {
    "allow",
    "cache-control",
    "content-disposition",
    "content-encoding",
    "content-language",
    "content-length",
    "content-security-policy",
    "content-type",
    "etag",
    "last-modified",
    "link",
    "referrer-policy",
    "retry-after",
    "vary",
    "x-content-type-options",
}


@dataclass(frozen=True, slots=True, repr=False)
class ProxiedRequest:
    """What the site knows of a visitor's request. ``header`` looks up a header by its name in lower case, ``""`` when
    it is missing; ``ids`` and ``choice`` are what our cookies hold, ``naming`` how they are called.
    """

    method: str
    path: str
    query: str
    header: Callable[[str], str]
    host: str
    address: str | None
    ids: VisitorIds
    naming: CookieNaming
    choice: Choice | None = None


@dataclass(frozen=True, slots=True, repr=False)
class Forward:
    """A request to the collector. The answer to a ``decision`` becomes cookies. ``counted``: the answer is to say that
    this server counts the pages (:mod:`dongui.web.page_view_owner`). ``first`` are made before it, for further visitor
    ids that the browser sent.
    """

    kind: str
    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes | None
    decision: SentDecision | None = None
    counted: bool = False
    first: tuple[Forward, ...] = ()


@dataclass(frozen=True, slots=True)
class Local:
    """An answer to the visitor."""

    status: int
    headers: Headers = field(default_factory=list)
    body: bytes = b""


def forward(
    visit: ProxiedRequest, body: bytes, *, site: str, secret_key: str, terms: CompiledPolicy, now: int
) -> Forward | Local:
    """The request to make of the collector for a visitor's request below ``/_dongui/``, or the refusal.

    The mount speaks for its own ``site`` alone, and to pages of its own origin. ``now`` in epoch seconds, ``body`` read
    already and of at most 64 KiB.
    """
    rest = visit.path.removeprefix(PREFIX)
    if normalised(rest) != rest or not _PUBLIC.fullmatch(rest) or not _QUERY.fullmatch(visit.query):
        return problem(404, "not-found", "There is nothing here")
    if visit.method not in METHODS:
        refusal = problem(405, "method-not-allowed", "This method is not allowed here")
        return Local(405, [*refusal.headers, ("Allow", ", ".join(METHODS))], refusal.body)
    if not is_own_origin(visit.header("sec-fetch-site"), visit.header("origin"), visit.host, visit.method):
        return problem(403, "origin-not-listed", "Only pages of this very origin may call this")
    if not _names_only(site, visit.query):
        return problem(404, "unknown-site", "This is the mount of another site")
    headers = {name: value for name in _PASSED_ON if _VALUE.fullmatch(value := visit.header(name.lower()))}
    if visit.address is not None:
        headers["Dongui-Address"] = vouch(visit.address, secret_key, now)
    query = _of_site(site, visit.query) if rest in _OF_A_SITE else visit.query
    path = f"/{rest}?{query}" if query else f"/{rest}"
    if rest == "v1/me" or rest.startswith("v1/me/"):
        return _own_data(visit, path, headers, body, site)
    if visit.method == "POST" and rest in ("v1/consents", "v1/events"):
        return _said(visit, path, headers, body, site, secret_key, terms)
    return Forward(LEARNING, visit.method, path, headers, body or None)


def normalised(path: str) -> str:
    """A path as the most lenient server on the way might read it: unquoted to its end, no ``//``, ``.`` and ``..``."""
    while (unquoted := unquote(path)) != path:
        path = unquoted
    kept: list[str] = []
    for part in path.replace("\\", "/").split("/"):
        if part == "..":
            del kept[-1:]
        elif part not in ("", "."):
            kept.append(part)
    return "/".join(kept)


def vouch(address: str, secret_key: str, now: int) -> str:
    """The header by which the collector believes this address to be the visitor's. It unlocks nothing else."""
    key = hashlib.sha256(b"dongui-address\0" + secret_key.encode()).digest()
    return f"{address} {now} {hmac.new(key, f'{address} {now}'.encode(), 'sha256').hexdigest()}"


def _names_only(site: str, query: str) -> bool:
    return all(value == site for key, value in parse_qsl(query, keep_blank_values=True) if key == "site")


def _of_site(site: str, query: str) -> str:
    """A query that names the site, as it does already or by our adding it."""
    if any(key == "site" for key, _ in parse_qsl(query, keep_blank_values=True)):
        return query
    return f"{query}&site={quote(site)}" if query else f"site={quote(site)}"


def _own_data(visit: ProxiedRequest, path: str, headers: dict[str, str], body: bytes, site: str) -> Forward | Local:
    """What is held: by the id that the visitor knows, or by the cookie it cannot read, and then not by accident."""
    if body and not _names_only_in(site, body):
        return problem(404, "unknown-site", "This is the mount of another site")
    given = _BEARER.fullmatch(visit.header("authorization"))
    if given:
        ids = [given[1]]
    elif visit.method == "OPTIONS":
        return Forward(LEARNING, visit.method, path, headers, None)
    elif visit.header("x-dongui") not in ("1", FRAMED):
        return problem(403, "origin-not-listed", "This call needs the header X-Dongui: 1")
    else:
        ids = visit.ids.all[:_MOST_IDS]
    if not ids:
        return problem(404, "unknown-visitor", "Nothing is held: this browser has no visitor id")
    kind = READING if visit.method in ("GET", "HEAD") else DECISIONS
    made = [
        Forward(kind, visit.method, path, {**headers, "Authorization": f"Bearer {id_}"}, body or None) for id_ in ids
    ]
    return replace(made[-1], first=tuple(made[:-1]))


def _names_only_in(site: str, body: bytes) -> bool:
    try:
        said = json.loads(body)
    except (ValueError, RecursionError):
        return True  # for the collector to refuse
    return not isinstance(said, dict) or said.get("site", site) == site


def _said(
    visit: ProxiedRequest,
    path: str,
    headers: dict[str, str],
    body: bytes,
    site: str,
    secret_key: str,
    terms: CompiledPolicy,
) -> Forward | Local:
    """Events and decisions: the id is filled in, what a visitor cannot know for certain is left out."""
    headers["Content-Type"] = "application/json"
    headers.pop("Accept-Encoding", None)  # the answer is to be read here
    try:
        said = json.loads(body)
        if not isinstance(said, dict):
            raise TypeError
        if said.get("site", site) != site:
            return problem(404, "unknown-site", "This is the mount of another site")
        if path.startswith("/v1/consents"):
            return _decision(visit, path, headers, said, secret_key, terms)
        said["visitor"] = visit.ids.use
        for event in said.get("events", ()):
            for key in _SECRET_ONLY:
                event.pop(key, None)
        return Forward(EVENTS, "POST", path, headers, encode(said))
    except (ValueError, TypeError, AttributeError, RecursionError):
        return problem(400, "malformed", "The request is malformed")


def _decision(
    visit: ProxiedRequest,
    path: str,
    headers: dict[str, str],
    said: dict[str, Any],
    secret_key: str,
    terms: CompiledPolicy,
) -> Forward:
    """A decision, for every visitor id that the browser sent: only one that is certainly its own may record."""
    said.setdefault("id", str(uuid.uuid4()))
    granted, refused = _texts(said.get("granted", [])), _texts(said.get("refused", []))
    ids = VisitorIds(visit.ids.use, visit.ids.all[:_MOST_IDS])
    requests = decision_requests(granted, refused, terms.asked, ids)
    made = []
    for at, request in enumerate(requests, 1):
        # Each is a decision of its own to the collector, and the same one when the browser repeats it.
        id_ = said["id"] if at == len(requests) else derived_id(secret_key, str(said["id"]), request.visitor or "")
        one = {**said, "id": id_, "visitor": request.visitor, "granted": request.granted, "refused": request.refused}
        sent = SentDecision(id_, str(said.get("notice", "")), request.granted, request.refused)
        made.append(Forward(DECISIONS, "POST", path, headers, encode(one), sent))
    return replace(made[-1], first=tuple(made[:-1]))


def derived_id(secret_key: str, decision: str, visitor: str) -> str:
    """The id of a decision's request for a further visitor id: always the same, and it tells nothing of either."""
    made = hmac.new(secret_key.encode(), f"dongui-decision\0{decision}\0{visitor}".encode(), "sha256").digest()
    return str(uuid.UUID(bytes=made[:16], version=4))


def _texts(value: Any) -> list[str]:
    if not isinstance(value, list) or not all(isinstance(text, str) for text in value):
        raise TypeError
    return value


def decided(sent: SentDecision, reply: Response, visit: ProxiedRequest, terms: CompiledPolicy) -> Local:
    """The answer to a decision: the id moves from its body into a cookie that no script reads, or out of the browser.

    The choice is set by HTTP as well, since browsers end what scripts set after a week (W6). What is no answer of the
    collector's leaves every cookie as it is.
    """
    kind = reply.headers.get("content-type", "")
    if classify_answer(reply.status, kind, reply.body, sent.id) != "recorded":
        return UNAVAILABLE if reply.status < 400 else Local(reply.status, passed_back(reply.headers), reply.body)
    answer = reply.json()
    cookies = recorded_cookies(answer, sent, visit.choice, visit.naming, terms)
    kept = any(cookie.value and cookie.name == visit.naming.visitor for cookie in cookies)
    body = json.dumps({**answer, "visitor": None, "visitor_cookie": kept}).encode()
    described = ("content-length", "content-encoding", "etag")
    headers = [(name, text) for name, text in passed_back(reply.headers) if name.lower() not in described]
    headers.append(("Content-Length", str(len(body))))
    return Local(201, unshared(headers + [cookie.header() for cookie in cookies]), body)


def granted_by(answer: Local) -> frozenset[str]:
    """The purposes that are granted after a decision; none where it failed."""
    try:
        state = json.loads(answer.body)["state"] if answer.status == 201 else {}
        return frozenset(name for name, how in state.items() if how == "given")
    except (ValueError, KeyError, TypeError, AttributeError):
        return frozenset()


def is_erased(reply: Response) -> bool:
    """Whether nothing is held any more under the id of an erasure: it was done, now or by an earlier attempt."""
    return reply.status == 200 or (reply.status == 404 and reply.json().get("type") == _UNKNOWN_VISITOR)


def ends_cookies(asked: Forward, reply: Response, visit: ProxiedRequest) -> bool:
    """Whether an answer ends the browser's cookies: an erasure did, and an earlier one of an id that they hold."""
    if asked.method != "DELETE" or not is_erased(reply):
        return False
    return reply.status == 200 or asked.headers.get("Authorization", "").removeprefix("Bearer ") in visit.ids.all


def passed_back(headers: Mapping[str, str]) -> Headers:
    """The headers of the collector's answer that mean something to a visitor; never a cookie."""
    return [(name.title(), value) for name, value in headers.items() if name in _PASSED_BACK and value.isprintable()]


def bodiless(status: int, headers: Headers) -> Headers:
    """Headers without what describes a body, where the status says that there is none (RFC 9110)."""
    if status not in (204, 304):
        return headers
    return [
        (name, value) for name, value in headers if not name.startswith("Content-") or name == "Content-Security-Policy"
    ]


def problem(status: int, slug: str, title: str, *, retry_after: int | None = None) -> Local:
    """A refusal in the collector's own form, so that the snippet need not tell who refused."""
    body = json.dumps({"type": f"urn:dongui:problem:{slug}", "title": title, "status": status}).encode()
    headers = [("Content-Type", "application/problem+json"), ("Content-Length", str(len(body)))]
    headers.append(("Cache-Control", "no-store"))
    if retry_after is not None:
        headers.append(("Retry-After", str(retry_after)))
    return Local(status, headers, body)


UNAVAILABLE = problem(503, "unavailable", "The collector does not answer", retry_after=2)
TOO_SLOW = problem(408, "too-slow", "The body did not come in time")
BODY_TIME = 10.0  # seconds for the body of a request
TOO_LARGE = problem(413, "too-large", "The body is larger than 64 KiB")
