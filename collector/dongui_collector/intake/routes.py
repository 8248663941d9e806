"""The small public pages, through Starlette.

Snippet, notice, policy, health, and the calls that servers make now and then.
"""

from __future__ import annotations

import gzip
import hashlib
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import cache, wraps
from importlib import resources
from typing import Any

import msgspec
from dongui.policy import notice as notice_json
from dongui.policy import pick_language, render
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from dongui_collector.core.clock import day_of
from dongui_collector.core.errors import NotPublished, Unknown
from dongui_collector.intake.app import PublicApp
from dongui_collector.intake.credentials import Headers, needs_secret
from dongui_collector.intake.encoding import unpacked
from dongui_collector.intake.http import drain, failure, query_of, read_body
from dongui_collector.intake.problems import Problem
from dongui_collector.intake.schema import (
    CountsIn,
    InventoryIn,
    RecordIn,
    decode,
)
from dongui_collector.ledger import page_counts
from dongui_collector.ledger.notices import LoadedNotice
from dongui_collector.storage.contract.values import Site

_YEAR = "public, max-age=31536000, immutable"
# Every page here but the two probes, which cost nothing: whoever is refused them would be taken for dead.
_LIMITED = frozenset({"/v1/notice", "/v1/policy", "/v1/policy.css", "/v1/{name:str}.js", "/policy", "/metrics"})
_CSP = "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"


@dataclass(frozen=True, slots=True)
class PublicCall:
    """A call of the public door that a room above this one answers."""

    path: str
    answer: Callable[[PublicApp, Request], Awaitable[Response]]
    method: str = "GET"


def pages(door: PublicApp, more: Sequence[PublicCall] = ()) -> Starlette:
    """Every public path but the two hot ones; ``more`` are those of other rooms."""

    def route(path: str, endpoint: Callable[[PublicApp, Request], Awaitable[Response]], *methods: str) -> Route:
        @wraps(endpoint)
        async def answer(request: Request) -> Response:
            headers = Headers.of(request.scope["headers"])
            request.state.headers = headers
            try:
                if path in _LIMITED:
                    door.take_turn(headers, door.caller(request.scope, headers), door.page_limit)
                response = await endpoint(door, request)
            except Problem as problem:
                if problem.slug == "too-large":
                    await drain(request.receive)
                response = problem_response(problem)
            except NotPublished as error:
                response = problem_response(Problem("not-published", error.REMEDY))
            except Unknown:
                response = problem_response(Problem("not-found"))
            except Exception as error:
                response = problem_response(failure(error))
            for name, value in door.cors(headers.origin):
                if name == b"vary":
                    response.headers.add_vary_header(value.decode())
                else:
                    response.headers[name.decode()] = value.decode("latin-1")
            response.headers["x-content-type-options"] = "nosniff"
            door.metrics.answered(path, response.status_code)
            return response

        return Route(path, answer, methods=list(methods) or ["GET"])

    app = Starlette(
        routes=[
            route("/v1/notice", get_notice),
            route("/v1/policy", get_policy),
            route("/v1/policy.css", get_policy_css),
            route("/v1/{name:str}.js", get_script),
            route("/policy", get_policy_page),
            route("/healthz", get_health),
            route("/readyz", get_ready),
            route("/metrics", get_metrics),
            route("/v1/inventory", post_inventory, "POST"),
            route("/v1/counts", post_counts, "POST"),
            *(route(call.path, call.answer, call.method) for call in more),
        ],
        exception_handlers={HTTPException: _http_error},
    )
    app.router.redirect_slashes = False  # its redirect would repeat whatever Host the client sent
    return app


async def _http_error(_request: Request, error: Exception) -> Response:
    slug = "method-not-allowed" if isinstance(error, HTTPException) and error.status_code == 405 else "not-found"
    return problem_response(Problem(slug))


def problem_response(problem: Problem) -> Response:
    return Response(problem.body, problem.status, {n.decode(): v.decode() for n, v in problem.headers})


