"""The collector on the site's own origin: what of a request goes on to it, what of its answer comes back. Pure.

The proxy adds what only the site can know (the visitor id, which is ``HttpOnly``, and the visitor's address) and takes
away what only the secret key may say. It never sends the secret key: whoever comes through here is a visitor.
"""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from dongui.compiled_policy import CompiledPolicy
from dongui.consent import CHOICE_COOKIE, VISITOR_COOKIE, OwnCookie, cookie_pairs, visitor_id
from dongui.http.batches import MOST_BYTES, encode
from dongui.http.client import Response
from dongui.rules.consent import Choice, encode_choice
from dongui.web.set_cookie import Headers

PREFIX = "/_dongui/"
METHODS = ("GET", "HEAD", "POST", "DELETE", "OPTIONS")

_PATH = re.compile(r"(?:v1/[A-Za-z0-9_.-]+(?:/[A-Za-z0-9_.-]+)*|policy)")
_FOR_SERVERS = re.compile(r"v1/(?:records|members|inventory|channels|counts)(?:/|\Z)")
_QUERY = re.compile(r"[!-~]*")
_VALUE = re.compile(r"[^\x00-\x08\x0a-\x1f\x7f]+")  # of a header; what no request may hold is not passed on
_BEARER = re.compile(r"Bearer [A-Za-z0-9_-]{22}")
_SECRET_ONLY = ("ip", "user_agent")

