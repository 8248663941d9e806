"""Who counts the pages: what the snippet learns on its way through the proxy says that this server does. Pure.

The middleware records the pages that it serves, and says so by ``"page_views": "server"`` in the answers from which
the snippet learns the policy. The same for every visitor, so that any cache may go on holding them.
"""

from __future__ import annotations

import functools
import gzip
import json
import re
from collections.abc import Mapping

from dongui.result import Response
from dongui.web.proxy_rules import LEARNING, Forward, Local, ProxiedRequest, bodiless, passed_back
from dongui.web.set_cookie import Headers
from dongui.web.static import takes_gzip

LEARNED_FROM = frozenset({"/_dongui/v1/policy", "/_dongui/v1/notice"})

# Another body is another representation: what a cache holds of the collector's own must not pass for ours.
_PLAIN, _ZIPPED = "-server", "-server-gz"
_TAG = re.compile(r'"([!#-~]*)"')


def whole(request: Forward, visit: ProxiedRequest) -> Forward:
    """The question as it goes on to the collector: for the whole answer, uncompressed, since it is to be changed."""
    headers = {name: value for name, value in request.headers.items() if name not in _CONDITIONS}
    ours = _ZIPPED if takes_gzip(visit.header("accept-encoding")) else _PLAIN
    known = [tag.removesuffix(ours) for tag in _TAG.findall(visit.header("if-none-match")) if tag.endswith(ours)]
    if known:
        headers["If-None-Match"] = ", ".join(f'"{tag}"' for tag in known)
    return Forward(LEARNING, "GET", request.path, headers, None, counted=True)


def told(reply: Response, visit: ProxiedRequest) -> Local:
    """The collector's answer with the word on who counts; one that is no policy as it came."""
    headers = passed_back(reply.headers)
    zipped = takes_gzip(visit.header("accept-encoding"))
    if reply.status == 304:
        return Local(304, _described(bodiless(304, headers), zipped=zipped))
    marked = _marked(reply.body) if reply.status == 200 and "content-encoding" not in reply.headers else None
    if marked is None:
        return Local(reply.status, bodiless(reply.status, headers), reply.body)
    body = _gzipped(marked) if zipped else marked
    headers = [(name, value) for name, value in headers if name != "Content-Length"]
    headers += [("Content-Length", str(len(body))), *([("Content-Encoding", "gzip")] if zipped else [])]
    return Local(200, _described(headers, zipped=zipped), body)


def _described(headers: Headers, *, zipped: bool) -> Headers:
    """Headers with a tag of this very representation, and what it depends on."""
    out: Headers = []
    vary = [value for name, value in headers if name == "Vary"]
    for name, value in headers:
        if name == "Etag" and (tag := _TAG.fullmatch(value.removeprefix("W/"))):
            out.append(("ETag", f'"{tag[1]}{_ZIPPED if zipped else _PLAIN}"'))
        elif name not in ("Etag", "Vary"):
            out.append((name, value))
    fields = [field.strip() for value in vary for field in value.split(",") if field.strip()]
    fields += [] if any(field.lower() in ("accept-encoding", "*") for field in fields) else ["Accept-Encoding"]
    return [*out, ("Vary", ", ".join(fields))]


@functools.lru_cache(maxsize=16)
def _marked(body: bytes) -> bytes | None:
    try:
        policy = json.loads(body)
    except (ValueError, RecursionError):
        return None
    if not isinstance(policy, Mapping):
        return None
    return json.dumps({**policy, "page_views": "server"}, ensure_ascii=False, separators=(",", ":")).encode()


@functools.lru_cache(maxsize=16)
def _gzipped(body: bytes) -> bytes:
    return gzip.compress(body, 9, mtime=0)


_CONDITIONS = ("Accept-Encoding", "If-None-Match", "If-Modified-Since")