def json_response(value: Any, status: int = 200, *, cache: str = "no-store") -> Response:
    return Response(msgspec.json.encode(value), status, {"content-type": "application/json", "cache-control": cache})


def cached(request: Request, body: bytes, kind: str, cache: str) -> Response:
    """An answer with a strong ETag; 304 when the browser has it, gzip where it takes it."""
    etag = f'"{hashlib.sha256(body).hexdigest()[:32]}"'
    headers = {"etag": etag, "cache-control": cache, "content-type": kind, "vary": "Accept-Encoding"}
    zipped = f'{etag[:-1]}-gz"'
    # Whole tags only: the middleware adds to ours where it adds to the body, and that is another answer.
    held = {tag.strip().removeprefix("W/") for tag in request.headers.get("if-none-match", "").split(",")}
    if known := held & {etag, zipped}:
        return Response(status_code=304, headers=headers | {"etag": min(known)})
    if "gzip" in request.headers.get("accept-encoding", "") and len(body) > 512:
        headers |= {"content-encoding": "gzip", "etag": zipped}
        body = _gzipped(body)
    return Response(body, headers=headers)


@cache
def _gzipped(body: bytes) -> bytes:
    return gzip.compress(body, 9, mtime=0)


# -- what pages and middleware learn


def _asked(door: PublicApp, request: Request, *, any_site: bool = False) -> tuple[Site, LoadedNotice, str]:
    """The site, its notice in force, and the language asked for, else the notice's first.

    Where none is named it is the only site, with ``any_site`` the first that has published a policy.
    """
    query = query_of(request.scope)
    sites = door.core.registry.sites()
    if any_site:
        sites = (door.core.registry.published() or sites)[:1]
    site = door.site(query["site"]) if query.get("site") else sites[0] if len(sites) == 1 else None
    if site is None:
        raise Problem("unknown-site", "name the site: ?site=…")
    current = door.core.registry.in_force(site.ref, door.core.clock.now())
    return site, current, pick_language(current.policy, query.get("lang"))


async def get_notice(door: PublicApp, request: Request) -> Response:
    """What a visitor is shown before choosing (K1): the same for everyone, so caches may share it."""
    site, current, lang = _asked(door, request)
    door.arrivals.notice_asked(site.ref, door.core.clock.now())
    body = notice_json(current.policy, lang=lang, site=site.id, accepts=current.compiled["accepts"])
    return cached(request, msgspec.json.encode(body), "application/json", "public, max-age=60")


async def get_policy(door: PublicApp, request: Request) -> Response:
    """What snippet and middleware decide by."""
    _, current, _ = _asked(door, request)
    told = current.compiled | {"accept_gzip": True}  # of servers' events and records
    return cached(request, msgspec.json.encode(told), "application/json", "public, max-age=60")


async def get_policy_page(door: PublicApp, request: Request) -> Response:
    """개인정보 처리방침: the notice in force, or an earlier one by ``?version=`` (K8)."""
    site, current, lang = _asked(door, request, any_site=True)
    started = [n for n in door.core.registry.notices(site.ref) if n.starts_at <= current.starts_at]
    if version := query_of(request.scope).get("version"):
        current = next((n for n in started if n.version == version), None) or _missing()
    earlier = [(n.version, n.effective) for n in started if n.ref != current.ref]
    html = render(current.policy, lang, format="html", earlier=earlier, site=site.id)
    response = cached(request, html.encode(), "text/html; charset=utf-8", "public, max-age=60")
    response.headers["content-security-policy"] = _CSP
    response.headers["content-language"] = lang
    return response


def _missing() -> LoadedNotice:
    raise Problem("not-found")


async def get_policy_css(_door: PublicApp, request: Request) -> Response:
    css = resources.files("dongui.policy").joinpath("policy.css").read_bytes()
    return cached(request, css, "text/css; charset=utf-8", "public, max-age=3600")