_PASSED_ON = (
    "Accept",
    "Accept-Encoding",
    "Accept-Language",
    "Access-Control-Request-Headers",
    "Access-Control-Request-Method",
    "Content-Type",
    "If-Modified-Since",
    "If-None-Match",
    "Origin",
    "Sec-GPC",
    "User-Agent",
    "X-Dongui",
)
_PASSED_BACK = {
    "access-control-allow-headers",
    "access-control-allow-methods",
    "access-control-allow-origin",
    "access-control-max-age",
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
    """What the site knows of a visitor's request: ``header`` looks up a request header, ``""`` when it is missing."""

    method: str
    path: str
    query: str
    header: Callable[[str], str]
    cookies: str
    address: str | None
    secure: bool


@dataclass(frozen=True, slots=True, repr=False)
class Forward:
    """A request to the collector. ``notice`` is the version that a decision names: its answer becomes cookies.
    ``counted``: the answer is to say that this server counts the pages (:mod:`dongui.web.page_view_owner`).
    """

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes | None
    notice: str | None = None
    counted: bool = False


@dataclass(frozen=True, slots=True)
class Local:
    """An answer to the visitor."""

    status: int
    headers: Headers = field(default_factory=list)
    body: bytes = b""


def forward(visit: ProxiedRequest, body: bytes, *, secret_key: str, now: int) -> Forward | Local:
    """The request to make of the collector for a visitor's request below ``/_dongui/``, or the refusal.

    ``now`` in epoch seconds, ``body`` read already and of at most 64 KiB.
    """
    rest = visit.path.removeprefix(PREFIX)
    if not _PATH.fullmatch(rest) or ".." in rest or _FOR_SERVERS.match(rest) or not _QUERY.fullmatch(visit.query):
        return problem(404, "not-found", "There is nothing here")
    if visit.method not in METHODS:
        refusal = problem(405, "method-not-allowed", "This method is not allowed here")
        return Local(405, [*refusal.headers, ("Allow", ", ".join(METHODS))], refusal.body)
    headers = {name: value for name in _PASSED_ON if _VALUE.fullmatch(value := visit.header(name))}
    if visit.address is not None:
        headers["Dongui-Address"] = vouch(visit.address, secret_key, now)
    path = f"/{rest}?{visit.query}" if visit.query else f"/{rest}"
    if rest == "v1/me" or rest.startswith("v1/me/"):
        return _own_data(visit, path, headers, body)
    if visit.method == "POST" and rest in ("v1/consents", "v1/events"):
        return _said(visit, path, headers, body, decision=rest == "v1/consents")
    return Forward(visit.method, path, headers, body or None)


def vouch(address: str, secret_key: str, now: int) -> str:
    """The header by which the collector believes this address to be the visitor's. It unlocks nothing else."""
    key = hashlib.sha256(b"dongui-address\0" + secret_key.encode()).digest()
    return f"{address} {now} {hmac.new(key, f'{address} {now}'.encode(), 'sha256').hexdigest()}"


def _own_data(visit: ProxiedRequest, path: str, headers: dict[str, str], body: bytes) -> Forward | Local:
    """What is held: by the id that the visitor knows, or by the cookie it cannot read, and then not by accident."""
    given = visit.header("Authorization")
    if _BEARER.fullmatch(given):
        headers["Authorization"] = given
    elif visit.method != "OPTIONS":
        if visit.header("X-Dongui") != "1":
            return problem(403, "forbidden-origin", "This call needs the header X-Dongui: 1")
        known = visitor_id(cookie_pairs(visit.cookies))
        if known is None:
            return problem(404, "unknown-visitor", "Nothing is held: this browser has no visitor id")
        headers["Authorization"] = f"Bearer {known}"
    return Forward(visit.method, path, headers, body or None)


def _said(visit: ProxiedRequest, path: str, headers: dict[str, str], body: bytes, *, decision: bool) -> Forward | Local:
    """Events and decisions: the id is filled in, what a visitor cannot know for certain is left out."""
    try:
        said = json.loads(body)
        if not isinstance(said, dict):
            raise TypeError
        known = visitor_id(cookie_pairs(visit.cookies))
        if known is not None or said.get("visitor") is None:
            said["visitor"] = known
        for event in said.get("events", ()) if not decision else ():
            for key in _SECRET_ONLY:
                event.pop(key, None)
        data = encode(said)
    except (ValueError, TypeError, AttributeError, RecursionError):
        return problem(400, "malformed", "The request is malformed")
    notice = said.get("notice") if decision else None
    headers["Content-Type"] = "application/json"
    headers.pop("Accept-Encoding", None)  # the answer is to be read here
    return Forward(visit.method, path, headers, data, notice if isinstance(notice, str) else None)


def decided(asked: Forward, reply: Response, visit: ProxiedRequest, terms: CompiledPolicy, now: int) -> Local:
    """The answer to a decision: the id moves from its body into a cookie that no script reads, or out of the browser.

    The choice is set by HTTP as well, since browsers end what scripts set after a week (W6).
    """
    headers = passed_back(reply.headers)
    answer = reply.json()
    if reply.status != 201 or not isinstance(answer.get("state"), dict):
        return Local(reply.status, headers, reply.body)
    cookies = own_cookies(answer, asked.notice or "", terms, now)
    body = json.dumps({**answer, "visitor": None, "visitor_cookie": bool(cookies[0].value)}).encode()
    kept = [
        (name, text) for name, text in headers if name.lower() not in ("content-length", "content-encoding", "etag")
    ]
    kept.append(("Content-Length", str(len(body))))
    return Local(201, kept + [cookie.header(secure=visit.secure) for cookie in cookies], body)


def own_cookies(answer: Mapping[str, Any], notice: str, terms: CompiledPolicy, now: int) -> list[OwnCookie]:
    """The id, then the choice, as an answer of ``POST /v1/consents`` makes them."""
    minted, state = answer.get("visitor"), answer["state"]
    if not (isinstance(minted, str) and visitor_id([(VISITOR_COOKIE, minted)])):
        minted = ""
    seconds = terms.choice_seconds or _HALF_A_YEAR
    cookies = [OwnCookie(VISITOR_COOKIE, minted, seconds if minted else 0)]
    granted = tuple(sorted(name for name, how in state.items() if how == "given" and isinstance(name, str)))
    # Names that cannot be written are no purposes: that answer was not the collector's.
    with contextlib.suppress(ValueError):
        cookies.append(OwnCookie(CHOICE_COOKIE, encode_choice(Choice(notice, granted, now)), seconds))
    return cookies


def granted_by(answer: Local) -> frozenset[str]:
    """The purposes that are granted after a decision; none where it failed."""
    try:
        state = json.loads(answer.body)["state"] if answer.status == 201 else {}
        return frozenset(name for name, how in state.items() if how == "given")
    except (ValueError, KeyError, TypeError, AttributeError):
        return frozenset()


def erased(visit: ProxiedRequest, terms: CompiledPolicy, now: int) -> Headers:
    """The cookies after an erasure: no id, and a choice that grants nothing, so that nobody is asked again at once."""
    cookies = [OwnCookie(VISITOR_COOKIE, "", 0)]
    if terms.known:
        cookies.append(OwnCookie(CHOICE_COOKIE, encode_choice(Choice(terms.version, (), now)), terms.choice_seconds))
    return [cookie.header(secure=visit.secure) for cookie in cookies]


_HALF_A_YEAR = 15_552_000


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
TOO_LARGE = problem(413, "too-large", "The body is larger than 64 KiB")
MOST_BODY = MOST_BYTES