@cache
def _scripts() -> dict[str, tuple[bytes, str]]:
    """File name → (bytes, cache policy): the plain names, and hashed ones for a year."""
    found: dict[str, tuple[bytes, str]] = {}
    for entry in resources.files("dongui._browser").iterdir():
        if entry.name.endswith(".js"):
            body = entry.read_bytes()
            found[entry.name] = (body, "public, max-age=3600")
            found[f"{entry.name[:-3]}.{hashlib.sha256(body).hexdigest()[:12]}.js"] = (body, _YEAR)
    return found


async def get_script(_door: PublicApp, request: Request) -> Response:
    body, cache_for = _scripts().get(request.path_params["name"] + ".js") or (None, "")
    if body is None:
        raise Problem("not-found")
    version = query_of(request.scope).get("v", "")
    if len(version) == 8 and f"?v={version}".encode() in _scripts()["dongui.js"][0]:
        cache_for = _YEAR  # asked for by its content, as our snippet asks for what it loads on demand
    response = cached(request, body, "text/javascript; charset=utf-8", cache_for)
    response.headers["cross-origin-resource-policy"] = "cross-origin"
    return response


# -- health


async def get_health(_door: PublicApp, _request: Request) -> Response:
    return json_response({"alive": True})


async def get_ready(door: PublicApp, _request: Request) -> Response:
    """Whether a commit succeeds right now, and how old the last ageing-out is."""
    core = door.core
    now = core.clock.now()
    if not door.committed_at <= now < door.committed_at + 1000:  # one trial a second, however often one asks
        try:
            with core.storage.ledger.writing():
                core.storage.admin.put_setting("ready", {"at": now})
        except Exception:
            raise Problem("unavailable", "a commit failed") from None
        door.committed_at = now
    if door.events.failing_since is not None and door.events.full and not door.endings.reserve.held:
        raise Problem("unavailable", "the disk is full")
    return json_response({"ready": True, "retention_age_seconds": door.retention_age()})


async def get_metrics(door: PublicApp, _request: Request) -> Response:
    door.refresh_metrics()
    return Response(
        door.metrics.text(),
        headers={"content-type": "text/plain; version=0.0.4; charset=utf-8", "cache-control": "no-store"},
    )


# -- what servers send


async def server_body(door: PublicApp, request: Request, schema: type[Any]) -> tuple[Any, Site]:
    """A server's body and its site, the secret key checked."""
    headers: Headers = request.state.headers
    door.admit(request.scope, headers)
    body = await read_body(request.receive, headers.length)
    if headers.encoding:
        body = unpacked(body, headers.encoding, zipped=schema is RecordIn and door.is_server(headers))
    value = decode(body, schema)
    site = door.site(value.site)
    taken = False
    try:
        needs_secret(site, headers)
        taken = True
    finally:
        if headers.bearer is not None:
            door.arrivals.key_used(site.ref, door.core.clock.now(), taken=taken)
    return value, site


async def post_inventory(door: PublicApp, request: Request) -> Response:
    """Names of cookies that a site saw, never values."""
    value, site = await server_body(door, request, InventoryIn)
    core = door.core

    def keep() -> None:
        with core.storage.ledger.writing():
            core.storage.admin.seen_cookies(site.ref, value.cookies, core.clock.now())

    await door.in_thread(site, keep)
    return Response(status_code=204)


async def post_counts(door: PublicApp, request: Request) -> Response:
    """How many page views a site's server answered, by what was recorded of them: numbers, of nobody in particular."""
    value, site = await server_body(door, request, CountsIn)
    core, now = door.core, door.core.clock.now()
    unrecorded = {reason: getattr(value.counts, reason) for reason in page_counts.UNRECORDED}
    asked = {purpose for notice in core.registry.notices(site.ref) for purpose in notice.policy.consent_purposes}
    try:
        counts = page_counts.names(unrecorded, value.counts.recorded, asked)
    except ValueError as refused:
        raise Problem("malformed", str(refused)) from None
    day = day_of(min(value.at, now), core.registry.in_force(site.ref, now).zone)
    await door.in_thread(site, core.ledger.count_once, site.ref, b"counts|" + value.id.bytes, day, counts)
    return Response(status_code=204)
